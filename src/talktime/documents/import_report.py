"""The report of an import: which rows are new, there already, or can't be imported, and whether the sums fit.

A row is known by its id. A row that is there already stays as it is, so an import can be run again. If one row can't be
imported, no row is: the rows that can't are listed, with what to do.

The reconciliation compares each column of the source with what talktime has of the same ids. Before the import talktime
is taken with the new rows, so the difference is then what the rows have that can't be imported.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Annotated, Any, TypeVar

from talktime.core.durations import seconds
from talktime.core.entries import CreditKind
from talktime.core.instants import format_instant
from talktime.core.money import format_credits
from talktime.documents.document import Document
from talktime.documents.fields import Count, Instant
from talktime.documents.old_rows import BadRow, OldAdvisor, OldBalance, OldChat, OldSession, OldUser, RowKind, SourceRow

Pair = tuple[str, str]

_Row = TypeVar("_Row")


@dataclass(frozen=True, slots=True)
class Stored:
    """The imported rows and the people that talktime has already, as far as these rows name them.

    Attributes:
        users: the ids of users that exist.
        advisors: the ids of advisors that exist.
        balances: the balances that were imported, by id.
        posted: what the entries of these balances add up to, in micro-credits, by id.
        sessions: the sessions that were imported, by id.
        talked: the pairs that have records, whose free time can't change any more.
    """

    users: frozenset[str] = frozenset()
    advisors: frozenset[str] = frozenset()
    balances: dict[str, OldBalance] = field(default_factory=dict)
    posted: dict[str, int] = field(default_factory=dict)
    sessions: dict[str, OldSession] = field(default_factory=dict)
    talked: frozenset[Pair] = frozenset()

    def after(self, plan: Plan) -> Stored:
        """The rows that talktime will have after the import of a plan."""
        balances = {balance.id: balance for balance in plan.new(OldBalance)}
        return Stored(
            self.users | {user.id for user in plan.new(OldUser)},
            self.advisors | {advisor.id for advisor in plan.new(OldAdvisor)},
            self.balances | balances,
            self.posted | {balance.id: balance.amount for balance in balances.values()},
            self.sessions | {session.id: session for session in plan.new(OldSession)},
            self.talked,
        )


@dataclass(frozen=True, slots=True)
class Plan:
    """The rows that are new, and those that can't be imported."""

    fresh: tuple[SourceRow, ...]
    bad: tuple[BadRow, ...]

    def new(self, kind: type[_Row]) -> list[_Row]:
        """The new rows of one class."""
        return [each.row for each in self.fresh if isinstance(each.row, kind)]


@dataclass(frozen=True, slots=True)
class ImportedKind(Document):
    """How many rows of one kind the sources have, and what becomes of them."""

    kind: RowKind
    rows: Count
    new: Count
    there: Annotated[Count, "how many were imported before, or existed"]
    bad: Count


@dataclass(frozen=True, slots=True)
class ImportColumn(Document):
    """One column of the sources beside talktime: a number of rows, an amount of credit, or seconds."""

    kind: RowKind
    column: str
    source: str
    talktime: str
    difference: str


@dataclass(frozen=True, slots=True)
class Difference(Document):
    """Something that does not add up, by its id. It does not hold up the import."""

    kind: RowKind
    id: str
    reason: str


@dataclass(frozen=True, slots=True)
class ImportReport(Document):
    """The result of an import, or of its dry run. `is_done` tells whether the new rows are stored."""

    as_of: Instant
    is_done: bool
    kinds: tuple[ImportedKind, ...]
    columns: tuple[ImportColumn, ...]
    bad: tuple[BadRow, ...]
    differences: tuple[Difference, ...]

    @property
    def adds_up(self) -> bool:
        """Whether talktime has in each column what the sources have."""
        return all(column.source == column.talktime for column in self.columns)


