"""`talktime receipt`: the receipt of a record, and whether the receipt is right."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.table import Table

from talktime.cli.arguments import At, read_at, read_id
from talktime.cli.connecting import run_with_talktime
from talktime.cli.exits import ExitCode, exit_with_failure, exit_with_usage_error
from talktime.cli.output import AsJson, print_json, stdout, text_of
from talktime.core.durations import clock_text
from talktime.core.entries import EntryKind
from talktime.core.instants import format_instant
from talktime.core.money import format_credits
from talktime.core.record import Reason
from talktime.core.starts import Starts
from talktime.documents.receipt import Receipt
from talktime.documents.strict_json import parse_json
from talktime.documents.verification import Check, NotAReceiptError, verify

_BYTES_MAX: Final = 50_000_000
_PAID_WITH: Final = {"gift": "paid with gifts", "bought": "paid with bought credit"}


def receipt(
    context: typer.Context,
    record_id: Annotated[
        str | None, typer.Argument(help="The record. With --offline, the record that the file must be of.")
    ] = None,
    is_verified: Annotated[
        bool,
        typer.Option(
            "--verify", help="Compute the receipt again from its facts alone; the exit code is 1 if it differs."
        ),
    ] = False,
    offline: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="Verify the receipt in this JSON file, without a database."),
    ] = None,
    at: At = None,
    as_json: AsJson = False,
) -> None:
    """Show the receipt of a record, or check whether it follows from its facts."""
    if offline is not None:
        document = _read_receipt(offline, record_id)
    elif record_id is None:
        exit_with_usage_error("Name a record, or a file with --offline.")
    else:
        if is_verified and Path(record_id).is_file():
            exit_with_usage_error(f"{record_id} is a file: talktime receipt --offline {record_id}")
        known_id, instant = read_id(record_id), read_at(at)
        stored = run_with_talktime(context, lambda talktime: talktime.receipt(known_id, at=instant))
        document = stored.document()
        if not is_verified:
            if as_json:
                print_json(document)
            else:
                print_receipt(stored, document)
            return
    try:
        checks = verify(document)
    except NotAReceiptError as error:
        exit_with_usage_error(str(error))
    _print_checks(document["record"]["id"], checks, as_json)
    if not all(check.holds for check in checks):
        raise typer.Exit(ExitCode.FAILED)


def _read_receipt(path: Path, record_id: str | None) -> dict[str, Any]:
    """The receipt in a file. If a record is named, the receipt must be of that record."""
    if path.stat().st_size > _BYTES_MAX:
        exit_with_usage_error(f"{path} is too large for a receipt.")
    try:
        document = parse_json(path.read_bytes())
        stated_id = document["record"]["id"]
    except (ValueError, RecursionError, KeyError, TypeError):
        exit_with_usage_error(f"{path} is not a receipt as JSON: talktime receipt RECORD_ID --json prints one.")
    if record_id is not None and record_id != stated_id:
        exit_with_failure(f"{path} is the receipt of {stated_id}, not of {record_id}.")
    return dict(document)


def print_receipt(receipt: Receipt, document: Mapping[str, Any]) -> None:
    """The receipt for people: segments, time that was not billed, and the arithmetic."""
    console = stdout()
    record = receipt.record
    console.print(f"Record {record.id}: {receipt.user_name} with {receipt.advisor_name}, {record.state}")
    for name, value in (("sold by", receipt.seller), ("amounts in", receipt.currency)):
        if value:
            console.print(f"{name} {value}")
    segments = Table(box=None)
    for column in ("from (UTC)", "to", "chat", "time", "ended by"):
        # People copy ids, so a narrow terminal breaks an id into lines. An instant stays in one line.
        segments.add_column(column, no_wrap=column != "chat", overflow="fold")
    for segment, fields in zip(receipt.segments, document["segments"], strict=True):
        duration = clock_text(segment.duration_ms)
        segments.add_row(*_ends(fields), segment.chat_id, duration, text_of(fields["reason"]))
    console.print(segments)
    for gap in document["gaps"]:
        end = gap["ended_at"] or "not over"
        why = _gap_reason(gap, document["record"])
        console.print(f"not billed: {gap['started_at']} to {end}, {clock_text(gap['duration_ms'])}, {why}")
    if document["grace_used_at"] is not None:
        console.print(
            f"without grace: the record that started at {document['grace_used_at']} had the grace of this day"
        )
    console.print(_lines_table(receipt, document))


def _gap_reason(gap: Mapping[str, Any], record: Mapping[str, Any]) -> str:
    """Why the time was not billed. The document says of a call that rang, too, that the advisor was away."""
    begins = gap["started_at"] == record["started_at"]
    if record["starts"] == Starts.ACCEPTED and begins and gap["reason"] == Reason.ADVISOR_AWAY:
        return "ringing"
    return gap["reason"] if gap["caused_by"] is None else f"{gap['reason']}, by {gap['caused_by']}"


def _lines_table(receipt: Receipt, document: Mapping[str, Any]) -> Table:
    """The arithmetic, what was paid, and how that divides."""
    lines = Table(box=None, show_header=False)
    lines.add_column()
    lines.add_column(justify="right")
    for line in receipt.lines:
        lines.add_row(line.text, format_credits(line.amount))
    lines.add_row(f"{clock_text(receipt.elapsed_ms)} in all", format_credits(receipt.cost), style="bold")
    for entry in receipt.entries:
        if entry.kind is EntryKind.REFUND:
            given = (
                f"given back on {format_instant(entry.at).partition('T')[0]}: {entry.reason or entry.reference or ''}"
            )
            lines.add_row(given.removesuffix(": "), format_credits(-entry.amount))
    for name, text in _PAID_WITH.items():
        if document["totals"][name] != "0.00":
            lines.add_row(text, document["totals"][name])
    refunds = [entry for entry in receipt.shared_entries if entry.kind is EntryKind.REFUND]
    for_advisor = receipt.shared.advisor + sum(entry.advisor_amount for entry in refunds)
    for_platform = receipt.cost - receipt.shared.advisor + sum(entry.platform_amount for entry in refunds)
    lines.add_row("for the advisor", format_credits(for_advisor))
    lines.add_row("for the platform", format_credits(for_platform))
    return lines


def _ends(segment: Mapping[str, Any]) -> tuple[str, str]:
    """The start and the end of a segment. The end has no day if it is on the same day."""
    start = segment["started_at"].removesuffix("Z").replace("T", " ")
    end = text_of(segment["ended_at"]).removesuffix("Z").replace("T", " ")
    return start, end.removeprefix(f"{start.split()[0]} ")


def _print_checks(record_id: str, checks: list[Check], as_json: bool) -> None:
    """Print the findings, or that there are none."""
    wrong = [check for check in checks if not check.holds]
    if wrong:
        print(
            f"talktime: the receipt of {record_id} is wrong in {len(wrong)} of {len(checks)} figures", file=sys.stderr
        )
    if as_json:
        print_json({"record_id": record_id, "holds": not wrong, "checks": [check.document() for check in checks]})
        return
    for check in wrong:
        print(f"{check.path}: {check.what}")
        print(f"  stated: {_figure(check.stated)}\n  from the facts: {_figure(check.found)}")
    if not wrong:
        print(f"The receipt of {record_id} is right: all {len(checks)} figures follow from its facts.")


def _figure(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
