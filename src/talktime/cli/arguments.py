"""The arguments of commands: reading them, and refusing those that are not allowed before anything happens."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from talktime.cli.exits import exit_with_usage_error
from talktime.core.durations import parse_seconds
from talktime.core.errors import InvalidRequest
from talktime.core.ids import require_explanation, require_id, require_name, require_reference
from talktime.core.instants import parse_instant
from talktime.core.money import parse_credits
from talktime.core.tariff import Tariff, TariffError
from talktime.core.terms import Terms, TermsError
from talktime.documents.strict_json import parse_json

if TYPE_CHECKING:
    from collections.abc import Callable

TariffFile = Annotated[
    Path, typer.Option("--tariff", exists=True, dir_okay=False, help="A file with a tariff as JSON.")
]
After = Annotated[str, typer.Option(help="Only ids after this id: the `next` of the page before.")]
Query = Annotated[
    str | None, typer.Option(help="Only people whose id or name begins with this text, in small or capital letters.")
]
Before = Annotated[str | None, typer.Option(help="Only entries before this entry: the `next` of the page before.")]
At = Annotated[str | None, typer.Option("--at", help="As of this instant, such as 2026-01-05T10:00:00Z.")]
Key = Annotated[
    str | None,
    typer.Option(
        help="An idempotency key, your own name of this request: the same command with the same key is done once, also "
        "if HTTP or the library has sent it."
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would come of it, and change nothing.")]
Limit = Annotated[int, typer.Option(min=1, max=1000, help="The largest number to list.")]

_UNITS: Final = {"s": 1, "m": 60, "h": 3600}
"""The seconds of each unit of time."""


def read_id(text: str, noun: str = "An id") -> str:
    return _required(require_id, noun, text)


def read_name(text: str | None) -> str | None:
    """A name to show, if there is one."""
    return None if text is None else _required(require_name, "A name", text)


def read_reference(text: str | None) -> str | None:
    """A host's own number for a payment, if there is one."""
    return None if text is None else _required(require_reference, "A reference", text)


def read_explanation(text: str) -> str:
    """The reason for a refund."""
    return _required(require_explanation, "A reason", text)


def _required(require: Callable[[str, str], object], noun: str, text: str) -> str:
    """`text`, if `require` accepts it."""
    try:
        require(noun, text)
    except InvalidRequest as error:
        exit_with_usage_error(f"{error}.")
    return text


def read_seconds(text: str) -> int:
    """A duration above 0, in milliseconds."""
    try:
        duration_ms = parse_seconds(text)
    except ValueError as error:
        exit_with_usage_error(f"--seconds {error}")
    if duration_ms == 0:
        exit_with_usage_error("--seconds must be more than 0")
    return duration_ms


def read_at(text: str | None) -> int | None:
    """The instant of `--at`, in milliseconds, if there is one."""
    return None if text is None else read_instant("--at", text)


NEGATIVE_AMOUNT: Final = {"ignore_unknown_options": True}
"""Settings of a command whose argument is an amount: `-5` is a wrong amount, and not an option that does not exist."""


def read_amount(text: str) -> int:
    """An amount above 0, in micro-credits."""
    try:
        amount = parse_credits(text)
    except ValueError as error:
        exit_with_usage_error(f"AMOUNT {error}")
    if amount == 0:
        exit_with_usage_error("AMOUNT must be more than 0")
    return amount


def read_instant(option: str, text: str) -> int:
    """The instant of an option, in milliseconds."""
    try:
        return parse_instant(text)
    except ValueError as error:
        exit_with_usage_error(f"{option} {error}")


def read_tariff(path: Path) -> Tariff:
    """The tariff in a file. All mistakes in it are reported together."""
    try:
        document = parse_json(path.read_bytes())
    except (ValueError, RecursionError) as error:
        exit_with_usage_error(f"{path} can't be read as JSON: {error}")
    return parse_tariff(str(path), document)


def parse_tariff(origin: str, document: object) -> Tariff:
    """The tariff of a JSON document, which comes from a file or an option."""
    try:
        return Tariff.parse(document)
    except TariffError as error:
        lines = [f"{origin} is not a valid tariff:", *(f"{field} {text}" for field, text in error.errors)]
        exit_with_usage_error("\n  ".join(lines))


def read_length(option: str, text: str) -> int:
    """A length of time such as `90`, `90s`, `3m` or `1.5h`, in milliseconds. A number alone is seconds."""
    number, unit = (text[:-1], text[-1]) if text[-1:] in _UNITS else (text, "s")
    try:
        duration_ms = parse_seconds(number) * _UNITS[unit]
    except ValueError:
        exit_with_usage_error(f"{option} must be a length of time such as 90s, 3m or 1h")
    return duration_ms


def read_terms(document: dict[str, object]) -> Terms:
    """An advisor's terms, of which a text may be wrong."""
    try:
        return Terms.parse(document)
    except TermsError as error:
        exit_with_usage_error("; ".join(f"--{field.replace('_', '-')} {text}" for field, text in error.errors))
