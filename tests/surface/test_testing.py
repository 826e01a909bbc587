"""What hosts test with works as its documents say."""

import pytest
import structlog

from talktime import Party, Reason, State, Talktime, Tariff, parse_credits
from talktime.engine import event_log
from talktime.errors import InvalidRequest, NotFound, NotRunning
from talktime.testing import disposable_talktime, talk


async def test_an_hour_passes_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    structlog.reset_defaults()
    vars(event_log.log).pop("bind", None)  # an earlier test of this process may have bound it to another stream
    tariff = Tariff.parse({"tiers": [{"rate": "0.60", "per_seconds": 60, "increment_seconds": 1}]})
    async with disposable_talktime(presence_lease_seconds=5) as talktime:
        await talktime.put_user("alice", "Alice")
        await talktime.put_advisor("ben", "Ben", tariff, starts="at_once")
        await talktime.add_credit("alice", parse_credits("10.00"))
        started = await talktime.initialize_time_tracking_for_chat("alice", "ben", "first")
        await talktime.heartbeat("first", Party.USER)
        await talktime.heartbeat("first", Party.ADVISOR)
        await talktime.advance_clock(3_600_000)
        ended = await talktime.snapshot("first")
        assert ended.record.id == started.record.id
        assert ended.record.reason is Reason.ABANDONED
        assert 5_000 <= ended.elapsed_ms < 6_000
        assert [record.record.id for record in await talktime.records("ended")] == [started.record.id]
        receipt = await talktime.receipt(started.record.id)
        assert sum(entry.amount for entry in receipt.entries) == -receipt.cost
        assert await talktime.broken_rules() == []
    # What is printed is the program's own: logs go to standard error.
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "timer_manager.stop_timer" in printed.err


BY_THE_MINUTE = Tariff.parse({"tiers": [{"rate": "1.00", "increment_seconds": 60}]})


async def test_a_conversation_is_as_long_as_it_says(talktime: Talktime) -> None:
    await talktime.put_advisor("ben", "Ben", BY_THE_MINUTE)
    await talktime.initialize_time_tracking_for_chat("alice", "ben", "c")
    paused = await talk(talktime, "c", minutes=60)
    assert (paused.elapsed_ms, paused.cost, paused.record.reason) == (3_600_000, parse_credits("60"), Reason.USER_AWAY)
    again = await talk(talktime, "c", minutes=1.5)
    assert (again.elapsed_ms, again.chat_duration_ms, again.cost) == (3_690_000, 3_690_000, parse_credits("62"))
    ended = await talktime.stop("c")
    assert ended.elapsed_ms == 3_690_000
    receipt = await talktime.receipt(ended.record.id)
    assert [segment.duration_ms for segment in receipt.segments] == [3_600_000, 90_000]


async def test_a_conversation_counts_from_the_start_of_the_timer(talktime: Talktime) -> None:
    """Maya's records start at once, and other calls take time before the two talk."""
    await talktime.initialize_time_tracking_for_chat("alice", "maya", "c")
    await talktime.advance_clock(5_000)
    assert (await talk(talktime, "c", minutes=1)).elapsed_ms == 60_000
    # A conversation shorter than a lease.
    assert (await talk(talktime, "c", minutes=0.1)).elapsed_ms == 66_000


async def test_a_requested_conversation_is_accepted(talktime: Talktime) -> None:
    await talktime.put_advisor("ben", "Ben", BY_THE_MINUTE, starts="accepted")
    await talktime.initialize_time_tracking_for_chat("alice", "ben", "c")
    assert (await talk(talktime, "c", minutes=2)).cost == parse_credits("2")


async def test_credit_ends_a_conversation_earlier(talktime: Talktime) -> None:
    await talktime.put_advisor("ben", "Ben", BY_THE_MINUTE)
    await talktime.initialize_time_tracking_for_chat("alice", "ben", "c")
    cut = await talk(talktime, "c", minutes=600)
    assert (cut.elapsed_ms, cut.record.state, cut.cost) == (6_000_000, State.PAUSED, parse_credits("100"))
    assert cut.record.reason is Reason.OUT_OF_CREDIT
    await talktime.add_credit("alice", parse_credits("5"))
    assert (await talk(talktime, "c", minutes=3)).elapsed_ms == 6_180_000


async def test_who_does_not_talk(talktime: Talktime) -> None:
    await talktime.initialize_time_tracking_for_chat("alice", "maya", "c")
    for minutes in (0, -1, 10**9, float("nan")):
        with pytest.raises(InvalidRequest):
            await talk(talktime, "c", minutes=minutes)
    await talktime.advance_clock(120_000)
    with pytest.raises(InvalidRequest, match="already"):
        await talk(talktime, "c", minutes=1)
    await talktime.pause("c", by="user")
    with pytest.raises(NotRunning, match="paused: paused"):
        await talk(talktime, "c", minutes=1)
    await talktime.stop("c")
    with pytest.raises(NotRunning, match="ended: stopped"):
        await talk(talktime, "c", minutes=1)
    with pytest.raises(NotFound):
        await talk(talktime, "nothing", minutes=1)
