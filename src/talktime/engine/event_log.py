"""The log of what meters did: each start, stop, switch, cut and end, with its record, people, duration and reason.

Hosts of the system that talktime replaces know the two families of events: `init_time_tracking` for records and
`timer_manager` for timers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from talktime.core.events import Event, KeptPaused, RecordEnded, TimerStarted, TimerStopped
from talktime.core.instants import format_instant
from talktime.core.record import Reason, Record

if TYPE_CHECKING:
    from collections.abc import Iterable

log = structlog.get_logger()


def log_events(events: Iterable[Event], timer_failure: str | None = None) -> None:
    """Log what was committed. `timer_failure` is why timers could not start, if they could not."""
    for event in events:
        if isinstance(event, TimerStarted):
            _log_opened(event)
        elif isinstance(event, TimerStopped):
            _log_closed(event)
        elif isinstance(event, KeptPaused):
            if event.record.reason is Reason.TIMER_FAILED:
                fields = _fields(event.record, at=event.at, cause=timer_failure)
                log.error("init_time_tracking.timer_failed", **fields)
            else:
                fields = _fields(event.record, at=event.at, reason=event.record.reason)
                log.info("timer_manager.wait", **fields)
        elif isinstance(event, RecordEnded):
            record = event.record
            fields = _fields(record, at=record.ended_at, duration_ms=record.elapsed_ms, reason=record.reason)
            log.info("init_time_tracking.ended", **fields)


def _log_opened(event: TimerStarted) -> None:
    if event.reason is None:
        is_start = event.at == event.record.started_at
        name = "init_time_tracking.started" if is_start else "init_time_tracking.switched"
        log.info(name, **_fields(event.record))
    log.info("timer_manager.start_timer", **_fields(event.record, at=event.at, resumed_from=event.reason))


def _log_closed(event: TimerStopped) -> None:
    name = "timer_manager.cut_timer" if event.reason is Reason.OUT_OF_CREDIT else "timer_manager.stop_timer"
    duration_ms = event.at - event.since
    fields = _fields(event.record, at=event.at, duration_ms=duration_ms, reason=event.reason)
    log.info(name, **fields | {"chat_id": event.chat_id})


def _fields(record: Record, *, at: int | None = None, **more: object) -> dict[str, object]:
    fields: dict[str, object] = {
        "record_id": record.record_id,
        "chat_id": record.chat_id,
        "user_id": record.user_id,
        "advisor_id": record.advisor_id,
    }
    if at is not None:
        fields["at"] = format_instant(at)
    return fields | {name: getattr(value, "value", value) for name, value in more.items()}
