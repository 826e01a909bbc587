"""The two worlds that the model is compared with: talktime on a database, and its pure core alone.

Both run the program's own commands, and show the account and the snapshot of every chat.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from talktime import Party, Talktime, Tariff
from talktime.core import meter
from talktime.core.entries import BorneBy, CreditKind
from talktime.core.errors import TalktimeError
from talktime.core.payer import Durations, Outage, Payer
from talktime.core.refunds import EntryTotals, RefundRequest
from talktime.core.roles import Role
from talktime.core.starts import StartRule, Starts
from talktime.core.steps import DurationAdded, EntryPosted, RecordEnded, RecordRequested, TimerStarted, WaitBegan
from talktime.core.terms import Terms
from talktime.database.payer_transaction import PayerTransaction, StoredAdvisor
from talktime.database.pool import Pool
from talktime.documents.account import Account
from talktime.documents.snapshot import Snapshot
from talktime.engine import accounts, presence, tracking
from talktime.engine.command import Command
from talktime.engine.idempotency import Repeat
from talktime.engine.screens import account_of, snapshot_of
from tests.databases import STANDING_CLOCK, open_database
from tests.nodes import node_on
from tests.proof.histories import Act
from tests.proof.model import ABANDON_MS, LEASE_MS, LEAVE_MS, RECHARGE_MS, Model, ModelRecord

LIFE = {
    "presence_lease_seconds": LEASE_MS // 1000,
    "recharge_seconds": RECHARGE_MS // 1000,
    "abandon_seconds": ABANDON_MS // 1000,
    "leave_seconds": LEAVE_MS // 1000,
}
DURATIONS = Durations(LEASE_MS, RECHARGE_MS, ABANDON_MS, LEAVE_MS)
_MOVE_CLOCK = "update engine_clock set offset_ms = offset_ms + $1"
_OUTAGE = "insert into outages values (engine_now(), engine_now() + $1::bigint * interval '1 millisecond')"
Seen = tuple[Account, dict[str, Snapshot]]
FAR_MS = 1_800_000


@asynccontextmanager
async def frozen(database_url: str) -> AsyncIterator[tuple[Talktime, Pool]]:
    """Talktime with the model's times, on a clock that stands still, without workers; and SQL on its database."""
    async with (
        open_database(database_url) as database,
        node_on(database_url, work=False, **LIFE) as talktime,
    ):
        await database.execute(STANDING_CLOCK)
        yield talktime, database


def command(user: str, act: Act, repeat: Repeat | None = None) -> Command[object]:
    """The command of the program for this act."""
    party = Party.USER if act.by_user else Party.ADVISOR
    advisor, chat = f"{user} {act.advisor}", f"{user} {act.chat}"
    request = RefundRequest("asked for", BorneBy.PLATFORM, amount=act.amount)
    commands: dict[str, Callable[[], Command[object]]] = {
        "credit": lambda: accounts.AddCredit(user, act.amount, CreditKind.PURCHASE, repeat=repeat),
        "gift": lambda: accounts.AddCredit(user, act.amount, CreditKind.GIFT, expires_at=act.expires_at, repeat=repeat),
        "debit": lambda: accounts.DebitCredit(user, act.amount, repeat=repeat),
        "paying": lambda: accounts.AnnouncePayment(user, act.duration_ms, repeat=repeat),
        "refund": lambda: accounts.RefundRecord(user, act.record, request, repeat=repeat),
        "track": lambda: tracking.StartChat(user, advisor, chat, repeat=repeat),
        "pause": lambda: tracking.PauseChat(user, chat, Role(party.value), repeat=repeat),
        "resume": lambda: tracking.ResumeChat(user, chat, party, repeat=repeat),
        "stop": lambda: tracking.StopChat(user, chat, repeat=repeat),
        "leave": lambda: presence.LeaveChat(user, chat, party),
        "accept": lambda: tracking.AcceptChat(user, chat, repeat=repeat),
        "decline": lambda: tracking.DeclineChat(user, chat, "Not now", repeat=repeat),
        "heartbeat": lambda: presence.SendHeartbeat(user, chat, party),
    }
    return commands[act.name]()


