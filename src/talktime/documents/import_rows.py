"""Reads the rows that another system has kept: people, credit, conversations, and what happened in them.

    users      id, name
    advisors   id, name, and `tariff` as JSON or the fields of a tariff with one tier; terms; `starts`
    balances   user_id, amount; kind `purchase` or `gift`; expires_at of a gift; id, if a user has several rows
    sessions   id, user_id, advisor_id, started_at, duration_seconds, cost; ended_at, free_seconds, chat_id
    chats      id, user_id, advisor_id, duration_seconds: compared with the sessions, and not imported
    events     session_id, type, at; in one event of a session at least: user_id, advisor_id, cost, duration_seconds

Each row is read by itself. A row that can't be read becomes a `BadRow`, which says where the row stands, and what to
change. An empty cell is no value.
"""

from __future__ import annotations

import csv
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from talktime.core.durations import parse_seconds
from talktime.core.entries import CreditKind
from talktime.core.errors import InvalidRequest
from talktime.core.ids import require_id, require_name
from talktime.core.instants import EPOCH
from talktime.core.money import parse_credits
from talktime.core.starts import Starts
from talktime.core.tariff import Tariff, TariffError
from talktime.core.terms import FIELDS as _TERMS
from talktime.core.terms import Terms, TermsError
from talktime.documents.old_rows import (
    BadRow,
    OldAdvisor,
    OldBalance,
    OldChat,
    OldEvent,
    OldEventType,
    OldSession,
    OldUser,
    RowKind,
    RowPlace,
    SourceEvent,
    SourceRow,
)
from talktime.documents.strict_json import parse_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import tzinfo

    from talktime.documents.old_rows import OldRow

_TIER: Final = ("rate", "per_seconds", "increment_seconds")
_TARIFF: Final = ("connect_fee", "free_seconds", "grace_seconds", "minimum_charge")
_CHAT_SECONDS_MAX: Final = 3_155_760_000
"""The longest duration of a chat, in seconds: a hundred years."""


IMPORTED: Final = (RowKind.USERS, RowKind.ADVISORS, RowKind.BALANCES, RowKind.SESSIONS, RowKind.CHATS)
"""The kinds of rows that an import takes."""

COLUMNS: Final[dict[RowKind, tuple[str, ...]]] = {
    RowKind.USERS: ("id", "name"),
    RowKind.ADVISORS: ("id", "name", "tariff", *_TIER, *_TARIFF, *_TERMS, "starts"),
    RowKind.BALANCES: ("id", "user_id", "amount", "kind", "expires_at"),
    RowKind.SESSIONS: (
        "id",
        "user_id",
        "advisor_id",
        "chat_id",
        "started_at",
        "ended_at",
        "duration_seconds",
        "free_seconds",
        "cost",
    ),
    RowKind.CHATS: ("id", "user_id", "advisor_id", "duration_seconds"),
    RowKind.EVENTS: ("session_id", "type", "at", "user_id", "advisor_id", "duration_seconds", "cost"),
}
"""The columns that rows of each kind may have."""

Cells = tuple[int, "Mapping[str, object]"]
"""The line of a row, and its cells by column."""


def csv_cells(lines: Iterable[str]) -> Iterator[Cells]:
    """The rows of CSV with a heading. A row with more cells than the heading has them in a column without a name.

    Raises:
        csv.Error: the text is not CSV, or is separated by semicolons, as spreadsheets of some languages write it.
    """
    reader = csv.DictReader(lines, restkey="", strict=True)
    heading = reader.fieldnames or ()
    if len(heading) == 1 and ";" in heading[0]:
        raise csv.Error("the columns are separated by ; and must be separated by commas")
    for cells in reader:
        yield reader.line_num, cells


def json_cells(lines: Iterable[str]) -> Iterator[Cells]:
    """The rows of JSON lines. A line that is not a JSON object has its mistake in a column without a name."""
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            cells = parse_json(line)
        except (ValueError, RecursionError) as error:
            cells = {"": f"is not JSON: {error}"}
        yield number, cells if isinstance(cells, dict) else {"": "is no JSON object"}


def read_sources(sources: Mapping[str, Iterable[Cells]], zone: tzinfo = UTC) -> Iterator[SourceRow | BadRow]:
    """Read the rows of sources, by their names. The first word of the last part of a name is a kind of `IMPORTED`.

    Raises:
        ValueError: a name begins with no such kind. The message tells the sender what to change.
    """
    for source, rows in sources.items():
        name = source.rpartition("/")[2]
        kind = next((kind for kind in IMPORTED if re.match(rf"{kind}(?![a-z])", name)), None)
        if kind is None:
            msg = f"must have names that begin with one of: {', '.join(IMPORTED)}; {name[:80]} does not"
            raise ValueError(msg)
        yield from read_rows(kind, source, rows, zone)


