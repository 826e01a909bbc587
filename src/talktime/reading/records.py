"""Conversation time records: one, or a list with the people who talk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from talktime.core.errors import InvalidRequest, NotFound
from talktime.core.record import RecordFilter
from talktime.documents.chat import Pair
from talktime.engine.screens import snapshot_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from talktime.database.pool import Row
    from talktime.documents.snapshot import Snapshot
    from talktime.engine.engine import Engine


async def record_snapshot(engine: Engine, record_id: str) -> Snapshot:
    """The snapshot of a record's current chat, with this record in it.

    Raises:
        NotFound: there is no such record.
    """
    row = await engine.database.fetch_row("record_parties", record_id)
    if row is None:
        raise NotFound("record")
    return (await _snapshots(engine, [row]))[0]


async def list_records(engine: Engine, state: str | None, *, limit: int) -> list[Snapshot]:
    """Records, the newest first. `state` is a `RecordFilter`, or None for all records.

    Raises:
        InvalidRequest: `state` is none of these.
    """
    if state is None:
        return await _snapshots(engine, await engine.database.fetch("list_all_records", limit))
    if state not in set(RecordFilter):
        raise InvalidRequest(("state", f"must be one of: {', '.join(RecordFilter)}"))
    snapshots = await _snapshots(engine, await engine.database.fetch("list_records", state, limit))
    # What is due is applied in memory, so a record may have another state than its row.
    return [
        s for s in snapshots if state == s.record.state.value or (state == RecordFilter.ACTIVE and s.record.is_active)
    ]


async def pairs_of(engine: Engine, snapshots: Sequence[Snapshot]) -> dict[str, Pair]:
    """Who talks in the records of these snapshots, by record id."""
    ids = [snapshot.record.id for snapshot in snapshots]
    rows = await engine.database.fetch("pairs_of", ids, engine.rules.lease_ms)
    return {row["record_id"]: Pair(row["user_name"], row["advisor_name"], tuple(row["connected"])) for row in rows}


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
