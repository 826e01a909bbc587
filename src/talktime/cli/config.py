"""`talktime config …`: the settings that a command would run with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from talktime.cli.connecting import read_settings
from talktime.cli.output import AsJson, print_table

if TYPE_CHECKING:
    from talktime.settings import Settings

app = typer.Typer(no_args_is_help=True, help="The settings.")


@app.command("show")
def show_config(context: typer.Context, as_json: AsJson = False) -> None:
    """Show each setting, and where its value comes from. Secrets and passwords are not shown."""
    from talktime.settings import PREFIX, sources  # noqa: PLC0415  `talktime --help` starts faster without it

    settings = read_settings(context)
    came_from = sources(database_url=context.obj.database_url, data_dir=context.obj.data_dir)
    rows = [
        {"setting": PREFIX + name.upper(), "value": _text(settings, name), "source": came_from[name]}
        for name in type(settings).model_fields
    ]
    print_table("settings", rows, ("setting", "value", "source"), as_json)


def _text(settings: Settings, name: str) -> str | None:
    value = getattr(settings, name)
    if value is None:
        return None
    if isinstance(value, tuple):
        return ", ".join(str(part) for part in value)
    if isinstance(value, bool):
        return str(int(value))
    from talktime.logs import without_passwords  # noqa: PLC0415  `talktime --help` starts faster without it

    return without_passwords(str(value), "…")
