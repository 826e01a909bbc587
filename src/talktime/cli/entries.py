"""`talktime entries`: the ledger of all users, as a table of the newest entries or as an export of a whole period."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Annotated, Final

import typer

from talktime.cli.arguments import read_id, read_reference
from talktime.cli.connecting import run_with_talktime
from talktime.cli.exits import exit_with_usage_error
from talktime.cli.output import print_page
from talktime.cli.periods import From, Month, Since, To, Zone, read_period
from talktime.core.entries import EntryKind
from talktime.documents.csv_lines import csv_heading, csv_lines
from talktime.documents.ledger import LEDGER_COLUMNS

if TYPE_CHECKING:
    from talktime.documents.ledger import LedgerEntry
    from talktime.talktime import Talktime

_LINES: Final = 100
_COLUMNS: Final = (
    "at",
    "kind",
    "user_id",
    "advisor_id",
    "user_amount",
    "advisor_amount",
    "platform_amount",
    "record_id",
    "reference",
)


def entries(
    context: typer.Context,
    month: Month = None,
    tz: Zone = "UTC",
    begin: From = None,
    end: To = None,
    since: Since = None,
    user: Annotated[str | None, typer.Option(help="Only entries of this user.")] = None,
    advisor: Annotated[str | None, typer.Option(help="Only entries of this advisor.")] = None,
    record: Annotated[str | None, typer.Option(help="Only entries of this record.")] = None,
    kind: Annotated[EntryKind | None, typer.Option(help="Only entries of this kind.")] = None,
    reference: Annotated[str | None, typer.Option(help="Only entries with exactly this reference.")] = None,
    after: Annotated[str | None, typer.Option(help="Only older entries than this one, in the table.")] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, max=1000, help=f"The largest number of lines of the table, at first {_LINES}.")
    ] = None,
    as_csv: Annotated[
        bool, typer.Option("--csv", help="Print all entries of the period, separated by commas.")
    ] = False,
    as_lines: Annotated[
        bool, typer.Option("--jsonl", help="Print all entries of the period, one JSON a line.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print all entries of the period as one JSON document.")
    ] = False,
) -> None:
    """Show the entries of the ledger, with what users, advisors and the platform got by each.

    The table has the newest entries. --csv, --json and --jsonl print every entry of the period, the oldest first, and
    post the charges of running records up to the end of the period before that.
    """
    if as_csv + as_lines + as_json > 1:
        exit_with_usage_error("Use one of --csv, --json and --jsonl.")
    if (as_csv or as_lines or as_json) and (limit is not None or after is not None):
        exit_with_usage_error(
            "--limit and --after are for the table. --csv, --json and --jsonl print every entry of a period."
        )
    lines = _LINES if limit is None else limit
    period_at = read_period(month, tz, begin, end, since)
    user_id, advisor_id, record_id = (None if text is None else read_id(text) for text in (user, advisor, record))
    reference = read_reference(reference)
    export = _print_csv if as_csv else _print_lines if as_lines else _print_json

    async def show(talktime: Talktime) -> None:
        period = period_at(await talktime.now())
        if as_csv or as_lines or as_json:
            await export(
                talktime.all_entries(
                    user_id=user_id,
                    advisor_id=advisor_id,
                    record_id=record_id,
                    kind=kind,
                    reference=reference,
                    begin=period.begin,
                    end=period.end,
                )
            )
            return
        page = await talktime.entry_page(
            user_id=user_id,
            advisor_id=advisor_id,
            record_id=record_id,
            kind=kind,
            reference=reference,
            begin=period.begin,
            end=period.end,
            after=after,
            limit=lines + 1,
        )
        print_page("entries", [entry.document() for entry in page.items], _COLUMNS, lines, as_json=False)

    run_with_talktime(context, show)


async def _print_csv(found: AsyncIterator[LedgerEntry]) -> None:
    sys.stdout.write(csv_heading(LEDGER_COLUMNS))
    async for entry in found:
        sys.stdout.write(csv_lines(LEDGER_COLUMNS, [entry.document()]))


async def _print_lines(found: AsyncIterator[LedgerEntry]) -> None:
    async for entry in found:
        sys.stdout.write(f"{json.dumps(entry.document(), ensure_ascii=False)}\n")


async def _print_json(found: AsyncIterator[LedgerEntry]) -> None:
    """One document, which is written while it is read."""
    separator = ""
    sys.stdout.write('{"entries": [')
    async for entry in found:
        sys.stdout.write(f"{separator}\n  {json.dumps(entry.document(), ensure_ascii=False)}")
        separator = ","
    sys.stdout.write("\n]}\n")
