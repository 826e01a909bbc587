"""Starts and answers that meet, through two nodes, in real time: always one of the serial outcomes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from typing import Any

import pytest

from talktime import Talktime, parse_credits
from talktime.core.errors import AdvisorBusy, Conflict
from talktime.core.record import Reason, State
from tests.nodes import LONG_SECONDS, MAYAS_TARIFF, node_on

pytestmark = pytest.mark.both_servers

ROUNDS = 12


@pytest.fixture
async def nodes(talktime: Talktime, database_url: str) -> AsyncIterator[tuple[Talktime, Talktime]]:
    """Two nodes; each user has credit."""
    for number in range(ROUNDS):
        await talktime.put_user(f"user {number}", "U")
        await talktime.add_credit(f"user {number}", parse_credits("10.00"))
    async with node_on(database_url, work=False, presence_lease_seconds=LONG_SECONDS) as other:
        yield talktime, other


async def race(*calls: Coroutine[Any, Any, Any]) -> list[Any]:
    """Run all of them at once. Returns the result or the refusal of each."""
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert [error for error in results if isinstance(error, BaseException) and not isinstance(error, Conflict)] == []
    return results


async def requested(node: Talktime, number: int, ring_ms: int = 60_000) -> str:
    """A chat of this user that rings at an advisor."""
    await node.put_advisor(f"maya {number}", "Maya", MAYAS_TARIFF, starts="accepted", ring_ms=ring_ms)
    snapshot = await node.initialize_time_tracking_for_chat(f"user {number}", f"maya {number}", f"chat {number}")
    assert snapshot.record.state is State.REQUESTED
    return f"chat {number}"


async def test_an_acceptance_meets_the_users_stop(nodes: tuple[Talktime, Talktime]) -> None:
    first, second = nodes
    for number in range(ROUNDS):
        chat = await requested(first, number)
        accepted, _ = await race(first.accept(chat), second.stop(chat))
        ended = await first.snapshot(chat)
        assert (ended.record.state, ended.record.reason) == (State.ENDED, Reason.STOPPED)
        if isinstance(accepted, Conflict):
            assert ended.elapsed_ms == 0
            assert ended.balance == parse_credits("10.00")
    assert await first.broken_rules() == []


async def test_an_acceptance_meets_the_end_of_the_ring(nodes: tuple[Talktime, Talktime]) -> None:
    first, second = nodes
    for number in range(ROUNDS):
        chat = await requested(first, number, ring_ms=1_000)
        (accepted, _) = await race(first.accept(chat), second.advance_clock(1_000))
        now = await first.snapshot(chat)
        if isinstance(accepted, Conflict):
            assert (now.record.reason, now.elapsed_ms) == (Reason.MISSED, 0)
        else:
            assert now.timer.running
        await first.stop(chat)
    assert await first.broken_rules() == []


async def test_an_acceptance_meets_a_second_start(nodes: tuple[Talktime, Talktime]) -> None:
    first, second = nodes
    for number in range(ROUNDS):
        chat = await requested(first, number)
        start = second.initialize_time_tracking_for_chat(f"user {number}", f"maya {number}", f"other {number}")
        accepted, moved = await race(first.accept(chat), start)
        there = await first.snapshot(f"other {number}")
        assert there.record.id == moved.record.id
        # The ringing moved first, and the advisor accepts in the other chat; or the running record moved.
        assert there.record.state is (State.REQUESTED if isinstance(accepted, Conflict) else State.RUNNING)
    assert await first.broken_rules() == []


async def test_two_users_want_the_last_place_of_an_advisor(nodes: tuple[Talktime, Talktime]) -> None:
    await nodes[0].put_advisor("maya", "Maya", MAYAS_TARIFF, starts="at_once", max_active=3)
    results = await race(
        *(
            nodes[number % 2].initialize_time_tracking_for_chat(f"user {number}", "maya", f"chat {number}")
            for number in range(ROUNDS)
        )
    )
    assert sum(isinstance(result, AdvisorBusy) for result in results) == ROUNDS - 3
    active = await nodes[0].records("active")
    assert len(active) == 3
    await nodes[0].stop_record(active[0].record.id)
    free = next(number for number in range(ROUNDS) if isinstance(results[number], AdvisorBusy))
    await nodes[1].initialize_time_tracking_for_chat(f"user {free}", "maya", f"chat {free}")