def read_rows(kind: RowKind, source: str, rows: Iterable[Cells], zone: tzinfo = UTC) -> Iterator[SourceRow | BadRow]:
    """Read rows of one kind that an import takes.

    Args:
        kind: what the rows are, one of `IMPORTED`.
        source: the name of the file or the table.
        rows: the line and the cells of each row.
        zone: the time zone of instants that name no offset from UTC.
    """
    for line, cells in rows:
        reader = _RowReader(kind, cells, zone)
        row = _READ[kind](reader)
        yield reader.bad_row(source, line) or SourceRow(RowPlace(source, line), kind, row)


def read_events(source: str, rows: Iterable[Cells], zone: tzinfo = UTC) -> Iterator[SourceEvent | BadRow]:
    """Read events, as `read_rows` reads rows."""
    for line, cells in rows:
        reader = _RowReader(RowKind.EVENTS, cells, zone)
        event = _event(reader)
        yield reader.bad_row(source, line) or SourceEvent(RowPlace(source, line), event)


class _RowReader:
    """Reads the cells of one row, and collects every mistake. After a mistake it goes on with an acceptable value."""

    def __init__(self, kind: RowKind, cells: Mapping[str, object], zone: tzinfo) -> None:
        self.errors: list[str] = []
        self._kind = kind
        self._cells = {name: value for name, value in cells.items() if value not in (None, "")}
        self._zone = zone
        for name in self._cells.keys() - set(COLUMNS[kind]):
            if name == "":
                text = self._cells[name]
                self.errors.append(text if isinstance(text, str) else "has more cells than the heading")
            else:
                self.errors.append(f"{name[:80]} is not one of the columns {', '.join(COLUMNS[kind])}")
        if not self._cells:
            self.errors.append("is empty: remove it")

    def bad_row(self, source: str, line: int) -> BadRow | None:
        """The row with its mistakes, if it has any."""
        if not self.errors:
            return None
        named = (self._cells.get(name) for name in ("id", "session_id", "user_id"))
        row_id = next((str(value)[:128] for value in named if value is not None), "")
        return BadRow(source, line, self._kind, row_id, "; ".join(self.errors))

    def has(self, name: str) -> bool:
        return name in self._cells

    def id(self, name: str, default: str | None = None) -> str:
        text = self._text(name, default)
        if text is not None:
            self._require(require_id, name, text)
        return text or ""

    def name(self, default: str) -> str:
        text = self._text("name", default or "?") or "?"
        self._require(require_name, "name", text)
        return text

    def choice(self, name: str, choices: Iterable[str], default: str | None) -> str | None:
        value = self._cells.get(name, default)
        if value is not None and value not in set(choices):
            self._add(name, f"must be one of: {', '.join(choices)}")
            return default
        return value if value is None else str(value)

    def amount(self, name: str) -> int:
        return self._number(name, lambda value: parse_credits(_plain(value)), None)

    def duration(self, name: str, default: int | None = None) -> int:
        return self._number(name, lambda value: parse_seconds(value, _CHAT_SECONDS_MAX), default)

    def instant(self, name: str) -> int | None:
        value = self._cells.get(name)
        if value is None:
            return None
        try:
            moment = datetime.fromisoformat(str(value))
            moment = moment.replace(tzinfo=self._zone) if moment.tzinfo is None else moment
            since = moment - EPOCH
        except (ValueError, OverflowError):
            since = timedelta(-1)
        if since < timedelta(0):
            self._add(name, "must be an instant after 1970, such as 2026-01-05T10:00:01Z")
            return 0
        return since // timedelta(milliseconds=1)

    def tariff(self) -> Tariff:
        document = self._cells.get("tariff")
        flat = {name: _plain(self._cells[name]) for name in (*_TIER, *_TARIFF) if self.has(name)}
        if (document is None) == ("rate" not in flat) or (document is not None and flat):
            self._add("tariff", "or rate is needed: one of the two")
            return _ANY_TARIFF
        if document is None:
            tier = {name: flat.pop(name) for name in _TIER if name in flat}
            document = {"tiers": [tier], **flat}
        try:
            return Tariff.parse(parse_json(document) if isinstance(document, str) else document)
        except TariffError as error:
            self.errors += [f"tariff: {path} {message}" for path, message in error.errors]
        except (ValueError, RecursionError):
            self._add("tariff", "is not JSON")
        return _ANY_TARIFF

    def terms(self) -> Terms | None:
        document = {name: _plain(self._cells[name]) for name in _TERMS if self.has(name)}
        if not document:
            return None
        try:
            return Terms.parse(document)
        except TermsError as error:
            self.errors += [f"{path} {message}" for path, message in error.errors]
            return None

    def _text(self, name: str, default: str | None) -> str | None:
        value = self._cells.get(name, default)
        if value is None:
            self._add(name, "is needed")
            return None
        if isinstance(value, bool) or not isinstance(value, str | int):
            self._add(name, "must be a text")
            return None
        return str(value)

    def _number(self, name: str, parse: Callable[[object], int], default: int | None) -> int:
        if name not in self._cells:
            if default is None:
                self._add(name, "is needed")
            return default or 0
        try:
            return parse(self._cells[name])
        except ValueError as error:
            self._add(name, str(error))
            return 0

    def _require(self, require: Callable[[str, str], object], name: str, text: str) -> None:
        try:
            require(name, text)
        except InvalidRequest as error:
            self.errors.append(str(error))

    def _add(self, name: str, message: str) -> None:
        self.errors.append(f"{name} {message}")


