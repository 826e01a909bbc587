"""`talktime report` and `talktime replay`: what was, and what it would have been."""

from __future__ import annotations

from typing import Annotated

import typer

from talktime.cli import console
from talktime.cli.arguments import TariffFile, read_id, read_instant, read_tariff
from talktime.cli.console import Json, printed, run, usage
from talktime.documents.report import BOOKS, COLUMNS, KINDS

From = Annotated[str, typer.Option("--from", help="From this instant on: 2026-01-01T00:00:00Z.")]
To = Annotated[str, typer.Option("--to", help="Until just before this one.")]
Csv = Annotated[bool, typer.Option("--csv", help="Print lines of figures separated by commas.")]

_SESSION = ("started_at", "user_id", "advisor_id", "elapsed_ms", "cost", "replayed_ms", "replayed", "difference")


def report(
    context: typer.Context,
    begin: From,
    end: To,
    of: Annotated[str | None, typer.Option(help=f"Only the books of: {', '.join(BOOKS)}.", show_default="all")] = None,
    as_csv: Csv = False,
    as_json: Json = False,
) -> None:
    """What users, advisors and the platform had, got and gave in a period, from the ledger's entries."""
    if of is not None and of not in BOOKS:
        usage(f"--of must be one of: {', '.join(BOOKS)}")
    period = read_instant("--from", begin), read_instant("--to", end)
    document = run(context, lambda talktime: talktime.report(*period)).document()
    for name in ("books", "totals"):
        document[name] = [book for book in document[name] if of in (None, book["book"])]
    if as_csv and not as_json:
        console.print_csv(COLUMNS, document["books"])
    elif not printed(document, as_json):
        shown = [book for book in document["books"] if book["book"] in {"user", "advisor"}]
        kinds = [kind for kind in KINDS if any(book[kind] != "0.00" for book in document["books"])]
        columns = ("book", "owner", "name", "opening", *kinds, "closing")
        console.table("entries", [*shown, *document["totals"]], columns, as_json)


def replay(
    context: typer.Context,
    tariff: TariffFile,
    begin: From,
    end: To,
    advisor: Annotated[str | None, typer.Option(help="Only this advisor's.", show_default="everybody's")] = None,
    as_csv: Csv = False,
    as_json: Json = False,
) -> None:
    """What the sessions of a period would have cost under another tariff. Nothing is changed."""
    period = read_instant("--from", begin), read_instant("--to", end)
    other = read_tariff(tariff)
    advisor_id = None if advisor is None else read_id(advisor)
    document = run(context, lambda talktime: talktime.replay(other, *period, advisor_id=advisor_id)).document()
    if as_csv and not as_json:
        console.print_csv(("record_id", *_SESSION), document["sessions"])
    elif not printed(document, as_json):
        total = {"started_at": f"all {document['total']['sessions']}", "user_id": "", **document["total"]}
        columns = ("started_at", "user_id", "elapsed_ms", "cost", "replayed", "difference")
        console.table("sessions", [*document["sessions"], total], columns, as_json)
