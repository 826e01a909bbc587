"""Conversation time records: one, or a list with the people who talk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from talktime.core.errors import InvalidRequest, NotFound
from talktime.core.instants import INSTANT_MAX
from talktime.core.record import Party, Reason, RecordFilter
from talktime.documents.chat import Pair, RecordSummary
from talktime.documents.page import Page, RecordWithSnapshot
from talktime.engine.screens import snapshot_of
from talktime.reading.people import require_user

if TYPE_CHECKING:
    from collections.abc import Sequence

    from talktime.core.periods import Period
    from talktime.database.pool import Row
    from talktime.documents.snapshot import Snapshot
    from talktime.engine.engine import Engine


@dataclass(frozen=True, slots=True)
class RecordSearch:
    """Which records are looked for. A field that is None does not filter.

    `query` is the id of a record, chat, user or advisor.
    """

    state: RecordFilter | None = None
    query: str | None = None
    user_id: str | None = None
    advisor_id: str | None = None
    reason: Reason | None = None


def record_search(
    *, state: str | None, query: str | None, user_id: str | None, advisor_id: str | None, reason: str | None
) -> RecordSearch:
    """A search as a host writes it.

    Raises:
        InvalidRequest: there is no such state or reason.
    """
    if state is not None and state not in set(RecordFilter):
        raise InvalidRequest(("state", f"must be one of: {', '.join(RecordFilter)}"))
    if reason is not None and reason not in set(Reason):
        raise InvalidRequest(("reason", f"must be one of: {', '.join(Reason)}"))
    return RecordSearch(
        None if state is None else RecordFilter(state),
        query,
        user_id,
        advisor_id,
        None if reason is None else Reason(reason),
    )


async def record_snapshot(engine: Engine, record_id: str) -> Snapshot:
    """The snapshot of a record's current chat, with this record in it.

    Raises:
        NotFound: there is no such record.
    """
    row = await engine.database.fetch_row("record_parties", record_id)
    if row is None:
        raise NotFound("record")
    return (await _snapshots(engine, [row]))[0]


async def record_page(
    engine: Engine, search: RecordSearch, period: Period, *, after: str | None, limit: int
) -> Page[RecordWithSnapshot]:
    """Records that started in a period, the newest first; with a reason, those whose time stopped for it in the period.

    `after` is the id of the last record of the page before.

    Raises:
        InvalidRequest: `after` is not the id of a record.
    """
    begin = 0 if period.begin is None else period.begin
    end = INSTANT_MAX if period.end is None else period.end
    states = None if search.state is None else search.state.states
    arguments: list[object] = [search.user_id, search.advisor_id, None if states is None else sorted(states)]
    arguments += [begin, end, search.query, await _place_of(engine, search, begin, end, after), after, limit + 1]
    if search.reason is None:
        rows = await engine.database.search("find_records", *arguments)
    else:
        rows = await engine.database.search("find_stopped_records", *arguments, search.reason)
    page = rows[:limit]
    snapshots = await _snapshots(engine, page)
    pairs = await pairs_of(engine, snapshots)
    records = [
        RecordWithSnapshot(shown.record, pairs[shown.record.id], shown, row["stopped_at"], row["metadata"] or {})
        for row, shown in zip(page, snapshots, strict=True)
        # What is due is applied in memory, so a record may have another state than its row.
        if states is None or shown.record.state in states
    ]
    return Page(tuple(records), page[-1]["record_id"] if len(rows) > limit else None)


async def records_of_user(engine: Engine, user_id: str, *, after: str | None, limit: int) -> list[RecordSummary]:
    """A user's records, the newest first. `after` is the id of the last record of the page before.

    Raises:
        NotFound: there is no such user.
    """
    rows = await engine.database.fetch("records_of_user", user_id, limit, after)
    if not rows:
        await require_user(engine.database, user_id)
    return await _summaries(engine, rows)


async def records_of_chat(engine: Engine, chat_id: str, *, after: str | None, limit: int) -> list[RecordSummary]:
    """The records that ran in a chat, the newest first. `after` is the id of the last record of the page before."""
    return await _summaries(engine, await engine.database.fetch("records_of_chat", chat_id, limit, after))


async def pairs_of(engine: Engine, snapshots: Sequence[Snapshot]) -> dict[str, Pair]:
    """The user and the advisor of each of these snapshots, by record id."""
    ids = [snapshot.record.id for snapshot in snapshots]
    rows = await engine.database.fetch("pairs_of", ids, engine.durations.lease_ms)
    return {
        row["record_id"]: Pair(row["user_name"], row["advisor_name"], tuple(map(Party, row["connected"])))
        for row in rows
    }


async def _place_of(engine: Engine, search: RecordSearch, begin: int, end: int, after: str | None) -> int | None:
    """The instant by which the record `after` has its place in the list."""
    if after is None:
        return None
    if search.reason is None:
        at: int | None = await engine.database.fetch_value("record_started", after)
    else:
        at = await engine.database.fetch_value("record_stopped", after, search.reason, begin, end)
    if at is None:
        raise InvalidRequest(("after", "must be the id of a record: the `next` of the page before"))
    return at


async def _summaries(engine: Engine, rows: list[Row]) -> list[RecordSummary]:
    snapshots = await _snapshots(engine, rows)
    return [
        RecordSummary(
            id=shown.record.id,
            state=shown.record.state,
            reason=shown.record.reason,
            user_id=shown.user_id,
            user_name=row["user_name"],
            advisor_id=shown.advisor_id,
            advisor_name=row["advisor_name"],
            current_chat_id=shown.record.current_chat_id,
            started_at=shown.record.started_at,
            ended_at=shown.record.ended_at,
            elapsed_ms=shown.elapsed_ms,
            cost=shown.cost,
            refunded=row["refunded"],
        )
        for row, shown in zip(rows, snapshots, strict=True)
    ]


async def _snapshots(engine: Engine, rows: list[Row]) -> list[Snapshot]:
    payers = await engine.read({row["user_id"] for row in rows}, {row["chat_id"] for row in rows})
    snapshots: list[Snapshot] = []
    for row in rows:
        payer, record_id = payers[row["user_id"]], row["record_id"]
        record = payer.current.records.get(record_id) or payer.ended_record(record_id)
        if record is None:  # the record has ended, and its chat has gone on with another one
            async with engine.database.reading() as connection:
                record = await engine.loader.load_record(connection, record_id)
        snapshots.append(snapshot_of(payer, row["chat_id"], record))
    return snapshots
