"""The program `talktime`: its commands, and the options that all of them have.

Data goes to standard output, as text for people or with `--json` as one JSON document. Logs and errors go to standard
error. `exits` lists the exit codes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from talktime.cli import (
    advisors,
    benchmarks,
    doctor,
    migrations,
    prices,
    receipts,
    records,
    reports,
    serving,
    tokens,
    users,
)
from talktime.cli.exits import exit_with_error, show_tracebacks
from talktime.cli.running import GlobalOptions

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help="The meter for paid conversations."
)
for command in (
    serving.serve,
    serving.demo,
    migrations.migrate,
    doctor.doctor,
    receipts.receipt,
    reports.report,
    reports.replay,
    prices.price,
):
    app.command()(command)
# The arguments after the name of a benchmark, `--help` too, are for the benchmark.
app.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})(benchmarks.bench)
app.add_typer(tokens.app, name="token")
app.add_typer(users.app, name="user")
app.add_typer(advisors.app, name="advisor")
app.add_typer(records.app, name="record")


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
) -> None:
    """Read the options that stand before the name of a command."""
    context.obj = GlobalOptions(database_url, data_dir, debug)
    show_tracebacks(debug)


def main() -> None:
    """Run the command that was typed."""
    try:
        app()
    except Exception as error:  # noqa: BLE001  every error becomes an exit code here
        exit_with_error(error)
