"""Random histories of a user, each from a seed: acts of the user, the advisors and the host.

The model decides which acts come next, so that most of them are accepted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any, get_args

from talktime.core.tariff import RoundingMode
from tests.proof.model import DAY_MS, Model, ModelRecord, PriceTable

ADVISORS = ("ada", "ben", "cleo")
AHEAD_MS = 400_000
"""An act comes at a deadline only if the deadline is nearer than this."""


@dataclass(frozen=True)
class Act:
    """One act: a name, and its arguments."""

    name: str
    chat: str = ""
    advisor: str = ""
    amount: int = 0
    duration_ms: int = 0
    by_user: bool = True
    tariff: dict[str, Any] | None = None
    terms: tuple[str, str, str] = ("0", "0", "0")
    record: str = ""
    expires_at: int | None = None
    before_ms: int = 0
    after_ms: int = 0
    starts: tuple[str, int] = ("at_once", 60_000)


def random_tariff(random: Random) -> dict[str, Any]:
    """A tariff of any valid kind."""
    begins = [0, *sorted(random.sample(range(20, 400), random.choice([0, 0, 1, 2])))]
    return {
        "connect_fee": random.choice(["0", "0", "0.40", "0.333333"]),
        "free_seconds": random.choice([0, 0, 30, 185.5]),
        "grace_seconds": random.choice([0, 0, 10, 75.25]),
        "tiers": [
            {
                "from_seconds": begin,
                "rate": random.choice(["0.60", "1.00", "2.5", "0.333333", "0.000001"]),
                "per_seconds": random.choice([60, 60, 30, 7]),
                "increment_seconds": random.choice([6, 7, 15, 60, 60.001]),
            }
            for begin in begins
        ],
        "boundary": random.choice(["ceil", "ceil", "begun"]),
        "minimum_charge": random.choice(["0", "0", "0.75"]),
        "max_cost": random.choice([None, None, "3", "5.5"]),
        "at_max_cost": random.choice(["free", "stop"]),
        "rounding": {"places": random.choice([0, 2, 2, 4, 6]), "mode": random.choice(["up", *get_args(RoundingMode)])},
    }


def random_terms(random: Random) -> tuple[str, str, str]:
    """The terms of an advisor: the share in percent, the fee per minute and the fee per record."""
    return random.choice(["0", "49", "36", "100", "12.5"]), random.choice(["0", "0.19"]), random.choice(["0", "0.25"])


def random_start_rule(random: Random) -> tuple[str, int]:
    """How the records of an advisor start, and how long a request rings."""
    return random.choice(["at_once", "at_once", "present", "accepted"]), random.choice([1_000, 60_000, 200_000])


class History:
    """Acts, one after the other. Each must be applied to the model before the next is asked for."""

    def __init__(self, seed: int, now: int) -> None:
        self._random = Random(seed)
        self.model = Model(now)
        has_one_advisor = self._random.random() < 0.4
        self._advisors = ADVISORS[:1] if has_one_advisor else ADVISORS
        self._has_gifts = self._random.random() < 0.4
        self._chats = 0

    def some_time(self) -> int:
        """Some milliseconds, often to the instant of a deadline of the user."""
        records = list(self.model.active.values())
        return self._some_time(self._random.choice(records)) if records else self._random.randrange(60_000)

    def next(self, *, may_advance: bool = True) -> Act:
        """The next act, in the present state of the model."""
        while (act := self._any()).name in {"advance", "outage"} and not may_advance:
            pass
        return act

    def beginning(self) -> Iterator[Act]:
        """Tariffs for the advisors, and some credit."""
        for advisor in self._advisors:
            yield self._new_tariff(advisor)
        yield Act("credit", amount=self._money(2, 9))

    def _new_tariff(self, advisor: str) -> Act:
        """An advisor gets another tariff, other terms and another start rule."""
        random = self._random
        tariff, terms, starts = random_tariff(random), random_terms(random), random_start_rule(random)
        return Act("tariff", advisor=advisor, tariff=tariff, terms=terms, starts=starts)

    def acts(self, length: int) -> Iterator[Act]:
        """The acts of the beginning, and then `length` acts more."""
        yield from self.beginning()
        for _ in range(length):
            yield self.next()

    def _any(self) -> Act:
        records = list(self.model.active.values())
        if not records or self._random.random() < 0.12:
            return self._track()
        record = self._random.choice(records)
        return self._random.choices(
            [self._advance, self._outage, self._at_chat, self._money_moves, self._at_any_chat, self._elsewhere],
            [25, 3, 35, 11, 3, 15],
        )[0](record)

    def _advance(self, record: ModelRecord) -> Act:
        used_at = self.model.grace_used.get(record.advisor)
        if used_at is not None and self._random.random() < 0.05:  # to the instant from which there is grace again
            again = used_at + DAY_MS - self.model.now + self._random.choice([-1, 0, 1])
            return Act("advance", duration_ms=max(0, again))
        return Act("advance", duration_ms=self._some_time(record))

    def _outage(self, record: ModelRecord) -> Act:
        """An outage that nothing notices before `after_ms` have passed since its end."""
        length_ms, after_ms = max(1, self._some_time(record)), self._random.choice([0, 1, 9_000])
        return Act("outage", duration_ms=length_ms, before_ms=self._some_time(record), after_ms=after_ms)

    def _at_chat(self, record: ModelRecord) -> Act:
        names = ["heartbeat", "leave", "pause", "resume", "stop", "accept", "decline"]
        weights = [16, 3, 3, 3, 3, 16, 4] if record.state == "requested" else [16, 3, 7, 9, 3, 1, 1]
        name = self._random.choices(names, weights)[0]
        return Act(name, record.chat, by_user=self._random.random() < 0.6)

    def _at_any_chat(self, _: ModelRecord) -> Act:
        """An act on a chat whose record may have ended or left, or on a chat that does not exist."""
        chat = self._random.choice([*self.model.latest, "nowhere"])
        return Act(self._random.choice(["pause", "resume", "stop", "heartbeat", "leave", "accept", "decline"]), chat)

    def _money_moves(self, _: ModelRecord) -> Act:
        random, model = self._random, self.model
        known = [record for record in model.records if record.id]
        if known and random.random() < 0.2:
            record = random.choice(known)
            left = record.charged - record.refunded + (random.random() < 0.2)
            return Act("refund", record=record.id, amount=max(1, random.choice([left, left // 3])))
        if self._has_gifts and random.random() < 0.5:
            expires_at = random.choice([None, model.now + random.choice([1, 10_000, 60_000, 200_000])])
            return Act("gift", amount=self._money(0, 3), expires_at=expires_at)
        if random.random() < 0.2:
            return Act("paying", duration_ms=random.choice([1, 30_000, 90_000, 900_000]))
        if random.random() < 0.6:
            return Act("credit", amount=self._money(0, 4))
        amount = self.model.available + (self._random.random() < 0.3)
        return Act("debit", amount=max(1, self._random.choice([amount, amount // 3])))

    def _elsewhere(self, record: ModelRecord) -> Act:
        name = self._random.choices(["post", "track", "tariff"], [7, 6, 2])[0]
        if name == "track":
            return self._track()
        return self._new_tariff(record.advisor) if name == "tariff" else Act(name)

    def _track(self) -> Act:
        random = self._random
        advisor = random.choice(self._advisors)
        mine = [chat for chat, owner in self.model.advisor_of.items() if owner == advisor]
        if mine and random.random() < 0.5:
            return Act("track", random.choice(mine), advisor)
        self._chats += 1
        return Act("track", f"chat {self._chats}", advisor)

    def _some_time(self, record: ModelRecord) -> int:
        """Some milliseconds, often to the instant of a deadline, or to a millisecond before or after."""
        random, model = self._random, self.model
        ends = [record.user_until, record.advisor_until, *(at for at, _ in model.gifts)]
        if record.state == "running":
            increments = record.increment_instants(model.now, model.now + 60_000)
            ends += [model.cut_at(record, AHEAD_MS) or 0, *increments][:4]
        elif record.state == "requested":
            ends.append(record.ring_until)
        else:
            ends += [record.waiting_since + 60_000, record.waiting_since + 240_000, record.paying_until]
        ahead = [end - model.now for end in ends if 0 < end - model.now < AHEAD_MS]
        if ahead and random.random() < 0.5:
            return max(0, random.choice(ahead) + random.choice([-1, 0, 0, 1]))
        return random.choice([0, random.randrange(5_000), random.randrange(100_000), 60_000])

    def _money(self, least: int, most: int) -> int:
        return max(
            1, self._random.choice([self._random.randint(least, most) * 1_000_000, self._random.randrange(5_000_000)])
        )


def apply(model: Model, act: Act) -> str | None:
    """Apply the act to the model, and the deadlines that are due then: None, or the code of the refusal."""
    refusal = _apply(model, act)
    model.advance(0)
    return refusal


def _apply(model: Model, act: Act) -> str | None:
    match act.name:
        case "advance":
            model.advance(act.duration_ms)
        case "outage":
            model.advance(act.before_ms)
            model.outage(act.duration_ms)
            model.advance(act.after_ms)
        case "post":
            model.post_charges()
        case "tariff":
            model.prices[act.advisor], model.terms[act.advisor] = PriceTable(act.tariff or {}), act.terms
            model.starts[act.advisor] = act.starts
        case "gift" | "refund" | "credit" | "debit" | "paying":
            return _with_money(model, act)
        case "track":
            return model.track(act.chat, act.advisor)
        case _:
            return _at_chat(model, act)
    return None


def _with_money(model: Model, act: Act) -> str | None:
    if act.name == "gift":
        expires_at = {} if act.expires_at is None else {"expires_at": act.expires_at}
        return model.credit(act.amount, "gift", act.amount, **expires_at)
    if act.name == "refund":
        record = next(record for record in model.records if record.id == act.record)
        return model.refund(record, act.amount)
    if act.name == "paying":
        return model.pay(act.duration_ms)
    return (model.credit if act.name == "credit" else model.debit)(act.amount)


def _at_chat(model: Model, act: Act) -> str | None:
    if act.name == "stop":
        return model.stop(act.chat)
    if act.name in {"accept", "decline"}:
        return (model.accept if act.name == "accept" else model.decline)(act.chat)
    acts = {"pause": model.pause, "resume": model.resume, "heartbeat": model.heartbeat, "leave": model.leave}
    return acts[act.name](act.chat, by_user=act.by_user)
