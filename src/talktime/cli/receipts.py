"""`talktime receipt`: a record's bill, and whether it is right."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from talktime.cli import console
from talktime.cli.arguments import At, read_at, read_id
from talktime.cli.console import Json, printed, run, usage
from talktime.documents.verification import Check, NotAReceiptError, verify

_BYTES_MAX: Final = 50_000_000


def receipt(
    context: typer.Context,
    record_id: Annotated[
        str | None, typer.Argument(help="The record; with --offline, whose receipt it must be.")
    ] = None,
    prove: Annotated[
        bool, typer.Option("--verify", help="Compute it again from its facts alone; exit code 1 if it differs.")
    ] = False,
    offline: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="Verify the receipt in this JSON file, without a database."),
    ] = None,
    at: At = None,
    as_json: Json = False,
) -> None:
    """A record's bill, and whether it follows from its facts."""
    if offline is not None:
        document = _read_receipt(offline, record_id)
    elif record_id is None:
        usage("Name a record, or a file with --offline.")
    else:
        instant = read_at(at)
        found = run(context, lambda talktime: talktime.receipt(read_id(record_id), at=instant))
        if not prove:
            console.show_receipt(found, as_json)
            return
        document = found.document()
    try:
        checks = verify(document)
    except NotAReceiptError as error:
        usage(str(error))
    wrong = [check for check in checks if not check.holds]
    _show(document["record"]["id"], checks, wrong, as_json)
    if wrong:
        raise typer.Exit(1)


def _read_receipt(path: Path, record_id: str | None) -> dict[str, Any]:
    """The receipt in a file, which must be this record's if one is named."""
    if path.stat().st_size > _BYTES_MAX:
        usage(f"{path} is too large for a receipt.")
    try:
        document = json.loads(path.read_bytes(), object_pairs_hook=_once)
        found = document["record"]["id"]
    except (ValueError, RecursionError, KeyError, TypeError):
        usage(f"{path} is not a receipt as JSON: talktime receipt RECORD_ID --json prints one.")
    if record_id is not None and record_id != found:
        console.failed(f"{path} is the receipt of {found}, not of {record_id}.")
    return dict(document)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object that names each field once: else a reader may see one figure, and the sum be done with another."""
    read = dict(pairs)
    if len(read) < len(pairs):
        msg = "a field is there more than once"
        raise ValueError(msg)
    return read


def _show(record_id: str, checks: list[Check], wrong: list[Check], as_json: bool) -> None:
    told = {"record_id": record_id, "holds": not wrong, "checks": [check.document() for check in checks]}
    if wrong:
        print(
            f"talktime: the receipt of {record_id} is wrong in {len(wrong)} of {len(checks)} figures", file=sys.stderr
        )
    if printed(told, as_json):
        return
    for check in wrong:
        print(f"{check.path}: {check.what}")
        print(f"  stated: {_text(check.stated)}\n  from the facts: {_text(check.found)}")
    if not wrong:
        print(f"The receipt of {record_id} is right: all {len(checks)} figures follow from its facts.")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
