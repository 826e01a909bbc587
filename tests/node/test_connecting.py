"""The connections between a node and its database: silent, refused, slow, hanging, or to one of several servers."""

from __future__ import annotations

import asyncio
import socket
import ssl
import subprocess
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path

import asyncpg
import pytest

from talktime import Party, Reason, Talktime, parse_credits
from talktime.core.errors import DatabaseProblem, Unavailable
from talktime.database.addresses import addresses_of
from talktime.database.connecting import SESSION, open_connection
from talktime.database.failures import DatabaseUnavailable
from talktime.database.migrate import ensure_current, migrate
from talktime.database.pool import Pool, open_database
from talktime.node.fanout import postgres
from tests.databases import Server
from tests.nodes import LONG_SECONDS, Listening, add_alice_and_maya, node_on
from tests.relays import LISTENING, relayed


async def until(condition: Callable[[], object], seconds: float = 30) -> float:
    """Wait until the condition is true; returns the seconds that this took."""
    began = time.monotonic()
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)
    return time.monotonic() - began


async def test_a_swallowed_connection_is_noticed_and_what_was_missed_is_shown(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "PING_SECONDS", 0.3)
    async with (
        relayed(database_url) as relay,
        node_on(database_url, work=False) as other,
        node_on(relay.address, database_seconds=1) as node,
    ):
        await add_alice_and_maya(node)
        await node.initialize_time_tracking_for_chat("alice", "maya", "first")
        screen = Listening()
        await node.node.feed.subscribe("first", screen)
        assert relay.fall_silent(LISTENING) == 1
        await other.pause("first")
        await other.send_message("first", Party.USER, "hello", "message 1")
        await until(lambda: screen.messages and screen.seen and screen.seen[-1].record.reason is Reason.PAUSED)
        await node.check()


async def test_a_program_that_has_disconnected_itself_is_not_told_to_try_again(database_url: str) -> None:
    async with Talktime.connect(database_url, work=False) as talktime:
        await talktime.put_user("alice", "Alice")
    with pytest.raises(Unavailable, match=r"^This connection was closed: `async with Talktime\.connect"):
        await talktime.account("alice")


async def test_a_node_that_hears_nothing_for_long_is_not_ready(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "PING_SECONDS", 0.1)
    settings = {"database_seconds": 0.5, "connect_seconds": 0.5, "presence_lease_seconds": 3}
    async with (
        relayed(database_url) as relay,
        node_on(database_url, work=False) as doctor,
        node_on(relay.address, work=True, **settings) as node,
    ):
        for worker in node.node.supervisor.workers:
            worker.late_seconds = 0.5
        relay.swallows = lambda greeting: LISTENING in greeting
        relay.fall_silent(LISTENING)
        await until(node.node.supervisor.late)
        with pytest.raises(Unavailable, match="listen"):
            await node.check()
        async with asyncio.timeout(20):
            while await doctor.node.troubles() != ["nodes whose worker listen has failed for long: 1"]:
                await asyncio.sleep(0.1)
        relay.speak()
        await until(lambda: not node.node.supervisor.late())
        await node.check()
        async with asyncio.timeout(20):
            while await doctor.node.troubles():
                await asyncio.sleep(0.1)


async def test_a_database_that_is_away_for_a_while_is_followed_as_before(database_url: str) -> None:
    async with relayed(database_url) as relay, node_on(relay.address, outage_seconds=1) as node:
        relay.cut()
        await until(lambda: all(worker.restarts for worker in node.node.supervisor.workers if worker.name == "clock"))
        await asyncio.sleep(1)
        relay.speak()
        await until(lambda: not node.node.supervisor.late() and node.node.feed.fanout.is_open)
        await asyncio.sleep(1)
        assert node.node.clock.error_ms() < 50
        await node.check()


@pytest.mark.parametrize("fault", ["silent", "hanging"])
async def test_no_wait_for_the_database_is_longer_than_its_deadline(database_url: str, fault: str) -> None:
    """If all connections are silent, or new ones hang as well, each kind of work fails in time, and then works."""
    async with relayed(database_url) as relay, node_on(relay.address, database_seconds=1, connect_seconds=1) as node:
        await add_alice_and_maya(node)
        await node.initialize_time_tracking_for_chat("alice", "maya", "first")
        if fault == "silent":
            relay.fall_silent()
        else:
            relay.hang()
        node.node.parties._by_chat.clear()
        began = time.monotonic()
        outcomes = await asyncio.gather(
            node.account("alice"),
            node.add_credit("alice", parse_credits("1.00")),
            node.send_message("first", Party.USER, "hello", "message 1"),
            node.put_user("bob", "Bob"),
            node.pause("first"),
            node.receipt("none"),
            node.advisors(),
            return_exceptions=True,
        )
        assert time.monotonic() - began < 2.5
        if fault == "hanging":
            assert {isinstance(outcome, Unavailable) for outcome in outcomes} == {True}, outcomes
        relay.speak()
        began = time.monotonic()
        while True:
            try:
                await node.account("alice")
                break
            except Unavailable:
                assert time.monotonic() - began < 5
        await until(lambda: not node.node.supervisor.late() and node.node.feed.fanout.is_open)