def plan_import(rows: Iterable[SourceRow | BadRow], stored: Stored, as_of: int, now: int) -> Plan:
    """Which rows are new, and which can't be imported, with the reasons.

    Args:
        rows: the rows of all sources.
        stored: what talktime has of their ids.
        as_of: the instant that the balances belong to, and by which every session is over.
        now: engine time, by which no new gift may have expired.
    """
    rows = list(rows)
    good = [each for each in rows if isinstance(each, SourceRow)]
    bad = [each for each in rows if isinstance(each, BadRow)]
    users = stored.users | {each.row.id for each in good if each.kind is RowKind.USERS}
    advisors = stored.advisors | {each.row.id for each in good if each.kind is RowKind.ADVISORS}
    first: dict[tuple[RowKind, str], SourceRow] = {}
    fresh: list[SourceRow] = []
    for each in good:
        row, reason = each.row, None
        before = first.setdefault((each.kind, row.id), each)
        if before is not each:
            reason = f"has the id of line {before.place.line} of {before.place.source}: keep one of the two"
        elif isinstance(row, OldBalance | OldSession | OldChat):
            reason = _unknown(row, users, advisors)
        if reason is None and isinstance(row, OldBalance):
            reason = _balance_problem(row, stored, now)
        elif reason is None and isinstance(row, OldSession):
            reason = _session_problem(row, stored, as_of)
        if reason is not None:
            bad.append(BadRow(each.place.source, each.place.line, each.kind, row.id, reason))
        elif each.kind is not RowKind.CHATS and not _is_there(each, stored):
            fresh.append(each)
    return Plan(tuple(fresh), tuple(sorted(bad, key=lambda row: (row.source, row.line))))


def report_import(
    rows: Iterable[SourceRow | BadRow], plan: Plan, stored: Stored, as_of: int, *, is_done: bool
) -> ImportReport:
    """The report of an import. `stored` is what talktime has afterwards, or will have (`Stored.after`)."""
    rows = list(rows)
    good = [each for each in rows if isinstance(each, SourceRow)]
    all_rows, new = Counter(each.kind for each in rows), Counter(each.kind for each in plan.fresh)
    bad = Counter(row.kind for row in plan.bad)
    kinds = tuple(
        ImportedKind(kind, all_rows[kind], new[kind], all_rows[kind] - new[kind] - bad[kind], bad[kind])
        for kind in RowKind
        if all_rows[kind] and kind is not RowKind.CHATS
    )
    columns = tuple(sorted(_columns(good, all_rows, stored), key=lambda column: list(RowKind).index(column.kind)))
    differences = (*_unposted(good, stored), *_chat_differences(good))
    return ImportReport(as_of, is_done, kinds, columns, plan.bad, differences)


def _unknown(row: OldBalance | OldSession | OldChat, users: Iterable[str], advisors: Iterable[str]) -> str | None:
    """The error of a row that names an unknown person; None if all its people are known."""
    if row.user_id not in users:
        return f"the user {row.user_id} is in no row of users, and not in talktime: add the user, or remove the row"
    if not isinstance(row, OldBalance) and row.advisor_id not in advisors:
        nowhere = f"the advisor {row.advisor_id} is in no row of advisors, and not in talktime"
        return f"{nowhere}: add the advisor, or remove the row"
    return None


def _balance_problem(row: OldBalance, stored: Stored, now: int) -> str | None:
    before = stored.balances.get(row.id)
    if before is None:
        is_over = row.expires_at is not None and row.expires_at <= now
        return "the gift has expired: remove the row" if is_over else None
    if before == row:
        return None
    return (
        f"was imported before as {before.kind} {format_credits(before.amount)} of {before.user_id}: give the row an id"
        " of its own if it is other credit, or add or debit the difference"
    )


def _session_problem(row: OldSession, stored: Stored, as_of: int) -> str | None:
    before = stored.sessions.get(row.id)
    if before is not None:
        return None if before == row else "was imported before with other values: restore the row as it was"
    if max(row.ended_at, row.started_at + row.duration_ms) > as_of:
        return f"is not over at {format_instant(as_of)}: end it in the other system, or take a later --as-of"
    if row.free_ms and (row.user_id, row.advisor_id) in stored.talked:
        return (
            f"{row.user_id} and {row.advisor_id} have a record in talktime already, so earlier free time can't count"
            " any more: set free_seconds to 0"
        )
    return None


