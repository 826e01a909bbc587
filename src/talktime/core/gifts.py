"""Gifts: credit that the user was given and did not buy.

A gift may expire. An account lists its gifts in the order in which they are spent: the gift that expires first comes
first, a gift that never expires comes last. Two gifts that expire at the same instant are one gift. Every payment
takes gifts first. The rest of the balance is bought credit.

What is left of a gift after its expiry is held for running records that had begun to owe it (`posting.expire_gifts`):
only a charge may still spend it, a debit may not.

Units: money in micro-credits, instants in milliseconds, all integers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from talktime.core.entries import EntryKind

if TYPE_CHECKING:
    from collections.abc import Iterable

GIFTS_MAX: Final = 100
"""The number of gifts, each with another expiry, that an account may hold."""


class Gift(NamedTuple):
    """An amount of given credit that expires at one instant, or never if `expires_at` is None."""

    amount: int
    expires_at: int | None = None

    def has_expired(self, at: int) -> bool:
        """Whether the gift has expired by `at`. A gift expires at the instant `expires_at` itself."""
        return self.expires_at is not None and self.expires_at <= at


def total(gifts: tuple[Gift, ...]) -> int:
    """The sum of the gifts."""
    return sum(gift.amount for gift in gifts)


def next_to_expire(gifts: tuple[Gift, ...], at: int) -> Gift | None:
    """The first gift that expires after `at`. What is left of a gift after its expiry does not expire again."""
    return next((gift for gift in gifts if gift.expires_at is not None and gift.expires_at > at), None)


def add(gifts: tuple[Gift, ...], new: Gift) -> tuple[Gift, ...]:
    """The gifts after `new` was given."""
    amounts = {gift.expires_at: gift.amount for gift in gifts}
    amounts[new.expires_at] = amounts.get(new.expires_at, 0) + new.amount
    never = float("inf")
    return tuple(
        Gift(amount, expires_at)
        for expires_at, amount in sorted(amounts.items(), key=lambda item: never if item[0] is None else item[0])
    )


def spend(gifts: tuple[Gift, ...], amount: int, valid_at: int | None = None) -> tuple[Gift, ...]:
    """The rest of the gifts after a payment of `amount`. Bought credit pays what the gifts can't.

    A charge may spend a gift that has expired, because the rest of such a gift is held for charges. A debit may not: it
    passes its own instant as `valid_at`, and only gifts that have not expired by then are spent.
    """
    rest: list[Gift] = []
    for gift in gifts:
        is_spendable = valid_at is None or not gift.has_expired(valid_at)
        paid = min(gift.amount, amount) if is_spendable else 0
        amount -= paid
        if paid < gift.amount:
            rest.append(Gift(gift.amount - paid, gift.expires_at))
    return tuple(rest)


def gifts_after(entries: Iterable[tuple[EntryKind, int, int, int | None]]) -> tuple[Gift, ...]:
    """The rest of an account's gifts after all its entries.

    Args:
        entries: for each entry of the account, in order: its kind, its gift amount (negative for credit that went), its
            instant, and the expiry of the gift that was given or expired.
    """
    gifts: tuple[Gift, ...] = ()
    for kind, amount, at, expires_at in entries:
        if amount > 0:
            gifts = add(gifts, Gift(amount, expires_at))
        elif kind is EntryKind.EXPIRY:
            changed = [gift._replace(amount=gift.amount + amount * (gift.expires_at == expires_at)) for gift in gifts]
            gifts = tuple(gift for gift in changed if gift.amount)
        else:
            gifts = spend(gifts, -amount, valid_at=at if kind is EntryKind.DEBIT else None)
    return gifts
