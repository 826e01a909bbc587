"""Migrations: asked for where the database is not ours, forward only, never twice at once.

`talktime-0010.sql.xz` is a database as Alembic left it at revision 0010, when it still ran the migrations, with a
record in it: made by the program of commit 098a85d on PostgreSQL 15, with

    pg_dump --no-owner --no-privileges DATABASE | grep -v restrict | xz -9e

and then moved to the year 2020, so that its record lies in the past of every machine.
"""

from __future__ import annotations

import asyncio
import lzma
import re
import shutil
from pathlib import Path

import asyncpg
import pytest
from structlog.testing import capture_logs

from talktime import Talktime, format_credits
from talktime.core.errors import DatabaseProblem
from talktime.database import migrate as migrations
from talktime.database.addresses import talktime_command
from talktime.database.migrate import MigrationFailed, SchemaBehind, ensure_current, head_revision, migrate, revisions
from talktime.database.pool import Pool, open_database
from talktime.database.schema import schema_faults
from talktime.documents.verification import verify
from tests.databases import Server

pytestmark = pytest.mark.both_servers

DATABASE_0010 = Path(__file__).with_name("talktime-0010.sql.xz")


async def revision_of(url: str) -> str | None:
    """The newest migration of a database; None before the first."""
    connection = await asyncpg.connect(url)
    try:
        revision: str = await connection.fetchval("select max(version_num) from talktime.alembic_version")
    except asyncpg.UndefinedTableError:
        return None
    else:
        return revision
    finally:
        await connection.close()


def schema_of(server: Server, url: str) -> list[str]:
    """The schema as pg_dump prints it, without the mark that is different in each of its files, and without roles."""
    dump = server.programs.run("pg_dump", "--schema-only", "--no-privileges", url)
    return [line for line in dump.splitlines() if not line.startswith(("\\restrict", "\\unrestrict"))]


@pytest.fixture
def migration_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the migrations, for a test to add files to."""
    copy = tmp_path / "100% a copy"
    shutil.copytree(migrations._MIGRATIONS, copy)
    monkeypatch.setattr(migrations, "_MIGRATIONS", copy)
    return copy


@pytest.fixture
def invariants(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the invariants, for a test to change."""
    copy = tmp_path / "invariants.sql"
    shutil.copy(migrations._INVARIANTS, copy)
    monkeypatch.setattr(migrations, "_INVARIANTS", copy)
    return copy


def change_a_rule(
    invariants: Path, before: str = "'a balance is below zero'", after: str = "'it is below zero'"
) -> None:
    text = invariants.read_text()
    assert before in text
    invariants.write_text(text.replace(before, after, 1))


async def rule_5(database: Pool) -> str:
    definition: str = await database.fetchval("select pg_get_viewdef('broken_rule_5'::regclass)")
    return definition


async def test_another_s_database_is_migrated_only_when_asked(empty_database_url: str) -> None:
    with pytest.raises(SchemaBehind, match=r"is empty, .* needs \d{4}.* run: talktime --database-url .* migrate"):
        await ensure_current(empty_database_url, embedded=False)
    assert await revision_of(empty_database_url) is None
    assert await migrate(empty_database_url) == revisions()
    await ensure_current(empty_database_url, embedded=False)
    assert await migrate(empty_database_url) == []


async def test_the_embedded_database_is_migrated_without_a_command(empty_database_url: str) -> None:
    await ensure_current(empty_database_url, embedded=True)
    assert await revision_of(empty_database_url) == head_revision()


@pytest.mark.parametrize("embedded", [True, False])
async def test_an_older_program_runs_on_a_newer_schema(database_url: str, database: Pool, embedded: bool) -> None:
    await database.execute("update talktime.alembic_version set version_num = '9999'")
    await ensure_current(database_url, embedded=embedded)
    assert await migrate(database_url) == []
    assert await revision_of(database_url) == "9999"


async def test_every_role_that_migrates_makes_everything_in_our_schema(server: Server, empty_database_url: str) -> None:
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


