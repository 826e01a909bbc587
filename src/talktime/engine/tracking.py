"""The commands: what can be asked of a payer's meters. Each is one transaction of the engine.

A command's `decide` sees the payer settled to now. It calls the pure transitions of `meter`, which refuse before
anything has changed, and says how the answer is built once everything is stored.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from talktime.core import meter
from talktime.core.errors import Conflict, NotFound
from talktime.core.payer import Party, Payer, Reason, Record, SocketLease, State, replace
from talktime.database.payer_transaction import AdvisorRow, Chat, Unit, WatchChange
from talktime.engine.batching import Answer, Command
from talktime.engine.idempotency import Repeat
from talktime.engine.new_ids import new_id

if TYPE_CHECKING:
    from collections.abc import Callable


def initialize_time_tracking_for_chat(
    user_id: str, advisor_id: str, chat_id: str, tariff_version: int | None = None, repeat: Repeat | None = None
) -> Command:
    """Start, resume, or switch the pair's record to this chat; the chat is made if it is new.

    The answer is `(snapshot, created)`. Raises (when run) NotFound, InsufficientCredit, and Conflict for a chat of
    another pair or a `tariff_version` that is no longer what a start would get.
    """

    def decide(unit: Unit, advisor: AdvisorRow | None) -> Callable[[], Answer]:
        chat = unit.chats.get(chat_id)
        if chat is not None and (chat.user_id, chat.advisor_id) != (user_id, advisor_id):
            # Of the record that is there nothing is told: it is other people's. The state is that of their own.
            own = unit.payer.active_with(advisor_id)
            msg = "A chat with this id belongs to other people. Take another id, or none: then one is made."
            raise Conflict(msg, state=None if own is None else own.state.value, allowed=("chats",))
        if advisor is None:
            raise NotFound("advisor")
        _track(unit, advisor, chat_id, tariff_version)
        if chat is None:
            unit.chats[chat_id] = Chat(chat_id, user_id, advisor_id, unit.now, is_new=True)

        def render() -> Answer:
            shown = unit.snapshot(chat_id)
            return Answer((shown, chat is None), 201 if chat is None else 200, shown)

        return render

    return Command(user_id, decide, "initialize_time_tracking_for_chat", (chat_id,), advisor_id, repeat)


def track(
    user_id: str, advisor_id: str, chat_id: str, tariff_version: int | None = None, repeat: Repeat | None = None
) -> Command:
    """The same for a chat that exists. The answer is its snapshot."""

    def decide(unit: Unit, advisor: AdvisorRow | None) -> Callable[[], Answer]:
        if advisor is None or chat_id not in unit.chats:
            raise NotFound("chat")
        _track(unit, advisor, chat_id, tariff_version)
        return _snapshot_of(unit, chat_id)

    return Command(user_id, decide, "initialize_time_tracking_for_chat", (chat_id,), advisor_id, repeat)


def pause(user_id: str, chat_id: str, by: str | None = None, repeat: Repeat | None = None) -> Command:
    """Pause the record of which this is the current chat; Conflict otherwise."""

    def decide(unit: Unit, _: AdvisorRow | None) -> Callable[[], Answer]:
        record = _current_record(unit, chat_id)
        unit.payer = meter.pause(unit.payer, record, unit.now, by)
        return _snapshot_of(unit, chat_id)

    return Command(user_id, decide, "pause", (chat_id,), None, repeat)


def resume(user_id: str, chat_id: str, by: Party, repeat: Repeat | None = None) -> Command:
    """Resume the record of which this is the current chat; Conflict otherwise, or for want of the user."""

    def decide(unit: Unit, _: AdvisorRow | None) -> Callable[[], Answer]:
        record = _current_record(unit, chat_id)
        unit.payer = meter.resume(unit.payer, record, unit.now, unit.rules, by)
        return _snapshot_of(unit, chat_id)

    return Command(user_id, decide, "resume", (chat_id,), None, repeat)


def stop(user_id: str, chat_id: str, by: str | None = None, repeat: Repeat | None = None) -> Command:
    """End the chat's record. On one that has ended nothing changes."""

    def decide(unit: Unit, _: AdvisorRow | None) -> Callable[[], Answer]:
        record = _latest_record(unit, chat_id)
        if record.ended_at is None:
            unit.payer = meter.stop(unit.payer, record, unit.now, by)
        return _snapshot_of(unit, chat_id)

    return Command(user_id, decide, "stop", (chat_id,), None, repeat)