def compare(model: Model, account: Account, shown: dict[str, Snapshot], *, thoroughly: bool = True) -> None:
    """Screens must show the numbers of the model, exactly; with `thoroughly` also the cuts to come."""
    for chat, expected in model.latest.items():
        expected.id = expected.id or shown[chat].record.id  # only the program knows the ids that it has given
    assert account.available == model.available, (account, model)
    if not model.had_gifts:  # with gifts the program may post earlier than the model
        assert (account.balance, account.committed) == (model.balance, model.committed), (account, model)
    if not model.running():
        assert (account.balance, account.gift) == (model.balance, model.gift), (account, model)
    for chat, expected in model.latest.items():
        assert _snapshot(shown[chat]) == _expected(model, expected, chat), chat
        if thoroughly and expected.state == "running" and expected.chat == chat:
            cut_at = _soon(shown[chat].timer.cut_at, model.now)
            assert cut_at == _soon(model.cut_at(expected, FAR_MS), model.now), (chat, cut_at)


def _snapshot(snapshot: Snapshot) -> tuple[Any, ...]:
    record = snapshot.record
    return (
        record.id,
        record.state.value,
        None if record.reason is None else record.reason.value,
        None if record.paused_by is None else record.paused_by.value,
        record.ended_at,
        snapshot.elapsed_ms,
        snapshot.cost,
        snapshot.chat_duration_ms,
        snapshot.timer.running,
        snapshot.timer.recharge_until,
        snapshot.balance,
    )


def _expected(model: Model, expected: ModelRecord, chat: str) -> tuple[Any, ...]:
    waits = expected.state == "paused" and expected.chat == chat
    return (
        expected.id,
        expected.state,
        expected.reason,
        ("user" if expected.paused_by_user else "advisor") if expected.reason == "paused" else None,
        expected.ended_at,
        expected.elapsed_ms(model.now),
        expected.cost(model.now),
        model.duration_ms(chat),
        expected.state == "running" and expected.chat == chat,
        expected.recharge_until if expected.reason == "out_of_credit" and waits else None,
        model.available,
    )


def _soon(at: int | None, now: int) -> int | None:
    """The cut if the model looks ahead so far, else None."""
    return None if at is None or at > now + FAR_MS else at


class CoreWorld:
    """One user in the pure core, kept in memory as the database would keep it."""

    def __init__(self, user: str, now: int) -> None:
        self._user = user
        self._advisors: dict[str, StoredAdvisor] = {}
        payer = Payer(user, 0, now, {}, {})
        self._payer = PayerTransaction(payer, None, {}, {}, user, 0, payer, now, DURATIONS, {})
        self.entries: list[tuple[str, int]] = []
        self.earned: Counter[str] = Counter()

    def perform(self, act: Act, now: int) -> str | None:
        """Apply the act at this instant: None, or the code of the refusal."""
        payer = self._payer
        if act.name == "tariff":
            tariff = Tariff.parse(act.tariff)
            version = self._advisors[act.advisor].tariff_version + 1 if act.advisor in self._advisors else 1
            rule = StartRule(Starts(act.starts[0]), act.starts[1])
            self._advisors[act.advisor] = StoredAdvisor(act.advisor, act.advisor, tariff, version, terms_of(act), rule)
            return None
        payer.now = now
        if act.name == "outage":
            ended_at = now - act.after_ms
            payer.current = replace(payer.current, outages=(Outage(ended_at - act.duration_ms, ended_at),))
        payer.current = meter.settle(payer.current, now, DURATIONS)
        try:
            if act.name == "post":
                tracking.post_charges(payer)
            elif act.name not in {"advance", "outage"}:
                command(self._user, act).decide(payer, self._advisors.get(act.advisor))
        except TalktimeError as error:
            return error.code
        finally:
            payer.current = meter.settle(payer.current, now, DURATIONS)
            self._keep()
        return None

    def _keep(self) -> None:
        payer = self._payer
        chats = payer.chats
        for event in payer.current.steps:
            if isinstance(event, DurationAdded):
                chat = chats[event.chat_id]
                chats[event.chat_id] = replace(chat, duration_ms=chat.duration_ms + event.duration_ms)
            elif isinstance(event, RecordRequested | TimerStarted | WaitBegan):
                chats[event.record.chat_id] = replace(chats[event.record.chat_id], record_id=event.record.record_id)
            elif isinstance(event, RecordEnded):
                payer.free_used_ms[event.record.advisor_id] = payer.free_ms_before(event.record.advisor_id)
                payer.graces_used_at[event.record.advisor_id] = payer.grace_used_at(event.record.advisor_id)
            elif isinstance(event, EntryPosted):
                self._count(event)
        payer.mark_saved(None)
        payer.chats.update({chat_id: replace(chat, is_new=False) for chat_id, chat in chats.items()})

    def _count(self, entry: EntryPosted) -> None:
        if entry.kind != "share":
            self.entries.append((entry.kind, entry.amount))
        if entry.record_id is not None:
            totals = self._payer.entry_totals.get(entry.record_id, EntryTotals())
            self._payer.entry_totals[entry.record_id] = totals.after([entry], entry.record_id)
            if entry.follows_from_time:
                self.earned[entry.record_id] += entry.advisor_amount

    def spent_gifts(self) -> dict[str, int]:
        """The part of each record's charges that gifts paid."""
        return {record_id: totals.gift for record_id, totals in self._payer.entry_totals.items()}

    def seen(self, model: Model) -> Seen:
        """The account and the snapshots that screens show."""
        return account_of(self._payer), {
            chat: snapshot_of(self._payer, f"{self._user} {chat}") for chat in model.latest
        }


