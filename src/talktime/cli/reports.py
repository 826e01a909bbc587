"""`talktime report` and `talktime replay`: the books of a period, and what its records would have cost otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import typer

from talktime.cli.arguments import TariffFile, read_id, read_tariff
from talktime.cli.connecting import run_with_talktime
from talktime.cli.output import AsJson, print_csv, print_json, print_table
from talktime.cli.periods import From, Month, To, Zone, read_bounds
from talktime.documents.report import COLUMNS, KINDS, BookKind

if TYPE_CHECKING:
    from talktime.documents.report import Report
    from talktime.documents.what_if import Replay
    from talktime.talktime import Talktime

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
    month: Month = None,
    tz: Zone = "UTC",
    begin: From = None,
    end: To = None,
    of: Annotated[BookKind | None, typer.Option(help="Only the books of this kind.", show_default="all")] = None,
    as_csv: AsCsv = False,
    as_json: AsJson = False,
) -> None:
    """Show what users, advisors and the platform had, got and gave in a period, from the entries of the ledger."""
    bounds_at = read_bounds(month, tz, begin, end)

    async def make_report(talktime: Talktime) -> Report:
        return await talktime.report(*bounds_at(await talktime.now()))

    document = run_with_talktime(context, make_report).document()
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
    month: Month = None,
    tz: Zone = "UTC",
    begin: From = None,
    end: To = None,
    advisor: Annotated[
        str | None, typer.Option(help="Only the records of this advisor.", show_default="all advisors")
    ] = None,
    as_csv: AsCsv = False,
    as_json: AsJson = False,
) -> None:
    """Show what the records of a period would have cost under another tariff. Nothing is changed."""
    bounds_at = read_bounds(month, tz, begin, end)
    other_tariff = read_tariff(tariff)
    advisor_id = None if advisor is None else read_id(advisor)

    async def replay_records(talktime: Talktime) -> Replay:
        return await talktime.replay(other_tariff, *bounds_at(await talktime.now()), advisor_id=advisor_id)

    document = run_with_talktime(context, replay_records).document()
    if as_json:
        print_json(document)
    elif as_csv:
        print_csv(_REPLAY_COLUMNS, document["sessions"])
    else:
        total = {"started_at": f"all {document['total']['sessions']}", "user_id": "", **document["total"]}
        columns = ("started_at", "user_id", "elapsed_ms", "cost", "replayed", "difference")
        print_table("sessions", [*document["sessions"], total], columns, as_json)
