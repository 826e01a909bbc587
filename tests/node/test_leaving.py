"""A page that closes, where the tabs of one person are at two nodes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from random import Random
from typing import Any

import pytest

from talktime import Party, Reason, Talktime
from talktime.database.pool import Pool
from tests.nodes import LONG_SECONDS, Screen, add_alice_and_maya, node_on

pytestmark = pytest.mark.both_servers


@pytest.fixture
async def nodes(database_url: str) -> AsyncIterator[tuple[Talktime, Talktime]]:
    """Two nodes with leases that no test outlasts, and a chat that runs."""
    quiet: dict[str, Any] = {
        "checkpoint_seconds": 0,
        "health_seconds": LONG_SECONDS,
        "presence_lease_seconds": LONG_SECONDS,
    }
    async with node_on(database_url, **quiet) as one, node_on(database_url, **quiet) as other:
        await add_alice_and_maya(one)
        await one.initialize_time_tracking_for_chat("alice", "maya", "first")
        await one.heartbeat("first", Party.ADVISOR)
        yield one, other


async def watches(database: Pool, count: int) -> None:
    """Wait until the database has this number of watches of the user."""
    async with asyncio.timeout(20):
        while await database.fetchval("select count(*) from watches where party = 'user'") != count:
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("by_request", [False, True])
async def test_a_tab_at_one_node_leaves_while_a_tab_at_another_node_is_present(
    nodes: tuple[Talktime, Talktime], database: Pool, by_request: bool
) -> None:
    one, other = nodes
    tabs = [Screen(node) for node in nodes]
    for node, tab in zip(nodes, tabs, strict=True):
        await node.node.presence.attach(tab, "first", Party.USER)
    for node, tab, left in ((one, tabs[0], 1), (other, tabs[1], 0)):
        if by_request:
            # A beacon may come to either node, and before the end of its socket.
            await one.leave("first", Party.USER)
            node.node.presence.detach(tab, "first")
        else:
            node.node.presence.leave(tab, "first")
        await watches(database, left)
        before = (await one.snapshot("first")).elapsed_ms
        await one.advance_clock(60_000)
        later = await one.snapshot("first")
        if left:
            assert later.timer.running
        else:
            assert later.record.reason is Reason.USER_AWAY
            assert before + 3_000 <= later.elapsed_ms <= before + 6_000


async def test_a_refresh_from_one_node_to_another_changes_nothing(
    nodes: tuple[Talktime, Talktime], database: Pool
) -> None:
    one, other = nodes
    old, new = Screen(one), Screen(other)
    await one.node.presence.attach(old, "first", Party.USER)
    one.node.presence.leave(old, "first")
    await other.leave("first", Party.USER)
    await other.node.presence.attach(new, "first", Party.USER)
    await watches(database, 1)
    await one.advance_clock(60_000)
    assert (await one.snapshot("first")).timer.running


async def test_the_end_of_a_tab_ends_no_lease_of_a_tab_at_another_node(
    nodes: tuple[Talktime, Talktime], database: Pool
) -> None:
    """The rows that one node stores about its sockets say nothing about the sockets of another node."""
    one, other = nodes
    tab = Screen(one)
    await one.node.presence.attach(tab, "first", Party.USER)
    await other.node.presence.attach(Screen(other), "first", Party.USER)
    due = "select due_at from accounts where user_id = 'alice'"
    before = await database.fetchval(due)
    one.node.presence.detach(tab)
    await watches(database, 1)
    assert await database.fetchval(due) == before


async def test_a_leave_races_the_page_that_is_loaded_again(nodes: tuple[Talktime, Talktime], database: Pool) -> None:
    """The old page leaves at one node while the new page comes at the other: in every order the user is there."""
    one, other = nodes
    chance = Random(4711)
    old = Screen(one)
    await one.node.presence.attach(old, "first", Party.USER)

    async def leave(node: Talktime, socket: Screen) -> None:
        await asyncio.sleep(0.01 * chance.random())
        node.node.presence.leave(socket, "first")
        await asyncio.sleep(0.01 * chance.random())
        await chance.choice(nodes).leave("first", Party.USER)

    async def come(node: Talktime, socket: Screen) -> None:
        await asyncio.sleep(0.01 * chance.random())
        await node.node.presence.attach(socket, "first", Party.USER)

    for _ in range(10):
        new = Screen(other)
        await asyncio.gather(leave(one, old), come(other, new))
        await watches(database, 1)
        await one.advance_clock(60_000)
        assert (await one.snapshot("first")).timer.running
        one, other, old = other, one, new
    receipt = await one.receipt((await one.snapshot("first")).record.id)
    assert len(receipt.segments) == 1
