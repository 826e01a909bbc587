"""`talktime shadow`: what the sessions of another system would have cost. Needs no database."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from talktime.cli.arguments import read_tariff
from talktime.cli.exits import exit_with_usage_error
from talktime.cli.imports import InstantZone, read_file, read_zone
from talktime.cli.output import AsJson, print_csv, print_json, print_table

if TYPE_CHECKING:
    from datetime import tzinfo

    from talktime.core.tariff import Tariff

_COLUMNS: Final = (
    "session_id",
    "user_id",
    "advisor_id",
    "started_at",
    "elapsed_ms",
    "old_elapsed_ms",
    "cost",
    "old_cost",
    "difference",
    "rule",
)


def shadow(
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="A file of events, as CSV or JSON lines: events.csv.")
    ],
    tariff: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="A file with the tariff of all advisors, as JSON.")
    ] = None,
    advisors: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="A file of advisors with their tariffs, as for an import."),
    ] = None,
    tz: InstantZone = "UTC",
    as_csv: Annotated[bool, typer.Option("--csv", help="Print a line for each session, separated by commas.")] = False,
    as_json: AsJson = False,
) -> None:
    """Play the starts and stops of another system through the meter, and say where and why its costs differ.

    Nothing is stored and no credit moves.
    """
    from talktime.documents.import_rows import read_events  # noqa: PLC0415  few commands read rows
    from talktime.documents.shadow import SAME, shadow_run  # noqa: PLC0415  as above

    zone = read_zone(tz)
    tariffs = {} if advisors is None else _read_tariffs(advisors, zone)
    default = None if tariff is None else read_tariff(tariff)
    if tariff is None and advisors is None:
        exit_with_usage_error("Say which tariff: --tariff FILE, or --advisors FILE.")
    document = shadow_run(read_events(file.name, read_file(file), zone), tariffs, default).document()
    if as_json:
        print_json(document)
        return
    if as_csv:
        print_csv(_COLUMNS, document["sessions"])
        return
    different = [each for each in document["sessions"] if each["rule"] != SAME]
    print_table("sessions that differ", different, ("session_id", "cost", "old_cost", "difference", "rule"), as_json)
    print()
    print_table("totals", document["totals"], ("rule", "sessions", "cost", "old_cost", "difference"), as_json)
    if document["bad"]:
        print()
        print_table("bad events", document["bad"], ("source", "line", "id", "reason"), as_json)


def _read_tariffs(path: Path, zone: tzinfo) -> dict[str, Tariff]:
    """The tariffs of advisors, by id."""
    from talktime.documents.import_rows import read_rows  # noqa: PLC0415  few commands read rows
    from talktime.documents.old_rows import BadRow, OldAdvisor, RowKind  # noqa: PLC0415  as above

    tariffs: dict[str, Tariff] = {}
    for row in read_rows(RowKind.ADVISORS, path.name, read_file(path), zone):
        if isinstance(row, BadRow):
            exit_with_usage_error(f"{row.source}, line {row.line}: {row.reason}")
        if isinstance(row.row, OldAdvisor):
            tariffs[row.row.id] = row.row.tariff
    return tariffs
