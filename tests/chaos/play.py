"""One run of chaos, from its beginning to its verdict."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any, Final, Protocol

from talktime import Talktime
from talktime.core.roles import Role
from talktime.documents.verification import verify
from talktime.settings import load_settings
from tests.chaos.database import ChaosDatabase
from tests.chaos.faults import Faults
from tests.chaos.nodes import ChaosNode
from tests.chaos.people import TARIFF, Acknowledged, Caller, Talker, Watcher
from tests.proof.model import PriceTable
from tests.redis_servers import RedisServer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import asyncpg

    from talktime.postgres.guardian import Guardian

BACK_SECONDS_MAX: Final = 45
"""Every node acknowledges a command again within this time after a fault is over."""

_QUIET_SECONDS_MAX: Final = 30
_BILLED_OUTAGES: Final = """
select s.record_id from segments s join outages o on s.started_at < o.ended_at and s.ended_at > o.started_at
where least(s.ended_at, o.ended_at) - greatest(s.started_at, o.started_at) > interval '2 seconds'
"""
"""A record may have changed after the last renewal, but engine time goes no further than two seconds beyond it."""


class Stored(Protocol):
    """A database whose rows can be compared."""

    @property
    def url(self) -> str:
        """The address of the database."""

    async def fetch(self, sql: str, *arguments: Any) -> list[asyncpg.Record]:
        """The rows of a query; instants are integers."""


@dataclass
class Run:
    """What happened: the faults, what was acknowledged, how long nodes took to come back, and what is wrong."""

    seed: int
    acknowledged: Acknowledged = field(default_factory=Acknowledged)
    faults: Counter[str] = field(default_factory=Counter)
    back_seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    outages_seconds: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def report(self) -> str:
        """The figures of the run, a line for each kind of fault."""
        done = self.acknowledged
        lines = [
            (
                f"seed {self.seed}: {done.commands} commands acknowledged, {done.unavailable} times unavailable,"
                f" {sum(self.faults.values())} faults, {len(self.outages_seconds)} outages"
                f" of {sum(self.outages_seconds):.1f} s together"
            ),
            f"{'until every node acknowledges again, in seconds':50} {'times':>5} {'p50':>6} {'p99':>6}",
        ]
        for kind, seconds in sorted(self.back_seconds.items()):
            p99 = sorted(seconds)[min(len(seconds) - 1, round(0.99 * len(seconds)))]
            lines.append(f"{kind:50} {len(seconds):5} {statistics.median(seconds):6.1f} {p99:6.1f}")
        lines += [f"WRONG: {what}" for what in self.wrong] or ["nothing was lost, doubled or left behind"]
        return "\n".join(lines)


async def play(
    folder: Path,
    guardian: Guardian,
    seed: int,
    seconds: float,
    *,
    nodes: int,
    users: int,
    fanout: str,
    tell: Callable[[str], None],
) -> Run:
    """Let people talk while things fail, for some seconds; then compare everything with what was acknowledged."""
    run, random = Run(seed), Random(seed)
    database = ChaosDatabase(folder, has_disk=True)
    guardian.guard_folder(folder)
    redis = RedisServer(folder, guardian) if fanout == "redis" else None
    address = fanout if redis is None else redis.address
    stage = [ChaosNode(number, lambda: database.socket, folder, guardian, address) for number in range(nodes)]
    caller = Caller(stage, Random(seed + 1), run.acknowledged)
    try:
        await database.start()
        await database.add_standby()
        await asyncio.gather(*(node.open() for node in stage))
        talkers = [Talker(caller, number) for number in range(users)]
        await asyncio.gather(*(talker.join() for talker in talkers))
        watchers = [Watcher(caller, Role.USER, talker.user, talker.chats) for talker in talkers]
        watchers += [Watcher(caller, Role.ADVISOR, talker.advisor, talker.chats) for talker in talkers]
        screens = [asyncio.create_task(watcher.run()) for watcher in watchers]
        is_over = asyncio.Event()
        acting = [asyncio.create_task(talker.run(is_over)) for talker in talkers]
        if not database.has_disk:
            tell("no disk becomes full: only root can mount one")
        await _fail(run, Faults(database, stage, random, redis), caller, seconds, tell)
        is_over.set()
        await asyncio.gather(*acting)
        await conclude(run, caller, talkers, watchers, database)
        for screen in screens:
            screen.cancel()
        await asyncio.gather(*screens, return_exceptions=True)
    finally:
        await caller.close()
        for node in stage:
            node.relay.heal()
        await asyncio.gather(*(node.stop() for node in stage))
        await database.stop()
        if redis is not None:
            redis.stop()
    run.wrong += run.acknowledged.wrong
    return run


async def _fail(run: Run, faults: Faults, caller: Caller, seconds: float, tell: Callable[[str], None]) -> None:
    """Let one thing after the other fail, and measure how long every node takes to come back."""
    end = time.monotonic() + seconds
    kinds: list[str] = []
    while time.monotonic() < end:
        kinds = kinds or caller.random.sample(list(faults.kinds), len(faults.kinds))
        kind = kinds.pop()
        await faults.kinds[kind]()
        run.faults[kind] += 1
        took = await seconds_until_back(run, caller)
        run.back_seconds[kind].append(took)
        tell(f"{kind}: back after {took:.1f} s")
        if took > BACK_SECONDS_MAX:
            run.wrong.append(f"after {kind!r} a node was not back within {BACK_SECONDS_MAX} s")
        await asyncio.sleep(caller.random.random())


async def seconds_until_back(run: Run, caller: Caller) -> float:
    """How long it takes from now until every node has acknowledged a command that was sent later."""
    since = time.monotonic()
    took = 0.0
    for node in caller.nodes:
        answered = run.acknowledged.answered[node.name]
        while True:
            back = [came - since for sent, came in answered[-200:] if sent >= since]
            if back or time.monotonic() - since > BACK_SECONDS_MAX + 1:
                took = max(took, min(back, default=BACK_SECONDS_MAX + 1.0))
                break
            await asyncio.sleep(0.05)
    return took


async def conclude(
    run: Run, caller: Caller, talkers: list[Talker], watchers: list[Watcher], database: ChaosDatabase
) -> None:
    """Stop every record, and compare screens, nodes and facts with what was acknowledged."""
    await asyncio.gather(*(caller.post(f"/chats/{talker.chat}/stop") for talker in talkers))
    await compare_screens(run, caller, watchers)
    await check_nodes(run, caller)
    await compare_facts(run, database)


async def compare_screens(run: Run, caller: Caller, watchers: list[Watcher]) -> None:
    """Every screen shows what every node answers."""
    give_up_at = time.monotonic() + _QUIET_SECONDS_MAX
    while True:
        old: dict[str, str] = {}
        for watcher in watchers:
            for chat_id, shown in watcher.shown.items():
                answers = [await caller.get(f"/v1/chats/{chat_id}/tracking", node) for node in caller.nodes]
                told = [None if answer is None else _facts(answer) for answer in answers]
                if any(facts != _facts(shown) for facts in told):
                    old[chat_id] = f"{_facts(shown)} instead of {told}"
        if not old or time.monotonic() > give_up_at:
            run.wrong += [f"a screen shows something old of {chat_id}: {facts}" for chat_id, facts in old.items()]
            return
        await asyncio.sleep(1)


def _facts(snapshot: dict[str, Any]) -> tuple[Any, ...]:
    record = snapshot["record"]
    return snapshot["sequence"], record and (record["id"], record["state"]), snapshot["elapsed_ms"], snapshot["cost"]


async def check_nodes(run: Run, caller: Caller) -> None:
    """Every node is ready."""
    for node in caller.nodes:
        if await caller.get("/readyz", node) is None:
            run.wrong.append(f"{node.name} is not ready, although nothing fails any more")


async def compare_facts(run: Run, database: Stored) -> None:
    """Whatever was acknowledged is there exactly once, the books agree, and every charge is the price of its time."""
    done = run.acknowledged
    stored = Counter(
        row["reference"] for row in await database.fetch("select reference from entries where kind = 'purchase'")
    )
    known = {reference for of_user in done.credits.values() for reference in of_user}
    run.wrong += [
        f"the credit {reference} is there {stored[reference]} times" for reference in known if stored[reference] != 1
    ]
    run.wrong += [f"a credit is there {times} times" for times in stored.values() if times > 1]
    refunds = Counter(
        row["reason"]
        for row in await database.fetch("select reason from entries where kind = 'refund' and record_id is not null")
    )
    run.wrong += [
        f"the refund {reason} is there {refunds[reason]} times" for reason in done.refunds if refunds[reason] != 1
    ]
    messages = Counter(row["client_id"] for row in await database.fetch("select client_id from messages"))
    sent = [client_id for of_chat in done.messages.values() for client_id in of_chat]
    run.wrong += [
        f"the message {client_id} is there {messages[client_id]} times"
        for client_id in sent
        if messages[client_id] != 1
    ]
    run.outages_seconds = [
        (row["ended_at"] - row["started_at"]) / 1000 for row in await database.fetch("select * from outages")
    ]
    async with Talktime.connect(
        database.url, settings=load_settings(database_url=database.url), work=False
    ) as talktime:
        audit = await talktime.audit()
        run.wrong += [f"the doctor: {rule}" for rule in audit.broken()] + audit.schema_faults
        table = PriceTable(_with_defaults(TARIFF))
        for row in await database.fetch(
            "select record_id, elapsed_ms, charged from records where ended_at is not null"
        ):
            if table.cost(row["elapsed_ms"]) != row["charged"]:
                run.wrong.append(f"record {row['record_id']} is billed {row['charged']}")
            receipt = (await talktime.receipt(row["record_id"])).document()
            run.wrong += [f"{row['record_id']}: {check}" for check in verify(receipt) if not check.holds]
    run.wrong += [f"record {row['record_id']} bills an outage" for row in await database.fetch(_BILLED_OUTAGES)]


def _with_defaults(tariff: dict[str, Any]) -> dict[str, Any]:
    return {"boundary": "ceil", **tariff, "rounding": {"places": 2, "mode": "up"}}
