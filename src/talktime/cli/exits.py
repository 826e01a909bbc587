"""How a command ends: its exit code, and the line on standard error that says why."""

from __future__ import annotations

import sys
from enum import IntEnum
from typing import Final, NoReturn

import typer

from talktime.core.errors import Conflict, DatabaseProblem, InvalidRequest, NotFound, TalktimeError
from talktime.extras import MissingExtra

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
    print(f"talktime: {message}", file=sys.stderr)
    raise typer.Exit(ExitCode.USAGE)


def exit_with_failure(message: str) -> NoReturn:
    """Say what failed."""
    print(f"talktime: {message}", file=sys.stderr)
    raise typer.Exit(ExitCode.FAILED)


def exit_with_error(error: Exception, words: str = "") -> NoReturn:
    """Print an error in one line, and exit with its code. `words` is the command with its arguments."""
    from talktime.settings import SettingsError  # noqa: PLC0415  `talktime --help` starts faster without it

    if _shows_tracebacks:
        raise error
    if isinstance(error, TalktimeError):
        message = error.detail
    elif isinstance(error, SettingsError | DatabaseProblem | OSError | MissingExtra):
        message = str(error)
    else:
        message = f"{type(error).__name__}: {error} (talktime --debug … shows where)"
    print(f"talktime {words}: {message}" if words else f"talktime: {message}", file=sys.stderr)
    sys.exit(ExitCode.USAGE if isinstance(error, SettingsError) else _CODES.get(type(error), ExitCode.FAILED))
