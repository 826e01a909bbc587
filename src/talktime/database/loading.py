"""Payers out of the database, as sets: a command is a set of one, the deadline worker's a set of hundreds.

What one transaction works on is loaded by a handful of statements, changed by pure functions in memory, and saved by a
handful of statements (see `saving`), however many accounts it holds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from talktime.core import gifts
from talktime.core.gifts import Lot
from talktime.core.payer import Party, Payer, Reason, Record, Rules, SocketLease, State
from talktime.core.refunds import Tally
from talktime.core.tariff import Tariff
from talktime.core.terms import Terms
from talktime.database.payer_transaction import AdvisorRow, Chat, Unit
from talktime.database.queries import SQL
from talktime.database.saving import columns

if TYPE_CHECKING:
    from collections.abc import Iterable


class Store:
    """Loads sets of payers. Keeps nothing but tariff versions, which never change."""

    def __init__(self) -> None:
        self._tariffs: dict[tuple[str, int], Tariff] = {}

    async def load(
        self,
        connection: Any,
        rules: Rules,
        user_ids: Iterable[str],
        chat_ids: Iterable[str] = (),
        pairs: Iterable[tuple[str, str]] = (),
    ) -> dict[str, Unit]:
        """The payers of these ids that exist, with these chats, and what these pairs used of their free time."""
        users, chats, pairs = sorted(set(user_ids)), sorted(set(chat_ids)), set(pairs)
        accounts = await connection.fetch(SQL["load_accounts"], users)
        records = await connection.fetch(SQL["load_active_records"], users)
        sockets = await connection.fetch(SQL["load_sockets"], users) if records else []
        chat_rows = await connection.fetch(SQL["load_chats"], chats) if chats else []
        active_ids = {row["record_id"] for row in records}
        left = [row["chat_id"] for row in chat_rows if row["record_id"] not in active_ids]
        ended = await connection.fetch(SQL["load_chat_records"], left) if left else []
        # An active record says itself how much of the free time was used before it.
        pairs -= {(row["user_id"], row["advisor_id"]) for row in records}
        last = await connection.fetch(SQL["load_last_records"], *columns(sorted(pairs), 2)) if pairs else []
        await self._load_tariffs(
            connection, {(row["advisor_id"], row["tariff_version"]) for row in (*records, *ended, *last)}
        )

        active: dict[str, dict[str, Record]] = {user_id: {} for user_id in users}
        stored_cuts: dict[str, dict[str, int | None]] = {user_id: {} for user_id in users}
        open_segments: dict[str, dict[str, int]] = {user_id: {} for user_id in users}
        for row in records:
            active[row["user_id"]][row["record_id"]] = self._record(row)
            stored_cuts[row["user_id"]][row["record_id"]] = row["cut_at"]
            if row["segment_id"] is not None:
                open_segments[row["user_id"]][row["record_id"]] = row["segment_id"]
        leases: dict[str, list[Any]] = {user_id: [] for user_id in users}
        for row in sockets:
            leases[row["user_id"]].append(row)
        units: dict[str, Unit] = {}
        shared: dict[str, Chat] = {}
        for row in accounts:
            now = max(row["now"], row["settled_at"])
            payer = Payer(
                row["user_id"],
                row["balance"],
                row["settled_at"],
                active[row["user_id"]],
                _sockets(leases[row["user_id"]], rules, now),
                _gifts(row),
            )
            units[row["user_id"]] = Unit(
                payer,
                row["due_at"],
                stored_cuts[row["user_id"]],
                open_segments[row["user_id"]],
                row["display_name"],
                payer,
                now,
                rules,
                shared,
            )
        for row in chat_rows:
            chat = Chat(
                row["chat_id"],
                row["user_id"],
                row["advisor_id"],
                0,
                row["record_id"],
                row["duration_ms"],
                row["sequence"],
            )
            shared[chat.chat_id] = chat
        for row in ended:
            if row["user_id"] in units:
                units[row["user_id"]].ended[row["record_id"]] = self._record(row)
        for row in last:
            tariff = self._tariffs[row["advisor_id"], row["tariff_version"]]
            left_ms = max(0, tariff.free_ms - row["free_ms_before"])
            units[row["user_id"]].free_used_ms[row["advisor_id"]] = row["free_ms_before"] + min(
                row["elapsed_ms"], left_ms
            )
        return units

    async def count(self, connection: Any, units: dict[str, Unit], record_ids: list[str]) -> None:
        """Add to these payers what the entries of these records come to, and those of the records that have ended."""
        ended = await connection.fetch(SQL["load_ended_records"], record_ids)
        await self._load_tariffs(connection, {(row["advisor_id"], row["tariff_version"]) for row in ended})
        for row in ended:
            units[row["user_id"]].ended[row["record_id"]] = self._record(row)
        for row in await connection.fetch(SQL["load_tallies"], record_ids):
            user_id, record_id, *sums = row
            units[user_id].tallies[record_id] = Tally(*sums)

    async def advisors(self, connection: Any, advisor_ids: Iterable[str]) -> dict[str, AdvisorRow]:
        """These advisors with their current tariffs."""
        rows = await connection.fetch(SQL["load_advisors"], sorted(set(advisor_ids)))
        await self._load_tariffs(connection, {(row["advisor_id"], row["tariff_version"]) for row in rows})
        return {
            row["advisor_id"]: AdvisorRow(
                row["advisor_id"],
                row["display_name"],
                self._tariffs[row["advisor_id"], row["tariff_version"]],
                row["tariff_version"],
                terms_of(row),
            )
            for row in rows
        }

    async def tariffs(self, connection: Any, versions: set[tuple[str, int]]) -> dict[tuple[str, int], Tariff]:
        """The tariffs of these `(advisor_id, version)`, as far as they are there."""
        await self._load_tariffs(connection, versions)
        return {version: self._tariffs[version] for version in versions if version in self._tariffs}

    async def record(self, connection: Any, record_id: str) -> Record | None:
        """One record, active or ended."""
        row = await connection.fetchrow(SQL["record_by_id"], record_id)
        if row is None:
            return None
        await self._load_tariffs(connection, {(row["advisor_id"], row["tariff_version"])})
        return self._record(row)

    async def _load_tariffs(self, connection: Any, versions: set[tuple[str, int]]) -> None:
        missing = sorted(versions - self._tariffs.keys())
        if missing:
            if len(self._tariffs) > 10_000:
                self._tariffs = {version: tariff for version, tariff in self._tariffs.items() if version in versions}
            for row in await connection.fetch(SQL["load_tariffs"], *columns(missing, 2)):
                self._tariffs[row["advisor_id"], row["version"]] = Tariff.parse(row["tariff"])

    def _record(self, row: Any) -> Record:
        return Record(
            record_id=row["record_id"],
            user_id=row["user_id"],
            advisor_id=row["advisor_id"],
            chat_id=row["chat_id"],
            tariff=self._tariffs[row["advisor_id"], row["tariff_version"]],
            tariff_version=row["tariff_version"],
            free_ms_before=row["free_ms_before"],
            started_at=row["started_at"],
            settled_at=row["settled_at"],
            state=State(row["state"]),
            reason=None if row["reason"] is None else Reason(row["reason"]),
            elapsed_ms=row["elapsed_ms"],
            charged=row["charged"],
            running_since=row["running_since"],
            paused_at=row["paused_at"],
            paused_by=row["paused_by"],
            waiting_since=row["waiting_since"],
            ended_at=row["ended_at"],
            user_lease_until=row["user_lease_until"],
            advisor_lease_until=row["advisor_lease_until"],
            terms=terms_of(row),
            earned=row["earned"],
        )


def terms_of(row: Any) -> Terms:
    """The terms in a row of advisors or records."""
    return Terms(row["share_ppm"], row["fee_per_minute"], row["fee_per_session"])


def _gifts(account: Any) -> tuple[Lot, ...]:
    """What is left of gifts: never more than the balance, though the program before may have spent without telling."""
    lots = tuple(Lot(*lot) for lot in account["gifts"])
    return gifts.spent(lots, max(0, gifts.total(lots) - account["balance"]))


def _sockets(rows: Iterable[Any], rules: Rules, now: int) -> dict[tuple[str, Party], SocketLease]:
    """Nodes that have lapsed hold nothing any more, but what they proved counts."""
    sockets: dict[tuple[str, Party], SocketLease] = {}
    for row in rows:
        key = (row["chat_id"], Party(row["party"]))
        until = row["proved_at"] + rules.lease_ms
        before = sockets.get(key, SocketLease(0, held=False))
        sockets[key] = SocketLease(max(until, before.until), held=before.held or (row["held"] and until > now))
    return sockets
