"""The database accepts exactly the values that the program's enumerations have."""

from __future__ import annotations

import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from talktime.core.actors import ActKind
from talktime.core.entries import BorneBy, CreditKind, EntryKind
from talktime.core.record import Party, Reason, State
from talktime.core.roles import Role
from talktime.core.starts import Starts
from talktime.database.pool import Pool
from talktime.database.queries import SQL
from talktime.documents.webhook import DeliveryState
from talktime.engine.tracking import REPAIRED_REASONS

ENDS_NO_SEGMENT = {Reason.ABANDONED, Reason.TIMER_FAILED, Reason.DECLINED, Reason.MISSED}
"""Reasons of records whose timer did not run."""

ENDS_NO_RECORD = {Reason.SWITCHED, Reason.PLATFORM}
"""Reasons of segments after which the record runs on."""

VALUES: Mapping[tuple[str, str], AbstractSet[str]] = {
    ("acts", "act"): set(ActKind),
    ("acts", "by_role"): set(Role),
    ("advisors", "starts"): set(Starts),
    ("entries", "borne_by"): set(BorneBy),
    ("entries", "by_role"): set(Role),
    ("entries", "kind"): set(EntryKind),
    ("imported_balances", "kind"): {CreditKind.PURCHASE, CreditKind.GIFT},
    ("links", "role"): set(Role) - {Role.SERVICE},
    ("messages", "sender"): set(Party),
    ("records", "paused_by"): set(Role),
    ("records", "ended_by"): set(Role),
    ("records", "reason"): set(Reason) - ENDS_NO_RECORD,
    ("records", "starts"): set(Starts),
    ("records", "state"): set(State),
    ("segments", "ended_by"): set(Role),
    ("segments", "reason"): set(Reason) - ENDS_NO_SEGMENT,
    ("watches", "party"): set(Party),
    ("webhook_deliveries", "state"): set(DeliveryState),
}
_CONSTRAINTS = """
select conrelid::regclass::text as table, pg_get_constraintdef(oid) as definition from pg_constraint
where contype = 'c' and connamespace = 'talktime'::regnamespace
"""
_ONE_OF = re.compile(r"CHECK \(\((\w+) = ANY \(ARRAY\[(.*)\]\)\)\)")


async def test_each_column_accepts_the_values_of_its_enumeration(database: Pool) -> None:
    found: dict[tuple[str, str], set[str]] = {}
    for row in await database.fetch(_CONSTRAINTS):
        match = _ONE_OF.fullmatch(row["definition"])
        if match is not None:
            found[row["table"].removeprefix("talktime."), match[1]] = set(re.findall(r"'(\w+)'", match[2]))
    assert found == {column: set(values) for column, values in VALUES.items()}


async def test_the_statement_and_the_index_of_the_health_check_name_the_reasons_that_it_repairs(database: Pool) -> None:
    index = await database.fetchval("select pg_get_indexdef('talktime.records_waiting_for_somebody'::regclass)")
    statement = re.findall(r"reason in \(.*?\)", SQL["unhealthy_payers"])[0]
    for text in (statement, index):
        assert set(re.findall(r"'(\w+)'", text)) == set(REPAIRED_REASONS), text
