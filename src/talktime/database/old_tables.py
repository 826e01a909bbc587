"""The tables of another system, read as CSV by PostgreSQL itself, so that every type becomes text in one way.

All tables are read in one transaction that sees one state and can't write.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import asyncpg

from talktime.core.errors import DatabaseProblem
from talktime.database.connecting import CONNECT_SECONDS, open_connection
from talktime.documents.import_rows import csv_cells

if TYPE_CHECKING:
    from collections.abc import Iterable

    from talktime.documents.import_rows import Cells
    from talktime.documents.mapping import OldTable


async def read_old_tables(url: str, tables: Iterable[OldTable]) -> dict[str, list[Cells]]:
    """The rows of the tables of a mapping, by the name of their source.

    Raises:
        DatabaseProblem: the database can't be reached, or refuses to read a table.
    """
    settings = {"timezone": "UTC", "datestyle": "ISO"}
    try:
        connection = await open_connection(url, CONNECT_SECONDS, name="talktime import", settings=settings)
    except ValueError:
        # Its message may quote the part with the password.
        raise DatabaseProblem("--source can't be read as an address.") from None
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
        raise DatabaseProblem(f"The database of --source can't be reached: {str(error) or 'no answer'}") from error
    sources: dict[str, list[Cells]] = {}
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            for table in tables:
                name = table.name if table.name not in sources else f"{table.name} {len(sources)}"
                sources[name] = list(table.cells(csv_cells(io.StringIO(await _csv(connection, table), newline=""))))
    except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise DatabaseProblem(f"{table.name} can't be read: {error}") from error
    finally:
        connection.terminate()
    return sources


async def _csv(connection: asyncpg.Connection, table: OldTable) -> str:
    output = io.BytesIO()
    if table.table is None:
        await connection.copy_from_query(table.query or "", output=output, format="csv", header=True)
    else:
        columns = sorted(set(table.columns.values()))
        await connection.copy_from_table(
            table.table, schema_name=table.schema, columns=columns, output=output, format="csv", header=True
        )
    return output.getvalue().decode("utf-8")
