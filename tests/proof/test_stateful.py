"""Hypothesis against the whole of talktime: any order of acts, on a real PostgreSQL, with the clock in its hand.

Each step must be accepted or refused as the reference model says, and show the same numbers. A refused command leaves
the database byte for byte as it was. At the end the auditor finds nothing. The steps are steered by the model's state,
so that most of them are accepted.
"""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from talktime import Talktime
from talktime.database.pool import Pool
from talktime.documents.audit import Audit
from tests.proof.histories import Act, apply, random_tariff, random_terms
from tests.proof.model import Model
from tests.proof.worlds import DatabaseWorld, compare, frozen

pytestmark = pytest.mark.both_servers

ADVISORS = st.sampled_from(["ada", "ben", "cleo"])
CHATS = st.integers(1, 3)
DUMP = """
select coalesce(string_agg(line, e'\\n' order by line), '') from (
    select 'accounts' || a::text as line from accounts a union all select 'advisors' || a::text from advisors a
    union all select 'chats' || c::text from chats c union all select 'entries' || e::text from entries e
    union all select 'records' || r::text from records r union all select 'segments' || s::text from segments s
    union all select 'tariffs' || t::text from tariffs t union all select 'repeats' || r::text from repeats r
    union all select 'messages' || m::text from messages m union all select 'watches' || w::text from watches w
    union all select 'clock' || c::text from engine_clock c union all select 'nodes' || n::text from nodes n
) lines
"""


