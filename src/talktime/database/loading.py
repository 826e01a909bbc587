"""Payers out of the database, as sets: a command loads a set of one, the deadline worker a set of hundreds.

A handful of statements loads what one transaction works on, pure functions change the payers in memory, and a handful
of statements saves them (see `saving`), however many accounts there are.
"""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from talktime.core import gifts
from talktime.core.gifts import Gift
from talktime.core.payer import Durations, Outage, Payer, SocketLease, merge_leases
from talktime.core.price import is_free_by_grace
from talktime.core.record import Party, Record
from talktime.core.refunds import EntryTotals
from talktime.core.tariff import Tariff
from talktime.database.payer_transaction import Chat, NodeLeases, PayerTransaction, StoredAdvisor, TakenPlace
from talktime.database.queries import SQL, arrays
from talktime.database.record_rows import read_record, read_start_rule, read_terms

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from talktime.database.pool import Connection, Row

_TARIFFS_KEPT_MAX = 10_000

Version = tuple[str, int]
"""An advisor's id and the number of a tariff version."""


@dataclass(frozen=True, slots=True)
class _Rows:
    """The rows of a set of payers, and when the accounts were asked for, on the monotonic clock."""

    asked_at: float
    accounts: Sequence[Row]
    active_records: Sequence[Row]
    sockets: Sequence[Row]
    chats: Sequence[Row]
    ended_records: Sequence[Row]
    last_records: Sequence[Row]
    chat_counts: Sequence[Row]

    def versions(self) -> set[Version]:
        """The tariff versions of all these records."""
        rows = (*self.active_records, *self.ended_records, *self.last_records)
        # A pair without an ended record has a row without a version.
        return {(row["advisor_id"], row["tariff_version"]) for row in rows if row["tariff_version"] is not None}


