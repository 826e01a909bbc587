"""A PostgreSQL server that fails in every way: it is killed, stands still, restarts, and gives way to its standby."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import asyncpg
import psutil

from talktime.core.errors import Unavailable
from talktime.database.migrate import migrate
from talktime.database.pool import Pool, open_database
from talktime.postgres.cluster import Cluster
from talktime.postgres.folders import make_private, open_path_to, socket_folder
from talktime.postgres.names import SUPERUSER
from talktime.postgres.programs import Programs, bundled_programs
from tests.chaos.disks import mounted_disk

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

LYING_CLOCK: Final = """
create table talktime.lie (step_ms float8 not null, rate float8 not null, since timestamptz not null);
insert into talktime.lie values (0, 0, clock_timestamp());
create or replace function talktime.host_clock() returns timestamptz language sql volatile
return (
    select clock_timestamp() + (step_ms + rate * extract(epoch from clock_timestamp() - since) * 1000)
        * interval '1 millisecond'
    from talktime.lie
);
"""
"""The clock of the server, with a lie that a test can change."""

_FAKETIME: Final = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1")
_SETTINGS: Final = {
    "wal_level": "replica",
    "max_wal_senders": "10",
    "max_connections": "200",
    "max_wal_size": "128MB",
    "min_wal_size": "32MB",
}


@dataclass(frozen=True)
class _ProgramsUnderFaketime(Programs):
    """Programs whose clock says what the file `clock` tells: "+3600s", or "+0 x1.01" for one percent fast."""

    clock: Path

    def _process(self) -> Any:
        options = super()._process()
        options["env"] |= {
            "LD_PRELOAD": str(_FAKETIME),
            "FAKETIME_TIMESTAMP_FILE": str(self.clock),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",
        }
        return options


class _Server:
    """One server, with its data below a folder of its own."""

    def __init__(self, programs: Programs, folder: Path, *, has_faketime: bool, has_disk: bool) -> None:
        folder.mkdir()
        self.disk = mounted_disk(folder) if has_disk else None
        if os.geteuid() == 0:
            open_path_to(folder, programs.uid, programs.gid)
        self.clock = folder / "clock"
        self.clock.write_text("+0\n")
        self.clock.chmod(0o644)
        if has_faketime:
            programs = _ProgramsUnderFaketime(programs.folder, programs.major, programs.uid, programs.gid, self.clock)
        self.data = folder / "database"
        self.sockets = socket_folder(folder)
        self.cluster = Cluster(programs, folder, self.sockets, init_options=("--locale=C.UTF-8",), settings=_SETTINGS)

    @property
    def is_running(self) -> bool:
        """Whether the first process of the server is there."""
        try:
            return self.process().status() != psutil.STATUS_ZOMBIE
        except (OSError, ValueError, IndexError, psutil.NoSuchProcess):
            return False

    def process(self) -> psutil.Process:
        """The first process of the server, which runs."""
        return psutil.Process(int((self.data / "postmaster.pid").read_text().splitlines()[0]))

    def processes(self) -> list[psutil.Process]:
        """Every process of the server, the first one first."""
        first = self.process()
        return [first, *first.children(recursive=True)]


class ChaosDatabase:
    """A primary and, if asked for, a synchronous standby."""

    def __init__(self, folder: Path, *, has_faketime: bool = False, has_disk: bool = False) -> None:
        self._folder = folder
        self._has_faketime = has_faketime
        self._has_disk = has_disk
        self._servers: list[_Server] = []
        self._programs = bundled_programs()
        self._names = iter(range(1_000))
        self._primary = self._new_server()
        self._standby: _Server | None = None

    @property
    def url(self) -> str:
        """The address of the present primary, for the test itself."""
        return self._primary.cluster.url

    @property
    def socket(self) -> str:
        """The socket on which the present primary listens."""
        return str(self._primary.sockets / ".s.PGSQL.5432")

    @property
    def has_standby(self) -> bool:
        """Whether the primary can fail."""
        return self._standby is not None

    async def start(self) -> None:
        """Start the primary, with a migrated database."""
        await asyncio.to_thread(self._primary.cluster.start)
        await migrate(self.url)
        await self.execute(LYING_CLOCK)

    @asynccontextmanager
    async def pool(self) -> AsyncIterator[Pool]:
        """Connections of the test's own; instants are integers, as they are in the program."""
        async with open_database(self.url, size=2) as database:
            yield database.pool

    async def execute(self, sql: str, *arguments: Any) -> None:
        """Run SQL on the primary."""
        async with self.pool() as pool:
            await pool.execute(sql, *arguments)

    async def fetch(self, sql: str, *arguments: Any) -> list[asyncpg.Record]:
        """The rows of a query on the primary."""
        async with self.pool() as pool:
            return await pool.fetch(sql, *arguments)

    def set_clock(self, lie: str) -> None:
        """Let the clock of the primary's machine say something else, as libfaketime understands it."""
        self._primary.clock.write_text(f"{lie}\n")

    async def end_backends(self) -> None:
        """End every connection of the nodes."""
        await self.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where application_name like 'talktime%' and pid <> pg_backend_pid()"
        )

    async def lock(self, table: str, seconds: float) -> None:
        """Hold a whole table, as a change of the schema does that takes long."""
        async with self.pool() as pool, pool.acquire() as connection, connection.transaction():
            await connection.execute("set local lock_timeout = 0")
            await connection.execute(f"lock table {table} in access exclusive mode")
            await connection.execute("select pg_sleep($1)", seconds)

    async def restart(self, how: signal.Signals, away_seconds: float) -> None:
        """Stop the server (SIGINT: fast, SIGQUIT: without saying goodbye) and start it again later."""
        process = self._primary.process()
        process.send_signal(how)
        await asyncio.to_thread(self._ended, process)
        await asyncio.sleep(away_seconds)
        await asyncio.to_thread(self._primary.cluster.start)

    async def freeze(self, seconds: float) -> None:
        """Let every process of the server stand still: connections stay open, and nothing is answered."""
        processes = self._primary.processes()
        try:
            for process in processes:
                with suppress(psutil.NoSuchProcess):
                    process.suspend()
            await asyncio.sleep(seconds)
        finally:
            for process in processes:
                with suppress(psutil.NoSuchProcess):
                    process.resume()

    @property
    def has_disk(self) -> bool:
        """Whether the disk of the primary can become full."""
        return self._primary.disk is not None

    async def fill_disk(self, seconds: float) -> None:
        """Leave no space for the primary. A server that has given up is started again once there is space."""
        server = self._primary
        assert server.disk is not None
        server.disk.fill()
        try:
            await asyncio.sleep(seconds)
        finally:
            server.disk.free()
        while True:
            with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError, Unavailable):
                await self.execute("select")
                return
            if not server.is_running:
                await asyncio.to_thread(server.cluster.start)
            await asyncio.sleep(0.2)

    async def add_standby(self) -> None:
        """Copy the primary, and let the copy follow: a commit is acknowledged once the standby has it, too."""
        standby = self._new_server()
        make_private(standby.data, self._programs.uid, self._programs.gid)
        await asyncio.to_thread(
            self._programs.run,
            *("pg_basebackup", "--host", str(self._primary.sockets), "--username", SUPERUSER),
            *("--pgdata", str(standby.data), "--write-recovery-conf", "--checkpoint=fast", "--wal-method=stream"),
        )
        await asyncio.to_thread(standby.cluster.start)
        while not await self.fetch("select from pg_stat_replication where state = 'streaming'"):
            await asyncio.sleep(0.1)
        await self._set_synchronous("'*'")
        self._standby = standby

    async def fail_over(self) -> None:
        """Kill the primary as a power cut does, and promote the standby."""
        assert self._standby is not None
        killed = self._primary.processes()
        for process in reversed(killed):
            with suppress(psutil.NoSuchProcess):
                process.kill()
        await asyncio.to_thread(self._ended, killed[0])
        self._primary, self._standby = self._standby, None
        await self.execute("select pg_promote()")
        await self._set_synchronous("''")

    async def stop(self) -> None:
        """Stop the servers."""
        for server in filter(None, (self._standby, self._primary)):
            await asyncio.to_thread(server.cluster.stop)
        for server in self._servers:
            if server.disk is not None:
                server.disk.remove()

    async def _set_synchronous(self, names: str) -> None:
        await self.execute(f"alter system set synchronous_standby_names = {names}")
        await self.execute("select pg_reload_conf()")

    def _new_server(self) -> _Server:
        folder = self._folder / f"server-{next(self._names)}"
        server = _Server(self._programs, folder, has_faketime=self._has_faketime, has_disk=self._has_disk)
        self._servers.append(server)
        return server

    @staticmethod
    def _ended(process: psutil.Process) -> None:
        with suppress(psutil.NoSuchProcess):
            process.wait(60)