class Machine(RuleBasedStateMachine):
    """One user of a shared database."""

    runner: asyncio.Runner
    talktime: Talktime
    database: Pool
    numbers = itertools.count(1)
    steps = 0
    refused = 0

    @initialize(random=st.randoms(use_true_random=False), alone=st.booleans(), amount=st.integers(1, 9))
    def join(self, random: Any, alone: bool, amount: int) -> None:
        self.user = f"user {next(self.numbers):06d}"
        self.model = Model(self.runner.run(self.talktime.now()))
        self.world = DatabaseWorld(self.talktime, self.database, self.user)
        self.random, self.alone = random, alone
        self.runner.run(self.world.begin())
        for advisor in ["ada", "ben", "cleo"][: 1 if alone else 3]:
            self.set_tariff(advisor)
        self.act(Act("credit", amount=amount * 1_000_000))

    def teardown(self) -> None:
        if hasattr(self, "model"):
            # The worker that was late comes at last: until then rule 9 is right to miss it.
            self.runner.run(self.talktime.timers.settle_due())
            audit = Audit()
            previous = f"user {int(self.user.split()[1]) - 1:06d}"
            self.runner.run(self.talktime.node.auditor.check_slice(audit, previous, 10))
            assert audit.document()["broken"] == []

    def act(self, act: Act, *, late: bool = False) -> None:
        """In both, with the same outcome."""
        self.runner.run(self._act(act, late=late))

    async def _act(self, act: Act, *, late: bool) -> None:
        expected = apply(self.model, act)
        type(self).steps += 1
        if expected is not None:
            type(self).refused += 1
            await self.talktime.timers.settle_due()
            before = await self._dump()
        assert await self.world.perform(act, late=late) == expected
        if expected is not None:
            assert await self._dump() == before
        compare(self.model, *await self.world.seen(self.model))

    async def _dump(self) -> str:
        dump: str = await self.database.fetchval(DUMP)
        return dump

    def set_tariff(self, advisor: str) -> None:
        """Any, and any terms."""
        tariff = random_tariff(self.random)
        self.act(Act("tariff", advisor=advisor, tariff=tariff, terms=random_terms(self.random)))

    def chat_of(self, number: int, advisor: str) -> str:
        """Each advisor has three chats."""
        return f"{advisor} {number}"

    @property
    def sessions(self) -> list[Any]:
        return list(self.model.active.values())

    @rule(advisor=ADVISORS, number=CHATS)
    def track(self, advisor: str, number: int) -> None:
        advisor = "ada" if self.alone else advisor
        self.act(Act("track", self.chat_of(number, advisor), advisor))

    @rule(seconds=st.integers(0, 100), odd=st.sampled_from([0, 0, 1, 250, 999]), late=st.booleans())
    def advance(self, seconds: int, odd: int, late: bool) -> None:
        self.act(Act("advance", duration_ms=seconds * 1000 + odd), late=late)

    @precondition(lambda self: self.sessions)
    @rule(which=st.integers(0, 2), beside=st.sampled_from([-1, 0, 1]), late=st.booleans())
    def advance_to_an_end(self, which: int, beside: int, late: bool) -> None:
        session = self.sessions[which % len(self.sessions)]
        ends = [session.waiting_since + 60_000, session.waiting_since + 240_000]
        if session.state == "running":
            ends = [session.user_until, session.advisor_until, self.model.cut_at(session) or 0]
        ahead = min((end - self.model.now for end in ends if end > self.model.now), default=0)
        self.act(Act("advance", duration_ms=max(0, ahead + beside)), late=late)

    @precondition(lambda self: self.sessions)
    @rule(
        name=st.sampled_from(["heartbeat", "heartbeat", "resume", "resume", "pause", "stop"]),
        which=st.integers(0, 2),
        by_user=st.booleans(),
    )
    def at_current_chat(self, name: str, which: int, by_user: bool) -> None:
        self.act(Act(name, self.sessions[which % len(self.sessions)].chat, by_user=by_user))

    @rule(name=st.sampled_from(["heartbeat", "resume", "pause", "stop"]), advisor=ADVISORS, number=CHATS)
    def at_any_chat(self, name: str, advisor: str, number: int) -> None:
        self.act(Act(name, self.chat_of(number, advisor)))

    @rule(amount=st.integers(1, 4_000_000) | st.integers(1, 4).map(lambda credit: credit * 1_000_000))
    def credit(self, amount: int) -> None:
        self.act(Act("credit", amount=amount))

    @rule(part=st.integers(1, 4), beyond=st.sampled_from([0, 0, 0, 1]))
    def debit(self, part: int, beyond: int) -> None:
        amount = self.model.available // part + beyond
        if amount:
            self.act(Act("debit", amount=amount))

    @rule()
    def checkpoint(self) -> None:
        self.act(Act("checkpoint"))

    @rule(advisor=ADVISORS)
    def change_tariff(self, advisor: str) -> None:
        advisor = "ada" if self.alone else advisor
        self.set_tariff(advisor)

    @rule(amount=st.integers(1, 3_000_000), seconds=st.none() | st.integers(1, 300))
    def give(self, amount: int, seconds: int | None) -> None:
        expires_at = None if seconds is None else self.model.now + seconds * 1000
        self.act(Act("gift", amount=amount, expires_at=expires_at))

    @precondition(lambda self: self.model.sessions)
    @rule(which=st.integers(0, 20), part=st.integers(1, 3), beyond=st.sampled_from([0, 0, 0, 1]))
    def refund(self, which: int, part: int, beyond: int) -> None:
        session = self.model.sessions[which % len(self.model.sessions)]
        amount = (session.posted - session.refunded) // part + beyond
        if amount:
            self.act(Act("refund", record=session.id, amount=amount))


def test_any_order_of_acts_is_as_the_model_says(database_url: str, server: Any) -> None:
    with asyncio.Runner() as runner:
        context = frozen(database_url)
        Machine.talktime, Machine.database = runner.run(context.__aenter__())
        Machine.runner, Machine.steps, Machine.refused = runner, 0, 0
        try:
            examples = 40 if server.programs.major == 18 else 10
            run_state_machine_as_test(
                Machine, settings=settings(max_examples=examples, stateful_step_count=25, deadline=None)
            )
            assert 0 < Machine.refused < 0.35 * Machine.steps, (Machine.refused, Machine.steps)
        finally:
            runner.run(context.__aexit__(None, None, None))
