"""Writes `tests/vectors/display.json`: what a screen shows at given instants, from given facts.

    .venv/bin/python -m tests.vectors.display > tests/vectors/display.json

The numbers come from the oracle, not from the code that the vectors are for; Python and TypeScript read the same file.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, Final

from tests.unit import oracle

TEN: Final = datetime(2026, 1, 5, 10, tzinfo=UTC)
RECHARGE_MS: Final = 120_000
ABANDON_MS: Final = 600_000
_FAR_MS: Final = 8_000_000
_MINUTES: Final = [{"from_seconds": 0, "rate": "1.00", "per_seconds": 60, "increment_seconds": 60}]
_SECONDS: Final = [{"from_seconds": 0, "rate": "0.60", "per_seconds": 60, "increment_seconds": 1}]
_TWO_TIERS: Final = [
    {"from_seconds": 0, "rate": "0.20", "per_seconds": 60, "increment_seconds": 60},
    {"from_seconds": 60, "rate": "0.10", "per_seconds": 60, "increment_seconds": 1},
]


@dataclass(frozen=True)
class Scene:
    """Facts and instants, in milliseconds after ten o'clock, when the timer started (or the pause began).

    `credit` is what the account held when the record started; `before_ms` what the record had run until ten,
    `elsewhere_ms` what of that was on other chats, and `earlier_ms` this chat's time in earlier records.
    """

    id: str
    at: tuple[int, ...]
    tiers: list[dict[str, Any]] = field(default_factory=lambda: _MINUTES)
    more: dict[str, Any] = field(default_factory=dict)
    credit: str = "10.00"
    asked_ms: int = 0
    before_ms: int = 0
    elsewhere_ms: int = 0
    earlier_ms: int = 0
    free_before_ms: int = 0
    lease_ms: int = 3_600_000
    standing: tuple[str, str] | None = None

    @property
    def tariff(self) -> dict[str, Any]:
        """Its whole document."""
        return {
            "connect_fee": "0.00",
            "free_seconds": 0,
            "grace_seconds": 0,
            "tiers": self.tiers,
            "boundary": "ceil",
            "minimum_charge": "0.00",
            "max_cost": None,
            "at_max_cost": "free",
            "rounding": {"places": 2, "mode": "up"},
            **self.more,
        }

    @cached_property
    def cut(self) -> tuple[int, str] | None:
        """The instant at which credit or the maximum ends the time. The maximum is the reason if both come at once."""
        ends = [(_last(self, int(oracle.micros(self.credit))), "out_of_credit")]
        if self.tariff["max_cost"] is not None and self.tariff["at_max_cost"] == "stop":
            ends.insert(0, (_last(self, int(oracle.micros(self.tariff["max_cost"]))), "max_cost"))
        known = [(at - self.before_ms, reason) for at, reason in ends if at is not None]
        return min(known, key=lambda end: end[0], default=None)


SCENES: Final = [
    Scene("minutes-begin", (0, 1, 999, 59_999, 60_000, 60_001)),
    Scene("minutes-begun", (0, 59_998, 59_999, 60_000, 119_999), more={"boundary": "begun"}),
    Scene("seconds", (0, 1, 1_000, 1_001, 61_000, 3_600_000), _SECONDS),
    Scene("half-seconds", (1, 499, 500, 501, 1_250), [{**_SECONDS[0], "increment_seconds": 0.5}]),
    Scene(
        "two-tiers", (0, 59_999, 60_000, 60_001, 61_000, 95_500), _TWO_TIERS, {"rounding": {"places": 4, "mode": "up"}}
    ),
    Scene("connect-fee", (0, 1, 95_500), _TWO_TIERS, {"connect_fee": "0.40"}),
    Scene(
        "overrunning-increment",
        (29_999, 30_000, 39_999, 40_000, 41_000),
        [
            {"from_seconds": 0, "rate": "1.00", "per_seconds": 60, "increment_seconds": 40},
            {"from_seconds": 30, "rate": "2.00", "per_seconds": 60, "increment_seconds": 1},
        ],
    ),
    Scene("free-then-paid", (0, 179_999, 180_000, 180_001, 240_000, 240_001), more={"free_seconds": 180}),
    Scene("free-half-used", (0, 59_999, 60_000, 60_001), more={"free_seconds": 180}, free_before_ms=120_000),
    Scene("free-all-used", (0, 1, 60_001), more={"free_seconds": 180}, free_before_ms=200_000),
    Scene("free-without-credit", (0, 59_999, 60_000, 90_000), more={"free_seconds": 60}, credit="0.00"),
    Scene(
        "free-and-connect-fee-begun",
        (59_998, 59_999, 60_000),
        more={
            "free_seconds": 60,
            "connect_fee": "0.30",
            "boundary": "begun",
        },
    ),
    Scene("grace", (0, 1, 5_000, 5_001), more={"grace_seconds": 5}),
    Scene("grace-after-free", (14_999, 15_000, 15_001), more={"grace_seconds": 5, "free_seconds": 10}),
    Scene("grace-beats-minimum", (0, 5_000, 5_001, 60_001), more={"grace_seconds": 5, "minimum_charge": "3.00"}),
    Scene("minimum", (0, 1, 120_000, 180_000, 180_001), more={"minimum_charge": "3.00"}),
    Scene("maximum-goes-on", (119_999, 120_000, 180_000, 600_000), more={"max_cost": "2.50"}),
    Scene("maximum-stops", (179_999, 180_000, 200_000), more={"max_cost": "3.00", "at_max_cost": "stop"}),
    Scene("maximum-below-minimum", (1, 600_000), more={"max_cost": "2.00", "minimum_charge": "2.75"}),
    Scene("credit-ends", (119_999, 120_000, 120_001, 239_999, 240_000), credit="2.00"),
    Scene("credit-ends-begun", (119_998, 119_999, 120_000), more={"boundary": "begun"}, credit="2.00"),
    Scene("credit-ends-between", (61_000, 119_999, 120_000), credit="2.99"),
    Scene("credit-ends-by-the-second", (99_999, 100_000, 100_001), _SECONDS, credit="1.00"),
    Scene(
        "credit-and-maximum-at-once",
        (119_999, 120_000),
        credit="2.00",
        more={"max_cost": "2.00", "at_max_cost": "stop"},
    ),
    Scene("lease-ends", (29_999, 30_000, 45_000, 629_999, 630_000), _SECONDS, lease_ms=30_000),
    Scene("lease-before-credit", (59_999, 60_000, 70_000), credit="2.00", lease_ms=60_000),
    Scene("asked-later", (10_000, 59_999, 60_000, 61_000), asked_ms=10_000),
    Scene("resumed", (0, 29_999, 30_000, 30_001), before_ms=90_000),
    Scene("second-chat", (0, 1, 30_001), before_ms=90_000, elsewhere_ms=90_000),
    Scene("chat-with-a-past", (0, 60_001), earlier_ms=3_600_000),
    Scene("an-hour", (0, 99_999, 100_001), _SECONDS, before_ms=3_500_000, credit="36.20"),
    Scene(
        "rounding-half-up",
        (1, 4_000, 5_000, 6_000),
        [{**_SECONDS[0], "rate": "0.05"}],
        {"rounding": {"places": 2, "mode": "half_up"}},
        credit="0.50",
    ),
    Scene(
        "rounding-down",
        (1, 11_999, 12_000, 12_001),
        [{**_SECONDS[0], "rate": "0.05"}],
        {"rounding": {"places": 2, "mode": "down"}},
        credit="0.50",
    ),
    Scene(
        "six-places",
        (1, 1_001, 7_000),
        [{**_SECONDS[0], "rate": "0.05"}],
        {"rounding": {"places": 6, "mode": "half_up"}},
        credit="0.50",
    ),
    Scene("paused", (0, 30_000, 599_999, 600_000), before_ms=75_000, standing=("paused", "paused")),
    Scene(
        "waiting-for-credit",
        (0, 119_999, 120_000),
        before_ms=60_000,
        credit="1.50",
        standing=("paused", "out_of_credit"),
    ),
    Scene("ended", (0, 86_400_000), before_ms=75_000, standing=("ended", "stopped")),
]


def case(scene: Scene) -> dict[str, Any]:
    """The facts of a scene as a snapshot, and the numbers that the screen shows."""
    now = shown(scene, scene.asked_ms)
    until, _ = _end(scene)
    runs = scene.standing is None
    cut = scene.cut
    waits = scene.standing == ("paused", "out_of_credit")
    return {
        "id": scene.id,
        "snapshot": {
            "server_time": _instant(scene.asked_ms),
            "sequence": 1,
            "record": {
                "id": "record",
                "state": now["state"],
                "reason": now["reason"],
                "user_id": "user",
                "advisor_id": "advisor",
                "current_chat_id": "chat",
                "started_at": _instant(-scene.before_ms),
                "ended_at": _instant(0) if now["state"] == "ended" else None,
            },
            "chat": {"id": "chat", "user_id": "user", "advisor_id": "advisor", "duration_ms": now["chat_elapsed_ms"]},
            "timer": {
                "running": runs,
                "since": _instant(0) if runs else None,
                "lease_until": _instant(scene.lease_ms) if runs else None,
                "cut_at": _instant(cut[0]) if runs and cut is not None else None,
                "recharge_until": _instant(RECHARGE_MS) if waits else None,
            },
            "elapsed_ms": now["elapsed_ms"],
            "free_remaining_ms": now["free_ms"],
            "allowance_ms": _allowance(scene),
            "billed_ms": now["billed_ms"],
            "cost": now["cost"],
            "balance": now["credits"],
            "earned": None,
            "tariff": scene.tariff,
            "tariff_version": 1,
            "terms": None,
        },
        "shown": [shown(scene, at) for at in sorted({scene.asked_ms, *scene.at, *([until] if runs else [])})],
    }


def shown(scene: Scene, at: int) -> dict[str, Any]:
    """The numbers that the screen shows `at` milliseconds after ten."""
    end, reason = _end(scene)
    ran_ms = 0 if scene.standing else min(at, end)
    elapsed_ms, allowance_ms = scene.before_ms + ran_ms, _allowance(scene)
    cost = oracle.price(scene.tariff, elapsed_ms, allowance_ms)
    state, why = _state(at, end, reason)
    owed = oracle.begun_cost(scene.tariff, elapsed_ms, allowance_ms) if state == "running" else cost
    return {
        "at": _instant(at),
        "state": state,
        "reason": why,
        "elapsed_ms": elapsed_ms,
        "chat_elapsed_ms": scene.earlier_ms + elapsed_ms - scene.elsewhere_ms,
        "free_ms": max(0, allowance_ms - elapsed_ms),
        "billed_ms": oracle.billed(scene.tariff, elapsed_ms, allowance_ms),
        "cost": _credits(cost),
        "credits": _credits(int(oracle.micros(scene.credit)) - owed),
    }


def _state(at: int, end: int, reason: str) -> tuple[str, str | None]:
    if at < end:
        return "running", None
    if reason in {"max_cost", "stopped"}:
        return "ended", reason
    if reason == "out_of_credit":
        return ("paused" if at < end + RECHARGE_MS else "ended"), reason
    return ("paused", reason) if at < end + ABANDON_MS else ("ended", "abandoned")


def _allowance(scene: Scene) -> int:
    return max(0, oracle.milliseconds(scene.tariff["free_seconds"]) - scene.free_before_ms)


def _end(scene: Scene) -> tuple[int, str]:
    """The instant at which the time stops, and the reason."""
    if scene.standing is not None:
        return 0, scene.standing[1]
    return min(([scene.cut] if scene.cut else []) + [(scene.lease_ms, "user_away")], key=lambda end: end[0])


def _last(scene: Scene, amount: int) -> int | None:
    """The last millisecond whose price is at most `amount`. A binary search finds it, because prices never fall."""
    low, high = 0, 1_000
    while oracle.price(scene.tariff, high, _allowance(scene)) <= amount:
        if high > _FAR_MS:
            return None
        low, high = high, 2 * high
    while low < high - 1:
        middle = (low + high) // 2
        if oracle.price(scene.tariff, middle, _allowance(scene)) <= amount:
            low = middle
        else:
            high = middle
    return low


def _instant(ms: int) -> str:
    return (TEN + timedelta(milliseconds=ms)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _credits(micros: int) -> str:
    whole, rest = divmod(micros, 1_000_000)
    places = f"{rest:06d}"
    return f"{whole}.{places[:2]}{places[2:].rstrip('0')}"


if __name__ == "__main__":
    print(json.dumps([case(scene) for scene in SCENES], indent=1))  # noqa: T201  that is its work
