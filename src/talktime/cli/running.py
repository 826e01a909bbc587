"""How a command reads its settings and reaches the database."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import typer

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


def read_settings(context: typer.Context, *, host: str | None = None, port: int | None = None) -> Settings:
    """The settings, of which the options of the command line come first. Also configures the logs.

    Raises:
        SettingsError: a setting is not allowed.
    """
    from talktime import logs  # noqa: PLC0415  `talktime --help` starts faster without it
    from talktime.settings import load_settings  # noqa: PLC0415  for the same reason

    options: GlobalOptions = context.obj
    logs.configure(debug=options.debug)
    return load_settings(database_url=options.database_url, data_dir=options.data_dir, host=host, port=port)


def run_with_talktime(context: typer.Context, work: Callable[[Talktime], Awaitable[_Result]]) -> _Result:
    """Connect to the database, do `work`, and disconnect. No deadlines are applied in the background.

    Returns:
        What `work` returns.
    """
    from talktime.talktime import Talktime  # noqa: PLC0415  `talktime --help` starts faster without it

    settings = read_settings(context)

    async def connect_and_work() -> _Result:
        async with Talktime.connect(settings=settings, work=False) as talktime:
            return await work(talktime)

    return asyncio.run(connect_and_work())
