"""The two real things that the model is compared with: talktime on a database, and its pure core alone.

Both run the same commands (`talktime.engine.tracking`) and show the same: the account, and the snapshot of every chat.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from talktime import Party, Talktime, Tariff
from talktime.core import meter
from talktime.core.errors import TalktimeError, Unavailable
from talktime.core.events import DurationAdded, EntryPosted, KeptPaused, RecordEnded, TimerStarted
from talktime.core.payer import Payer, Rules
from talktime.core.refunds import BorneBy, EntryTotals, RefundRequest
from talktime.core.terms import Terms
from talktime.database.payer_transaction import PayerTransaction, StoredAdvisor
from talktime.database.pool import UNREACHABLE, Pool
from talktime.documents.account import Account
from talktime.documents.snapshot import Snapshot
from talktime.engine import accounts, presence, tracking
from talktime.engine.command import Command
from talktime.engine.idempotency import Repeat
from talktime.engine.screens import account_of, snapshot_of
from talktime.settings import load_settings
from tests.databases import STANDING_CLOCK, open_database
from tests.proof.histories import Act
from tests.proof.model import ABANDON_MS, LEASE_MS, RECHARGE_MS, Model, Session

LIFE = {
    "presence_lease_seconds": LEASE_MS // 1000,
    "recharge_seconds": RECHARGE_MS // 1000,
    "abandon_seconds": ABANDON_MS // 1000,
}
RULES = Rules(LEASE_MS, RECHARGE_MS, ABANDON_MS)
Seen = tuple[Account, dict[str, Snapshot]]
FAR_MS = 1_800_000


@asynccontextmanager
async def frozen(database_url: str) -> AsyncIterator[tuple[Talktime, Pool]]:
    """Talktime with the model's times, on a clock that stands still, without workers; and SQL on its database."""
    settings = load_settings(database_url=database_url, **LIFE)
    async with (
        open_database(database_url) as database,
        Talktime.connect(database_url, settings=settings, work=False) as talktime,
    ):
        await database.execute(STANDING_CLOCK)
        yield talktime, database


def command(user: str, act: Act, repeat: Repeat | None = None) -> Command[object]:
    """What the act asks of the program."""
    party = Party.USER if act.by_user else Party.ADVISOR
    advisor, chat = f"{user} {act.advisor}", f"{user} {act.chat}"
    wish = RefundRequest("asked for", BorneBy.PLATFORM, amount=act.amount)
    commands: dict[str, Callable[[], Command[object]]] = {
        "credit": lambda: accounts.AddCredit(user, act.amount, "purchase", repeat=repeat),
        "gift": lambda: accounts.AddCredit(user, act.amount, "gift", expires_at=act.expires_at, repeat=repeat),
        "debit": lambda: accounts.DebitCredit(user, act.amount, repeat=repeat),
        "refund": lambda: accounts.RefundRecord(user, act.record, wish, repeat=repeat),
        "track": lambda: tracking.StartChat(user, advisor, chat, repeat=repeat),
        "pause": lambda: tracking.PauseChat(user, chat, repeat=repeat),
        "resume": lambda: tracking.ResumeChat(user, chat, party, repeat=repeat),
        "stop": lambda: tracking.StopChat(user, chat, repeat=repeat),
        "heartbeat": lambda: presence.SendHeartbeat(user, chat, party),
    }
    return commands[act.name]()


def compare(model: Model, account: Account, shown: dict[str, Snapshot], *, thoroughly: bool = True) -> None:
    """The same numbers, to the last digit and millisecond; `thoroughly`: also when credit will end."""
    for chat, session in model.latest.items():
        session.id = session.id or shown[chat].record.id  # only the program knows which it has given
    assert account.available == model.available, (account, model)
    if not model.had_gifts:  # else when exactly was posted is the program's own affair
        assert (account.balance, account.committed) == (model.balance, model.committed), (account, model)
    if not model.running():
        assert (account.balance, account.gift) == (model.balance, model.gift), (account, model)
    for chat, session in model.latest.items():
        assert _snapshot(shown[chat]) == _session(model, session, chat), chat
        if thoroughly and session.state == "running" and session.chat == chat:
            cut_at = _soon(shown[chat].timer.cut_at, model.now)
            assert cut_at == _soon(model.cut_at(session), model.now), (chat, cut_at)


def _snapshot(snapshot: Snapshot) -> tuple[Any, ...]:
    record = snapshot.record
    return (
        record.id,
        record.state.value,
        None if record.reason is None else record.reason.value,
        record.ended_at,
        snapshot.elapsed_ms,
        snapshot.cost,
        snapshot.chat_duration_ms,
        snapshot.timer.running,
        snapshot.balance,
    )


def _session(model: Model, session: Session, chat: str) -> tuple[Any, ...]:
    return (
        session.id,
        session.state,
        session.reason,
        session.ended_at,
        session.elapsed_ms(model.now),
        session.cost(model.now),
        model.duration_ms(chat),
        session.state == "running" and session.chat == chat,
        model.available,
    )


def _soon(at: int | None, now: int) -> int | None:
    """The model doesn't look further ahead."""
    return None if at is None or at > now + FAR_MS else at