def stop_record(user_id: str, record_id: str, by: str | None = None) -> Command:
    """End this record and no other, whatever its chats have gone on with. The answer: whether it was active."""

    def decide(unit: Unit, _: AdvisorRow | None) -> Callable[[], Answer]:
        record = unit.payer.records.get(record_id)
        if record is not None:
            unit.payer = meter.stop(unit.payer, record, unit.now, by)
        return lambda: Answer(record is not None)

    return Command(user_id, decide, "stop")


def heartbeat(user_id: str, chat_id: str, party: Party) -> Command:
    """Proof that this party is present, for one lease. On a chat that isn't current it proves nothing."""

    def decide(unit: Unit, _: AdvisorRow | None) -> Callable[[], Answer]:
        record = _latest_record(unit, chat_id)
        if record.ended_at is None and record.chat_id == chat_id:
            unit.payer = meter.prove(unit.payer, record, party, unit.now + unit.rules.lease_ms, unit.now, unit.rules)
        return _snapshot_of(unit, chat_id)

    return Command(user_id, decide, "heartbeat", (chat_id,))


def watch(user_id: str, chat_id: str, party: Party, node_id: str) -> Command:
    """A socket of a server process watches this chat: presence for as long as the process renews it."""

    def decide(unit: Unit, _: AdvisorRow | None) -> Callable[[], Answer]:
        unit.watches.append(WatchChange(node_id, chat_id, party, None, dropped=False))
        unit.payer = _with_socket(unit, chat_id, party, SocketLease(0, held=True))
        record = _latest_record(unit, chat_id)
        if record.ended_at is None and record.chat_id == chat_id:
            unit.payer = meter.prove(unit.payer, record, party, unit.now + unit.rules.lease_ms, unit.now, unit.rules)
        return _snapshot_of(unit, chat_id)

    return Command(user_id, decide, "watch", (chat_id,))


def fall_silent(user_id: str, chat_id: str, party: Party, node_id: str, proved: float) -> Command:
    """A socket has not answered: its last proof is stored, so that the lease ends when it must.

    `proved` is when that was on this process's own monotonic clock, in seconds: only its age counts.
    """

    def decide(unit: Unit, _: AdvisorRow | None) -> Callable[[], Answer]:
        proved_at = unit.now - _age_ms(proved)
        unit.watches.append(WatchChange(node_id, chat_id, party, proved_at, dropped=False))
        unit.payer = _with_socket(unit, chat_id, party, SocketLease(proved_at + unit.rules.lease_ms, held=False))
        return lambda: Answer(None)

    return Command(user_id, decide, "fall_silent", (chat_id,))


def unwatch(user_id: str, chat_id: str, party: Party, node_id: str, proved: float) -> Command:
    """A socket is gone. Its last proof (see `fall_silent`) still counts for one lease."""

    def decide(unit: Unit, _: AdvisorRow | None) -> Callable[[], Answer]:
        unit.watches.append(WatchChange(node_id, chat_id, party, None, dropped=True))
        unit.payer = _with_socket(unit, chat_id, party, None)
        chat = unit.chats.get(chat_id)
        record = None if chat is None else unit.record_of(chat)
        if record is not None and record.ended_at is None and record.chat_id == chat_id:
            unit.payer = meter.leave(unit.payer, record, party, unit.now - _age_ms(proved) + unit.rules.lease_ms)
        return lambda: Answer(None)

    return Command(user_id, decide, "unwatch", (chat_id,))


