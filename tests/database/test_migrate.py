"""Migrations: asked for where the database is not ours, forward only, never twice at once."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from alembic.script import ScriptDirectory

from talktime.core.errors import DatabaseProblem
from talktime.database import migrate as migrations
from talktime.database.migrate import SchemaBehind, current_revision, ensure_current, head_revision, migrate, revisions


async def revision_of(url: str) -> str | None:
    connection = await asyncpg.connect(url)
    try:
        return await current_revision(connection)
    finally:
        await connection.close()


async def test_another_s_database_is_migrated_only_when_asked(empty_database_url: str) -> None:
    with pytest.raises(SchemaBehind, match=r"is empty, .* needs \d{4}.* run: talktime migrate"):
        await ensure_current(empty_database_url, embedded=False)
    assert await revision_of(empty_database_url) is None
    assert await migrate(empty_database_url) == revisions()
    await ensure_current(empty_database_url, embedded=False)
    assert await migrate(empty_database_url) == []


async def test_the_embedded_database_is_migrated_unasked(empty_database_url: str) -> None:
    await ensure_current(empty_database_url, embedded=True)
    assert await revision_of(empty_database_url) == head_revision()


@pytest.mark.parametrize("embedded", [True, False])
async def test_an_older_program_runs_on_a_newer_schema(database_url: str, embedded: bool) -> None:
    connection = await asyncpg.connect(database_url)
    await connection.execute("update talktime.alembic_version set version_num = '9999'")
    await connection.close()
    await ensure_current(database_url, embedded=embedded)
    assert await migrate(database_url) == []
    assert await revision_of(database_url) == "9999"


async def test_everything_is_in_our_schema_whoever_migrates(server: Any, empty_database_url: str) -> None:
    # Not `talktime`: PostgreSQL looks for a schema of the user's own name by itself.
    server.execute("create role host_application superuser login")
    await migrate(empty_database_url.replace("//talktime@", "//host_application@"))
    connection = await asyncpg.connect(empty_database_url)
    assert await connection.fetch("select oid from pg_class where relnamespace = 'public'::regnamespace") == []
    assert await connection.fetch("select oid from pg_proc where pronamespace = 'public'::regnamespace") == []
    await connection.close()


async def test_two_nodes_never_migrate_at_once(empty_database_url: str) -> None:
    applied = await asyncio.gather(*(migrate(empty_database_url) for _ in range(4)))
    assert sorted(applied) == [[], [], [], revisions()]


async def test_a_revision_is_applied_whole_or_not_at_all(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "100% broken"
    shutil.copytree(Path(migrations.__file__).parent / "migrations", copy)
    initial = next((copy / "versions").glob("0001*.py")).read_text()
    after = head_revision()
    (copy / "versions" / "9998_broken.py").write_text(
        initial.replace('revision = "0001"', 'revision = "9998"', 1).replace(
            "down_revision = None", f'down_revision = "{after}"'
        )
    )
    (copy / "versions" / "9998_broken.sql").write_text("create table talktime.half (); select 1 / 0;")
    monkeypatch.setattr(migrations, "_MIGRATIONS", copy)
    with pytest.raises(Exception, match="division by zero"):
        await migrate(database_url)
    connection = await asyncpg.connect(database_url)
    assert await connection.fetchval("select to_regclass('talktime.half')") is None
    await connection.close()
    assert await revision_of(database_url) == after


def test_there_is_no_way_back() -> None:
    scripts = list(ScriptDirectory(str(Path(migrations.__file__).parent / "migrations")).walk_revisions())
    assert [script.revision for script in reversed(scripts)] == revisions()
    assert len(set(revisions())) == len(revisions())
    for script in scripts:
        with pytest.raises(RuntimeError, match="only moves forward"):
            script.module.downgrade()


def test_a_start_without_migrations_is_quick(database_url: str) -> None:
    program = (
        "import asyncio, sys\n"
        "from talktime.database.migrate import ensure_current\n"
        "asyncio.run(ensure_current(sys.argv[1], embedded=False))\n"
        "sys.exit(bool({'sqlalchemy', 'alembic'} & set(sys.modules)))\n"
    )
    assert subprocess.run([sys.executable, "-c", program, database_url], check=False).returncode == 0


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("postgresql://u:hunter2@127.0.0.1:1/d", "can't be reached"),
        ("postgresql://u:hunter2/x@h/d", "can't be read as an address"),
    ],
)
async def test_an_unusable_address_is_told_without_its_password(url: str, problem: str) -> None:
    with pytest.raises(DatabaseProblem, match=problem) as refused:
        await ensure_current(url, embedded=False)
    assert "hunter2" not in str(refused.value)
