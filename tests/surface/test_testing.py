"""What hosts test with works as its documents say."""

import pytest
import structlog

from talktime import Party, Reason, Tariff, parse_credits
from talktime.testing import disposable_talktime


async def test_an_hour_passes_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    structlog.reset_defaults()
    tariff = Tariff.parse({"tiers": [{"rate": "0.60", "per_seconds": 60, "increment_seconds": 1}]})
    async with disposable_talktime(presence_lease_seconds=5) as talktime:
        await talktime.put_user("alice", "Alice")
        await talktime.put_advisor("ben", "Ben", tariff)
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
