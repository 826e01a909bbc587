"""`talktime import`: people, credit and past conversations of another system."""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from talktime.cli.arguments import read_instant
from talktime.cli.connecting import person_at_the_terminal, run_with_talktime
from talktime.cli.exits import ExitCode, exit_with_usage_error
from talktime.cli.output import AsJson, print_json, print_table
from talktime.zones import find_zone

if TYPE_CHECKING:
    from datetime import tzinfo

    from talktime.documents.import_report import ImportReport
    from talktime.documents.import_rows import Cells
    from talktime.documents.mapping import OldTable
    from talktime.talktime import Talktime

InstantZone = Annotated[str, typer.Option("--tz", help="The time zone of instants that name no offset from UTC.")]


def import_files(
    context: typer.Context,
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE…",
            exists=True,
            dir_okay=False,
            help="Files of CSV or JSON lines whose names say what they have: users.csv, sessions.jsonl. Or the mapping"
            " of the tables of --source, which ends in .toml.",
        ),
    ],
    as_of: Annotated[
        str, typer.Option("--as-of", help="The instant that the balances belong to: 2026-01-31T00:00:00Z.")
    ],
    source: Annotated[
        str | None, typer.Option(help="The PostgreSQL database of the other system, whose tables a mapping names.")
    ] = None,
    tz: InstantZone = "UTC",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would happen, and change nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Import users, advisors, balances and past conversations of another system, each once by its id.

    A row that is there already stays as it is. If one row can't be imported, no row is, and the exit code is 1.
    """
    instant = read_instant("--as-of", as_of)
    zone = read_zone(tz)
    mappings = [table for path in files if path.suffix == ".toml" for table in _read_mapping(path)]
    sources = {str(path): read_file(path) for path in files if path.suffix != ".toml"}
    if bool(mappings) != (source is not None):
        exit_with_usage_error("A mapping (.toml) and --source belong together.")

    async def import_rows(talktime: Talktime) -> ImportReport:
        from talktime.database.old_tables import read_old_tables  # noqa: PLC0415  few commands read rows

        tables = {} if source is None else await read_old_tables(source, mappings)
        actor = person_at_the_terminal()
        return await talktime.import_rows(sources | tables, instant, zone=zone, dry_run=dry_run, actor=actor)

    report = run_with_talktime(context, import_rows)
    if as_json:
        print_json(report.document())
    else:
        _print_report(report)
    if report.bad:
        advice = "Nothing was imported. Correct the rows, and run the import again."
        rows = "1 row" if len(report.bad) == 1 else f"{len(report.bad)} rows"
        print(f"talktime: {rows} can't be imported. {advice}", file=sys.stderr)
    elif not report.adds_up:
        print("talktime: what is stored is not what the source has: see the differences.", file=sys.stderr)
    if report.bad or not report.adds_up:
        raise typer.Exit(ExitCode.FAILED)


def read_zone(name: str) -> tzinfo:
    """The time zone of `--tz`."""
    try:
        return find_zone(name)
    except ValueError as error:
        exit_with_usage_error(f"--tz {error}")


def read_file(path: Path) -> list[Cells]:
    """The rows of a file of CSV or JSON lines."""
    from talktime.documents.import_rows import csv_cells, json_cells  # noqa: PLC0415  few commands read rows

    cells = {".csv": csv_cells, ".jsonl": json_cells}.get(path.suffix)
    if cells is None:
        exit_with_usage_error(f"{path.name} must end in .csv or .jsonl")
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            return list(cells(lines))
    except UnicodeDecodeError:
        exit_with_usage_error(f"{path.name} is not UTF-8")
    except csv.Error as error:
        exit_with_usage_error(f"{path.name} is not CSV: {error}")


def _read_mapping(path: Path) -> list[OldTable]:
    from talktime.documents.mapping import parse_mapping  # noqa: PLC0415  as above

    try:
        return parse_mapping(path.read_text(encoding="utf-8"))
    except ValueError as error:
        exit_with_usage_error(f"{path.name} is no mapping: {error}")


def _print_report(report: ImportReport) -> None:
    document = report.document()
    print_table("rows", document["kinds"], ("kind", "rows", "new", "there", "bad"), as_json=False)
    print()
    print_table("columns", document["columns"], ("kind", "column", "source", "talktime", "difference"), as_json=False)
    if document["bad"]:
        print()
        print_table("bad rows", document["bad"], ("source", "line", "id", "reason"), as_json=False)
    if document["differences"]:
        print()
        print_table("differences", document["differences"], ("kind", "id", "reason"), as_json=False)
    print()
    print("The new rows are imported." if report.is_done else "Nothing was changed.")