class DatabaseWorld:
    """One user in a database whose clock stands still."""

    def __init__(self, talktime: Talktime, database: Pool, user: str) -> None:
        self._talktime = talktime
        self._database = database
        self.user = user

    async def begin(self) -> None:
        """Create the user."""
        await self._talktime.put_user(self.user, self.user)

    async def perform(self, act: Act, *, late: bool = False, repeat: Repeat | None = None) -> str | None:
        """Apply the act: None, or the code of the refusal. A `late` worker is away while time passes."""
        try:
            await self._do(act, late=late, repeat=repeat)
        except TalktimeError as error:
            return error.code
        return None

    async def _do(self, act: Act, *, late: bool, repeat: Repeat | None) -> None:
        talktime = self._talktime
        if act.name == "tariff":
            tariff = Tariff.parse(act.tariff)
            starts, ring_ms = act.starts
            advisor_id = f"{self.user} {act.advisor}"
            await talktime.put_advisor(advisor_id, act.advisor, tariff, terms_of(act), starts=starts, ring_ms=ring_ms)
        elif act.name == "outage":
            await self._database.execute(_MOVE_CLOCK, act.before_ms)
            await self._database.execute(_OUTAGE, act.duration_ms)
            await self._database.execute(_MOVE_CLOCK, act.duration_ms + act.after_ms)
        elif act.name == "advance" and late:
            await self._database.execute(_MOVE_CLOCK, act.duration_ms)
        elif act.name == "advance":
            await talktime.advance_clock(act.duration_ms)
        elif act.name == "post":
            await talktime.engine.settle_accounts([self.user], tracking.post_charges)
        else:
            await talktime.engine.run(command(self.user, act, repeat))

    async def seen(self, model: Model) -> Seen:
        """The account and the snapshots that screens show."""
        return (await seen_by(self._talktime, {self.user: model}))[self.user]


def terms_of(act: Act) -> Terms:
    """The terms that the act sets."""
    percent, per_minute, per_session = act.terms
    return Terms.parse({"share_percent": percent, "fee_per_minute": per_minute, "fee_per_session": per_session})


def compare_earnings(model: Model, earned: dict[str, int]) -> None:
    """The earnings of each record must be the model's; those of a running record depend on the last posting."""
    for expected in model.records:
        if expected.state != "running":
            assert earned.get(expected.id, 0) == expected.earned, expected


def compare_gifts(model: Model, spent: dict[str, int]) -> None:
    """Gifts must have paid what the model says of each record: time decides this, not the order of postings."""
    for expected in model.records:
        if expected.state != "running":
            assert spent.get(expected.id, 0) == expected.by_gift, expected


async def seen_by(talktime: Talktime, models: dict[str, Model]) -> dict[str, Seen]:
    """The accounts and snapshots that the screens of these users show."""
    chats = [f"{user} {chat}" for user, model in models.items() for chat in model.latest]
    payers = await talktime.engine.read(models, chats)
    return {
        user: (
            account_of(payers[user]),
            {chat: snapshot_of(payers[user], f"{user} {chat}") for chat in model.latest},
        )
        for user, model in models.items()
    }
