"""The log of what meters did: every start, stop, switch, cut and end, with record, chat, user, advisor, how long, why.

Two event families, named as in the system this replaces: `init_time_tracking` for records, `timer_manager` for timers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import structlog

from talktime.core.instants import instant
from talktime.core.payer import Closed, Ended, Event, Opened, Reason, Record, Waiting

if TYPE_CHECKING:
    from collections.abc import Iterable

log = structlog.get_logger()


def write_journal(events: Iterable[Event], cause: str | None = None) -> None:
    """Log what has just been committed; `cause` is why a timer could not be started, if one couldn't."""
    for event in events:
        if isinstance(event, Opened):
            if event.reason is None:
                _say(
                    "init_time_tracking.started"
                    if event.at == event.record.started_at
                    else "init_time_tracking.switched",
                    event.record,
                )
            _say("timer_manager.start_timer", event.record, at=event.at, resumed_from=event.reason)
        elif isinstance(event, Closed):
            name = "timer_manager.cut_timer" if event.reason is Reason.OUT_OF_CREDIT else "timer_manager.stop_timer"
            _say(
                name,
                event.record,
                chat_id=event.chat_id,
                at=event.at,
                duration_ms=event.at - event.since,
                reason=event.reason,
            )
        elif isinstance(event, Waiting):
            if event.record.reason is Reason.TIMER_FAILED:
                log.error("init_time_tracking.timer_failed", **_facts(event.record, at=event.at, cause=cause))
            else:
                _say("timer_manager.wait", event.record, at=event.at, reason=event.record.reason)
        elif isinstance(event, Ended):
            record = event.record
            _say(
                "init_time_tracking.ended",
                record,
                at=record.ended_at,
                duration_ms=record.elapsed_ms,
                reason=record.reason,
            )


def _say(name: str, record: Record, **facts: Any) -> None:
    log.info(name, **_facts(record, **facts))


def _facts(record: Record, **facts: Any) -> dict[str, Any]:
    if isinstance(facts.get("at"), int):
        facts["at"] = instant(facts["at"])
    return {
        "record_id": record.record_id,
        "chat_id": record.chat_id,
        "user_id": record.user_id,
        "advisor_id": record.advisor_id,
    } | {name: getattr(value, "value", value) for name, value in facts.items()}
