"""The program `talktime`: its commands, and the options that all of them have.

Data goes to standard output, as text for people or with `--json` as one JSON document. Logs and errors go to standard
error. `exits` lists the exit codes.
"""

from __future__ import annotations

import sys
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup

from talktime.cli import (
    advisors,
    benchmarks,
    config,
    doctor,
    entries,
    events,
    imports,
    keys,
    links,
    migrations,
    prices,
    receipts,
    records,
    reports,
    serving,
    shadows,
    tokens,
    users,
    webhooks,
)
from talktime.cli.connecting import GlobalOptions
from talktime.cli.examples import add_examples
from talktime.cli.exits import exit_with_error, show_tracebacks
from talktime.cli.global_options import with_global_options_first

_OF_PYDANTIC: Final = "Value error, "
"""How typer begins some of its messages: the words of the library that has checked the value."""


class _Commands(TyperGroup):
    """All commands. An argument that typer refuses is refused in words for people."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except typer.BadParameter as error:
            error.message = error.message.removeprefix(_OF_PYDANTIC)
            raise


app = typer.Typer(
    cls=_Commands, no_args_is_help=True, pretty_exceptions_enable=False, help="The meter for paid conversations."
)
for command in (
    serving.serve,
    serving.demo,
    migrations.migrate,
    doctor.doctor,
    receipts.receipt,
    entries.entries,
    events.events,
    reports.report,
    reports.replay,
    prices.price,
):
    app.command()(command)
app.command()(shadows.shadow)
app.command("import")(imports.import_files)
app.command("open")(links.open_page)
# The arguments after the name of a benchmark, `--help` too, are for the benchmark.
app.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})(benchmarks.bench)
app.add_typer(config.app, name="config")
app.add_typer(tokens.app, name="token")
app.add_typer(keys.app, name="key")
app.add_typer(users.app, name="user")
app.add_typer(advisors.app, name="advisor")
app.add_typer(records.app, name="record")
app.add_typer(webhooks.app, name="webhook")


add_examples(app)


def _show_version(is_wanted: bool) -> None:
    if is_wanted:
        print(metadata.version("talktime"))
        raise typer.Exit


@app.callback()
def read_global_options(
    context: typer.Context,
    database_url: Annotated[
        str | None, typer.Option(help="The PostgreSQL database to use.", show_default="the embedded database")
    ] = None,
    data_dir: Annotated[
        Path | None, typer.Option(help="The folder of the embedded database and the generated secret.")
    ] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Log more, and show where errors come from.")] = False,
    version: Annotated[  # noqa: ARG001  printing the version ends the program
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Read the options that every command has."""
    context.obj = GlobalOptions(database_url, data_dir, debug)
    show_tracebacks(debug)


def main() -> None:
    """Run the command that was typed."""
    try:
        app(with_global_options_first(sys.argv[1:]))
    except Exception as error:  # noqa: BLE001  every error becomes an exit code here
        exit_with_error(error)
