"""Random lives of a user, from a seed: what they and their advisors do, steered so that most of it is accepted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

from tests.proof.model import Model, Price, Session

ADVISORS = ("ada", "ben", "cleo")


@dataclass(frozen=True)
class Act:
    """One thing that happens: a name, and what it takes."""

    name: str
    chat: str = ""
    advisor: str = ""
    amount: int = 0
    duration_ms: int = 0
    by_user: bool = True
    tariff: dict[str, Any] | None = None


def random_tariff(random: Random, *, with_grace: bool) -> dict[str, Any]:
    """Any kind of tariff that makes sense."""
    begins = [0, *sorted(random.sample(range(20, 400), random.choice([0, 0, 1, 2])))]
    return {
        "connect_fee": random.choice(["0", "0", "0.40", "0.333333"]),
        "free_seconds": random.choice([0, 0, 30, 185.5]),
        "grace_seconds": random.choice([0, 10, 75.25]) if with_grace else 0,
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
        "rounding": {"places": random.choice([0, 2, 2, 4, 6]), "mode": random.choice(["up", "up", "down", "half_up"])},
    }


class History:
    """Acts, one after the other. The model says what each must come to, and so what may sensibly come next."""

    def __init__(self, seed: int, now: int) -> None:
        self._random = Random(seed)
        self.model = Model(now)
        # What happens to several meters while one of them is in its grace is tried in test_several.
        self._alone = self._random.random() < 0.4
        self._advisors = ADVISORS[:1] if self._alone else ADVISORS
        self._chats = 0
        self.advances_late = self._random.random() < 0.5

    def tariff(self) -> dict[str, Any]:
        """Another tariff."""
        return random_tariff(self._random, with_grace=self._alone)

    def acts(self, length: int) -> Iterator[Act]:
        """A beginning, and then so many acts more. Each must be applied to the model before the next is asked for."""
        for advisor in self._advisors:
            yield Act("tariff", advisor=advisor, tariff=self.tariff())
        yield Act("credit", amount=self._money(2, 9))
        for _ in range(length):
            yield self._any()

    def _any(self) -> Act:
        random, model = self._random, self.model
        sessions = list(model.active.values())
        if not sessions or random.random() < 0.12:
            return self._track()
        session = random.choice(sessions)
        name = random.choices(
            ["advance", "heartbeat", "pause", "resume", "stop", "credit", "debit", "checkpoint", "track", "tariff", "odd"],
            [28, 16, 7, 9, 3, 7, 4, 7, 6, 2, 3],
        )[0]
        if name == "advance":
            return Act(name, duration_ms=self._while(session))
        if name in {"heartbeat", "resume"}:
            return Act(name, session.chat, by_user=random.random() < 0.6)
        if name in {"pause", "stop"}:
            return Act(name, session.chat)
        if name == "credit":
            return Act(name, amount=self._money(0, 4))
        if name == "debit":
            what = model.available if random.random() < 0.7 else model.available + 1
            return Act(name, amount=max(1, random.choice([what, what // 3])))
        if name == "tariff":
            return Act(name, advisor=session.advisor, tariff=self.tariff())
        if name == "odd":  # a chat that may be over, left, or nobody's
            chat = random.choice([*model.latest, "nowhere"])
            return Act(random.choice(["pause", "resume", "stop", "heartbeat"]), chat)
        return self._track() if name == "track" else Act(name)

    def _track(self) -> Act:
        random = self._random
        advisor = random.choice(self._advisors)
        mine = [chat for chat, owner in self.model.advisor_of.items() if owner == advisor]
        if mine and random.random() < 0.5:
            return Act("track", random.choice(mine), advisor)
        self._chats += 1
        return Act("track", f"chat {self._chats}", advisor)

    def _while(self, session: Session) -> int:
        """A while, often one that ends where something happens, or a millisecond beside it."""
        random, model = self._random, self.model
        ends = [session.user_until, session.advisor_until]
        if session.state == "running":
            ends += [model.cut_at(session) or 0, *(at for at in session.demands(model.now, model.now + 60_000))][:4]
        else:
            ends += [session.waiting_since + 60_000, session.waiting_since + 240_000]
        ahead = [end - model.now for end in ends if 0 < end - model.now < 400_000]
        if ahead and random.random() < 0.5:
            return max(0, random.choice(ahead) + random.choice([-1, 0, 0, 1]))
        return random.choice([0, random.randrange(5_000), random.randrange(100_000), 60_000])

    def _money(self, least: int, most: int) -> int:
        return max(1, self._random.choice([self._random.randint(least, most) * 1_000_000, self._random.randrange(5_000_000)]))


def apply(model: Model, act: Act) -> str | None:
    """Do it to the model, and what falls due at once: None, or the code of the refusal."""
    refusal = _apply(model, act)
    model.advance(0)
    return refusal


def _apply(model: Model, act: Act) -> str | None:
    match act.name:
        case "advance":
            model.advance(act.duration_ms)
        case "tariff":
            assert act.tariff is not None
            model.prices[act.advisor] = Price(act.tariff)
        case "checkpoint":
            model.checkpoint()
        case "credit":
            return model.credit(act.amount)
        case "debit":
            return model.debit(act.amount)
        case "track":
            return model.track(act.chat, act.advisor)
        case "pause":
            return model.pause(act.chat)
        case "stop":
            return model.stop(act.chat)
        case "resume":
            return model.resume(act.chat, by_user=act.by_user)
        case "heartbeat":
            return model.heartbeat(act.chat, by_user=act.by_user)
    return None
