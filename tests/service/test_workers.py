"""`talktime serve --workers N`: every worker is a node, and all of them end together."""

from __future__ import annotations

import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import IO, Any

import httpx
import psutil
import websockets

from talktime.core.roles import Role
from talktime.database.pool import Pool
from talktime.postgres.guardian import Guardian
from talktime.service.tokens import Tokens
from tests.databases import as_service
from tests.services import PROGRAM, SECRET, START_SECONDS_MAX, Live, environment, port_in


class Parent:
    """A service with workers, in processes of its own."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.process = process
        self.port = port

    def workers(self) -> list[psutil.Process]:
        """The workers. A database is a child of the parent, too."""
        return [child for child in psutil.Process(self.process.pid).children() if "python" in child.name()]

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(START_SECONDS_MAX)


@contextmanager
def serving(guardian: Guardian, log: IO[str], count: int, **settings: object) -> Iterator[Parent]:
    command = [*PROGRAM, "serve", "--port", "0", "--workers", str(count)]
    with subprocess.Popen(
        command, env=environment(**settings), stdout=subprocess.PIPE, stderr=log, text=True, cwd="/"
    ) as process:
        guardian.guard_process(process.pid)
        try:
            assert process.stdout is not None
            port = port_in(process.stdout.readline())
            assert port is not None, Path(log.name).read_text()
            yield Parent(process, port)
        finally:
            process.kill()


def until(condition: Any) -> None:
    """Wait until the condition holds."""
    give_up_at = time.monotonic() + START_SECONDS_MAX
    while not condition():
        assert time.monotonic() < give_up_at
        time.sleep(0.05)


async def test_every_worker_is_a_node_and_all_drain_at_sigterm(
    database_url: str, database: Pool, guardian: Guardian, tmp_path: Path
) -> None:
    token = Tokens(SECRET).make(Role.OPERATOR, "olga")
    with (
        (tmp_path / "log").open("w") as log,
        serving(guardian, log, 3, database_url=as_service(database_url), data_dir=tmp_path) as parent,
    ):
        assert await database.fetchval("select count(*) from nodes") == 3
        async with AsyncExitStack() as stack:
            lives = [
                Live(await stack.enter_async_context(websockets.connect(f"ws://127.0.0.1:{parent.port}/v1/live")))
                for _ in range(12)
            ]
            for live in lives:
                await live.say("hello", token=token)
                await live.say("ping", c0=1)
                await live.hear("pong")
            workers = parent.workers()
            parent.process.send_signal(signal.SIGTERM)
            assert {await live.close_code() for live in lives} == {1012}
        assert parent.process.wait(START_SECONDS_MAX) == 0
        assert not any(worker.is_running() for worker in workers)
    assert await database.fetchval("select count(*) from nodes") == 0


def test_a_worker_that_is_killed_is_started_again(database_url: str, guardian: Guardian, tmp_path: Path) -> None:
    with (
        (tmp_path / "log").open("w") as log,
        serving(guardian, log, 2, database_url=as_service(database_url), data_dir=tmp_path) as parent,
    ):
        victim = parent.workers()[0]
        victim.kill()
        until(lambda: len({worker.pid for worker in parent.workers()} - {victim.pid}) == 2)
        assert httpx.get(f"http://127.0.0.1:{parent.port}/healthz").is_success
        assert parent.end(signal.SIGINT) == 0
    assert '"worker.ended"' in (tmp_path / "log").read_text()


def test_no_worker_outlives_its_parent(database_url: str, guardian: Guardian, tmp_path: Path) -> None:
    with (
        (tmp_path / "log").open("w") as log,
        serving(guardian, log, 2, database_url=as_service(database_url), data_dir=tmp_path) as parent,
    ):
        workers = parent.workers()
        parent.process.kill()
        until(lambda: not any(psutil.pid_exists(worker.pid) and worker.is_running() for worker in workers))


def test_the_embedded_database_is_started_once_and_stopped_last(guardian: Guardian, data_dir: Path) -> None:
    with (data_dir / "log").open("w") as log, serving(guardian, log, 2, data_dir=data_dir) as parent:
        assert httpx.get(f"http://127.0.0.1:{parent.port}/readyz").is_success
        assert parent.end() == 0
    text = (data_dir / "log").read_text()
    assert text.count('"database_started"') == 1
    assert text.count('"database_stopped"') == 1
    assert not (data_dir / "database" / "postmaster.pid").exists()


def test_a_port_that_is_taken_is_said(database_url: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = subprocess.run(
            [*PROGRAM, "serve", "--port", str(port), "--workers", "2"],
            env=environment(database_url=database_url, data_dir=tmp_path),
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
        )
    assert ended.returncode == 2
    assert (
        f"talktime serve: The service can't listen on 127.0.0.1, port {port}: Address already in use." in ended.stderr
    )


def test_workers_that_can_not_start_end_the_parent(database_url: str, tmp_path: Path) -> None:
    ended = subprocess.run(
        [*PROGRAM, "--database-url", f"{database_url}&schema=shop", "serve", "--port", "0", "--workers", "2"],
        env=environment(data_dir=tmp_path),
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        timeout=START_SECONDS_MAX,
    )
    assert ended.returncode == 1
    assert "the parameter schema=" in ended.stderr
