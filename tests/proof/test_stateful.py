"""Acts in any order, chosen by Hypothesis, against the whole of talktime on a real PostgreSQL.

Each act must be accepted or refused as the reference model does it, and show the same numbers. A refused act leaves the
database byte for byte as it was. At the end the auditor finds nothing. The state of the model decides which acts are
chosen, so that most of them are accepted.
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
from tests.proof.histories import Act, apply, random_start_rule, random_tariff, random_terms
from tests.proof.model import HORIZON_MS, Model
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
    union all select 'clock' || offset_ms from engine_clock union all select 'nodes' || n::text from nodes n
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

    @initialize(random=st.randoms(use_true_random=False), has_one_advisor=st.booleans(), amount=st.integers(1, 9))
    def join(self, random: Any, has_one_advisor: bool, amount: int) -> None:
        self.user = f"user {next(self.numbers):06d}"
        self.model = Model(self.runner.run(self.talktime.now()))
        self.world = DatabaseWorld(self.talktime, self.database, self.user)
        self.random, self.has_one_advisor = random, has_one_advisor
        self.runner.run(self.world.begin())
        for advisor in ["ada", "ben", "cleo"][: 1 if has_one_advisor else 3]:
            self.set_tariff(advisor)
        self.act(Act("credit", amount=amount * 1_000_000))

    def teardown(self) -> None:
        if hasattr(self, "model"):
            # Without this last run of the worker, rule 9 would rightly find overdue deadlines.
            self.runner.run(self.talktime.node.deadlines.settle_due())
            audit = Audit()
            previous = f"user {int(self.user.split()[1]) - 1:06d}"
            self.runner.run(self.talktime.node.auditor.check_slice(audit, previous, 10))
            assert audit.document()["broken"] == []

    def act(self, act: Act, *, late: bool = False) -> None:
        """Apply the act to the program and to the model, which must agree."""
        self.runner.run(self._act(act, late=late))

    async def _act(self, act: Act, *, late: bool) -> None:
        expected = apply(self.model, act)
        type(self).steps += 1
        if expected is not None:
            type(self).refused += 1
            await self.talktime.node.deadlines.settle_due()
            before = await self._dump()
        assert await self.world.perform(act, late=late) == expected
        if expected is not None:
            assert await self._dump() == before
        compare(self.model, *await self.world.seen(self.model))

    async def _dump(self) -> str:
        dump: str = await self.database.fetchval(DUMP)
        return dump

    def set_tariff(self, advisor: str) -> None:
        """The advisor gets a random tariff and random terms."""
        tariff, starts = random_tariff(self.random), random_start_rule(self.random)
        self.act(Act("tariff", advisor=advisor, tariff=tariff, terms=random_terms(self.random), starts=starts))

    def chat_of(self, number: int, advisor: str) -> str:
        """Each advisor has three chats."""
        return f"{advisor} {number}"

    @property
    def records(self) -> list[Any]:
        return list(self.model.active.values())

    @rule(advisor=ADVISORS, number=CHATS)
    def track(self, advisor: str, number: int) -> None:
        advisor = "ada" if self.has_one_advisor else advisor
        self.act(Act("track", self.chat_of(number, advisor), advisor))

    @rule(seconds=st.integers(0, 100), odd=st.sampled_from([0, 0, 1, 250, 999]), late=st.booleans())
    def advance(self, seconds: int, odd: int, late: bool) -> None:
        self.act(Act("advance", duration_ms=seconds * 1000 + odd), late=late)

    @precondition(lambda self: self.records)
    @rule(which=st.integers(0, 2), beside=st.sampled_from([-1, 0, 1]), late=st.booleans())
    def advance_to_a_deadline(self, which: int, beside: int, late: bool) -> None:
        record = self.records[which % len(self.records)]
        ends = [record.waiting_since + 60_000, record.waiting_since + 240_000]
        if record.state == "running":
            ends = [record.user_until, record.advisor_until, self.model.cut_at(record, HORIZON_MS) or 0]
        elif record.state == "requested":
            ends = [record.user_until, record.ring_until]
        ahead = min((end - self.model.now for end in ends if end > self.model.now), default=0)
        self.act(Act("advance", duration_ms=max(0, ahead + beside)), late=late)

    @precondition(lambda self: self.records)
    @rule(
        name=st.sampled_from(
            ["heartbeat"] * 3 + ["accept"] * 2 + ["resume"] * 2 + ["leave", "pause", "decline", "stop"]
        ),
        which=st.integers(0, 2),
        by_user=st.booleans(),
    )
    def act_on_current_chat(self, name: str, which: int, by_user: bool) -> None:
        self.act(Act(name, self.records[which % len(self.records)].chat, by_user=by_user))

    @rule(
        name=st.sampled_from(["heartbeat", "leave", "accept", "decline", "resume", "pause", "stop"]),
        advisor=ADVISORS,
        number=CHATS,
    )
    def act_on_any_chat(self, name: str, advisor: str, number: int) -> None:
        self.act(Act(name, self.chat_of(number, advisor)))

    @rule(amount=st.integers(1, 4_000_000) | st.integers(1, 4).map(lambda credit: credit * 1_000_000))
    def credit(self, amount: int) -> None:
        self.act(Act("credit", amount=amount))

    @rule(part=st.integers(1, 4), beyond=st.sampled_from([0, 0, 0, 1]))
    def debit(self, part: int, beyond: int) -> None:
        amount = self.model.available // part + beyond
        if amount:
            self.act(Act("debit", amount=amount))

    @rule(seconds=st.sampled_from([1, 30, 90, 900, 901]))
    def announce_a_payment(self, seconds: int) -> None:
        self.act(Act("paying", duration_ms=seconds * 1000))

    @rule()
    def post_charges(self) -> None:
        self.act(Act("post"))

    @rule(advisor=ADVISORS)
    def change_tariff(self, advisor: str) -> None:
        advisor = "ada" if self.has_one_advisor else advisor
        self.set_tariff(advisor)

    @rule(amount=st.integers(1, 3_000_000), seconds=st.none() | st.integers(1, 300))
    def give(self, amount: int, seconds: int | None) -> None:
        expires_at = None if seconds is None else self.model.now + seconds * 1000
        self.act(Act("gift", amount=amount, expires_at=expires_at))

    @precondition(lambda self: self.model.records)
    @rule(which=st.integers(0, 20), part=st.integers(1, 3), beyond=st.sampled_from([0, 0, 0, 1]))
    def refund(self, which: int, part: int, beyond: int) -> None:
        record = self.model.records[which % len(self.model.records)]
        amount = (record.charged - record.refunded) // part + beyond
        if amount:
            self.act(Act("refund", record=record.id, amount=amount))


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
