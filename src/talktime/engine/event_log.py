"""The log of what happened to records: each start, stop, switch, cut and end, with its people, duration and reason.

Hosts of the system that talktime replaces know the two families of events: `init_time_tracking` for records and
`timer_manager` for timers.

A line has the id of the request whose command caused the step. The service binds this id for all lines of a request,
and so can a program that uses the library: `structlog.contextvars.bind_contextvars(request_id=…)`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from talktime.core.ids import is_id
from talktime.core.instants import format_instant
from talktime.core.record import Reason, Record
from talktime.core.steps import RecordEnded, RecordRequested, TimerStarted, TimerStopped, WaitBegan

if TYPE_CHECKING:
    from talktime.core.steps import Step
    from talktime.database.payer_transaction import PayerTransaction

log = structlog.get_logger()


def request_id() -> str | None:
    """The id of the request that the caller works on, if there is one."""
    found = structlog.contextvars.get_contextvars().get("request_id")
    return found if isinstance(found, str) and is_id(found) else None


def log_steps(payer: PayerTransaction, timer_failure: str | None = None) -> None:
    """Log what was committed. `timer_failure` is why timers could not start, if they could not."""
    for place, step in enumerate(payer.stored_steps):
        request = payer.request_of(place)
        with structlog.contextvars.bound_contextvars(**({} if request is None else {"request_id": request})):
            _log_step(step, timer_failure)


def _log_step(step: Step, timer_failure: str | None) -> None:
    if isinstance(step, TimerStarted):
        _log_opened(step)
    elif isinstance(step, TimerStopped):
        _log_closed(step)
    elif isinstance(step, RecordRequested):
        fields = _fields(step.record, at=step.at)
        log.info("init_time_tracking.requested", **fields)
    elif isinstance(step, WaitBegan):
        if step.record.reason is Reason.TIMER_FAILED:
            fields = _fields(step.record, at=step.at, cause=timer_failure)
            log.error("init_time_tracking.timer_failed", **fields)
        else:
            fields = _fields(step.record, at=step.at, reason=step.record.reason)
            log.info("timer_manager.wait", **fields)
    elif isinstance(step, RecordEnded):
        record = step.record
        fields = _fields(record, at=record.ended_at, duration_ms=record.elapsed_ms, reason=record.reason)
        log.info("init_time_tracking.ended", **fields)


def _log_opened(step: TimerStarted) -> None:
    if step.reason is None:
        is_start = step.at == step.record.started_at
        name = "init_time_tracking.started" if is_start else "init_time_tracking.switched"
        log.info(name, **_fields(step.record))
    log.info("timer_manager.start_timer", **_fields(step.record, at=step.at, resumed_from=step.reason))


def _log_closed(step: TimerStopped) -> None:
    name = "timer_manager.cut_timer" if step.reason is Reason.OUT_OF_CREDIT else "timer_manager.stop_timer"
    duration_ms = step.at - step.since
    fields = _fields(step.record, at=step.at, duration_ms=duration_ms, reason=step.reason)
    log.info(name, **fields | {"chat_id": step.chat_id})


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