class CoreWorld:
    """One user in the pure core, kept in memory as the database would keep it."""

    def __init__(self, user: str, now: int) -> None:
        self._user = user
        self._advisors: dict[str, StoredAdvisor] = {}
        payer = Payer(user, 0, now, {}, {})
        self._unit = PayerTransaction(payer, None, {}, {}, user, payer, now, RULES, {})
        self.entries: list[tuple[str, int]] = []
        self.earned: Counter[str] = Counter()

    def perform(self, act: Act, now: int) -> str | None:
        """Do it at this instant: None, or the code of the refusal."""
        unit = self._unit
        if act.name == "tariff":
            tariff = Tariff.parse(act.tariff)
            version = self._advisors[act.advisor].tariff_version + 1 if act.advisor in self._advisors else 1
            self._advisors[act.advisor] = StoredAdvisor(act.advisor, act.advisor, tariff, version, terms_of(act))
            return None
        unit.now = now
        unit.payer = meter.settle(unit.payer, now, RULES)
        try:
            if act.name == "checkpoint":
                tracking.post_running(unit)
            elif act.name != "advance":
                command(self._user, act).decide(unit, self._advisors.get(act.advisor))
        except TalktimeError as error:
            return error.code
        finally:
            unit.payer = meter.settle(unit.payer, now, RULES)
            self._keep()
        return None

    def _keep(self) -> None:
        unit = self._unit
        chats = unit.chats
        for event in unit.payer.events:
            if isinstance(event, DurationAdded):
                chat = chats[event.chat_id]
                chats[event.chat_id] = replace(chat, duration_ms=chat.duration_ms + event.duration_ms)
            elif isinstance(event, TimerStarted | KeptPaused):
                chats[event.record.chat_id] = replace(chats[event.record.chat_id], record_id=event.record.record_id)
            elif isinstance(event, RecordEnded):
                unit.free_used_ms[event.record.advisor_id] = unit.free_ms_before(event.record.advisor_id)
            elif isinstance(event, EntryPosted):
                self._count(event)
        unit.mark_saved(None)
        unit.chats.update({chat_id: replace(chat, is_new=False) for chat_id, chat in chats.items()})

    def _count(self, entry: EntryPosted) -> None:
        if entry.kind != "share":
            self.entries.append((entry.kind, entry.amount))
        if entry.record_id is not None:
            tally = self._unit.tallies.get(entry.record_id, EntryTotals())
            self._unit.tallies[entry.record_id] = tally.after([entry], entry.record_id)
            if entry.follows_from_time:
                self.earned[entry.record_id] += entry.advisor_amount

    def spent_gifts(self) -> dict[str, int]:
        """What of each record was paid by gifts."""
        return {record_id: tally.gift for record_id, tally in self._unit.tallies.items()}

    def seen(self, model: Model) -> Seen:
        """What screens show."""
        return account_of(self._unit), {chat: snapshot_of(self._unit, f"{self._user} {chat}") for chat in model.latest}


class DatabaseWorld:
    """One user in a database whose clock stands still."""

    def __init__(self, talktime: Talktime, database: Pool, user: str) -> None:
        self._talktime = talktime
        self._database = database
        self.user = user

    async def begin(self) -> None:
        """The user joins."""
        await self._talktime.put_user(self.user, self.user)

    async def perform(self, act: Act, *, late: bool = False, repeat: Repeat | None = None) -> str | None:
        """Do it: None, or the code of the refusal. A `late` worker is not there when time goes on."""
        try:
            await self._do(act, late=late, repeat=repeat)
        except TalktimeError as error:
            return error.code
        except UNREACHABLE:
            return Unavailable.code
        return None

    async def _do(self, act: Act, *, late: bool, repeat: Repeat | None) -> None:
        talktime = self._talktime
        if act.name == "tariff":
            tariff = Tariff.parse(act.tariff)
            await talktime.put_advisor(f"{self.user} {act.advisor}", act.advisor, tariff, terms_of(act))
        elif act.name == "advance" and late:
            await self._database.execute("update engine_clock set offset_ms = offset_ms + $1", act.duration_ms)
        elif act.name == "advance":
            await talktime.advance_clock(act.duration_ms)
        elif act.name == "checkpoint":
            await talktime.engine.settle_accounts([self.user], tracking.post_running)
        else:
            await talktime.engine.run(command(self.user, act, repeat))

    async def seen(self, model: Model) -> Seen:
        """What screens show."""
        return (await seen_by(self._talktime, {self.user: model}))[self.user]


def terms_of(act: Act) -> Terms:
    """The advisor's terms as the program knows them."""
    percent, per_minute, per_session = act.terms
    return Terms.parse({"share_percent": percent, "fee_per_minute": per_minute, "fee_per_session": per_session})


def compare_earnings(model: Model, earned: dict[str, int]) -> None:
    """What advisors have earned, by record; a running one's is as of when it was last posted."""
    for session in model.sessions:
        if session.state != "running":
            assert earned.get(session.id, 0) == session.earned, session


def compare_gifts(model: Model, spent: dict[str, int]) -> None:
    """What was paid by gifts, by record: decided by the order of increments in time, not by who posts first."""
    for session in model.sessions:
        if session.state != "running":
            assert spent.get(session.id, 0) == session.by_gift, session


async def seen_by(talktime: Talktime, models: dict[str, Model]) -> dict[str, Seen]:
    """What the screens of these users show."""
    chats = [f"{user} {chat}" for user, model in models.items() for chat in model.latest]
    units = await talktime.engine.read(models, chats)
    return {
        user: (
            account_of(units[user]),
            {chat: snapshot_of(units[user], f"{user} {chat}") for chat in model.latest},
        )
        for user, model in models.items()
    }
