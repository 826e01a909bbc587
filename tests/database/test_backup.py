"""Backups: a dump that is made while people talk is restored whole, and a database goes back to an instant."""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from talktime import Party, Talktime, parse_credits
from talktime.core.errors import Repeated, Unavailable
from talktime.database.migrate import migrate
from talktime.database.pool import open_database
from talktime.documents.verification import verify
from talktime.engine.idempotency import Repeat
from talktime.postgres.cluster import Cluster
from talktime.postgres.folders import make_private, open_path_to, socket_folder
from talktime.postgres.guardian import Guardian
from talktime.postgres.names import SUPERUSER
from talktime.postgres.programs import bundled_programs
from tests.databases import Server
from tests.nodes import LONG_SECONDS, MAYAS_TARIFF, add_alice_and_maya, node_on

PAYERS = 6
TALKS_MIN = 5
"""How many talks of each payer lie before the dump."""


def key_of(reference: str) -> Repeat:
    """The idempotency key of a credit."""
    return Repeat("host", "POST", "/v1/users/credits", reference, b"")


class Payer:
    """Somebody who talks again and again, and what was acknowledged."""

    def __init__(self, node: Talktime, number: int) -> None:
        self._node = node
        self.user = f"user {number}"
        self.talks = 0

    async def join(self) -> None:
        await self._node.put_user(self.user, self.user)

    async def run(self, is_over: asyncio.Event) -> None:
        while not is_over.is_set():
            await self._talk()
            self.talks += 1

    async def _talk(self) -> None:
        node, reference = self._node, f"{self.user}, talk {self.talks}"
        await node.add_credit(self.user, parse_credits("1.00"), reference=reference, repeat=key_of(reference))
        snapshot, _ = await node.create_chat(self.user, "maya")
        await node.send_message(snapshot.chat_id, Party.USER, "hello", reference)
        await node.pause(snapshot.chat_id)
        await node.resume(snapshot.chat_id)
        await node.stop(snapshot.chat_id)


