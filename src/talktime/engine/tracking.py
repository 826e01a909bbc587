"""The commands about time: what can be asked of a payer's records.

Each command calls the pure transitions of `core.meter`, which refuse before anything has changed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from talktime.core import meter
from talktime.core.actors import ActKind
from talktime.core.errors import AdvisorBusy, AllowedCall, Conflict, InvalidRequest, NotFound
from talktime.core.ids import require_explanation
from talktime.core.instants import format_instant
from talktime.core.posting import post_all
from talktime.core.record import AWAY_REASONS, NO_SELLER, Party, Reason, Record, Seller, State, replace
from talktime.core.roles import Role
from talktime.core.starts import Starts
from talktime.database.payer_transaction import Chat, TakenPlace
from talktime.documents.offer import Offer, OfferVersion, offer
from talktime.documents.snapshot import Snapshot
from talktime.engine.command import Answer, Command, T_co
from talktime.engine.new_ids import new_id
from talktime.engine.screens import snapshot_of

if TYPE_CHECKING:
    from talktime.core.metadata import Metadata
    from talktime.database.payer_transaction import PayerTransaction, StoredAdvisor

CHATS_MAX: Final = 500
"""How many chats one record may have."""

REPAIRED_REASONS: Final = AWAY_REASONS | {Reason.TIMER_FAILED}
"""The reasons of pauses that the health check ends, if both leases hold. Statements and an index name them, too."""


@dataclass
class ChatCommand(Command[Snapshot]):
    """A command about one chat. The answer is the chat's snapshot."""

    chat_id: str

    @property
    def chat_ids(self) -> tuple[str, ...]:
        return (self.chat_id,)

    def answer(self, payer: PayerTransaction) -> Answer[Snapshot]:
        return _snapshot_answer(payer, self)


@dataclass
class _StartTracking(Command[T_co]):
    """Start, resume, or switch the pair's record to this chat.

    `starts` says how a new record starts; None for how the advisor's records start. `metadata` goes to the chat and to
    the record, if they are new, and `seller` to a new record. `record_id` is the active record that goes on; None where
    a new record may begin. `decide` raises NotFound, InsufficientCredit, AdvisorBusy, and Conflict for a `record_id`
    that is not the active record of the pair, or for a `tariff_version` or a `promised` offer that a start would not
    get any more.
    """

    name = "initialize_time_tracking_for_chat"

    advisor_id: str
    chat_id: str
    tariff_version: int | None = None
    promised: OfferVersion | None = None
    starts: Starts | None = None
    metadata: Metadata | None = None
    seller: Seller = NO_SELLER
    record_id: str | None = None

    @property
    def chat_ids(self) -> tuple[str, ...]:
        return (self.chat_id,)

    @property
    def advisor_to_load(self) -> str | None:
        return self.advisor_id


@dataclass
class StartChat(_StartTracking[tuple[Snapshot, bool]]):
    """Start tracking in a chat that is made if it is new. The answer is `(snapshot, created)`.

    `decide` also raises Conflict for a chat of another pair.
    """

    _created: bool = field(default=False, init=False)

    def decide(self, payer: PayerTransaction, advisor: StoredAdvisor | None) -> None:
        chat = payer.chats.get(self.chat_id)
        if chat is not None and (chat.user_id, chat.advisor_id) != (self.user_id, self.advisor_id):
            # The record of that chat belongs to other people, so the state is the one of the caller's own record.
            own = payer.current.active_with(self.advisor_id)
            msg = "A chat with this id belongs to other people. Use another id, or send no id to get a new one."
            raise Conflict(msg, state=None if own is None else own.state, allowed=(AllowedCall.CHATS,))
        if advisor is None:
            raise NotFound("advisor")
        _track(payer, advisor, self)
        self._created = chat is None
        if chat is None:
            payer.chats[self.chat_id] = Chat(
                self.chat_id, self.user_id, self.advisor_id, payer.now, is_new=True, metadata=self.metadata
            )

    def answer(self, payer: PayerTransaction) -> Answer[tuple[Snapshot, bool]]:
        snapshot = snapshot_of(payer, self.chat_id)
        return Answer((snapshot, self._created), snapshot.seen_by(self.viewer), 201 if self._created else 200)


