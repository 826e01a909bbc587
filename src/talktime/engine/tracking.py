"""The commands about time: what can be asked of a payer's meters.

Each command calls the pure transitions of `core.meter`, which refuse before anything has changed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from talktime.core import meter
from talktime.core.errors import AllowedCall, Conflict, NotFound
from talktime.core.record import AWAY_REASONS, Party, Reason, Record, State
from talktime.database.payer_transaction import Chat
from talktime.documents.snapshot import Snapshot
from talktime.engine.command import Answer, Command
from talktime.engine.new_ids import new_id
from talktime.engine.screens import snapshot_of

if TYPE_CHECKING:
    from talktime.database.payer_transaction import PayerTransaction, StoredAdvisor

_REPAIRED_REASONS = AWAY_REASONS | {Reason.TIMER_FAILED}


@dataclass
class ChatCommand(Command[Snapshot]):
    """A command about one chat. The answer is the chat's snapshot."""

    chat_id: str

    @property
    def chat_ids(self) -> tuple[str, ...]:
        return (self.chat_id,)

    def answer(self, payer: PayerTransaction) -> Answer[Snapshot]:
        snapshot = snapshot_of(payer, self.chat_id)
        return Answer(snapshot, snapshot)


@dataclass
class StartChat(Command[tuple[Snapshot, bool]]):
    """Start, resume, or switch the pair's record to this chat, which is made if it is new.

    The answer is `(snapshot, created)`. `decide` raises NotFound, InsufficientCredit, and Conflict for a chat of
    another pair or for a `tariff_version` that a start would not get any more.
    """

    name = "initialize_time_tracking_for_chat"

    advisor_id: str
    chat_id: str
    tariff_version: int | None = None
    _created: bool = field(default=False, init=False)

    @property
    def chat_ids(self) -> tuple[str, ...]:
        return (self.chat_id,)

    @property
    def advisor_to_load(self) -> str | None:
        return self.advisor_id

    def decide(self, payer: PayerTransaction, advisor: StoredAdvisor | None) -> None:
        chat = payer.chats.get(self.chat_id)
        if chat is not None and (chat.user_id, chat.advisor_id) != (self.user_id, self.advisor_id):
            # The record of that chat belongs to other people, so the state is the one of the caller's own record.
            own = payer.current.active_with(self.advisor_id)
            msg = "A chat with this id belongs to other people. Use another id, or send no id to get a new one."
            raise Conflict(msg, state=None if own is None else own.state.value, allowed=(AllowedCall.CHATS,))
        if advisor is None:
            raise NotFound("advisor")
        _track(payer, advisor, self.chat_id, self.tariff_version)
        self._created = chat is None
        if chat is None:
            payer.chats[self.chat_id] = Chat(self.chat_id, self.user_id, self.advisor_id, payer.now, is_new=True)

    def answer(self, payer: PayerTransaction) -> Answer[tuple[Snapshot, bool]]:
        snapshot = snapshot_of(payer, self.chat_id)
        return Answer((snapshot, self._created), snapshot, 201 if self._created else 200)


@dataclass
class TrackChat(ChatCommand):
    """`StartChat` for a chat that exists. `decide` raises NotFound, InsufficientCredit and Conflict as `StartChat`."""

    name = "initialize_time_tracking_for_chat"

    advisor_id: str
    tariff_version: int | None = None

    @property
    def advisor_to_load(self) -> str | None:
        return self.advisor_id

    def decide(self, payer: PayerTransaction, advisor: StoredAdvisor | None) -> None:
        if advisor is None or self.chat_id not in payer.chats:
            raise NotFound("chat")
        _track(payer, advisor, self.chat_id, self.tariff_version)


@dataclass
class PauseChat(ChatCommand):
    """Pause the record whose current chat this is; Conflict if there is none. `by` is the role of the caller."""

    name = "pause"

    by: str | None = None

    def decide(self, payer: PayerTransaction, advisor: StoredAdvisor | None) -> None:
        record = _current_record(payer, self.chat_id)
        payer.current = meter.pause(payer.current, record, payer.now, self.by)


@dataclass
class ResumeChat(ChatCommand):
    """Resume the record whose current chat this is; Conflict if there is none, or if the user is away."""

    name = "resume"

    by: Party = Party.USER

    def decide(self, payer: PayerTransaction, advisor: StoredAdvisor | None) -> None:
        record = _current_record(payer, self.chat_id)
        payer.current = meter.resume(payer.current, record, payer.now, payer.rules, self.by)


