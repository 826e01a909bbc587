"""The settings of a command, and its connection to the database."""

from __future__ import annotations

import asyncio
import getpass
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, TypeVar

import typer

from talktime.core.actors import Actor
from talktime.core.ids import ID_LENGTH_MAX
from talktime.core.roles import Role

if TYPE_CHECKING:
    from talktime.settings import Settings
    from talktime.talktime import Talktime

_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class GlobalOptions:
    """The options of every command, which stand before its name. None: the option was not used."""

    database_url: str | None
    data_dir: Path | None
    debug: bool


def read_settings(context: typer.Context, *, quiet: bool = False, **command_line: Any) -> Settings:
    """The settings, of which the options of the command line come first. Also configures the logs.

    Args:
        context: has the options of every command.
        quiet: only warnings and errors are logged: a person who types a short command wants to see its result.
        command_line: settings by their names, as options of this command give them; None for those not given.

    Raises:
        SettingsError: a setting is not allowed.
    """
    from talktime import logs  # noqa: PLC0415  `talktime --help` starts faster without it
    from talktime.settings import load_settings  # noqa: PLC0415  for the same reason

    options: GlobalOptions = context.obj
    logs.configure(debug=options.debug, quiet=quiet)
    return load_settings(database_url=options.database_url, data_dir=options.data_dir, **command_line)


def log_to_file(context: typer.Context, file: TextIO) -> None:
    """Send the logs into a file from now on."""
    from talktime import logs  # noqa: PLC0415  `talktime --help` starts faster without it

    options: GlobalOptions = context.obj
    logs.configure(debug=options.debug, to=file)


def run_with_talktime(
    context: typer.Context, work: Callable[[Talktime], Awaitable[_Result]], *, dry_run: bool = False
) -> _Result:
    """Connect to the database, do `work`, and disconnect. No deadlines are applied in the background.

    With `dry_run` each command is rolled back once its answer is there.

    Returns:
        What `work` returns.
    """
    from talktime.talktime import Talktime  # noqa: PLC0415  `talktime --help` starts faster without it

    settings = read_settings(context, quiet=True)
    if settings.database_url is None and not (settings.data_dir / "database").exists():
        typer.echo(f"talktime: TALKTIME_DATABASE_URL is not set, so this makes {database_in_words(settings)}", err=True)

    async def connect_and_work() -> _Result:
        async with Talktime.connect(settings=settings, work=False) as talktime:
            talktime.engine.is_trial = dry_run
            return await work(talktime)

    result = asyncio.run(connect_and_work())
    if dry_run:
        typer.echo("talktime: this was a dry run, and nothing has changed", err=True)
    return result


def database_in_words(settings: Settings) -> str:
    """The database that the settings name, in words and without a password."""
    from talktime.database.addresses import shown  # noqa: PLC0415  `talktime --help` starts faster without it

    if settings.database_url is None:
        return f"the embedded database in {settings.data_dir}"
    return shown(settings.database_url)


def person_at_the_terminal() -> Actor:
    """The person at the terminal, to be kept with each change."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = str(os.getuid())
    return Actor(Role.OPERATOR, f"terminal:{name}"[:ID_LENGTH_MAX])
