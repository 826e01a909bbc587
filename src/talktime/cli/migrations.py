"""`talktime migrate`: brings the schema of the database up to date."""

from __future__ import annotations

import asyncio

import typer

from talktime.cli.output import AsJson, print_json
from talktime.cli.running import read_settings


def migrate(context: typer.Context, as_json: AsJson = False) -> None:
    """Bring the schema of the database up to date."""
    from talktime.database.migrate import migrate as migrate_database  # noqa: PLC0415  only this command migrates

    settings = read_settings(context)

    async def apply_migrations() -> list[str]:
        if settings.database_url is not None:
            return await migrate_database(settings.database_url)
        from talktime.postgres.embedded import embedded_database  # noqa: PLC0415  an extra, which may be missing

        async with embedded_database(settings.data_dir) as url:
            return await migrate_database(url)

    applied = asyncio.run(apply_migrations())
    if as_json:
        print_json({"applied": applied})
    elif applied:
        print("\n".join(f"applied {revision}" for revision in applied))
    else:
        print("Nothing to do: the schema is current.")
