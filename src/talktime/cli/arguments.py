"""What is typed after a command's name, and what of it is refused before anything happens (exit code 2)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from talktime.cli.console import usage
from talktime.core.durations import parse_seconds
from talktime.core.ids import is_explanation, is_id, is_name, is_reference
from talktime.core.instants import parse_instant
from talktime.core.money import parse_credits
from talktime.core.tariff import Tariff, TariffError
from talktime.core.terms import Terms, TermsError

TariffFile = Annotated[Path, typer.Option("--tariff", exists=True, dir_okay=False, help="A tariff as JSON.")]
After = Annotated[str, typer.Option(help="Only ids after this one: the `next` of the page before.")]
Before = Annotated[str | None, typer.Option(help="Only entries before this one: the `next` of the page before.")]
At = Annotated[str | None, typer.Option("--at", help="As of this instant, such as 2026-01-05T10:00:00Z.")]
Limit = Annotated[int, typer.Option(min=1, max=1000, help="How many at most.")]


def read_id(text: str) -> str:
    """An id as typed."""
    if not is_id(text):
        usage("An id has 1 to 128 characters, and no control characters.")
    return text


def read_name(text: str | None, otherwise: str) -> str:
    """A name to show; `otherwise` when none was given."""
    if text is None:
        return otherwise
    if not is_name(text):
        usage("A name has 1 to 200 characters, not only spaces, and no control characters.")
    return text


def read_reference(text: str | None) -> str | None:
    """A host's own number for a payment, if one was given."""
    if text is None:
        return None
    if not is_reference(text):
        usage("A reference has at most 200 characters, and no control characters.")
    return text


def read_explanation(text: str) -> str:
    """Why something was done, for whoever reads it later."""
    if not is_explanation(text):
        usage("A reason has 1 to 500 characters, not only spaces, and no control characters.")
    return text


def read_seconds(text: str) -> int:
    """A duration in milliseconds, more than none."""
    try:
        duration_ms = parse_seconds(text)
    except ValueError as error:
        usage(f"--seconds {error}")
    if duration_ms == 0:
        usage("--seconds must be more than 0")
    return duration_ms


def read_at(text: str | None) -> int | None:
    """What was said with `--at`, if anything was."""
    return None if text is None else read_instant("--at", text)


def read_amount(text: str) -> int:
    """Micro-credits, more than none."""
    try:
        amount = parse_credits(text)
    except ValueError as error:
        usage(f"AMOUNT {error}")
    if amount == 0:
        usage("AMOUNT must be more than 0")
    return amount


def read_instant(option: str, text: str) -> int:
    """An instant as typed, in milliseconds."""
    try:
        return parse_instant(text)
    except ValueError as error:
        usage(f"{option} {error}")


def read_tariff(path: Path) -> Tariff:
    """The tariff in a file; whatever is wrong with it is said at once."""
    try:
        return Tariff.parse(json.loads(path.read_bytes()))
    except TariffError as error:
        usage(
            "\n  ".join([f"{path} makes no sense as a tariff:", *(f"{field} {text}" for field, text in error.errors)])
        )
    except (ValueError, RecursionError):
        usage(f"{path} is not JSON")


def read_terms(share_percent: str, fee_per_minute: str, fee_per_session: str) -> Terms:
    """An advisor's terms as typed."""
    try:
        return Terms.parse(
            {"share_percent": share_percent, "fee_per_minute": fee_per_minute, "fee_per_session": fee_per_session}
        )
    except TermsError as error:
        usage("; ".join(f"--{field.replace('_', '-')} {text}" for field, text in error.errors))