@dataclass
class TrackChat(_StartTracking[Snapshot]):
    """Start tracking in a chat that exists. The answer is the chat's snapshot."""

    def decide(self, payer: PayerTransaction, advisor: StoredAdvisor | None) -> None:
        if advisor is None or self.chat_id not in payer.chats:
            raise NotFound("chat")
        _track(payer, advisor, self)

    def answer(self, payer: PayerTransaction) -> Answer[Snapshot]:
        return _snapshot_answer(payer, self)


@dataclass
class AcceptChat(ChatCommand):
    """Accept the requested record of this chat, as the advisor's act: its timer starts.

    An active record that is not requested stays as it is. `decide` raises NotFound, and Conflict if the record has
    ended or has moved to another chat.
    """

    name = "accept"

    def decide(self, payer: PayerTransaction, advisor: StoredAdvisor | None) -> None:
        record = _current_record(payer, self.chat_id)
        payer.current = meter.accept(payer.current, record, payer.now, payer.durations)


@dataclass
class DeclineChat(ChatCommand):
    """Decline the requested record of this chat, as the advisor's act: the record ends, and costs nothing.

    A record that has ended stays as it is. `decline_reason` is what the advisor says to the user; a text that explains
    nothing raises InvalidRequest at once. `decide` raises NotFound, and Conflict if the advisor has accepted or if the
    record has moved to another chat.
    """

    name = "decline"

    decline_reason: str | None = None

    def __post_init__(self) -> None:
        if self.decline_reason is not None:
            require_explanation("reason", self.decline_reason)

    def decide(self, payer: PayerTransaction, advisor: StoredAdvisor | None) -> None:
        if latest_record(payer, self.chat_id).ended_at is None:
            record = _current_record(payer, self.chat_id)
            payer.current = meter.decline(payer.current, record, payer.now, self.decline_reason)


@dataclass
class PauseChat(ChatCommand):
    """Pause the record whose current chat this is. `by` is the role of the caller.

    `decide` raises NotFound, and Conflict if the record rings, has ended, or has moved to another chat.
    """

    name = "pause"

    by: Role | None = None

    def decide(self, payer: PayerTransaction, advisor: StoredAdvisor | None) -> None:
        record = _current_record(payer, self.chat_id)
        payer.current = meter.pause(payer.current, record, payer.now, self.by)


@dataclass
class ResumeChat(ChatCommand):
    """Resume the record whose current chat this is.

    `decide` raises NotFound, InsufficientCredit, and Conflict if the record rings, has ended or has moved to another
    chat, or if an advisor may not resume it.
    """

    name = "resume"

    by: Party = Party.USER

    def decide(self, payer: PayerTransaction, advisor: StoredAdvisor | None) -> None:
        record = _current_record(payer, self.chat_id)
        payer.current = meter.resume(payer.current, record, payer.now, payer.durations, self.by)


@dataclass
class StopChat(ChatCommand):
    """End the chat's record. A record that has ended stays as it is.

    `by` is the role of the caller. `record_id` is the record that the caller means; None for the latest record.
    """

    name = "stop"

    by: Role | None = None
    record_id: str | None = None

    def decide(self, payer: PayerTransaction, advisor: StoredAdvisor | None) -> None:
        record = latest_record(payer, self.chat_id)
        if record.ended_at is None and self.record_id in {None, record.record_id}:
            payer.current = meter.stop(payer.current, record, payer.now, self.by)
            payer.note_act(ActKind.STOP, self.actor, record_id=record.record_id)


@dataclass
class StopRecord(Command[bool]):
    """End this record and no other one of its chats. The answer tells whether the record was active."""

    name = "stop"

    record_id: str
    by: Role | None = None
    _was_active: bool = field(default=False, init=False)

    def decide(self, payer: PayerTransaction, advisor: StoredAdvisor | None) -> None:
        record = payer.current.records.get(self.record_id)
        self._was_active = record is not None
        if record is not None:
            payer.current = meter.stop(payer.current, record, payer.now, self.by)
            payer.note_act(ActKind.STOP, self.actor, record_id=record.record_id)

    def answer(self, payer: PayerTransaction) -> Answer[bool]:
        return Answer(self._was_active)