@pytest.fixture
def dump_file(server: Server) -> Iterator[Path]:
    """Where the programs of PostgreSQL may write, as the user as whom they run."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if os.geteuid() == 0:
            open_path_to(folder, server.programs.uid, server.programs.gid)
            os.chown(folder, server.programs.uid, server.programs.gid)
        yield folder / "talktime.dump"


@pytest.mark.both_servers
async def test_a_dump_under_load_is_restored_whole(
    server: Server, database_url: str, empty_database_url: str, dump_file: Path
) -> None:
    async with node_on(database_url, presence_lease_seconds=LONG_SECONDS) as node:
        await node.put_advisor("maya", "Maya", MAYAS_TARIFF, starts="at_once")
        payers = [Payer(node, number) for number in range(PAYERS)]
        await asyncio.gather(*(payer.join() for payer in payers))
        is_over = asyncio.Event()
        talking = [asyncio.create_task(payer.run(is_over)) for payer in payers]
        while min(payer.talks for payer in payers) < TALKS_MIN:
            await asyncio.sleep(0.02)
        before = {payer.user: payer.talks for payer in payers}
        await asyncio.to_thread(server.programs.run, "pg_dump", "--format=custom", f"--file={dump_file}", database_url)
        during = {payer.user: payer.talks for payer in payers}
        assert sum(during.values()) > sum(before.values()), "nobody talked while the dump was made"
        is_over.set()
        await asyncio.gather(*talking)

    await asyncio.to_thread(
        server.programs.run, "pg_restore", "--exit-on-error", f"--dbname={empty_database_url}", str(dump_file)
    )

    async with node_on(empty_database_url, presence_lease_seconds=LONG_SECONDS) as restored:
        audit = await restored.audit()
        assert (audit.broken(), audit.schema_faults) == ([], [])
        async with open_database(empty_database_url, size=2) as database:
            records = await database.pool.fetch("select record_id, user_id from records")
            purchases = await database.pool.fetch("select user_id, reference from entries where kind = 'purchase'")
            messages = {row["client_id"] for row in await database.pool.fetch("select client_id from messages")}
        for user, talks in before.items():
            # What was acknowledged before the dump is there, and of what came later a part.
            found = {row["reference"] for row in purchases if row["user_id"] == user}
            assert {f"{user}, talk {number}" for number in range(talks)} <= found
            assert {f"{user}, talk {number}" for number in range(talks)} <= messages
            assert found <= {f"{user}, talk {number}" for number in range(during[user] + 1)}
            assert sum(row["user_id"] == user for row in records) >= talks
        for row in records:
            receipt = (await restored.receipt(row["record_id"])).document()
            assert [check for check in verify(receipt) if not check.holds] == []
        # A repeat of what was acknowledged changes nothing, and the service goes on.
        with pytest.raises(Repeated):
            await restored.add_credit(
                "user 0", parse_credits("1.00"), reference="again", repeat=key_of("user 0, talk 0")
            )
        snapshot, _ = await restored.create_chat("user 0", "maya")
        assert snapshot.timer.running
        await restored.stop(snapshot.chat_id)
        assert await restored.broken_rules() == []


class ArchivedServers:
    """Servers that archive their log as `docs/how-to/back-up-and-restore.md` says, and start from its copies."""

    def __init__(self, folder: Path) -> None:
        self.programs = bundled_programs()
        self.folder = folder
        self.wal = folder / "wal"
        if os.geteuid() == 0:
            open_path_to(folder, self.programs.uid, self.programs.gid)
        make_private(self.wal, self.programs.uid, self.programs.gid)

    def place(self, name: str) -> Path:
        """The folder of a server, which its programs may enter."""
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        if os.geteuid() == 0:
            open_path_to(folder, self.programs.uid, self.programs.gid)
        return folder

    @contextmanager
    def running(self, name: str, **settings: str) -> Iterator[str]:
        """The address of a server."""
        folder = self.place(name)
        cluster = Cluster(
            self.programs, folder, socket_folder(folder), init_options=("--locale=C.UTF-8",), settings=settings
        )
        cluster.start()
        try:
            yield cluster.url
        finally:
            cluster.stop()

    def copy(self, name: str, copy: str) -> None:
        """Copy the data folder of a server that runs."""
        data = self.place(copy) / "database"
        make_private(data, self.programs.uid, self.programs.gid)
        sockets = str(socket_folder(self.folder / name))
        options = ("--wal-method=none", "--checkpoint=fast", "--no-manifest")
        self.programs.run("pg_basebackup", "--host", sockets, "--username", SUPERUSER, f"--pgdata={data}", *options)
        (data / "recovery.signal").touch()
        os.chown(data / "recovery.signal", self.programs.uid, self.programs.gid)


async def until(url: str, question: str) -> None:
    """Wait until a question is answered with true."""
    connection = await asyncpg.connect(url)
    async with asyncio.timeout(30):
        while not await connection.fetchval(question):
            await asyncio.sleep(0.05)
    await connection.close()


async def ask(url: str, question: str) -> Any:
    connection = await asyncpg.connect(url)
    answer = await connection.fetchval(question)
    await connection.close()
    return answer


async def test_a_database_goes_back_to_an_instant(guardian: Guardian) -> None:
    """The page is right about an older state: repeats with old keys, the running record, the outage."""
    folder = Path(tempfile.mkdtemp(prefix="talktime-test-"))
    guardian.guard_folder(folder)
    servers = ArchivedServers(folder)
    archive = f"test ! -f {servers.wal}/%f && cp %p {servers.wal}/%f.part && mv {servers.wal}/%f.part {servers.wal}/%f"
    with servers.running("first", wal_level="replica", archive_mode="on", archive_command=archive) as url:
        await migrate(url)
        async with node_on(url, outage_seconds=0.6) as node:
            await add_alice_and_maya(node)
            await asyncio.to_thread(servers.copy, "first", "second")
            for name in ("before", "after"):
                await node.add_credit("alice", parse_credits("1.00"), reference=name, repeat=key_of(name))
                if name == "before":
                    await node.initialize_time_tracking_for_chat("alice", "maya", "first")
                    await until(url, "select renewed_at > now() - interval '1 second' from talktime.engine_clock")
                    target = str(await ask(url, "select clock_timestamp()"))
                    elapsed_ms = (await node.snapshot("first")).elapsed_ms
            await node.stop("first")
        wal = await ask(url, "select pg_walfile_name(pg_switch_wal())")
        await until(url, f"select last_archived_wal >= '{wal}' from pg_stat_archiver")

    recovery = {"restore_command": f"cp {servers.wal}/%f %p", "recovery_target_time": target}
    with servers.running("second", **recovery, recovery_target_action="pause") as url:
        await until(url, "select pg_get_wal_replay_pause_state() = 'paused'")
        with pytest.raises(Unavailable):  # a node and the doctor write
            async with node_on(url, work=False):
                pass
        await ask(url, "select pg_wal_replay_resume()")
        await until(url, "select not pg_is_in_recovery()")
        began = time.monotonic()
        async with node_on(url, outage_seconds=0.6) as node:
            # On a busy machine the first renewal may come late.
            await until(url, "select exists (select from talktime.outages)")
            audit = await node.audit()
            assert (audit.broken(), audit.schema_faults) == ([], [])
            assert audit.lately is not None
            assert audit.lately.outages > 0
            snapshot = await node.snapshot("first")
            assert snapshot.record is not None
            assert snapshot.record.state == "running"
            # The time of the restore is an outage.
            assert snapshot.elapsed_ms < elapsed_ms + 3_000 + (time.monotonic() - began) * 1000
            with pytest.raises(Repeated):
                await node.add_credit("alice", parse_credits("1.00"), reference="before", repeat=key_of("before"))
            account = await node.add_credit("alice", parse_credits("1.00"), reference="after", repeat=key_of("after"))
            assert parse_credits("101.00") < account.balance <= parse_credits("102.00")  # some of it is charged
            await node.stop("first")
            assert await node.broken_rules() == []
