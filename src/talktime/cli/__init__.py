"""The program `talktime`.

app          all commands, and the options that stand before their names
serving      `serve` and `demo`
migrations   `migrate`
doctor       `doctor`
tokens       `token …`
prices       `price`
users        `user …`
advisors     `advisor …`
records      `record …`
receipts     `receipt`
reports      `report` and `replay`
benchmarks   `bench`
arguments    reads what is typed, and refuses what is not allowed
running      settings, and the connection to the database
output       JSON, tables, CSV and progress
exits        exit codes and error messages
"""

from __future__ import annotations

import sys

from talktime import extras


def main() -> None:
    """Run the command that was typed, if the command line is installed."""
    try:
        extras.require("cli")
    except extras.MissingExtra as error:
        sys.exit(f"talktime: {error}")
    from talktime.cli.app import main as run_app  # noqa: PLC0415  it needs the packages of the extra

    run_app()
