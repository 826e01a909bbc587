"""The two real things that the model is compared with: talktime on a database, and its pure core alone.

Both run the same commands (`talktime.tracking`) and show the same: the account, and the snapshot of every chat.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from talktime import Party, Talktime, Tariff, meter, tracking
from talktime.database.unit import AdvisorRow, Unit, free_used
from talktime.engine import Command, Repeat
from talktime.errors import TalktimeError
from talktime.payer import Accrued, Ended, Opened, Payer, Posted, Rules, Waiting
from talktime.shares import NO_TERMS
from talktime.views import Account, Snapshot
from tests.proof.histories import Act
from tests.proof.model import ABANDON_MS, LEASE_MS, RECHARGE_MS, Model, Session

RULES = Rules(LEASE_MS, RECHARGE_MS, ABANDON_MS)
FAR_MS = 1_800_000

FREEZE = """
create or replace function talktime.engine_now() returns timestamptz language sql volatile
return (select timestamptz '2026-01-05 10:00:00Z' + offset_ms * interval '1 millisecond' from talktime.engine_clock)
"""
"""The clock in the test's hand: it stands still until it is moved."""


def command(user: str, act: Act, repeat: Repeat | None = None) -> Command:
    """What the act asks of the program."""
    party = Party.USER if act.by_user else Party.ADVISOR
    chat = f"{user} {act.chat}"
    if act.name == "credit":
        return tracking.add_credit(user, act.amount, "purchase", None, repeat)
    if act.name == "debit":
        return tracking.debit(user, act.amount, None, repeat)
    if act.name == "track":
        return tracking.initialize_time_tracking_for_chat(user, f"{user} {act.advisor}", chat, None, repeat)
    if act.name == "resume":
        return tracking.resume(user, chat, party, repeat)
    if act.name == "heartbeat":
        return tracking.heartbeat(user, chat, party)
    return {"pause": tracking.pause, "stop": tracking.stop}[act.name](user, chat, repeat)


def compare(model: Model, account: Account, shown: dict[str, Snapshot]) -> None:
    """The same numbers, to the last digit and millisecond."""
    seen = (account.balance, account.committed, account.available)
    assert seen == (model.balance, model.committed, model.available), (seen, model)
    for chat, session in model.latest.items():
        snapshot = shown[chat]
        assert _snapshot(snapshot) == _session(model, session, chat), chat


def _snapshot(snapshot: Snapshot) -> dict[str, Any]:
    record, timer = snapshot.record, snapshot.timer
    return {
        "record": record.id,
        "state": record.state.value,
        "reason": None if record.reason is None else record.reason.value,
        "ended_at": record.ended_at,
        "elapsed_ms": snapshot.elapsed_ms,
        "cost": snapshot.cost,
        "duration_ms": snapshot.chat_duration_ms,
        "running": timer.running,
        "cut_at": _soon(timer.cut_at, snapshot.server_time),
        "available": snapshot.balance,
    }


def _session(model: Model, session: Session, chat: str) -> dict[str, Any]:
    running = session.state == "running" and session.chat == chat
    return {
        "record": session.id,
        "state": session.state,
        "reason": session.reason,
        "ended_at": session.ended_at,
        "elapsed_ms": session.elapsed_ms(model.now),
        "cost": session.cost(model.now),
        "duration_ms": model.duration_ms(chat),
        "running": running,
        "cut_at": _soon(model.cut_at(session), model.now) if running else None,
        "available": model.available,
    }


def _soon(at: int | None, now: int) -> int | None:
    """The model doesn't look further ahead."""
    return None if at is None or at > now + FAR_MS else at


class CoreWorld:
    """One user in the pure core, kept in memory as the database would keep it."""

    def __init__(self, user: str, now: int) -> None:
        self._user = user
        self._advisors: dict[str, AdvisorRow] = {}
        payer = Payer(user, 0, now, {}, {})
        self._unit = Unit(payer, None, {}, {}, user, payer, now, RULES, {})
        self.entries: list[tuple[str, int]] = []

    def perform(self, act: Act, now: int) -> str | None:
        """Do it at this instant: None, or the code of the refusal."""
        unit = self._unit
        if act.name == "tariff":
            tariff = Tariff.parse(act.tariff)
            version = self._advisors[act.advisor].tariff_version + 1 if act.advisor in self._advisors else 1
            self._advisors[act.advisor] = AdvisorRow(act.advisor, act.advisor, tariff, version, NO_TERMS)
            return None
        unit.now = now
        unit.payer = meter.settle(unit.payer, now, RULES)
        try:
            if act.name == "checkpoint":
                tracking.checkpoint(unit)
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
            if isinstance(event, Accrued):
                chat = chats[event.chat_id]
                chats[event.chat_id] = replace(chat, duration_ms=chat.duration_ms + event.duration_ms)
            elif isinstance(event, Opened | Waiting):
                chats[event.record.chat_id] = replace(chats[event.record.chat_id], record_id=event.record.record_id)
            elif isinstance(event, Ended):
                unit.free_used_ms[event.record.advisor_id] = free_used(event.record)
            elif isinstance(event, Posted):
                self.entries.append((event.kind, event.amount))
        unit.saved(None)
        unit.chats.update({chat_id: replace(chat, is_new=False) for chat_id, chat in chats.items()})

    def seen(self, model: Model) -> tuple[Account, dict[str, Snapshot]]:
        """What screens show."""
        return tracking.account_view(self._unit), {
            chat: self._unit.snapshot(f"{self._user} {chat}") for chat in model.latest
        }


class DatabaseWorld:
    """One user in a database whose clock stands still."""

    def __init__(self, talktime: Talktime, user: str) -> None:
        self._talktime = talktime
        self.user = user

    async def begin(self) -> None:
        """The user joins."""
        await self._talktime.put_user(self.user, self.user)

    async def perform(self, act: Act, *, late: bool = False, repeat: Repeat | None = None) -> str | None:
        """Do it: None, or the code of the refusal. A `late` worker is not there when time goes on."""
        talktime = self._talktime
        if act.name == "tariff":
            await talktime.put_advisor(f"{self.user} {act.advisor}", act.advisor, Tariff.parse(act.tariff))
        elif act.name == "advance" and late:
            await talktime._pool.execute("update engine_clock set offset_ms = offset_ms + $1", act.duration_ms)
        elif act.name == "advance":
            await talktime.advance_clock(act.duration_ms)
        elif act.name == "checkpoint":
            await talktime.engine.settle([self.user], tracking.checkpoint)
        else:
            try:
                await talktime.engine.run(command(self.user, act, repeat))
            except TalktimeError as error:
                return error.code
        return None

    async def seen(self, model: Model) -> tuple[Account, dict[str, Snapshot]]:
        """What screens show."""
        chats = {chat: f"{self.user} {chat}" for chat in model.latest}
        units = await self._talktime.engine.read([self.user], chats.values())
        unit = units[self.user]
        return tracking.account_view(unit), {chat: unit.snapshot(chat_id) for chat, chat_id in chats.items()}