@dataclass
class UpdateChatTime(Command[bool]):
    """Post the charges of the payer's running records, if this record runs in this chat. The answer tells whether."""

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
            post_charges(payer)

    def answer(self, payer: PayerTransaction) -> Answer[bool]:
        return Answer(self._is_running)


def caller_role(by: str | None) -> Role | None:
    """The role that a host names as the caller, None for none.

    Raises:
        InvalidRequest: there is no such role.
    """
    if by is None or by in set(Role):
        return None if by is None else Role(by)
    raise InvalidRequest(("by", f"must be one of: {', '.join(Role)}"))


def post_charges(payer: PayerTransaction, until: int | None = None) -> None:
    """Post the charges of all running records of a payer up to `until`, but not beyond now; None for now."""
    payer.current = post_all(payer.current, payer.now if until is None else min(until, payer.now))


def start_due_timers(payer: PayerTransaction) -> None:
    """Start each timer of a payer that is due to run and does not run."""
    for record in payer.current.records.values():
        payer.current = meter.resume_present(payer.current, record, payer.now, REPAIRED_REASONS)


def _snapshot_answer(payer: PayerTransaction, command: ChatCommand | TrackChat) -> Answer[Snapshot]:
    snapshot = snapshot_of(payer, command.chat_id)
    return Answer(snapshot, snapshot.seen_by(command.viewer))


def _track(payer: PayerTransaction, advisor: StoredAdvisor, command: StartChat | TrackChat) -> None:
    chat_id, tariff_version = command.chat_id, command.tariff_version
    record = payer.current.active_with(advisor.advisor_id)
    if command.record_id not in {None, None if record is None else record.record_id}:
        raise _record_over(payer, chat_id)
    if record is not None:
        # An active record keeps the tariff that it started with, whatever version the person has seen since.
        changed = meter.track(payer.current, record, chat_id, payer.now, payer.durations)
        _count_chat(payer, record, chat_id)
        payer.current = changed
        return
    if tariff_version not in {None, advisor.tariff_version}:
        raise _tariff_changed(payer, advisor, chat_id, tariff_version)
    new = _new_record(payer, advisor, chat_id)
    if command.promised is not None:
        _require_offer(payer, new, command.promised)
    _require_place(payer, advisor, chat_id)
    new = replace(
        new,
        starts=command.starts or advisor.start_rule.starts,
        metadata=command.metadata,
        seller=command.seller.name,
        currency=command.seller.currency,
    )
    payer.current = meter.start(payer.current, new, payer.now, payer.durations, advisor.start_rule.ring_ms)
    advisor.places.append(TakenPlace(new.record_id, new.user_id, None))


def _new_record(payer: PayerTransaction, advisor: StoredAdvisor, chat_id: str) -> Record:
    """A new record of the payer with the advisor, as it stands just before `meter.start`."""
    return Record(
        record_id=new_id(),
        user_id=payer.current.user_id,
        advisor_id=advisor.advisor_id,
        chat_id=chat_id,
        tariff=advisor.tariff,
        tariff_version=advisor.tariff_version,
        free_ms_before=payer.free_ms_before(advisor.advisor_id),
        grace_used_at=payer.grace_used_at(advisor.advisor_id),
        started_at=payer.now,
        settled_at=payer.now,
        state=State.PAUSED,
        terms=advisor.terms,
    )


def offer_of(payer: PayerTransaction, advisor: StoredAdvisor) -> Offer:
    """The offer for a record that the payer would start with this advisor now.

    Raises:
        Conflict: the two have an active record, which goes on at its own price.
    """
    active = payer.current.active_with(advisor.advisor_id)
    if active is not None:
        msg = "The two have an active record. Its price is in the snapshot of its chat. Start tracking to go on."
        raise Conflict(msg, state=active.state, allowed=(AllowedCall.TRACKING, AllowedCall.STOP))
    return offer(payer.current, _new_record(payer, advisor, ""), advisor.display_name, payer.now)


