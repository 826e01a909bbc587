"""The books of a period: what each book held at the end, and all books of one kind together."""

from __future__ import annotations

from talktime.documents.report import COLUMNS, KINDS, Book, BookKind, Report


def amounts(**named: int) -> tuple[int, ...]:
    return tuple(named.get(kind, 0) for kind in KINDS)


def test_a_book_holds_at_the_end_what_it_held_before_and_what_came_and_went() -> None:
    assert Book(BookKind.USER, "alice", "Alice", 7, amounts(purchase=5, charge=-3)).closing == 9


def test_all_books_of_a_kind_are_added_up_and_a_kind_without_books_is_zero() -> None:
    books = (
        Book(BookKind.USER, "alice", "Alice", 1, amounts(purchase=5)),
        Book(BookKind.USER, "bob", "Bob", 2, amounts(purchase=1, gift=4)),
        Book(BookKind.OUTSIDE, "", "", -3, amounts(purchase=-6, gift=-4)),
    )
    totals = Report(0, 1, books).totals()
    assert [book.book for book in totals] == list(BookKind)
    users, outside = totals[0], totals[-1]
    assert (users.opening, users.amounts, users.closing) == (3, amounts(purchase=6, gift=4), 13)
    assert outside.closing == -13
    assert totals[1] == Book(BookKind.ADVISOR, "", "all", 0, amounts())


def test_the_columns_of_a_table_are_the_fields_of_the_json() -> None:
    document = Report(0, 1, (Book(BookKind.USER, "alice", "Alice", 0, amounts()),)).document()
    assert tuple(document["books"][0]) == COLUMNS
