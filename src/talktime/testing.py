"""For the tests of a host: a disposable database, a clock that the test moves, and conversations that take no time.

    from talktime.testing import disposable_talktime, talk

    async with disposable_talktime() as talktime:
        ...
        await talk(talktime, "chat 1", minutes=60)  # the two talk for an hour, to the millisecond
        await talktime.advance_clock(3_600_000)     # an hour, in milliseconds, with everything that falls due in it

Engine time runs as usual, and both move it ahead. Each deadline on the way is applied as of its instant.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from talktime import extras, logs

extras.require("embedded")  # before `talktime.postgres`, which advises a database of the host's own

from talktime.blocking import call_blocking
from talktime.core.errors import InvalidRequest
from talktime.core.record import State
from talktime.database.migrate import migrate
from talktime.engine.presence import Talk
from talktime.postgres.embedded import EmbeddedServer
from talktime.postgres.guardian import Guardian
from talktime.settings import load_settings
from talktime.talktime import BlockingTalktime, Talktime

if TYPE_CHECKING:
    from talktime.documents.snapshot import Snapshot

_MINUTES_MAX: Final = 60 * 24 * 366


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


@contextmanager
def disposable_blocking_talktime(**settings: object) -> Iterator[BlockingTalktime]:
    """`disposable_talktime` for tests without an event loop, such as those of Django and Flask."""
    with BlockingTalktime(lambda: disposable_talktime(**settings)) as talktime:
        yield talktime


def blocking_talk(talktime: BlockingTalktime, chat_id: str, *, minutes: float) -> Snapshot:
    """`talk` for tests without an event loop."""
    return call_blocking(talktime, lambda connected: talk(connected, chat_id, minutes=minutes))


async def talk(talktime: Talktime, chat_id: str, *, minutes: float) -> Snapshot:
    """Let the user and the advisor talk: both are present until the timer of this chat has run for so long.

    The minutes are exact, however long the test takes: they count from when the timer starts, or from when it started
    last if it runs. At their end both fall silent, so the record pauses at that very instant. The next `talk` of the
    chat goes on, and `stop` ends the record. A requested record is accepted first. If the credit ends before, the
    answer is of that instant: the record is out of credit, and waits.

    Args:
        talktime: any node, on a database that is for tests alone: its clock is moved.
        chat_id: a chat whose record was started.
        minutes: how long, above 0 and at most a year.

    Returns:
        What a screen of the chat shows after that.

    Raises:
        InvalidRequest: `minutes` is not allowed, or the timer has run for longer already.
        NotFound: there is no such chat.
        NotRunning: the timer does not run although both are present: a person has paused the record, there is no
            credit, or the record has ended.
    """
    if not 0 < minutes <= _MINUTES_MAX:
        raise InvalidRequest(("minutes", f"must be more than 0, and at most {_MINUTES_MAX}"))
    if (await talktime.snapshot(chat_id)).record.state is State.REQUESTED:
        await talktime.accept(chat_id)
    user_id, _ = await talktime.chat_parties(chat_id)
    talking = Talk(user_id, chat_id, round(minutes * 60_000))
    snapshot = await talktime.engine.run(talking)
    await talktime.advance_clock(talking.stops_at - snapshot.server_time)
    return await talktime.snapshot(chat_id)
