"""What an import would do, and whether the sources and talktime add up."""

from __future__ import annotations

from dataclasses import replace

import pytest

from talktime.core.entries import CreditKind
from talktime.core.tariff import Tariff
from talktime.documents.import_report import Stored, plan_import, report_import
from talktime.documents.old_rows import (
    BadRow,
    OldAdvisor,
    OldBalance,
    OldChat,
    OldRow,
    OldSession,
    OldUser,
    RowKind,
    RowPlace,
    SourceRow,
)

NOW = 2_000_000
ALICE = OldUser("alice", "Alice")
MAYA = OldAdvisor("maya", "Maya", Tariff.parse({"tiers": [{"rate": "1.00"}]}), None, None)
CREDIT = OldBalance("b", "alice", CreditKind.PURCHASE, 5_000_000, None)
SESSION = OldSession("s", "alice", "maya", None, 1_000_000, 1_060_000, 60_000, 30_000, 1_000_000)
CHAT = OldChat("c", "alice", "maya", 60_000)
KINDS: dict[type[OldRow], RowKind] = {
    OldUser: RowKind.USERS,
    OldAdvisor: RowKind.ADVISORS,
    OldBalance: RowKind.BALANCES,
    OldSession: RowKind.SESSIONS,
    OldChat: RowKind.CHATS,
}
EVERYTHING = Stored(
    frozenset({"alice"}), frozenset({"maya"}), {"b": CREDIT}, {"b": 5_000_000}, {"s": SESSION}, frozenset()
)


def rows(*given: OldRow) -> list[SourceRow | BadRow]:
    return [SourceRow(RowPlace("file", line), KINDS[type(row)], row) for line, row in enumerate(given, 1)]


def reasons(stored: Stored, *given: OldRow, now: int = NOW) -> list[str]:
    return [bad.reason for bad in plan_import(rows(*given), stored, now, now).bad]


def test_all_is_new_in_an_empty_database() -> None:
    plan = plan_import(rows(ALICE, MAYA, CREDIT, SESSION, CHAT), Stored(), NOW, NOW)
    assert [each.row for each in plan.fresh] == [ALICE, MAYA, CREDIT, SESSION]
    assert plan.bad == ()
    report = report_import(rows(ALICE, MAYA, CREDIT, SESSION, CHAT), plan, Stored().after(plan), NOW, is_done=False)
    assert report.adds_up
    assert report.differences == ()


def test_nothing_is_new_the_second_time() -> None:
    plan = plan_import(rows(ALICE, MAYA, CREDIT, SESSION), EVERYTHING, NOW, NOW)
    assert (plan.fresh, plan.bad) == ((), ())


def test_a_gift_that_was_imported_may_have_expired_since() -> None:
    gift = OldBalance("g", "alice", CreditKind.GIFT, 1, NOW)
    assert reasons(EVERYTHING, gift) == ["the gift has expired: remove the row"]
    assert reasons(EVERYTHING, gift, now=NOW - 1) == []
    assert reasons(replace(EVERYTHING, balances={"g": gift}), gift) == []


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (replace(CREDIT, user_id="bob"), "the user bob is in no row of users"),
        (replace(SESSION, user_id="bob"), "the user bob is in no row of users"),
        (replace(SESSION, advisor_id="zoe"), "the advisor zoe is in no row of advisors"),
        (replace(CHAT, advisor_id="zoe"), "the advisor zoe is in no row of advisors"),
        (replace(CREDIT, amount=6_000_000), "was imported before as purchase 5.00 of alice"),
        (replace(SESSION, cost=2_000_000), "was imported before with other values"),
        (replace(SESSION, id="t", ended_at=NOW + 1), "is not over at 1970-01-01T00:33:20.000Z"),
        (replace(SESSION, id="t", duration_ms=1_000_001), "is not over at 1970-01-01T00:33:20.000Z"),
    ],
)
def test_a_row_that_does_not_fit_is_named(row: OldRow, reason: str) -> None:
    (found,) = reasons(EVERYTHING, row)
    assert found.startswith(reason)


def test_a_repeated_id_is_named_with_the_line_of_the_first() -> None:
    assert reasons(Stored(), ALICE, ALICE) == ["has the id of line 1 of file: keep one of the two"]
    assert reasons(EVERYTHING, ALICE, OldBalance("alice", "alice", CreditKind.GIFT, 1, None)) == []


def test_free_time_can_not_be_added_once_the_pair_has_talked() -> None:
    talked = replace(EVERYTHING, talked=frozenset({("alice", "maya")}))
    (reason,) = reasons(talked, replace(SESSION, id="t"))
    assert reason.endswith("set free_seconds to 0")
    assert reasons(talked, SESSION, replace(SESSION, id="t", free_ms=0)) == []


def test_the_difference_is_what_bad_rows_have() -> None:
    given = [
        *rows(ALICE, MAYA, CREDIT, replace(CREDIT, id="x", user_id="bob"), SESSION),
        BadRow("f", 9, RowKind.USERS, "", "?"),
    ]
    plan = plan_import(given, Stored(), NOW, NOW)
    report = report_import(given, plan, Stored().after(plan), NOW, is_done=False)
    assert not report.adds_up
    found = {(each.kind.value, each.column): (each.source, each.talktime, each.difference) for each in report.columns}
    assert found["balances", "amount (purchase)"] == ("10.00", "5.00", "-5.00")
    assert found["balances", "rows"] == ("2", "1", "-1")
    assert found["users", "rows"] == ("2", "1", "-1")
    assert found["sessions", "duration_seconds"] == ("60", "60", "0")
    assert [(each.kind.value, each.rows, each.new, each.there, each.bad) for each in report.kinds] == [
        ("users", 2, 1, 0, 1),
        ("advisors", 1, 1, 0, 0),
        ("balances", 2, 1, 0, 1),
        ("sessions", 1, 1, 0, 0),
    ]


def test_entries_that_are_not_what_was_imported_are_named() -> None:
    stored = replace(EVERYTHING, posted={"b": 4_000_000})
    plan = plan_import(rows(ALICE, CREDIT), stored, NOW, NOW)
    report = report_import(rows(ALICE, CREDIT), plan, stored, NOW, is_done=True)
    assert not report.adds_up
    assert [(each.id, each.reason) for each in report.differences] == [
        ("b", "5.00 were imported, and the entries have 4.00")
    ]


def test_chats_whose_time_is_not_that_of_their_sessions_are_named() -> None:
    given = rows(ALICE, MAYA, SESSION, CHAT, replace(CHAT, id="d", duration_ms=15_000))
    plan = plan_import(given, Stored(), NOW, NOW)
    report = report_import(given, plan, Stored().after(plan), NOW, is_done=False)
    assert [(each.id, each.reason.partition(":")[0]) for each in report.differences] == [
        ("c, d", "the chats of alice and maya have 75 seconds, their sessions 60")
    ]
    assert report.adds_up
