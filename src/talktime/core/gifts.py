"""Credit that was given, not bought: in lots, each with the instant it expires, if it does. Pure.

An account's gifts are the lots that are left, in the order in which they are spent: the soonest expiry first, what
never expires last. What an account holds beyond them was bought, and is spent after them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

LOTS_MAX: Final = 100
"""How many lots of different expiry an account may hold."""


class Lot(NamedTuple):
    """So many micro-credits, until `expires_at` (None: for good)."""

    amount: int
    expires_at: int | None = None

    def is_over(self, at: int) -> bool:
        """Whether it has expired."""
        return self.expires_at is not None and self.expires_at <= at


def total(lots: tuple[Lot, ...]) -> int:
    """How much they are together."""
    return sum(lot.amount for lot in lots)


def added(lots: tuple[Lot, ...], new: Lot) -> tuple[Lot, ...]:
    """With one more; lots that expire together are one."""
    amounts = {lot.expires_at: lot.amount for lot in lots}
    amounts[new.expires_at] = amounts.get(new.expires_at, 0) + new.amount
    never = float("inf")
    return tuple(
        Lot(amount, expires_at)
        for expires_at, amount in sorted(amounts.items(), key=lambda item: never if item[0] is None else item[0])
    )


def replayed(entries: Iterable[tuple[str, int, int, int | None]]) -> tuple[Lot, ...]:
    """What is left of an account's gifts, from its entries in order: `(kind, gift amount, at, expires_at)` of each."""
    lots: tuple[Lot, ...] = ()
    for kind, amount, at, expires_at in entries:
        if amount > 0:
            lots = added(lots, Lot(amount, expires_at))
        elif kind == "expiry":
            kept = [lot._replace(amount=lot.amount + amount * (lot.expires_at == expires_at)) for lot in lots]
            lots = tuple(lot for lot in kept if lot.amount)
        else:
            lots = spent(lots, -amount, valid_at=at if kind == "debit" else None)
    return lots


def spent(lots: tuple[Lot, ...], amount: int, valid_at: int | None = None) -> tuple[Lot, ...]:
    """What is left of them after so much, or all they are, is spent.

    What is left of a lot after its expiry is kept for running meters that had begun to owe it. Whoever else spends says
    `valid_at`, and leaves it alone.
    """
    left: list[Lot] = []
    for lot in lots:
        taken = 0 if valid_at is not None and lot.is_over(valid_at) else min(lot.amount, amount)
        amount -= taken
        if taken < lot.amount:
            left.append(Lot(lot.amount - taken, lot.expires_at))
    return tuple(left)
