"""The database that comes along: PostgreSQL 18 on the data folder, shared by all our processes that use it.

Whoever needs it joins the server that runs, whoever started it and whatever became of them, or starts one. Whoever
leaves last stops it. Who is there is a list of processes in `database.users`, and its lock is held while a server is
started or stopped, so two programs that come and go at the same time never see a server half there. A process that
was killed is struck off by the next one: a process is known by its number *and* its start.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import psutil
import structlog

from talktime.core.errors import DatabaseProblem
from talktime.postgres.cluster import Cluster
from talktime.postgres.folders import open_way, socket_folder
from talktime.postgres.programs import bundled_programs

# Part of PostgreSQL itself, so the order of texts does not change with the system's libraries.
INIT_OPTIONS = ("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C")
# The start of a process is told to about a hundredth of a second, and moves with corrections of the system's clock.
_START_TOLERANCE_SECONDS = 5.0

log = structlog.get_logger()

User = tuple[int, float]  # process number, its start in seconds since 1970


class EmbeddedServer:
    """Our use of the server on `data_dir`. `start` and `stop` block; each raises `DatabaseProblem`.

    `settings` are PostgreSQL's own, for this start.
    """

    def __init__(self, data_dir: Path, *, settings: dict[str, str] | None = None) -> None:
        self._data_dir = data_dir
        self._settings = settings
        self._cluster: Cluster | None = None
        self._user: User | None = None

    @property
    def url(self) -> str:
        """The address of the database; there is one from `start` to `stop`."""
        if self._cluster is None:
            raise RuntimeError("the embedded database is not started")
        return self._cluster.url

    def start(self) -> None:
        """Joins the server that runs on the data folder, or starts it; the first time it makes the database."""
        before = time.monotonic()
        user = _ourselves()
        try:
            cluster = self._open()
            with self._users() as users:
                started = cluster.start()
                users.append(user)
        except OSError as error:
            raise DatabaseProblem(f"The database in {self._data_dir} can't be used: {error}") from error
        self._cluster, self._user = cluster, user
        log.info(
            "database_started" if started else "database_joined",
            data_dir=str(self._data_dir),
            took_ms=round((time.monotonic() - before) * 1000),
        )

    def stop(self) -> None:
        """Leaves the server, and stops it if nobody else is there. Nothing happens if it was not started."""
        cluster, self._cluster = self._cluster, None
        user, self._user = self._user, None
        if cluster is None or user is None:
            return
        with self._users() as users:
            users.remove(user)
            if not users:
                cluster.stop()
                log.info("database_stopped", data_dir=str(self._data_dir))

    def _open(self) -> Cluster:
        self._data_dir.mkdir(parents=True, exist_ok=True)
        programs = bundled_programs(self._data_dir / "database")
        if os.geteuid() == 0:
            open_way(self._data_dir, programs.uid, programs.gid)
        return Cluster(
            programs,
            self._data_dir,
            socket_folder(self._data_dir),
            init_options=INIT_OPTIONS,
            settings=self._settings,
        )

    @contextmanager
    def _users(self) -> Iterator[list[User]]:
        """The live users of the server, under the lock; what is changed is written at the end."""
        with (self._data_dir / "database.users").open("a+", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            try:
                known = [(int(pid), float(start)) for pid, start in json.loads(file.read() or "[]")]
            except (ValueError, TypeError):
                known = []  # killed while writing: the others' servers are still found by postmaster.pid
            users = [user for user in known if _lives(user)]
            try:
                yield users
            finally:
                file.truncate(0)
                file.write(json.dumps(users))


@asynccontextmanager
async def embedded_database(data_dir: Path) -> AsyncIterator[str]:
    """The address of the embedded database on `data_dir`, which runs at least as long as the context.

    Raises `DatabaseProblem`.
    """
    server = EmbeddedServer(data_dir)
    starting = asyncio.ensure_future(asyncio.to_thread(server.start))
    try:
        await asyncio.shield(starting)
        yield server.url
    finally:
        # Cancelled in the middle of a start, the thread still finishes it; only then there is something to stop.
        await asyncio.wait([starting])
        await asyncio.to_thread(server.stop)


def _ourselves() -> User:
    return os.getpid(), psutil.Process().create_time()


def _lives(user: User) -> bool:
    pid, start = user
    try:
        process = psutil.Process(pid)
        is_same = abs(process.create_time() - start) < _START_TOLERANCE_SECONDS
        return is_same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
