"""The program `talktime`.

app             all commands, and the options that stand before their names
serving         `serve` and `demo`
migrations      `migrate`
doctor          `doctor`
tokens          `token …`
keys            `key …`
links           `open`
prices          `price`
users           `user …`
advisors        `advisor …`
records         `record …`
receipts        `receipt`
entries         `entries`
reports         `report` and `replay`
imports         `import`
shadows         `shadow`
benchmarks      `bench`
config          `config …`
examples        an example of each command, for its help
global_options  the options that every command has, wherever they stand
arguments       reads what is typed, and refuses what is not allowed
periods         reads the options that name a period
connecting      settings, and the connection to the database
output          JSON, tables, CSV and progress
exits           exit codes and error messages
events          `events`
webhooks        `webhook …`
"""

from __future__ import annotations

import sys

from talktime import extras


def main() -> None:
    """Run the command that was typed, if the command line is installed."""
    try:
        extras.require("cli")
    except extras.MissingExtra as error:
        # `uvx talktime demo` is what people type first, and it comes without the extras.
        demo = " To run the demo: uvx --from 'talktime[all]' talktime demo" if "demo" in sys.argv[1:2] else ""
        sys.exit(f"talktime: {error}{demo}")
    from talktime.cli.app import main as run_app  # noqa: PLC0415  it needs the packages of the extra

    run_app()
