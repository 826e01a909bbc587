"""`talktime migrate`: brings the schema of the database up to date."""

from __future__ import annotations

import asyncio
import sys
from typing import Annotated

import typer

from talktime.cli.connecting import database_in_words, read_settings
from talktime.cli.output import AsJson, print_json


def migrate(
    context: typer.Context,
    grant_to: Annotated[
        str | None,
        typer.Option(
            metavar="ROLE", help="A role of PostgreSQL that shall run the service: it may read and write rows."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Bring the schema of the database up to date."""
    from talktime.database.migrate import migrate as migrate_database  # noqa: PLC0415  only this command migrates

    settings = read_settings(context, quiet=True)
    print(f"talktime migrate: the database is {database_in_words(settings)}", file=sys.stderr)

    async def apply_migrations() -> list[str]:
        if settings.database_url is not None:
            return await migrate_database(settings.database_url, grant_to=grant_to)
        from talktime.postgres.embedded import embedded_database  # noqa: PLC0415  an extra, which may be missing

        async with embedded_database(settings.data_dir) as url:
            return await migrate_database(url, grant_to=grant_to)

    applied = asyncio.run(apply_migrations())
    if grant_to is not None:
        print(f"talktime migrate: {grant_to} may read and write rows", file=sys.stderr)
    if as_json:
        print_json({"applied": applied})
    elif applied:
        print("\n".join(f"applied {revision}" for revision in applied))
    else:
        print("Nothing to do: the schema is current.")
