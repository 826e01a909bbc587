"""SQL for tests: connections beside those of the program, and a clock that stands still."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from talktime.database import pool

if TYPE_CHECKING:
    from talktime.database.pool import Pool

STANDING_CLOCK: Final = """
create or replace function talktime.engine_now() returns timestamptz language sql volatile
return (select timestamptz '2030-01-05 10:00:00Z' + offset_ms * interval '1 millisecond' from talktime.engine_clock)
"""
"""Makes engine time stand still, except when the test clock is advanced: every millisecond of a bill is known."""

_CONNECTIONS_MAX: Final = 4


@asynccontextmanager
async def open_database(database_url: str) -> AsyncIterator[Pool]:
    """Connections of a test's own to a database; instants are integers, as they are in the program."""
    async with pool.open_database(database_url, size=_CONNECTIONS_MAX) as database:
        yield database.pool
