"""How a command ends: its exit code, and the line on standard error that says why."""

from __future__ import annotations

import sys
from enum import IntEnum
from typing import Final, NoReturn

import typer

from talktime.cli.global_options import words_of
from talktime.core.errors import Conflict, DatabaseProblem, InvalidRequest, NotFound, TalktimeError
from talktime.extras import MissingExtra

_OPTIONS: Final = {"begin": "--from", "end": "--to", "duration_ms": "--seconds", "ring_ms": "--ring-seconds"}
"""The options that have other names than the arguments of the library."""

_shows_tracebacks = False


class ExitCode(IntEnum):
    """The exit codes of all commands."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    """An argument or a setting is not allowed."""
    NOT_FOUND = 3
    CONFLICT = 4


_CODES: Final[dict[type[Exception], ExitCode]] = {
    InvalidRequest: ExitCode.USAGE,
    NotFound: ExitCode.NOT_FOUND,
    Conflict: ExitCode.CONFLICT,
}


def show_tracebacks(is_wanted: bool) -> None:
    """Whether `exit_with_error` raises the error, so that Python shows where it comes from."""
    global _shows_tracebacks  # noqa: PLW0603  one process, one command line
    _shows_tracebacks = is_wanted


def exit_with_usage_error(message: str) -> NoReturn:
    """Say which argument is not allowed."""
    _print_error(message)
    raise typer.Exit(ExitCode.USAGE)


def exit_with_failure(message: str) -> NoReturn:
    """Say what failed."""
    _print_error(message)
    raise typer.Exit(ExitCode.FAILED)


def exit_with_error(error: Exception) -> NoReturn:
    """Print an error in one line, and exit with its code."""
    from talktime.settings import SettingsError  # noqa: PLC0415  `talktime --help` starts faster without it

    if _shows_tracebacks:
        raise error
    if isinstance(error, InvalidRequest):
        message = "; ".join(f"{_OPTIONS.get(each['field'], each['field'])} {each['message']}" for each in error.errors)
    elif isinstance(error, TalktimeError):
        message = error.detail
    elif isinstance(error, SettingsError | DatabaseProblem | OSError | MissingExtra):
        message = str(error)
    else:
        message = f"{type(error).__name__}: {error} (talktime --debug … shows where)"
    _print_error(message)
    sys.exit(ExitCode.USAGE if isinstance(error, SettingsError) else _CODES.get(type(error), ExitCode.FAILED))


def _print_error(message: str) -> None:
    """Print an error behind the command and its arguments, so that a log of several commands says which one failed."""
    print(f"talktime {words_of(sys.argv[1:])}".rstrip() + f": {message}", file=sys.stderr)
