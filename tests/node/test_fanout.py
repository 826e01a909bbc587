"""What every fan-out must do, tried on each of them: two nodes on one database, each with a screen."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from talktime import Party, Reason, Talktime
from talktime.database.pool import Pool
from talktime.errors import Unavailable
from talktime.node.fanout import postgres
from talktime.node.fanout import redis as redis_fanout
from talktime.node.fanout.interface import FanoutUnavailable
from talktime.node.hints import Hint
from talktime.postgres.guardian import Guardian
from talktime.settings import SettingsError
from tests.node.test_hints import GARBAGE
from tests.nodes import LONG_SECONDS, Screen, add_alice_and_maya, node_on
from tests.poolers import pooler
from tests.redis_servers import PASSWORD, RedisServer, redis_server
from tests.relays import LISTENING, Relay, relayed

_LEASE_SECONDS = 1_000
KINDS = ("postgres", "polling", "polling behind a pooler", "redis")


class Watcher(Screen):
    """A screen that says what it shows."""

    def shows(self, reason: Reason | None) -> bool:
        """Whether the last snapshot says that the record is paused or stopped for this reason; None: that it runs."""
        return bool(self.seen) and self.seen[-1].record.reason is reason

    def has_text(self, text: str) -> bool:
        """Whether this is the last message."""
        return bool(self.messages) and self.messages[-1].text == text

    def has_number(self, number: int) -> bool:
        """Whether the last snapshot has this number."""
        return bool(self.seen) and self.seen[-1].sequence == number


@dataclass
class Ears:
    """Stands between the transport and a node: notes what comes, and drops all of it on demand."""

    real: Callable[[Sequence[Hint], str | None], None]
    is_deaf: bool = False
    heard: list[Hint] = field(default_factory=list)

    def hear(self, hints: Sequence[Hint], wrong: str | None) -> None:
        self.heard += hints
        if not self.is_deaf:
            self.real(hints, wrong)


class Stage:
    """Two nodes, and what can happen to the transport between them. The node `there` is behind a relay."""

    def __init__(self, kind: str, here: Talktime, there: Talktime, relay: Relay, redis: RedisServer) -> None:
        self.kind = kind
        self.here, self.there = here, there
        self.screen_here, self.screen = Watcher(here), Watcher(there)
        self._relay = relay
        self.redis = redis
        self.ears = Ears(there.node.feed.hear)
        there.node.feed.fanout.hear = self.ears.hear

    async def begin(self) -> None:
        await add_alice_and_maya(self.here)
        await self.here.initialize_time_tracking_for_chat("alice", "maya", "first")
        await self.here.node.feed.subscribe("first", self.screen_here)
        await self.there.node.feed.subscribe("first", self.screen)

    async def take_away(self) -> None:
        """End the transport of the node `there`, and refuse it from now on."""
        if self.kind == "redis":
            self.redis.stop()
        else:
            kind = LISTENING if self.kind == "postgres" else b""
            self._relay.refuses = lambda greeting: kind in greeting
            for connection in self._relay.connections:
                if kind in connection.greeting:
                    for writer in connection.writers:
                        writer.close()

    async def silence(self) -> None:
        """Let nothing arrive at the node `there`, on connections that stay open."""
        if self.kind == "redis":
            self.redis.freeze()
        else:
            assert self._relay.fall_silent(LISTENING if self.kind == "postgres" else b"")

    async def bring_back(self) -> None:
        """Let the transport work again, after either."""
        if self.kind == "redis":
            self.redis.thaw()
            if self.redis.is_stopped:
                self.redis.start()
        self._relay.speak()

    async def say(self, payload: str, database: Pool) -> None:
        """Say something to the nodes that no node has said."""
        if self.kind == "postgres":
            await database.execute("select pg_notify('talktime', $1)", payload)
        elif self.kind == "redis":
            for channel in self.redis.ask("PUBSUB", "CHANNELS"):
                self.redis.ask("PUBLISH", channel, payload.encode(errors="surrogatepass"))


@asynccontextmanager
async def stage_of(
    kind: str, database_url: str, redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Stage]:
    """Two nodes that do little by themselves, with connections that are asked often whether they are alive."""
    for module in (postgres, redis_fanout):
        monkeypatch.setattr(module, "PING_SECONDS", 0.2)
    quiet = {"health_seconds": LONG_SECONDS}
    settings: dict[str, Any] = {
        **quiet,
        "presence_lease_seconds": _LEASE_SECONDS,
        "fanout": redis.address if kind == "redis" else kind.partition(" ")[0],
    }
    async with AsyncExitStack() as stack:
        relay = await stack.enter_async_context(relayed(database_url))
        here = await stack.enter_async_context(node_on(database_url, database_seconds=3, **settings))
        there = await stack.enter_async_context(
            node_on(relay.address, database_seconds=1, connect_seconds=1, **settings)
        )
        stage = Stage(kind, here, there, relay, redis)
        await stage.begin()
        yield stage
        await here.check()
        await there.check()


@pytest.fixture
async def redis(data_dir: Path, guardian: Guardian) -> AsyncIterator[RedisServer]:
    with redis_server(data_dir, guardian) as server:
        yield server


@pytest.fixture(params=KINDS)
async def stage(
    request: pytest.FixtureRequest,
    database_url: str,
    data_dir: Path,
    guardian: Guardian,
    redis: RedisServer,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Stage]:
    with ExitStack() as stack:
        if "pooler" in request.param:
            database_url = stack.enter_context(pooler(database_url, data_dir, guardian, pool_mode="transaction"))
        async with stage_of(request.param, database_url, redis, monkeypatch) as stage:
            yield stage


async def until(condition: Callable[[], object], seconds: float = 45) -> float:
    """Wait until the condition is true; returns the seconds that this took."""
    began = time.monotonic()
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)
    return time.monotonic() - began


async def test_each_node_sees_the_others_changes_and_its_own(stage: Stage) -> None:
    for node, change, reason in (
        (stage.here, "pause", Reason.PAUSED),
        (stage.there, "stop", Reason.STOPPED),
    ):
        await getattr(node, change)("first")
        for screen in (stage.screen, stage.screen_here):
            await until(partial(screen.shows, reason))


async def test_a_message_reaches_both_nodes(stage: Stage) -> None:
    for number, node in enumerate((stage.here, stage.there), 1):
        await node.send_message("first", Party.USER, f"text {number}", f"message {number}")
        for screen in (stage.screen, stage.screen_here):
            await until(partial(screen.has_text, f"text {number}"))
    assert [message.position for message in stage.screen.messages] == [1, 2]


async def test_typing_reaches_the_other_node_if_the_fan_out_carries_typing(stage: Stage) -> None:
    stage.here.node.feed.publish_typing("alice", "first", Party.USER)
    await until(lambda: stage.screen_here.typing == [Party.USER])
    if stage.here.node.feed.fanout.carries_typing:
        await until(lambda: stage.screen.typing == [Party.USER])
    else:
        await asyncio.sleep(1)
        assert stage.screen.typing == []


async def test_numbers_come_in_order_and_the_last_one_is_the_stored_one(stage: Stage, database: Pool) -> None:
    async def change(node: Talktime, name: str) -> None:
        for number in range(15):
            while True:
                with suppress(Unavailable):  # the nodes here wait for a second at most, also for each other
                    await node.add_credit("alice", 1, key=f"{name} {number}")
                    break

    await asyncio.gather(change(stage.here, "here"), change(stage.there, "there"))
    stored = await database.fetchval("select sequence from accounts where user_id = 'alice'")
    for screen in (stage.screen_here, stage.screen):
        await until(partial(screen.has_number, stored))
        numbers = [snapshot.sequence for snapshot in screen.seen]
        assert numbers == sorted(set(numbers))


async def test_after_losses_the_next_change_or_read_shows_everything(stage: Stage) -> None:
    before = await stage.there.snapshot("first")
    stage.ears.is_deaf = True
    await stage.here.add_credit("alice", 1)
    await until(lambda: ("account", "alice", before.sequence + 1) in stage.ears.heard)
    await asyncio.sleep(0.2)
    # The hint of the start may come after the screen has opened, and shows the start once more.
    assert [snapshot for snapshot in stage.screen.seen if snapshot.sequence > before.sequence] == []
    read = await stage.there.snapshot("first")
    stage.ears.is_deaf = False
    await stage.here.pause("first")
    assert await until(lambda: stage.screen.shows(Reason.PAUSED)) < 1
    assert stage.screen.seen[-1].sequence == read.sequence + 1


@pytest.mark.parametrize("fault", ["taken away", "silent"])
async def test_a_transport_that_comes_back_shows_what_was_missed(stage: Stage, fault: str) -> None:
    await (stage.take_away() if fault == "taken away" else stage.silence())
    await stage.here.pause("first")
    await stage.here.send_message("first", Party.USER, "hello", "message 1")
    listens = next(worker for worker in stage.there.node.supervisor.workers if worker.name == "listen")
    await until(lambda: listens.restarts)
    await stage.bring_back()
    await until(lambda: stage.screen.messages and stage.screen.shows(Reason.PAUSED))
    await until(lambda: stage.there.node.feed.fanout.is_open and stage.here.node.feed.fanout.is_open)
    await stage.here.stop("first")
    await until(lambda: stage.screen.shows(Reason.STOPPED) and stage.screen_here.shows(Reason.STOPPED))


@pytest.mark.parametrize("stage", ["postgres", "redis"], indirect=True)
async def test_garbage_changes_nothing_and_hides_nothing(stage: Stage, database: Pool) -> None:
    """Nodes that read the tables hear nothing, so they can hear no garbage."""
    plausible = ['[["account", "alice", 1000000]]', '[["message", "first", 77]]', '[["account", "nobody", 1]]']
    for payload in [*(text for text in GARBAGE if text), *plausible, '[["account", "alice", 1]]\x7f\udcff']:
        if "\udcff" not in payload or stage.kind == "redis":
            await stage.say(payload, database)
    await stage.here.pause("first")
    await until(lambda: stage.screen.shows(Reason.PAUSED) and stage.screen_here.shows(Reason.PAUSED))
    stored = await database.fetchval("select sequence from accounts where user_id = 'alice'")
    numbers = [snapshot.sequence for snapshot in stage.screen.seen]
    assert numbers == sorted(set(numbers))
    assert numbers[-1] == stored
    assert stage.there.node.feed.hints_refused >= len(GARBAGE) - 1


async def test_a_person_with_a_socket_is_present_through_an_advance(stage: Stage) -> None:
    for party in Party:
        await stage.there.node.presence.attach(stage.screen, "first", party)
    await stage.here.advance_clock(3_000 * _LEASE_SECONDS)
    snapshot = await stage.there.snapshot("first")
    assert snapshot.timer.running
    assert snapshot.elapsed_ms >= 3_000 * _LEASE_SECONDS
    stage.there.node.presence.detach(stage.screen)


async def test_a_screen_that_is_gone_is_told_nothing(stage: Stage) -> None:
    stage.there.node.feed.unsubscribe("first", stage.screen)
    await stage.here.pause("first")
    await until(lambda: stage.screen_here.shows(Reason.PAUSED))
    await stage.there.node.feed.subscribe("first", stage.screen)
    await stage.here.stop("first")
    await until(lambda: stage.screen.shows(Reason.STOPPED))
    assert not any(snapshot.record.reason is Reason.PAUSED for snapshot in stage.screen.seen)


@pytest.mark.parametrize("kind", ["polling", "redis"])
async def test_a_node_hears_only_the_accounts_that_its_screens_show(
    kind: str, database_url: str, redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with stage_of(kind, database_url, redis, monkeypatch) as stage:
        await stage.here.put_user("bob", "Bob")
        await stage.here.add_credit("bob", 10_000_000)
        await stage.here.initialize_time_tracking_for_chat("bob", "maya", "second")
        bobs = Watcher(stage.here)
        await stage.here.node.feed.subscribe("second", bobs)
        await stage.here.pause("second")
        await stage.here.send_message("second", Party.USER, "hello", "message 1")
        await until(lambda: bobs.shows(Reason.PAUSED) and bobs.messages)
        await stage.here.pause("first")
        await until(lambda: stage.screen.shows(Reason.PAUSED))
        assert {hint.id for hint in stage.ears.heard} == {"alice"}
        if kind == "redis":
            assert redis.channels() == {"", "alice", "bob"}
            stage.here.node.feed.unsubscribe("second", bobs)
            await until(lambda: redis.channels() == {"", "alice"})


async def test_two_databases_on_one_redis_do_not_mix(
    database_url: str, another_database_url: str, redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with (
        stage_of("redis", database_url, redis, monkeypatch) as stage,
        stage_of("redis", another_database_url, redis, monkeypatch) as other,
    ):
        changes = 5
        for number in range(changes):
            await (other.here.pause if number % 2 == 0 else other.here.track)("first")
            await until(partial(other.screen.shows, Reason.PAUSED if number % 2 == 0 else None))
        await stage.here.add_credit("alice", 1)
        await until(lambda: stage.screen.seen)
        assert len(other.ears.heard) >= changes
        # The hint of the start may still come after the screen has subscribed.
        assert len(stage.ears.heard) <= 2


async def test_an_address_that_cannot_be_read_is_refused_without_being_shown(database_url: str) -> None:
    with pytest.raises(SettingsError, match="TALKTIME_FANOUT") as refusal:
        async with node_on(database_url, fanout=f"redis://:{PASSWORD}@host:no-port"):
            pass
    assert PASSWORD not in str(refusal.value)
    assert refusal.value.__suppress_context__


async def test_a_node_starts_without_redis_and_never_tells_its_address(database_url: str, redis: RedisServer) -> None:
    redis.stop()
    with capture_logs() as logs:
        async with node_on(database_url, fanout=redis.address, health_seconds=LONG_SECONDS) as node:
            await add_alice_and_maya(node)
            await node.initialize_time_tracking_for_chat("alice", "maya", "first")
            screen = Watcher(node)
            await node.node.feed.subscribe("first", screen)
            await node.pause("first")
            with pytest.raises(FanoutUnavailable) as refusal:
                await node.node.feed.fanout.open()
            listens = next(worker for worker in node.node.supervisor.workers if worker.name == "listen")
            await until(lambda: listens.restarts > 2)
            assert listens.troubled_since is not None
            redis.start()
            await until(lambda: screen.shows(Reason.PAUSED))
            assert (await node.snapshot("first")).record.reason is Reason.PAUSED
            said = f"{refusal.value!r} {refusal.value.__cause__!r} {logs} {node.settings!r}"
    assert "worker.failed" in said
    assert PASSWORD not in said
    assert redis.address.rpartition("@")[2] not in said