def _is_there(each: SourceRow, stored: Stored) -> bool:
    there: dict[RowKind, Any] = {
        RowKind.USERS: stored.users,
        RowKind.ADVISORS: stored.advisors,
        RowKind.BALANCES: stored.balances,
        RowKind.SESSIONS: stored.sessions,
    }
    return each.row.id in there[each.kind]


def _columns(good: list[SourceRow], all_rows: Counter[RowKind], stored: Stored) -> Iterator[ImportColumn]:
    """Each column of the sources beside what talktime has of the same ids."""
    users, advisors = (frozenset(_rows(good, kind)) for kind in (OldUser, OldAdvisor))
    for kind, count in (
        (RowKind.USERS, len(users & stored.users)),
        (RowKind.ADVISORS, len(advisors & stored.advisors)),
        (RowKind.BALANCES, len(_rows(good, OldBalance).keys() & stored.balances.keys())),
        (RowKind.SESSIONS, len(_rows(good, OldSession).keys() & stored.sessions.keys())),
    ):
        if all_rows[kind]:
            yield _column(kind, "rows", all_rows[kind], count, str)
    sums = [each.row for each in good if isinstance(each.row, OldBalance)]
    for credit in (CreditKind.PURCHASE, CreditKind.GIFT):
        rows = [row for row in sums if row.kind is credit]
        ids = {row.id for row in rows if row.id in stored.balances and stored.balances[row.id].kind is credit}
        if rows:
            amount, posted = sum(row.amount for row in rows), sum(stored.posted[balance_id] for balance_id in ids)
            yield _column(RowKind.BALANCES, f"amount ({credit})", amount, posted, format_credits)
    sessions = [each.row for each in good if isinstance(each.row, OldSession)]
    if sessions:
        kept = [stored.sessions[row_id] for row_id in {row.id for row in sessions} & stored.sessions.keys()]
        for name, of, text in (
            ("duration_seconds", lambda row: row.duration_ms, _seconds_text),
            ("free_seconds", lambda row: row.free_ms, _seconds_text),
            ("cost", lambda row: row.cost, format_credits),
        ):
            yield _column(RowKind.SESSIONS, name, sum(map(of, sessions)), sum(map(of, kept)), text)


def _rows(good: list[SourceRow], kind: type[_Row]) -> dict[str, _Row]:
    """The rows of one class by id."""
    return {each.row.id: each.row for each in good if isinstance(each.row, kind)}


def _column(kind: RowKind, name: str, source: int, stored: int, text: Any) -> ImportColumn:
    return ImportColumn(kind, name, text(source), text(stored), text(stored - source))


def _seconds_text(duration_ms: int) -> str:
    return str(seconds(duration_ms))


def _unposted(good: list[SourceRow], stored: Stored) -> Iterator[Difference]:
    """Balances whose entries in the ledger are not what was imported."""
    for balance in _rows(good, OldBalance).values():
        kept = stored.balances.get(balance.id)
        posted = stored.posted.get(balance.id, 0)
        if kept is not None and posted != kept.amount:
            reason = f"{format_credits(kept.amount)} were imported, and the entries have {format_credits(posted)}"
            yield Difference(RowKind.BALANCES, balance.id, reason)


def _chat_differences(good: list[SourceRow]) -> Iterator[Difference]:
    """Pairs whose chats have another duration than their sessions, in the other system itself."""
    chats = _rows(good, OldChat)
    if not chats:
        return
    of_chats: Counter[Pair] = Counter()
    of_sessions: Counter[Pair] = Counter()
    for chat in chats.values():
        of_chats[chat.user_id, chat.advisor_id] += chat.duration_ms
    for session in _rows(good, OldSession).values():
        of_sessions[session.user_id, session.advisor_id] += session.duration_ms
    for pair in sorted(of_chats.keys() | of_sessions.keys()):
        if of_chats[pair] != of_sessions[pair]:
            reason = (
                f"the chats of {pair[0]} and {pair[1]} have {_seconds_text(of_chats[pair])} seconds,"
                f" their sessions {_seconds_text(of_sessions[pair])}: what was billed is in the sessions"
            )
            ids = ", ".join(sorted(chat.id for chat in chats.values() if (chat.user_id, chat.advisor_id) == pair))
            yield Difference(RowKind.CHATS, ids, reason)