async def test_a_slow_database_is_not_taken_for_a_dead_one(database_url: str, database: Pool) -> None:
    async with node_on(database_url) as node:
        await node.put_user("alice", "Alice")
        await database.execute(
            "create function slow() returns trigger language plpgsql as 'begin perform pg_sleep(5); return new; end'"
        )
        await database.execute("create trigger slow before insert on entries for each row execute function slow()")
        await node.add_credit("alice", parse_credits("1.00"))
        assert (await node.account("alice")).balance == parse_credits("1.00")


async def test_what_is_cut_off_at_its_deadline_has_changed_nothing_and_holds_no_lock(
    database_url: str, database: Pool
) -> None:
    async with node_on(database_url, database_seconds=0.5) as node:
        await node.put_user("alice", "Alice")
        await database.execute(
            "create function slow() returns trigger language plpgsql as 'begin perform pg_sleep(60); return new; end'"
        )
        await database.execute("create trigger slow before insert on entries for each row execute function slow()")
        with pytest.raises(Unavailable):
            await node.add_credit("alice", parse_credits("1.00"))
        # The server notices that its client is gone, although a statement runs.
        async with asyncio.timeout(8):
            await database.execute("drop trigger slow on entries")
        await node.add_credit("alice", parse_credits("2.00"))
        assert (await node.account("alice")).balance == parse_credits("2.00")


async def test_a_transaction_that_has_outlived_its_deadline_does_not_commit(database_url: str) -> None:
    """As when the process was frozen between two statements."""
    async with open_database(database_url, size=1, seconds=0.2) as database:
        with pytest.raises(DatabaseUnavailable):  # noqa: PT012  the end of the block raises
            async with database.writing() as connection:
                await connection.execute("insert into accounts (user_id, display_name) values ('frozen', 'Frozen')")
                time.sleep(0.3)
        assert await database.fetch_value("user_exists", "frozen") is False


def test_each_server_of_an_address_has_an_address_of_its_own() -> None:
    assert addresses_of("postgresql://me:pass@a:1,b,[::1]:3/db?sslmode=disable") == [
        "postgresql://me:pass@a:1/db?sslmode=disable",
        "postgresql://me:pass@b/db?sslmode=disable",
        "postgresql://me:pass@[::1]:3/db?sslmode=disable",
    ]
    assert addresses_of("postgresql:///db?host=%2Frun") == ["postgresql:///db?host=%2Frun"]


async def test_the_server_that_takes_writes_is_used(
    server: Server, servers: Callable[[str], Server], database_url: str
) -> None:
    """The first server is closed, the second never answers, the third takes no writes."""
    name = database_url.partition("?")[0].rpartition("/")[2]
    standby = servers("pg15")
    standby_url = standby.create(name, template="talktime")
    standby.execute(f"alter database {name} set default_transaction_read_only = on")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        async with relayed(database_url) as silent, relayed(standby_url) as read_only, relayed(database_url) as primary:
            silent.swallows = lambda _greeting: True
            ports = [closed.getsockname()[1], *(port_of(relay.address) for relay in (silent, read_only, primary))]
            hosts = ",".join(f"127.0.0.1:{port}" for port in ports)
            address = primary.address.replace(f"127.0.0.1:{ports[-1]}", hosts)
            await migrate(address)
            async with node_on(address, connect_seconds=3) as node:
                await node.put_user("alice", "Alice")
                connection = await open_connection(address, 3)
                assert connection.get_server_version().major == 18
                connection.terminate()
                assert primary.connections
                assert not read_only.connections
    standby.drop(name)


def port_of(address: str) -> int:
    return int(address.partition("127.0.0.1:")[2].partition("/")[0])


