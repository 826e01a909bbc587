"""The embedded server: shared, adopted, restarted, and stopped by the last program that leaves."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import psutil
import pytest

from talktime.core.errors import DatabaseProblem
from talktime.database.connecting import open_connection
from talktime.postgres.embedded import EmbeddedServer, embedded_database
from talktime.postgres.folders import open_path_to

_PROGRAM = """
import pathlib, signal, sys, time
from talktime.postgres.embedded import EmbeddedServer
# As in a terminal: tests that run in the background hand on that they are not to be interrupted.
signal.signal(signal.SIGINT, signal.default_int_handler)
EmbeddedServer(pathlib.Path(sys.argv[1])).start()
print("started", flush=True)
time.sleep(600)
"""


def postmaster(data_dir: Path) -> psutil.Process | None:
    """The server that runs on the data folder, as its own file tells."""
    file = data_dir / "database" / "postmaster.pid"
    return psutil.Process(int(file.read_text().split()[0])) if file.exists() else None


@contextmanager
def another_program(data_dir: Path) -> Iterator[subprocess.Popen[str]]:
    """A program that uses the embedded database, in a session of its own as in another terminal."""
    with subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, str(data_dir)],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as program:
        assert program.stdout is not None
        try:
            while program.stdout.readline() != "started\n":
                assert program.poll() is None
            yield program
        finally:
            program.kill()


@pytest.fixture
def stopped_after(data_dir: Path) -> Iterator[Path]:
    """A data folder, and no server on it after the test, whatever happened."""
    yield data_dir
    last = EmbeddedServer(data_dir)
    last.start()
    last.stop()
    assert postmaster(data_dir) is None


async def execute(url: str, sql: str) -> str:
    connection = await asyncpg.connect(url)
    try:
        return str(await connection.fetchval(sql))
    finally:
        await connection.close()


async def test_data_is_kept_between_runs(stopped_after: Path) -> None:
    async with embedded_database(stopped_after) as url:
        await execute(url, "create table kept as select 42 as answer")
    assert postmaster(stopped_after) is None
    async with embedded_database(stopped_after) as url:
        assert await execute(url, "select answer from kept") == "42"


async def test_it_is_postgresql_18_on_a_private_socket_alone(stopped_after: Path) -> None:
    async with embedded_database(stopped_after) as url:
        assert (await execute(url, "show server_version")).startswith("18.")
        assert await execute(url, "show listen_addresses") == ""
        assert await execute(url, "show fsync") == "on"
        sockets = Path(await execute(url, "show unix_socket_directories"))
        assert stat.S_IMODE(sockets.stat().st_mode) == 0o700


async def test_the_last_to_leave_stops_it(stopped_after: Path) -> None:
    first, second = EmbeddedServer(stopped_after), EmbeddedServer(stopped_after)
    first.start()
    second.start()
    assert first.url == second.url
    first.stop()
    assert await execute(second.url, "select 1") == "1"
    second.stop()
    assert postmaster(stopped_after) is None
    second.stop()  # once more changes nothing


async def test_another_program_keeps_it(stopped_after: Path) -> None:
    with another_program(stopped_after):
        async with embedded_database(stopped_after):
            server = postmaster(stopped_after)
        assert postmaster(stopped_after) == server
        assert server is not None
        assert server.is_running()


async def test_a_killed_program_s_server_is_adopted_and_then_stopped(stopped_after: Path) -> None:
    with another_program(stopped_after) as program:
        program.kill()
    left_behind = postmaster(stopped_after)
    assert left_behind is not None
    async with embedded_database(stopped_after) as url:
        assert postmaster(stopped_after) == left_behind
        assert await execute(url, "select 1") == "1"
    assert not left_behind.is_running()


async def test_ctrl_c_in_the_terminal_is_not_for_the_server(stopped_after: Path) -> None:
    with another_program(stopped_after) as program:
        os.killpg(program.pid, signal.SIGINT)
        program.wait(60)
        async with embedded_database(stopped_after) as url:
            assert await execute(url, "select pg_postmaster_start_time() < now()") == "True"
    assert "received fast shutdown request" in (stopped_after / "database.log").read_text()
    assert (stopped_after / "database.log").read_text().count("database system is ready") == 1


async def test_a_killed_server_is_restarted_with_all_that_was_committed(stopped_after: Path) -> None:
    server = EmbeddedServer(stopped_after)
    server.start()
    await execute(server.url, "create table committed as select 42 as answer")
    killed = postmaster(stopped_after)
    assert killed is not None
    killed.kill()
    async with embedded_database(stopped_after) as url:
        assert await execute(url, "select answer from committed") == "42"
        assert postmaster(stopped_after) != killed
    server.stop()


async def test_a_stale_file_that_names_a_stranger_is_no_server(stopped_after: Path) -> None:
    async with embedded_database(stopped_after):
        file = stopped_after / "database" / "postmaster.pid"
        stale = file.read_text().splitlines()
    # PostgreSQL itself looks no further than whether the process belongs to its user.
    with subprocess.Popen(["sleep", "600"], user=file.parent.stat().st_uid) as stranger:
        file.write_text("\n".join([str(stranger.pid), *stale[1:]]))
        try:
            async with embedded_database(stopped_after) as url:
                assert await execute(url, "select 1") == "1"
            assert stranger.poll() is None
        finally:
            stranger.kill()


async def test_many_at_once_make_one_database_and_one_server(stopped_after: Path) -> None:
    servers = [EmbeddedServer(stopped_after) for _ in range(8)]
    with ThreadPoolExecutor(8) as together:
        list(together.map(EmbeddedServer.start, servers))
        assert len({await execute(server.url, "select pg_postmaster_start_time()") for server in servers}) == 1
        list(together.map(EmbeddedServer.stop, servers))
    assert postmaster(stopped_after) is None


async def test_cancelled_in_the_middle_of_a_start_it_is_stopped(stopped_after: Path) -> None:
    async def use() -> None:
        async with embedded_database(stopped_after):
            await asyncio.sleep(600)

    using = asyncio.create_task(use())
    while not (stopped_after / "database.users").exists():
        await asyncio.sleep(0.001)
    using.cancel()
    with pytest.raises(asyncio.CancelledError):
        await using
    assert postmaster(stopped_after) is None
    assert (stopped_after / "database.users").read_text() == "[]"


async def test_a_long_path_gets_a_short_socket(stopped_after: Path) -> None:
    deep = stopped_after / ("long" * 30)
    async with embedded_database(deep) as url:
        assert await execute(url, "select 1") == "1"
        sockets = Path(await execute(url, "show unix_socket_directories"))
    sockets.rmdir()


async def test_data_of_another_version_is_refused(stopped_after: Path) -> None:
    async with embedded_database(stopped_after):
        pass
    version = stopped_after / "database" / "PG_VERSION"
    content = version.read_text()
    version.write_text("17\n")
    with pytest.raises(DatabaseProblem, match=r"made by PostgreSQL 17, and this is PostgreSQL 18"):
        EmbeddedServer(stopped_after).start()
    version.write_text(content)


def test_a_failed_start_shows_the_end_of_the_log(stopped_after: Path) -> None:
    with pytest.raises(DatabaseProblem, match=r"did not start:\n.*shared_buffers"):
        EmbeddedServer(stopped_after, settings={"shared_buffers": "plenty"}).start()


def test_a_folder_that_can_t_be_made_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DatabaseProblem, match=r"file/data can't be used: .*Not a directory"):
        EmbeddedServer(tmp_path / "file" / "data").start()


def test_a_way_is_opened_as_little_as_possible(data_dir: Path) -> None:
    private, data = data_dir / "private", data_dir / "private" / "data"
    data.mkdir(parents=True)
    private.chmod(0o700)
    data.chmod(0o755)
    open_path_to(data, uid=54321, gid=54321)
    assert stat.S_IMODE(private.stat().st_mode) == 0o701
    assert stat.S_IMODE(data.stat().st_mode) == 0o755


async def test_variables_about_another_database_change_nothing(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "PGHOST": "db.example",
        "PGPORT": "1",
        "PGUSER": "somebody",
        "PGDATABASE": "elsewhere",
        "PGSSLMODE": "verify-full",
        "PGTARGETSESSIONATTRS": "standby",
        "PGSERVICE": "shop",
        "PGOPTIONS": "-c no_such_setting=1",
    }.items():
        monkeypatch.setenv(name, value)
    async with embedded_database(data_dir) as url:
        connection = await open_connection(url, 30)
        assert await connection.fetchval("select current_database()") == "talktime"
        await connection.close()


async def test_a_folder_may_have_a_comma_in_its_name(data_dir: Path) -> None:
    async with embedded_database(data_dir / 'my, "own" data') as url:
        connection = await open_connection(url, 30)
        assert await connection.fetchval("select 1") == 1
        await connection.close()


def test_a_user_without_a_name_is_told_what_to_do(data_dir: Path) -> None:
    """The number has no name in /etc/passwd, as in many containers."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    os.chown(data_dir, 54_321, 54_321)
    program = (
        "import os, sys, pathlib\n"
        "from talktime.postgres.embedded import EmbeddedServer, bundled_programs\n"
        "bundled_programs()  # only root may read the files of this Python\n"
        "os.setgroups([]); os.setgid(54321); os.setuid(54321)\n"
        "EmbeddedServer(pathlib.Path(sys.argv[1])).start()\n"
    )
    ended = subprocess.run([sys.executable, "-c", program, str(data_dir)], capture_output=True, text=True, check=False)
    message = ended.stderr.splitlines()[-1]
    assert "The user 54321 of this process has no name in /etc/passwd" in message
    assert "TALKTIME_DATABASE_URL" in message