async def test_a_migration_is_applied_whole_or_not_at_all(
    database_url: str, database: Pool, migration_folder: Path
) -> None:
    after = head_revision()
    (migration_folder / "9997_sound.sql").write_text("create table sound ();")
    (migration_folder / "9998_broken.sql").write_text("create table half (); select 1 / 0;")
    with pytest.raises(MigrationFailed, match=r"9998_broken\.sql failed and was rolled back: division by zero"):
        await migrate(database_url)
    assert await database.fetchval("select to_regclass('sound')") is not None
    assert await database.fetchval("select to_regclass('half')") is None
    assert await revision_of(database_url) == "9997" > after
    (migration_folder / "9998_broken.sql").write_text("create table half ();")
    assert await migrate(database_url) == ["9998"]


async def test_the_first_migration_leaves_nothing_when_it_fails(
    server: Server, empty_database_url: str, migration_folder: Path
) -> None:
    (migration_folder / "0001_initial.sql").write_text("create table half (); select 1 / 0;")
    with pytest.raises(MigrationFailed, match=r"0001_initial\.sql"):
        await migrate(empty_database_url)
    assert server.ask(empty_database_url, "select to_regnamespace('talktime') is null").strip() == "t"


async def test_an_index_is_built_while_others_write(empty_database_url: str, migration_folder: Path) -> None:
    """Also if an earlier build was broken off, and while another process asks for the same migration."""
    file = next(migration_folder.glob("*_ages.sql"))
    text = file.read_text()
    file.unlink()
    await migrate(empty_database_url)
    (migration_folder / "9998_ages.sql").write_text(text)
    key = "insert into talktime.repeats values ('host', 'POST', '/', $1, '', 200, '{}', now())"
    waits = (
        "select from pg_stat_activity where query like '%index concurrently%' and wait_event_type = 'Lock'"
        " and pid <> pg_backend_pid()"
    )
    async with open_database(empty_database_url, size=2) as database, database.writing() as writer:
        await database.pool.execute("create index repeats_at on talktime.repeats (key)")
        await writer.execute(key, "first")
        migrating = [asyncio.create_task(migrate(empty_database_url)) for _ in range(2)]
        async with asyncio.timeout(3):
            while not await database.pool.fetch(waits):
                await asyncio.sleep(0.02)
            await database.pool.execute(key, "second")
        assert not any(task.done() for task in migrating)
    applied = await asyncio.gather(*migrating)
    assert sorted(applied) == [[], ["9998"]]
    connection = await asyncpg.connect(empty_database_url)
    assert await schema_faults(connection) == []
    await connection.close()


async def test_a_migration_gives_up_when_it_waits_for_a_table(
    database_url: str, database: Pool, migration_folder: Path
) -> None:
    (migration_folder / "9998_shown.sql").write_text(
        "create table shown as select current_setting('lock_timeout') as is;"
    )
    await migrate(database_url)
    assert await database.fetchval('select "is" from shown') == "10s"


def test_migrations_are_numbered_without_a_gap() -> None:
    files = sorted(path.name for path in migrations._MIGRATIONS.iterdir() if path.name != "__pycache__")
    assert [re.fullmatch(r"(\d{4})_[a-z_]+\.sql", name)[1] for name in files] == revisions()  # type: ignore[index]
    assert revisions() == [f"{number:04}" for number in range(1, len(files) + 1)]


