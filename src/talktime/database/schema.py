"""The objects that the schema must have, and how a database differs from that.

The rules of the auditor find wrong facts. Constraints and triggers keep wrong facts out, and a database can lose them.
For example, a dump of the schema `talktime` alone has no extensions, so it is restored without the constraint that
segments never overlap. `sql/schema.txt` lists what a migrated database has; a test keeps the list true.
"""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Final

from talktime.database.queries import SQL

if TYPE_CHECKING:
    from talktime.database.pool import Connection

EXPECTED: Final = frozenset(files("talktime.database").joinpath("sql/schema.txt").read_text("utf-8").splitlines())


async def schema_lines(connection: Connection) -> list[str]:
    """The objects of the schema of this database: one line for each object, with the object's definition."""
    rows = await connection.fetch(SQL["schema_objects"])
    return sorted(f"{row['object']}: {' '.join(row['definition'].split())}" for row in rows)


async def schema_faults(connection: Connection) -> list[str]:
    """The objects that are missing, or different, in this database. Objects that somebody added are not faults."""
    found = dict(line.split(": ", 1) for line in await schema_lines(connection))
    faults: list[str] = []
    for line in sorted(EXPECTED):
        name, definition = line.split(": ", 1)
        if name not in found:
            faults.append(f"{name} is missing; it is: {definition}")
        elif found[name] != definition:
            faults.append(f"{name} is {found[name]}; it must be: {definition}")
    return faults