@pytest.fixture
async def untrusted(tmp_path: Path) -> AsyncIterator[str]:
    """The address of a server with a certificate that nobody has signed."""
    key, certificate = tmp_path / "server.key", tmp_path / "server.crt"
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=other", "-days", "1"]
    subprocess.run([*make, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            await reader.readexactly(8)  # "may we speak TLS?"
            writer.write(b"S")
            await writer.start_tls(context)

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        yield f"postgresql://nobody@127.0.0.1:{port}/talktime?sslmode=verify-full&sslrootcert={certificate}"


@pytest.mark.parametrize("file", ["is no signer", "is gone", "is gone from its usual place"])
async def test_a_certificate_that_fails_is_an_outage(
    untrusted: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    """It may have expired, or somebody is replacing the file, while the program runs."""
    if file == "is gone":
        (tmp_path / "server.crt").unlink()
    elif file != "is no signer":
        monkeypatch.setenv("HOME", str(tmp_path))
        untrusted = untrusted.partition("&")[0]
    async with open_database(untrusted, size=1) as database:
        with pytest.raises(DatabaseUnavailable):
            await database.fetch("engine_now")
    with pytest.raises(DatabaseProblem) as refused:
        await ensure_current(untrusted, embedded=False)
    if file == "is no signer":
        assert "certificate verify failed" in str(refused.value)


async def test_another_default_of_the_database_changes_no_transaction(database_url: str, database: Pool) -> None:
    """Rows that are read after a lock are as new as the lock, so commands that race do not fail."""
    name = database_url.partition("?")[0].rpartition("/")[2]
    await database.execute(f"alter database {name} set default_transaction_isolation = 'serializable'")
    async with node_on(database_url, work=False) as one, node_on(database_url, work=False) as other:
        await add_alice_and_maya(one)
        await asyncio.gather(*(node.add_credit("alice", 1) for node in (one, other) for _ in range(50)))
        assert (await one.account("alice")).balance == parse_credits("100.0001")
        for context in (one.node.database.connection, one.node.database.writing):
            async with context() as connection:
                assert await connection.fetchval("show transaction_isolation") == "read committed"


async def test_the_system_watches_both_ends_of_a_tcp_connection(database_url: str) -> None:
    async with relayed(database_url) as relay:
        connection = await open_connection(relay.address, 3)
        ours = connection._transport.get_extra_info("socket")  # type: ignore[attr-defined]
        assert ours.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            assert ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 15_000
            assert ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 10
        connection.terminate()


async def test_a_frozen_node_holds_the_locks_of_its_payers_for_a_few_seconds(
    talktime: Talktime, database_url: str
) -> None:
    frozen = await asyncpg.connect(database_url, server_settings=SESSION)
    await frozen.execute("begin")
    await frozen.execute("select from accounts where user_id = 'alice' for no key update")
    began = time.monotonic()
    await talktime.add_credit("alice", parse_credits("1.00"))
    assert 3 < time.monotonic() - began < 7
    frozen.terminate()


async def test_a_lock_stops_its_payer_alone(talktime: Talktime, database: Pool) -> None:
    users = [f"user {number}" for number in range(12)]
    for user_id in users:
        await talktime.put_user(user_id, user_id)
    locked, others = users[:6], users[6:]
    async with database.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute("select from accounts where user_id = any($1::text[]) for update", locked)
        waiting: list[asyncio.Task[object]] = []
        for user_id in locked[1:]:
            # Each time the commands of a locked payer and of the others arrive together, and share a batch.
            began = time.monotonic()
            waiting.append(asyncio.create_task(talktime.add_credit(user_id, 1)))
            free = [talktime.add_credit(user_id, 1) for user_id in others]
            waiting.append(asyncio.create_task(talktime.add_credit(locked[0], 1)))
            await asyncio.gather(*free)
            assert time.monotonic() - began < 0.5
        assert not any(task.done() for task in waiting)
        await transaction.rollback()
    began = time.monotonic()
    await asyncio.gather(*waiting)
    assert time.monotonic() - began < 2
    assert {(await talktime.account(user_id)).balance for user_id in locked[1:]} == {1}
    assert (await talktime.account(locked[0])).balance == len(locked) - 1


async def test_commands_of_a_payer_that_is_locked_for_long_do_nothing(database_url: str, database: Pool) -> None:
    async with node_on(database_url, database_seconds=1, presence_lease_seconds=LONG_SECONDS) as node:
        await add_alice_and_maya(node)
        async with database.acquire() as connection, connection.transaction():
            await connection.execute("select from accounts where user_id = 'alice' for update")
            began = time.monotonic()
            outcomes = await asyncio.gather(*(node.add_credit("alice", 1) for _ in range(5)), return_exceptions=True)
            assert time.monotonic() - began < 1.5
            assert {type(outcome).__name__ for outcome in outcomes} == {"LockWait"}
        await asyncio.sleep(1.5)
        assert (await node.account("alice")).balance == parse_credits("100.00")


async def test_a_command_whose_caller_is_gone_before_it_begins_does_nothing(talktime: Talktime, database: Pool) -> None:
    async with database.acquire() as connection, connection.transaction():
        await connection.execute("select from accounts where user_id = 'alice' for update")
        first = asyncio.create_task(talktime.add_credit("alice", 1))
        await asyncio.sleep(0.2)
        second = asyncio.create_task(talktime.add_credit("alice", 2))
        await asyncio.sleep(0.1)
        for task in (first, second):
            task.cancel()
        await asyncio.gather(first, second, return_exceptions=True)
    await asyncio.sleep(0.5)
    assert (await talktime.account("alice")).balance == parse_credits("100.00")


async def test_a_connection_that_is_cut_off_between_two_steps_of_a_call_is_no_unforeseen_error(
    database_url: str,
) -> None:
    async with open_database(database_url, size=1) as database:
        with pytest.raises(DatabaseUnavailable):  # noqa: PT012  the end of the block raises
            async with database.connection() as connection:
                connection.terminate()
                # As asyncpg says when it goes on with a connection that is gone.
                raise AttributeError("'NoneType' object has no attribute 'bind_execute'")
        with pytest.raises(AttributeError):
            async with database.connection():
                raise AttributeError("a fault of the program")
