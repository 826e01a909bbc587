"""An advisor's statement: the net of each line, and all sessions together."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from talktime.documents.statement import AMOUNTS, Figures, Session, Statement

ONE = Figures(time_ms=60_000, gross=100, fees=10, share=45, refunded=20, refunds=9)
OTHER = Figures(time_ms=1, gross=2, fees=3, share=4, refunded=5, refunds=6)


def statement(*figures: Figures) -> Statement:
    sessions = (Session(str(number), "alice", "Alice", 0, None, 0, each) for number, each in enumerate(figures))
    return Statement("maya", "Maya", 0, 1, tuple(sessions))


def test_the_net_is_the_share_minus_the_refunds_that_the_advisor_bears() -> None:
    assert (ONE.net, OTHER.net) == (36, -2)


def test_the_total_adds_up_every_figure_of_every_session() -> None:
    assert statement(ONE, OTHER).total == Figures(60_001, 102, 13, 49, 25, 15)
    assert statement().total == Figures()


def test_the_json_has_the_number_of_sessions_beside_the_total() -> None:
    document = statement(ONE, OTHER).document()
    assert document["total"]["sessions"] == 2
    assert [name for name in document["total"] if name in AMOUNTS] == list(AMOUNTS)


def test_what_is_too_small_to_be_paid_is_carried() -> None:
    first = Statement("maya", "Maya", 0, 1, (_session(1_239_999),))
    assert (first.carried_before, first.payable, first.carried) == (0, 1_230_000, 9_999)
    second = Statement("maya", "Maya", 1, 2, (_session(1),), earned_before=1_239_999)
    assert (second.carried_before, second.payable, second.carried) == (9_999, 10_000, 0)
    back = Statement("maya", "Maya", 2, 3, (_session(-1),), earned_before=1_240_000)
    assert (back.carried_before, back.payable, back.carried) == (0, -10_000, 9_999)


@given(st.lists(st.integers(-(10**12), 10**12), min_size=1), st.integers(0, 6))
def test_periods_that_follow_each_other_add_up_to_what_can_be_paid(nets: list[int], places: int) -> None:
    earned, statements = 0, []
    for net in nets:
        statements.append(Statement("maya", "Maya", 0, 1, (_session(net),), earned, places))
        earned += net
    smallest = 10 ** (6 - places)
    assert sum(each.payable for each in statements) + statements[-1].carried == earned
    assert all(each.payable % smallest == 0 and 0 <= each.carried < smallest for each in statements)
    assert all(each.carried_before + each.total.net == each.payable + each.carried for each in statements)
    assert all(one.carried == other.carried_before for one, other in pairwise(statements))


def _session(net: int) -> Session:
    return Session("r", "alice", "Alice", 0, 1, 0, Figures(share=max(0, net), refunds=max(0, -net)))