def _require_place(payer: PayerTransaction, advisor: StoredAdvisor, chat_id: str) -> None:
    """Refuse a start that would give the advisor one more active record than the advisor may have."""
    maximum = advisor.start_rule.max_active
    if maximum is None:
        return
    own = payer.current  # settled: some of its stored records may have ended
    taken = [place for place in advisor.places if place.user_id != own.user_id or place.record_id in own.records]
    if len(taken) >= maximum:
        ends = min((place.ends_at for place in taken if place.ends_at is not None), default=None)
        many = "one conversation" if maximum == 1 else f"{maximum} conversations"
        raise AdvisorBusy(
            f"{advisor.display_name} takes at most {many} at once. Try again later.",
            state=_state_of(payer, chat_id),
            allowed=(),
            ends_at=None if ends is None else format_instant(ends),
        )


def _count_chat(payer: PayerTransaction, record: Record, chat_id: str) -> None:
    """Count the chats of a record that goes on in this chat: each change is sent to the screens of all its chats."""
    chat = payer.chats.get(chat_id)
    if chat is not None and chat.record_id == record.record_id:
        return
    count = payer.chat_counts.get(record.record_id, 0)
    if count >= CHATS_MAX:
        msg = f"One record has at most {CHATS_MAX} chats. Go on in one of them, or stop the record and start another."
        raise Conflict(msg, state=record.state, allowed=(AllowedCall.STOP,))
    payer.chat_counts[record.record_id] = count + 1


def _require_offer(payer: PayerTransaction, record: Record, promised: OfferVersion) -> None:
    """Refuse a start that would be dearer than the offer that the person has seen."""
    offered = OfferVersion.of(record)
    if not offered.keeps(promised):
        raise Conflict(
            f"The offer is {offered} now, not {promised}: the tariff has changed, or free time or the grace was used."
            " Ask for the offer again, show it to the person, and start with its version.",
            state=_state_of(payer, record.chat_id),
            allowed=_allowed_starts(payer, record.chat_id),
            tariff_version=offered.tariff_version,
        )


def _tariff_changed(
    payer: PayerTransaction, advisor: StoredAdvisor, chat_id: str, tariff_version: int | None
) -> Conflict:
    return Conflict(
        f"The tariff is version {advisor.tariff_version} now, not {tariff_version}."
        " Show the new tariff to the person, and start with its version.",
        state=_state_of(payer, chat_id),
        allowed=_allowed_starts(payer, chat_id),
        tariff_version=advisor.tariff_version,
    )


def _record_over(payer: PayerTransaction, chat_id: str) -> Conflict:
    return Conflict(
        "The record that should go on is not the active record of this pair any more."
        " Ask the person, and call without `record_id` to begin a new record.",
        state=State.ENDED,
        allowed=_allowed_starts(payer, chat_id),
    )


def _allowed_starts(payer: PayerTransaction, chat_id: str) -> tuple[AllowedCall, ...]:
    """The call that starts a record in this chat."""
    return (AllowedCall.TRACKING,) if chat_id in payer.chats else (AllowedCall.CHATS,)


def _state_of(payer: PayerTransaction, chat_id: str) -> State | None:
    """The state of the chat's latest record; None if there is none."""
    chat = payer.chats.get(chat_id)
    latest = None if chat is None else payer.latest_record(chat)
    return None if latest is None else latest.state


def latest_record(payer: PayerTransaction, chat_id: str) -> Record:
    """The latest record of the chat.

    Raises:
        NotFound: there is no such chat, or it never had a record.
    """
    chat = payer.chats.get(chat_id)
    record = None if chat is None else payer.latest_record(chat)
    if record is None:
        raise NotFound("chat")
    return record


def _current_record(payer: PayerTransaction, chat_id: str) -> Record:
    record = latest_record(payer, chat_id)
    if record.ended_at is not None:
        msg = "The record of this chat has ended. Start tracking on this chat to begin a new one."
        raise Conflict(msg, state=record.state, allowed=(AllowedCall.TRACKING,))
    if record.chat_id != chat_id:
        msg = f"The record has moved on to chat {record.chat_id}. Start tracking on this chat to bring it back."
        raise Conflict(msg, state=record.state, allowed=(AllowedCall.TRACKING, AllowedCall.STOP))
    return record


def is_current(record: Record, chat_id: str) -> bool:
    """Whether the record is active, and this chat is its current chat."""
    return record.ended_at is None and record.chat_id == chat_id