@dataclass(slots=True)
class Loader:
    """Loads sets of payers. It keeps nothing but tariff versions, which never change."""

    _tariffs: dict[Version, Tariff] = field(default_factory=dict)

    async def load(
        self,
        connection: Connection,
        durations: Durations,
        user_ids: Iterable[str],
        chat_ids: Iterable[str] = (),
        pairs: Iterable[tuple[str, str]] = (),
    ) -> dict[str, PayerTransaction]:
        """The payers of these ids that exist, by id.

        Args:
            connection: the transaction that has locked the accounts, or one that only reads.
            durations: how long leases and windows last.
            user_ids: the payers.
            chat_ids: the chats that a command or a screen names.
            pairs: `(user_id, advisor_id)` of the pairs whose used free time a start needs.
        """
        rows = await _fetch_rows(connection, durations, sorted(set(user_ids)), sorted(set(chat_ids)), set(pairs))
        await self._load_tariffs(connection, rows.versions())
        return self._build(rows, durations)

    async def load_entry_totals(
        self, connection: Connection, payers: dict[str, PayerTransaction], record_ids: list[str]
    ) -> None:
        """Add to these payers the records with these ids that have ended, and the sums of the records' entries."""
        ended = await connection.fetch(SQL["load_ended_records"], record_ids)
        await self._load_tariffs(connection, {(row["advisor_id"], row["tariff_version"]) for row in ended})
        for row in ended:
            if row["user_id"] in payers:
                payers[row["user_id"]].ended[row["record_id"]] = self._record(row)
        for row in await connection.fetch(SQL["load_entry_totals"], record_ids):
            if row["user_id"] not in payers:
                continue
            payers[row["user_id"]].entry_totals[row["record_id"]] = EntryTotals(
                charged=row["charged"],
                gift=row["gift"],
                refunded=row["refunded"],
                refunded_gift=row["refunded_gift"],
                refunded_ms=row["refunded_ms"],
                shared=row["shared"],
                shared_by_advisor=row["shared_by_advisor"],
            )

    async def load_advisors(self, connection: Connection, advisor_ids: Iterable[str]) -> dict[str, StoredAdvisor]:
        """The advisors of these ids that exist, with their current tariffs, by id."""
        rows = await connection.fetch(SQL["load_advisors"], sorted(set(advisor_ids)))
        await self._load_tariffs(connection, {(row["advisor_id"], row["tariff_version"]) for row in rows})
        return {
            row["advisor_id"]: StoredAdvisor(
                row["advisor_id"],
                row["display_name"],
                self._tariffs[row["advisor_id"], row["tariff_version"]],
                row["tariff_version"],
                read_terms(row),
                read_start_rule(row),
                row["metadata"],
            )
            for row in rows
        }

    async def load_advisors_for_starts(
        self, connection: Connection, durations: Durations, advisor_ids: Iterable[str]
    ) -> dict[str, StoredAdvisor]:
        """The advisors of these ids that exist, by id, with the places of those that have a maximum.

        Such an advisor is locked, so that two starts never take the last place. The payers are locked before.
        """
        advisors = await self.load_advisors(connection, advisor_ids)
        limited = [advisor.advisor_id for advisor in advisors.values() if advisor.start_rule.max_active is not None]
        if not limited:
            return advisors
        await connection.fetch(SQL["lock_limited_advisors"], limited)
        advisors = await self.load_advisors(connection, advisor_ids)  # as they are under the lock
        places: dict[str, list[TakenPlace]] = defaultdict(list)
        rows = await connection.fetch(SQL["load_places"], limited, durations.recharge_ms, durations.abandon_ms)
        for row in rows:
            places[row["advisor_id"]].append(TakenPlace(row["record_id"], row["user_id"], row["ends_at"]))
        return {advisor_id: replace(advisor, places=places[advisor_id]) for advisor_id, advisor in advisors.items()}

    async def load_tariffs(self, connection: Connection, versions: set[Version]) -> dict[Version, Tariff]:
        """The tariffs of those versions that exist."""
        await self._load_tariffs(connection, versions)
        return {version: self._tariffs[version] for version in versions if version in self._tariffs}

    async def load_record(self, connection: Connection, record_id: str) -> Record | None:
        """One record, active or ended; None if there is none with this id."""
        row = await connection.fetchrow(SQL["record_by_id"], record_id)
        if row is None:
            return None
        await self._load_tariffs(connection, {(row["advisor_id"], row["tariff_version"])})
        return self._record(row)

    async def _load_tariffs(self, connection: Connection, versions: set[Version]) -> None:
        missing = sorted(versions - self._tariffs.keys())
        if not missing:
            return
        if len(self._tariffs) > _TARIFFS_KEPT_MAX:
            self._tariffs = {version: tariff for version, tariff in self._tariffs.items() if version in versions}
        wanted = [{"advisor_id": advisor_id, "version": version} for advisor_id, version in missing]
        for row in await connection.fetch(SQL["load_tariffs"], *arrays("load_tariffs", wanted)):
            self._tariffs[row["advisor_id"], row["version"]] = Tariff.parse(row["tariff"])

    def _build(self, rows: _Rows, durations: Durations) -> dict[str, PayerTransaction]:
        chats = {row["chat_id"]: _chat(row) for row in rows.chats}
        active_records, sockets = _by_user(rows.active_records), _by_user(rows.sockets)
        counts = {row["record_id"]: row["chats"] for row in rows.chat_counts}
        payers: dict[str, PayerTransaction] = {}
        for account in rows.accounts:
            user_id = account["user_id"]
            payers[user_id] = self._payer_transaction(
                account, active_records[user_id], sockets[user_id], durations, chats
            )
            payers[user_id].asked_at = rows.asked_at
            payers[user_id].chat_counts = {
                record_id: counts[record_id] for record_id in payers[user_id].current.records if record_id in counts
            }
        for row in rows.ended_records:
            if row["user_id"] in payers:
                payers[row["user_id"]].ended[row["record_id"]] = self._record(row)
        for row in rows.last_records:
            if row["user_id"] not in payers:
                continue  # the payer of another command, which another transaction has locked
            if row["free_ms_imported"] is not None:
                payers[row["user_id"]].free_used_ms[row["advisor_id"]] = row["free_ms_imported"]
                continue
            tariff = self._tariffs[row["advisor_id"], row["tariff_version"]]
            payer, advisor_id, allowance_ms = (
                payers[row["user_id"]],
                row["advisor_id"],
                tariff.allowance_after(row["free_ms_before"]),
            )
            payer.free_used_ms[advisor_id] = row["free_ms_before"] + min(row["elapsed_ms"], allowance_ms)
            grace_used_at = row["grace_used_at"]
            if grace_used_at is None and is_free_by_grace(tariff, row["elapsed_ms"], allowance_ms):
                grace_used_at = row["started_at"]
            payer.graces_used_at[advisor_id] = grace_used_at
        return payers

    def _payer_transaction(
        self, account: Row, active_records: list[Row], sockets: list[Row], durations: Durations, chats: dict[str, Chat]
    ) -> PayerTransaction:
        now = max(account["now"], account["settled_at"])
        node_leases = _node_leases(sockets, now)
        payer = Payer(
            user_id=account["user_id"],
            balance=account["balance"],
            settled_at=account["settled_at"],
            records={row["record_id"]: self._record(row) for row in active_records},
            sockets={key: merge_leases(leases.values()) for key, leases in node_leases.items()},
            gifts=_gifts(account),
            outages=_outages(account),
        )
        return PayerTransaction(
            loaded=payer,
            due_at=account["due_at"],
            stored_cuts={row["record_id"]: row["cut_at"] for row in active_records},
            open_segments={
                row["record_id"]: row["segment_id"] for row in active_records if row["segment_id"] is not None
            },
            display_name=account["display_name"],
            sequence=account["sequence"],
            current=payer,
            now=now,
            durations=durations,
            chats=chats,
            metadata=account["metadata"],
            node_leases=node_leases,
        )

    def _record(self, row: Row) -> Record:
        return read_record(row, self._tariffs[row["advisor_id"], row["tariff_version"]])


