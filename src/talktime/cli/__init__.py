"""What people type: `talktime …`.

app        the commands about the service and the database, and all others by their names
users, advisors, records, receipts, reports      the commands about these
arguments  what follows a command's name, and what of it is refused
console    how a command reads settings, opens the database, prints and fails
"""

from __future__ import annotations

import sys

from talktime import extras


def main() -> None:
    """The command `talktime`."""
    try:
        extras.require("cli")
    except extras.MissingExtra as error:
        sys.exit(f"talktime: {error}")
    from talktime.cli.app import main as run  # noqa: PLC0415  it needs what was asked for above

    run()
