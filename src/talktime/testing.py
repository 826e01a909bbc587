"""For the tests of a host: a disposable database, and a clock that the test moves.

    from talktime.testing import disposable_talktime

    async with disposable_talktime() as talktime:
        ...
        await talktime.advance_clock(3_600_000)     # an hour, in milliseconds, with everything that falls due in it

Engine time runs as usual, and `advance_clock` moves it ahead. Each deadline on the way is applied as of its instant.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from talktime import logs
from talktime.database.migrate import migrate
from talktime.postgres.embedded import EmbeddedServer
from talktime.postgres.guardian import Guardian
from talktime.settings import load_settings
from talktime.talktime import Talktime


@asynccontextmanager
async def disposable_database() -> AsyncIterator[str]:
    """The address of an empty, migrated database on a server of its own.

    Server and database are removed at the end, even if the program is killed.

    Raises:
        DatabaseProblem: the server cannot be started.
    """
    logs.configure_by_default()
    folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="talktime-"))
    # The data need not survive a power cut.
    server = EmbeddedServer(folder, settings={"fsync": "off", "full_page_writes": "off"})
    guardian = await asyncio.to_thread(Guardian)
    guardian.guard_folder(folder)
    try:
        await asyncio.to_thread(server.start)
        await migrate(server.url)
        yield server.url
    finally:
        await asyncio.to_thread(server.stop)
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
        await asyncio.to_thread(guardian.close)


@asynccontextmanager
async def disposable_talktime(**settings: object) -> AsyncIterator[Talktime]:
    """A `Talktime` on a database of its own. `settings` are settings by name, such as `presence_lease_seconds=5`."""
    async with (
        disposable_database() as url,
        Talktime.connect(url, settings=load_settings(database_url=url, **settings)) as talktime,
    ):
        yield talktime
