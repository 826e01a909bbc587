"""Engine time follows real time, whatever the clock of the database's server says, and stands still in an outage."""

from __future__ import annotations

import asyncio
import time
from typing import Any, Final

import pytest
from structlog.testing import capture_logs

from talktime import parse_credits
from talktime.core.instants import format_instant
from talktime.database.pool import Pool
from tests.chaos.database import LYING_CLOCK
from tests.nodes import add_alice_and_maya, node_on

RENEWAL_MS: Final = 1_000
"""The time between two renewals of engine time."""

NOISE_MS: Final = 3_000
"""How much later than asked a busy machine may do what a test asks for."""


@pytest.mark.parametrize("step_ms", [-3_600_000, 3_600_000, -5_000, 5_000])
async def test_a_step_of_the_servers_clock_changes_no_bill_and_no_lease(
    database_url: str, database: Pool, step_ms: int
) -> None:
    await database.execute(LYING_CLOCK)
    async with node_on(database_url, outage_seconds=60, presence_lease_seconds=20) as node:
        await add_alice_and_maya(node)
        began = time.monotonic()
        await node.initialize_time_tracking_for_chat("alice", "maya", "first")
        await asyncio.sleep(1.5)
        await database.execute("update lie set step_ms = $1", step_ms)
        instants = [await node.now()]
        for _ in range(25):
            await asyncio.sleep(0.1)
            instants.append(await node.now())
        running = await node.snapshot("first")
        assert running.timer.running, running
        assert running.timer.lease_until is not None
        assert running.timer.lease_until <= running.server_time + 20_000
        stopped = await node.stop("first")
        real_ms = (time.monotonic() - began) * 1000
        assert instants == sorted(instants)
        assert abs(stopped.elapsed_ms - real_ms) < RENEWAL_MS + NOISE_MS
        receipt = (await node.receipt(stopped.record.id)).document()
        assert receipt["elapsed_ms"] == stopped.elapsed_ms
        assert 1 <= node.node.clock.corrections <= 5  # a busy machine samples inexactly
        assert await database.fetchval("select count(*) from outages") == 0


@pytest.mark.parametrize("rate", [0.3, -0.3])
async def test_a_clock_that_runs_fast_or_slow_is_held_to_real_time(
    database_url: str, database: Pool, rate: float
) -> None:
    await database.execute(LYING_CLOCK)
    async with node_on(database_url, outage_seconds=60) as node:
        before_ms, began = await node.now(), time.monotonic()
        await database.execute("update lie set rate = $1, since = clock_timestamp()", rate)
        await asyncio.sleep(6)
        passed_ms, real_ms = await node.now() - before_ms, (time.monotonic() - began) * 1000
        assert abs(passed_ms - real_ms) < 1_200  # without corrections it would be 1.8 s
        assert node.node.clock.error_ms() < 50


async def test_a_clock_that_was_set_back_while_no_process_ran_does_not_take_time_back(
    database_url: str, database: Pool
) -> None:
    await database.execute(LYING_CLOCK)
    async with node_on(database_url, work=False) as node:
        await asyncio.sleep(0.4)  # a renewal soon after the one of the start would store nothing
        before_ms, began = await node.now(), time.monotonic()
        error_ms = node.node.clock.error_ms()
        await node.node.clock.renew()  # engine time goes on from the last renewal
    await database.execute("update lie set step_ms = -3600000")
    async with node_on(database_url, work=False) as node:
        passed_ms = await node.now() - before_ms
        # Each process knows engine time only so well.
        error_ms += node.node.clock.error_ms()
        assert -error_ms <= passed_ms <= (time.monotonic() - began) * 1000 + RENEWAL_MS


