"""Gifts: the order in which they are spent, and what is left of them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from talktime.core.entries import EntryKind
from talktime.core.gifts import Gift, add, gifts_after, spend, total

GIFTS = (Gift(3, 100), Gift(5, 200), Gift(7))


def test_a_gift_expires_at_its_instant_and_a_gift_without_expiry_never() -> None:
    assert [Gift(1, 100).has_expired(at) for at in (99, 100, 101)] == [False, True, True]
    assert not Gift(1).has_expired(10**15)


def test_the_gift_that_expires_first_comes_first_and_a_gift_that_never_expires_last() -> None:
    gifts = add(add(add((), Gift(7)), Gift(5, 200)), Gift(3, 100))
    assert gifts == GIFTS
    assert total(gifts) == 15


def test_gifts_that_expire_together_are_one_gift() -> None:
    assert add(GIFTS, Gift(10, 200)) == (Gift(3, 100), Gift(15, 200), Gift(7))
    assert add(GIFTS, Gift(10)) == (Gift(3, 100), Gift(5, 200), Gift(17))


def test_a_payment_takes_the_first_gift_first() -> None:
    assert spend(GIFTS, 0) == GIFTS
    assert spend(GIFTS, 1) == (Gift(2, 100), Gift(5, 200), Gift(7))
    assert spend(GIFTS, 3) == GIFTS[1:]
    assert spend(GIFTS, 9) == (Gift(6),)
    assert spend(GIFTS, 15) == spend(GIFTS, 100) == ()


def test_a_debit_spends_no_gift_that_has_expired() -> None:
    assert spend(GIFTS, 6, valid_at=99) == (Gift(2, 200), Gift(7))
    assert spend(GIFTS, 6, valid_at=100) == (Gift(3, 100), Gift(6))
    assert spend(GIFTS, 100, valid_at=200) == (Gift(3, 100), Gift(5, 200))


def test_replaying_the_entries_gives_what_is_left() -> None:
    entries = [
        (EntryKind.GIFT, 3, 10, 100),
        (EntryKind.GIFT, 7, 10, None),
        (EntryKind.GIFT, 5, 20, 200),
        (EntryKind.CHARGE, -2, 30, None),
        (EntryKind.EXPIRY, -1, 100, 100),
        (EntryKind.REFUND, 4, 110, None),
        (EntryKind.DEBIT, -5, 120, None),
    ]
    assert gifts_after(entries[:4]) == (Gift(1, 100), Gift(5, 200), Gift(7))
    assert gifts_after(entries[:5]) == (Gift(5, 200), Gift(7))
    assert gifts_after(entries) == (Gift(11),)
    assert gifts_after([(EntryKind.PURCHASE, 0, 10, None), (EntryKind.DEBIT, 0, 20, None)]) == ()
    assert gifts_after([(EntryKind.GIFT, 1, 10, None)]) == (Gift(1),)


def test_a_replayed_debit_leaves_a_gift_that_is_held_after_its_expiry_and_a_charge_spends_it() -> None:
    given_before = [(EntryKind.GIFT, 3, 10, 100), (EntryKind.GIFT, 7, 10, None)]
    assert gifts_after([*given_before, (EntryKind.DEBIT, -2, 150, None)]) == (Gift(3, 100), Gift(5))
    assert gifts_after([*given_before, (EntryKind.CHARGE, -2, 150, None)]) == (Gift(1, 100), Gift(7))


@given(st.lists(st.tuples(st.integers(1, 9), st.none() | st.integers(1, 5))), st.integers(0, 60))
def test_no_gift_is_lost_or_made_by_adding_and_spending(lots: list[tuple[int, int | None]], amount: int) -> None:
    gifts: tuple[Gift, ...] = ()
    for size, expires_at in lots:
        gifts = add(gifts, Gift(size, expires_at))
    sizes = sum(size for size, _ in lots)
    assert total(gifts) == sizes
    assert total(spend(gifts, amount)) == max(0, sizes - amount)
    assert all(gift.amount > 0 for gift in spend(gifts, amount))