async def _fetch_rows(
    connection: Connection, durations: Durations, users: list[str], chat_ids: list[str], pairs: set[tuple[str, str]]
) -> _Rows:
    asked_at = time.monotonic()
    accounts = await connection.fetch(SQL["load_accounts"], users)
    active_records = await connection.fetch(SQL["load_active_records"], users)
    # A record that begins may start its timer at once, where both pages are open.
    has_presence = active_records or pairs
    sockets = await connection.fetch(SQL["load_sockets"], users, durations.lease_ms) if has_presence else []
    chats = await connection.fetch(SQL["load_chats"], chat_ids) if chat_ids else []
    active_ids = {row["record_id"] for row in active_records}
    without_active = [row["chat_id"] for row in chats if row["record_id"] not in active_ids]
    ended_records = await connection.fetch(SQL["load_chat_records"], without_active) if without_active else []
    # An active record itself tells how much free time was used before it.
    continued = [row["record_id"] for row in active_records if (row["user_id"], row["advisor_id"]) in pairs]
    chat_counts = await connection.fetch(SQL["load_chat_counts"], continued) if continued else []
    pairs = pairs - {(row["user_id"], row["advisor_id"]) for row in active_records}
    wanted = arrays(
        "load_last_records", ({"user_id": user_id, "advisor_id": advisor_id} for user_id, advisor_id in sorted(pairs))
    )
    last_records = await connection.fetch(SQL["load_last_records"], *wanted) if pairs else []
    return _Rows(asked_at, accounts, active_records, sockets, chats, ended_records, last_records, chat_counts)


def _by_user(rows: Iterable[Row]) -> defaultdict[str, list[Row]]:
    grouped: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        grouped[row["user_id"]].append(row)
    return grouped


def _chat(row: Row) -> Chat:
    return Chat(
        row["chat_id"],
        row["user_id"],
        row["advisor_id"],
        record_id=row["record_id"],
        duration_ms=row["duration_ms"],
        metadata=row["metadata"],
    )


def _gifts(account: Row) -> tuple[Gift, ...]:
    """The rest of the gifts, at most the balance: an older version of the program may have spent gifts unnoted."""
    stored = tuple(Gift(*row) for row in account["gifts"])
    return gifts.spend(stored, max(0, gifts.total(stored) - account["balance"]))


def _outages(account: Row) -> tuple[Outage, ...]:
    """The outages since the account was settled. Almost always there is none."""
    bounds = account["outages"]
    return () if bounds is None else tuple(map(Outage, bounds[::2], bounds[1::2]))


def _node_leases(rows: Iterable[Row], now: int) -> NodeLeases:
    """The leases that sockets prove. A node that has lapsed renews no lease, but what its sockets proved counts."""
    leases: NodeLeases = {}
    for row in rows:
        lease = SocketLease(row["until"], row["is_renewed"] and row["until"] > now)
        leases.setdefault((row["chat_id"], Party(row["party"])), {})[row["node_id"]] = lease
    return leases