def update_chat_time(user_id: str, chat_id: str, record_id: str) -> Command:
    """Write one record's running totals to the tables. The answer says whether it runs in this chat."""

    def decide(unit: Unit, _: AdvisorRow | None) -> Callable[[], Answer]:
        record = unit.payer.records.get(record_id)
        if record is None or record.chat_id != chat_id or not record.is_running:
            return lambda: Answer(result=False)
        unit.payer = meter.checkpoint(unit.payer, unit.now)
        return lambda: Answer(result=True)

    return Command(user_id, decide, "update_chat_time", (chat_id,))


def checkpoint(unit: Unit) -> None:
    """Write the running totals of all of a payer's records to the tables."""
    unit.payer = meter.checkpoint(unit.payer, unit.now)


def repair(unit: Unit) -> None:
    """Start the timers that are due to run and don't."""
    for record in unit.payer.records.values():
        unit.payer = meter.resume_present(unit.payer, record, unit.now, unit.rules, _REPAIRED)


_REPAIRED = frozenset({Reason.TIMER_FAILED, Reason.USER_AWAY, Reason.ADVISOR_AWAY})


def _track(unit: Unit, advisor: AdvisorRow, chat_id: str, tariff_version: int | None) -> None:
    record = unit.payer.active_with(advisor.advisor_id)
    if record is not None:
        # It keeps the tariff that it started with, whatever version the person has seen since.
        unit.payer = meter.track(unit.payer, record, chat_id, unit.now, unit.rules)
        return
    if tariff_version not in {None, advisor.tariff_version}:
        before = unit.chats.get(chat_id)
        latest = None if before is None else unit.record_of(before)
        msg = (
            f"The tariff is version {advisor.tariff_version} by now, not {tariff_version}."
            " Show it to the person, and start with its version."
        )
        raise Conflict(
            msg,
            state=None if latest is None else latest.state.value,
            allowed=("chats",) if before is None else ("tracking",),
            tariff_version=advisor.tariff_version,
        )
    new = Record(
        record_id=new_id(),
        user_id=unit.payer.user_id,
        advisor_id=advisor.advisor_id,
        chat_id=chat_id,
        tariff=advisor.tariff,
        tariff_version=advisor.tariff_version,
        free_ms_before=unit.free_ms_before(advisor.advisor_id),
        started_at=unit.now,
        settled_at=unit.now,
        state=State.PAUSED,
        terms=advisor.terms,
    )
    unit.payer = meter.start(unit.payer, new, unit.now, unit.rules)


def _latest_record(unit: Unit, chat_id: str) -> Record:
    chat = unit.chats.get(chat_id)
    record = None if chat is None else unit.record_of(chat)
    if record is None:
        raise NotFound("chat")
    return record


def _current_record(unit: Unit, chat_id: str) -> Record:
    record = _latest_record(unit, chat_id)
    if record.ended_at is not None:
        msg = "The record of this chat has ended. Tracking begins a new one."
        raise Conflict(msg, state=record.state.value, allowed=("tracking",))
    if record.chat_id != chat_id:
        msg = f"The record has moved on to chat {record.chat_id}. Tracking brings it back here."
        raise Conflict(msg, state=record.state.value, allowed=("tracking", "stop"))
    return record


def _with_socket(unit: Unit, chat_id: str, party: Party, lease: SocketLease | None) -> Payer:
    sockets: dict[Any, SocketLease] = dict(unit.payer.sockets)
    if lease is None:
        sockets.pop((chat_id, party), None)
    else:
        before = sockets.get((chat_id, party))
        until = lease.until if before is None or not lease.held else max(lease.until, before.until)
        sockets[chat_id, party] = SocketLease(until, lease.held)
    return replace(unit.payer, sockets=sockets)


def _age_ms(proved: float) -> int:
    return max(0, int((time.monotonic() - proved) * 1000))


def _snapshot_of(unit: Unit, chat_id: str) -> Callable[[], Answer]:
    return lambda: Answer(unit.snapshot(chat_id))