async def test_a_database_that_alembic_migrated_goes_on(
    server: Server, empty_database_url: str, database_url: str
) -> None:
    dump = lzma.decompress(DATABASE_0010.read_bytes()).decode()
    server.programs.run("psql", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", empty_database_url, stdin=dump)
    before = schema_of(server, empty_database_url)
    with pytest.raises(SchemaBehind):
        await ensure_current(empty_database_url, embedded=False)
    assert await migrate(empty_database_url) == [r for r in revisions() if r > "0010"]
    assert await migrate(empty_database_url) == []
    assert schema_of(server, empty_database_url) == schema_of(server, database_url) != before
    async with Talktime.connect(empty_database_url, work=False) as talktime:
        assert (await talktime.audit()).counts == {}
        assert format_credits((await talktime.account("alice")).balance) == "19.83"
        (snapshot,) = await talktime.records("ended")
        receipt = await talktime.receipt(snapshot.record.id)
        assert format_credits(receipt.cost) == "1.42"
        assert all(check.holds for check in verify(receipt.document()))


async def test_other_invariants_stop_no_node_and_are_renewed_when_asked(
    database_url: str, database: Pool, invariants: Path
) -> None:
    before = await rule_5(database)
    change_a_rule(invariants)
    with capture_logs() as logs:
        await ensure_current(database_url, embedded=False)
    command = talktime_command(database_url, "migrate")
    assert [(entry["log_level"], entry["to_renew"]) for entry in logs] == [("warning", command)]
    assert await rule_5(database) == before
    assert await migrate(database_url) == ["invariants"]
    assert await migrate(database_url) == []
    assert "it is below zero" in await rule_5(database)
    with capture_logs() as logs:
        await ensure_current(database_url, embedded=False)
    assert logs == []


async def test_the_embedded_database_gets_new_invariants_without_a_command(
    database_url: str, database: Pool, invariants: Path
) -> None:
    change_a_rule(invariants)
    await ensure_current(database_url, embedded=True)
    assert "it is below zero" in await rule_5(database)


async def test_an_older_program_leaves_newer_invariants_alone(
    database_url: str, database: Pool, invariants: Path
) -> None:
    await database.execute("update talktime.alembic_version set version_num = '9999'")
    change_a_rule(invariants)
    for embedded in (True, False):
        with capture_logs() as logs:
            await ensure_current(database_url, embedded=embedded)
        assert logs == []
    assert await migrate(database_url) == []
    assert "it is below zero" not in await rule_5(database)


async def test_every_migration_is_followed_by_the_invariants(
    database_url: str, database: Pool, migration_folder: Path
) -> None:
    (migration_folder / "9998_dropping.sql").write_text("drop view broken_rule_5;")
    assert await migrate(database_url) == ["9998"]
    assert "a balance is below zero" in await rule_5(database)


async def test_a_migration_does_not_go_without_its_invariants(
    database_url: str, database: Pool, migration_folder: Path, invariants: Path
) -> None:
    (migration_folder / "9998_sound.sql").write_text("create table sound ();")
    invariants.write_text(invariants.read_text() + "select 1 / 0;")
    with pytest.raises(MigrationFailed, match=r"invariants\.sql failed and was rolled back: division by zero"):
        await migrate(database_url)
    assert await database.fetchval("select to_regclass('sound')") is None
    assert await revision_of(database_url) == revisions()[-2]


async def test_a_rule_keeps_the_columns_that_older_programs_read(database_url: str, invariants: Path) -> None:
    change_a_rule(invariants, "'the pair has more than one active record' as what", "'two active records' as problem")
    with pytest.raises(MigrationFailed, match=r"invariants\.sql .* cannot change name of view column"):
        await migrate(database_url)


async def test_what_others_hang_on_a_rule_survives_its_change(
    database_url: str, database: Pool, invariants: Path
) -> None:
    await database.execute(
        "create view public.alarms as select what from talktime.broken_rule_5;"
        "grant select on talktime.broken_rule_5 to pg_monitor;"
    )
    change_a_rule(invariants)
    assert await migrate(database_url) == ["invariants"]
    assert await database.fetchval("select has_table_privilege('pg_monitor', 'broken_rule_5', 'select')")
    assert await database.fetchval("select count(*) from public.alarms") == 0


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("postgresql://u:hunter2@127.0.0.1:1/d", "can't be reached"),
        ("postgresql://u:hunter2/x@h/d", "can't be read. In a password, write %40 for @"),
        ("postgresql://u:hunter2@h:port/d", "can't be read as an address"),
    ],
)
async def test_an_unusable_address_is_told_without_its_password(url: str, problem: str) -> None:
    with pytest.raises(DatabaseProblem, match=problem) as refused:
        await ensure_current(url, embedded=False)
    assert "hunter2" not in str(refused.value)


async def test_an_address_without_a_database_is_told_to_name_one(database_url: str, database: Pool) -> None:
    await database.execute("create role lonely login")
    server = database_url.partition("?")[2]
    try:
        with pytest.raises(DatabaseProblem, match=r"The address names no database.* such as /talktime$"):
            await ensure_current(f"postgresql://lonely@?{server}", embedded=False)
    finally:
        await database.execute("drop role lonely")