async def test_two_processes_that_measure_differently_agree_on_one_time(database_url: str, database: Pool) -> None:
    await database.execute(LYING_CLOCK)
    async with node_on(database_url, outage_seconds=60) as one, node_on(database_url, outage_seconds=60) as other:
        # The clock of the other process's machine was stopped for a minute: its samples contradict what it knew.
        for sample in list(other.node.clock._offset._samples):
            other.node.clock._offset._samples.append(
                sample._replace(low_ms=sample.low_ms - 60_000, high_ms=sample.high_ms - 60_000)
            )
        samples = other.node.clock._offset._samples
        for _ in range(len(samples) // 2):
            samples.popleft()
        await asyncio.sleep(5)
        corrections = one.node.clock.corrections + other.node.clock.corrections
        assert corrections == await database.fetchval("select corrections from engine_clock") <= 6
        assert abs(one.node.clock.now_ms() - other.node.clock.now_ms()) < 50


async def test_an_outage_is_billed_to_nobody_and_ends_no_lease(database_url: str, database: Pool) -> None:
    settings = {"outage_seconds": 3, "presence_lease_seconds": 5}
    async with node_on(database_url, work=False, **settings) as node:
        await add_alice_and_maya(node)
        await node.add_credit("alice", parse_credits("5"))
        await node.initialize_time_tracking_for_chat("alice", "maya", "first")
        await asyncio.sleep(1)
        before = await node.snapshot("first")
    await asyncio.sleep(8)
    async with node_on(database_url, work=False, **settings) as node:
        (outage,) = await database.fetch("select * from outages")
        outage_ms = outage["ended_at"] - outage["started_at"]
        assert outage_ms > 7_000
        after = await node.snapshot("first")
        assert after.timer.running
        # The outage begins at the last renewal, which was a moment before the first snapshot.
        assert abs(after.elapsed_ms - before.elapsed_ms) < NOISE_MS
        stopped = await node.stop("first")
        assert stopped.elapsed_ms < before.elapsed_ms + NOISE_MS
        receipt = (await node.receipt(stopped.record.id)).document()
        (gap,) = receipt["gaps"]
        assert (gap["reason"], gap["caused_by"], gap["duration_ms"]) == ("platform", "platform", outage_ms)
        assert [segment["reason"] for segment in receipt["segments"]] == ["platform", "stopped"]
        # An outage that ended long ago is no news for a process that starts, such as a command.
        with capture_logs() as logs:
            async with node_on(database_url, work=False, **settings):
                pass
        assert "clock.outage" not in {line["event"] for line in logs}


async def test_an_outage_is_told_with_its_times_and_not_before_the_first_record(
    database_url: str, database: Pool
) -> None:
    settings: dict[str, Any] = {"outage_seconds": 1}

    async def outages_told_at_a_start() -> list[Any]:
        with capture_logs() as logs:
            async with node_on(database_url, **settings):
                pass
        return [line for line in logs if line["event"] == "clock.outage"]

    # Commands have renewed engine time, and no node has run yet.
    async with node_on(database_url, work=False, **settings) as visitor:
        await add_alice_and_maya(visitor)
    await asyncio.sleep(2)
    assert await outages_told_at_a_start() == []
    async with node_on(database_url, **settings) as node:
        await node.initialize_time_tracking_for_chat("alice", "maya", "first")
    await asyncio.sleep(2)
    (told,) = await outages_told_at_a_start()
    (outage,) = await database.fetch("select * from outages order by started_at desc limit 1")
    assert (told["from"], told["to"]) == (format_instant(outage["started_at"]), format_instant(outage["ended_at"]))
    assert told["duration_ms"] == outage["ended_at"] - outage["started_at"] >= 1_000


async def test_a_short_break_is_no_outage(database_url: str, database: Pool) -> None:
    async with node_on(database_url, work=False, outage_seconds=60) as node:
        before_ms, began = await node.now(), time.monotonic()
    await asyncio.sleep(1)
    async with node_on(database_url, work=False, outage_seconds=60) as node:
        passed_ms, real_ms = await node.now() - before_ms, (time.monotonic() - began) * 1000
        assert abs(passed_ms - real_ms) < NOISE_MS
        assert await database.fetchval("select count(*) from outages") == 0


async def test_engine_time_goes_on_for_processes_of_the_version_before(database_url: str, database: Pool) -> None:
    async with node_on(database_url, work=False, outage_seconds=1):
        pass
    await database.execute("insert into nodes values ('older', engine_now())")
    await asyncio.sleep(2)
    late_ms = await database.fetchval("select (extract(epoch from clock_timestamp() - engine_now()) * 1000)::float8")
    assert late_ms < 500


async def test_what_outages_put_off(database: Pool) -> None:
    await database.execute(
        "insert into outages values ('2030-01-01 10:00', '2030-01-01 10:05'), ('2030-01-01 11:00', '2030-01-01 11:30')"
    )
    for until, since, expected in [
        ("09:59", "09:00", "09:59"),  # it ended before the outage
        ("10:00", "09:00", "10:00"),  # it ended as the outage began
        ("10:01", "09:00", "10:06"),
        ("10:04", "10:03", "10:06"),  # it began within the outage
        ("10:56", "09:00", "11:31"),  # the first outage put it off into the second
        ("12:00", "11:30", "12:00"),  # all outages were over
    ]:
        found = await database.fetchval(
            f"select to_char(postponed('2030-01-01 {until}', '2030-01-01 {since}'), 'HH24:MI')"
        )
        assert (until, since, found) == (until, since, expected)


async def test_outages_are_facts(database: Pool) -> None:
    await database.execute("insert into outages values ('2030-01-01 10:00', '2030-01-01 10:05')")
    with pytest.raises(Exception, match="are facts"):
        await database.execute("delete from outages")


async def test_an_outage_that_is_noted_while_a_payer_is_loaded_is_seen(database: Pool) -> None:
    """The statement that loads a payer may begin before an outage is noted, and read engine time after it."""
    loading = asyncio.create_task(
        database.fetchval(
            "select outages_since(engine_now() - interval '1 hour') from (select pg_sleep(1) offset 0) slept"
        )
    )
    await asyncio.sleep(0.3)
    await database.execute("insert into outages values (engine_now() - interval '9 s', engine_now() - interval '5 s')")
    assert not loading.done()
    assert len(await loading) == 2
