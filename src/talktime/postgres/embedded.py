"""The embedded database: PostgreSQL 18 on a data folder, shared by all processes that use the folder.

The first process starts the server, later ones use the server that runs, and the last one stops the server.
The file `database.users` lists the processes. It is locked while a server is started or stopped, so two processes never
start or stop a server at the same time. A process that was killed is removed from the list by the next process. A
process is known by its number *and* the time of its start, because numbers are used again.
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
from talktime.postgres.folders import open_own, open_path_to, socket_folder
from talktime.postgres.guardian import START_TOLERANCE_SECONDS
from talktime.postgres.programs import bundled_programs

# This locale is part of PostgreSQL, so a new version of the system's libraries does not change the order of texts.
INIT_OPTIONS = ("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C")

log = structlog.get_logger()

User = tuple[int, float]
"""A process that uses the server: its number, and its start in seconds since 1970."""


class EmbeddedServer:
    """This process's use of the server on `data_dir`. `start` and `stop` block, and raise `DatabaseProblem`.

    `settings` are settings of PostgreSQL, which hold if this process starts the server.
    """

    def __init__(self, data_dir: Path, *, settings: dict[str, str] | None = None) -> None:
        self._data_dir = data_dir
        self._settings = settings
        self._cluster: Cluster | None = None
        self._user: User | None = None

    @property
    def url(self) -> str:
        """The address of the database, between `start` and `stop`."""
        if self._cluster is None:
            raise RuntimeError("the embedded database is not started")
        return self._cluster.url

    def start(self) -> None:
        """Use the server that runs on the data folder, or start one. The first start makes the database."""
        began = time.monotonic()
        user = _this_process()
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
            took_ms=round((time.monotonic() - began) * 1000),
        )

    def stop(self) -> None:
        """Stop the server if no other process uses it. Without a `start` before, do nothing."""
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
            open_path_to(self._data_dir, programs.uid, programs.gid)
        return Cluster(
            programs,
            self._data_dir,
            socket_folder(self._data_dir),
            init_options=INIT_OPTIONS,
            settings=self._settings,
        )

    @contextmanager
    def _users(self) -> Iterator[list[User]]:
        """The live processes that use the server, with the file locked. Changes are written at the end."""
        owners = {os.geteuid(), self._data_dir.stat().st_uid, 0}
        descriptor = open_own(self._data_dir / "database.users", os.O_RDWR | os.O_APPEND | os.O_CREAT, owners)
        with os.fdopen(descriptor, "a+", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            try:
                known = [(int(pid), float(start)) for pid, start in json.loads(file.read() or "[]")]
            except (ValueError, TypeError):
                known = []  # a process was killed while it wrote; `postmaster.pid` still leads to a running server
            users = [user for user in known if _is_alive(user)]
            try:
                yield users
            finally:
                file.truncate(0)
                file.write(json.dumps(users))


@asynccontextmanager
async def embedded_database(data_dir: Path) -> AsyncIterator[str]:
    """The address of the embedded database on `data_dir`. The server runs at least as long as the context.

    Raises:
        DatabaseProblem: the database cannot be used.
    """
    server = EmbeddedServer(data_dir)
    starting = asyncio.ensure_future(asyncio.to_thread(server.start))
    try:
        await asyncio.shield(starting)
        yield server.url
    finally:
        # After a cancellation the thread still finishes the start, and only then the server can be stopped.
        await asyncio.wait([starting])
        await asyncio.to_thread(server.stop)


def _this_process() -> User:
    return os.getpid(), psutil.Process().create_time()


def _is_alive(user: User) -> bool:
    pid, start = user
    try:
        process = psutil.Process(pid)
        is_same = abs(process.create_time() - start) < START_TOLERANCE_SECONDS
        return is_same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
