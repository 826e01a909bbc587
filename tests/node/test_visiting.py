"""A program that leaves the work to nodes: `work=False`."""

from __future__ import annotations

from tests.nodes import add_alice_and_maya, node_on


async def test_a_visitor_takes_the_durations_from_the_nodes(database_url: str) -> None:
    async with node_on(database_url, presence_lease_seconds=7, recharge_seconds=100, abandon_seconds=200) as node:
        await add_alice_and_maya(node)
        async with node_on(database_url, work=False) as visitor:
            snapshot = await visitor.initialize_time_tracking_for_chat("alice", "maya", "one")
            lease_until = snapshot.timer.lease_until
            assert lease_until is not None
            assert lease_until <= snapshot.server_time + 7_000
            assert visitor.engine.durations.recharge_ms == 100_000
            assert visitor.engine.durations.abandon_ms == 200_000


async def test_a_visitor_where_no_node_runs_follows_its_own_settings(database_url: str) -> None:
    async with node_on(database_url, presence_lease_seconds=7):
        pass
    async with node_on(database_url, work=False, presence_lease_seconds=9) as visitor:
        assert visitor.engine.durations.lease_ms == 9_000
