"""`talktime report` and `talktime replay`: the books of a period, and what its records would have cost otherwise."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from talktime.cli.arguments import TariffFile, read_id, read_instant, read_tariff
from talktime.cli.exits import exit_with_usage_error
from talktime.cli.output import AsJson, print_csv, print_json, print_table
from talktime.cli.running import run_with_talktime
from talktime.documents.report import BOOKS, COLUMNS, KINDS

From = Annotated[str, typer.Option("--from", help="The first instant of the period: 2026-01-01T00:00:00Z.")]
To = Annotated[str, typer.Option("--to", help="The instant just after the period.")]
AsCsv = Annotated[bool, typer.Option("--csv", help="Print lines of figures, separated by commas.")]

_REPLAY_COLUMNS: Final = (
    "record_id",
    "started_at",
    "user_id",
    "advisor_id",
    "elapsed_ms",
    "cost",
    "replayed_ms",
    "replayed",
    "difference",
)


def report(
    context: typer.Context,
    begin: From,
    end: To,
    of: Annotated[str | None, typer.Option(help=f"Only the books of: {', '.join(BOOKS)}.", show_default="all")] = None,
    as_csv: AsCsv = False,
    as_json: AsJson = False,
) -> None:
    """Show what users, advisors and the platform had, got and gave in a period, from the entries of the ledger."""
    if of is not None and of not in BOOKS:
        exit_with_usage_error(f"--of must be one of: {', '.join(BOOKS)}")
    period = read_instant("--from", begin), read_instant("--to", end)
    document = run_with_talktime(context, lambda talktime: talktime.report(*period)).document()
    for name in ("books", "totals"):
        document[name] = [book for book in document[name] if of in (None, book["book"])]
    if as_json:
        print_json(document)
    elif as_csv:
        print_csv(COLUMNS, document["books"])
    else:
        # The other books have one owner, so their totals say the same.
        books = [book for book in document["books"] if book["book"] in {"user", "advisor"}]
        kinds = [kind for kind in KINDS if any(book[kind] != "0.00" for book in document["books"])]
        columns = ("book", "owner", "name", "opening", *kinds, "closing")
        print_table("entries", [*books, *document["totals"]], columns, as_json)


def replay(
    context: typer.Context,
    tariff: TariffFile,
    begin: From,
    end: To,
    advisor: Annotated[
        str | None, typer.Option(help="Only the records of this advisor.", show_default="all advisors")
    ] = None,
    as_csv: AsCsv = False,
    as_json: AsJson = False,
) -> None:
    """Show what the records of a period would have cost under another tariff. Nothing is changed."""
    period = read_instant("--from", begin), read_instant("--to", end)
    other_tariff = read_tariff(tariff)
    advisor_id = None if advisor is None else read_id(advisor)
    document = run_with_talktime(
        context, lambda talktime: talktime.replay(other_tariff, *period, advisor_id=advisor_id)
    ).document()
    if as_json:
        print_json(document)
    elif as_csv:
        print_csv(_REPLAY_COLUMNS, document["sessions"])
    else:
        total = {"started_at": f"all {document['total']['sessions']}", "user_id": "", **document["total"]}
        columns = ("started_at", "user_id", "elapsed_ms", "cost", "replayed", "difference")
        print_table("sessions", [*document["sessions"], total], columns, as_json)