@dataclass
class StopChat(ChatCommand):
    """End the chat's record. A record that has ended stays as it is. `by` is the role of the caller."""

    name = "stop"

    by: str | None = None

    def decide(self, payer: PayerTransaction, advisor: StoredAdvisor | None) -> None:
        record = latest_record(payer, self.chat_id)
        if record.ended_at is None:
            payer.current = meter.stop(payer.current, record, payer.now, self.by)


@dataclass
class StopRecord(Command[bool]):
    """End this record and no other one of its chats. The answer tells whether the record was active."""

    name = "stop"

    record_id: str
    by: str | None = None
    _was_active: bool = field(default=False, init=False)

    def decide(self, payer: PayerTransaction, advisor: StoredAdvisor | None) -> None:
        record = payer.current.records.get(self.record_id)
        self._was_active = record is not None
        if record is not None:
            payer.current = meter.stop(payer.current, record, payer.now, self.by)

    def answer(self, payer: PayerTransaction) -> Answer[bool]:
        return Answer(self._was_active)


@dataclass
class UpdateChatTime(Command[bool]):
    """Write the totals of the payer's running records to the tables. The answer tells whether this record runs here."""

    name = "update_chat_time"

    chat_id: str
    record_id: str
    _is_running: bool = field(default=False, init=False)

    @property
    def chat_ids(self) -> tuple[str, ...]:
        return (self.chat_id,)

    def decide(self, payer: PayerTransaction, advisor: StoredAdvisor | None) -> None:
        record = payer.current.records.get(self.record_id)
        self._is_running = record is not None and record.chat_id == self.chat_id and record.is_running
        if self._is_running:
            post_running(payer)

    def answer(self, payer: PayerTransaction) -> Answer[bool]:
        return Answer(self._is_running)


def post_running(payer: PayerTransaction) -> None:
    """Post the charges of all running records of a payer up to now."""
    payer.current = meter.checkpoint(payer.current, payer.now)


def start_due_timers(payer: PayerTransaction) -> None:
    """Start each timer of a payer that is due to run and does not run."""
    for record in payer.current.records.values():
        payer.current = meter.resume_present(payer.current, record, payer.now, payer.rules, _REPAIRED_REASONS)


def _track(payer: PayerTransaction, advisor: StoredAdvisor, chat_id: str, tariff_version: int | None) -> None:
    record = payer.current.active_with(advisor.advisor_id)
    if record is not None:
        # An active record keeps the tariff that it started with, whatever version the person has seen since.
        payer.current = meter.track(payer.current, record, chat_id, payer.now, payer.rules)
        return
    if tariff_version not in {None, advisor.tariff_version}:
        raise _tariff_changed(payer, advisor, chat_id, tariff_version)
    new = Record(
        record_id=new_id(),
        user_id=payer.current.user_id,
        advisor_id=advisor.advisor_id,
        chat_id=chat_id,
        tariff=advisor.tariff,
        tariff_version=advisor.tariff_version,
        free_ms_before=payer.free_ms_before(advisor.advisor_id),
        started_at=payer.now,
        settled_at=payer.now,
        state=State.PAUSED,
        terms=advisor.terms,
    )
    payer.current = meter.start(payer.current, new, payer.now, payer.rules)


def _tariff_changed(
    payer: PayerTransaction, advisor: StoredAdvisor, chat_id: str, tariff_version: int | None
) -> Conflict:
    chat = payer.chats.get(chat_id)
    latest = None if chat is None else payer.latest_record(chat)
    return Conflict(
        f"The tariff is version {advisor.tariff_version} now, not {tariff_version}."
        " Show the new tariff to the person, and start with its version.",
        state=None if latest is None else latest.state.value,
        allowed=(AllowedCall.CHATS,) if chat is None else (AllowedCall.TRACKING,),
        tariff_version=advisor.tariff_version,
    )


def latest_record(payer: PayerTransaction, chat_id: str) -> Record:
    chat = payer.chats.get(chat_id)
    record = None if chat is None else payer.latest_record(chat)
    if record is None:
        raise NotFound("chat")
    return record


def _current_record(payer: PayerTransaction, chat_id: str) -> Record:
    record = latest_record(payer, chat_id)
    if record.ended_at is not None:
        msg = "The record of this chat has ended. Tracking begins a new one."
        raise Conflict(msg, state=record.state.value, allowed=(AllowedCall.TRACKING,))
    if record.chat_id != chat_id:
        msg = f"The record has moved on to chat {record.chat_id}. Tracking brings it back here."
        raise Conflict(msg, state=record.state.value, allowed=(AllowedCall.TRACKING, AllowedCall.STOP))
    return record


def is_current(record: Record, chat_id: str) -> bool:
    return record.ended_at is None and record.chat_id == chat_id