_ANY_TARIFF: Final = Tariff.parse({"tiers": [{"rate": "1.00"}]})


def _plain(value: object) -> object:
    """A number of JSON as the text that it was written as; everything else as it is."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return str(value) if is_number else value


def _user(cells: _RowReader) -> OldUser:
    user_id = cells.id("id")
    return OldUser(user_id, cells.name(user_id))


def _advisor(cells: _RowReader) -> OldAdvisor:
    advisor_id = cells.id("id")
    starts = cells.choice("starts", tuple(Starts), None)
    tariff, terms = cells.tariff(), cells.terms()
    return OldAdvisor(advisor_id, cells.name(advisor_id), tariff, terms, None if starts is None else Starts(starts))


def _balance(cells: _RowReader) -> OldBalance:
    user_id = cells.id("user_id")
    kind = cells.choice("kind", (CreditKind.PURCHASE, CreditKind.GIFT), CreditKind.PURCHASE)
    expires_at = cells.instant("expires_at")
    if expires_at is not None and kind != CreditKind.GIFT:
        cells.errors.append("expires_at is for gifts only")
    balance_id = cells.id("id", user_id or "?")
    return OldBalance(balance_id, user_id, CreditKind(kind or "purchase"), cells.amount("amount"), expires_at)


def _session(cells: _RowReader) -> OldSession:
    started_at, ended_at = cells.instant("started_at"), cells.instant("ended_at")
    duration_ms, free_ms = cells.duration("duration_seconds"), cells.duration("free_seconds", 0)
    if started_at is None:
        cells.errors.append("started_at is needed")
        started_at = 0
    if ended_at is None:
        ended_at = started_at + duration_ms
    elif ended_at < started_at:
        cells.errors.append("ended_at is before started_at")
    if free_ms > duration_ms:
        cells.errors.append("free_seconds is more than duration_seconds")
    return OldSession(
        cells.id("id"),
        cells.id("user_id"),
        cells.id("advisor_id"),
        cells.id("chat_id") if cells.has("chat_id") else None,
        started_at,
        ended_at,
        duration_ms,
        free_ms,
        cells.amount("cost"),
    )


def _chat(cells: _RowReader) -> OldChat:
    return OldChat(cells.id("id"), cells.id("user_id"), cells.id("advisor_id"), cells.duration("duration_seconds"))


def _event(cells: _RowReader) -> OldEvent:
    session_id = cells.id("session_id")
    kind = cells.choice("type", tuple(OldEventType), None)
    if kind is None:
        cells.errors.append(f"type must be one of: {', '.join(OldEventType)}")
    at = cells.instant("at")
    if at is None:
        cells.errors.append("at is needed")
    return OldEvent(
        session_id,
        OldEventType(kind or "start"),
        at or 0,
        cells.id("user_id") if cells.has("user_id") else None,
        cells.id("advisor_id") if cells.has("advisor_id") else None,
        cells.duration("duration_seconds") if cells.has("duration_seconds") else None,
        cells.amount("cost") if cells.has("cost") else None,
    )


_READ: Final[dict[RowKind, Callable[[_RowReader], OldRow]]] = {
    RowKind.USERS: _user,
    RowKind.ADVISORS: _advisor,
    RowKind.BALANCES: _balance,
    RowKind.SESSIONS: _session,
    RowKind.CHATS: _chat,
}
