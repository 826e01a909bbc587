"""Whether a transaction pooler, such as PgBouncer, stands between this process and PostgreSQL.

A transaction pooler gives each transaction of a client any of its connections to the server. What belongs to a session
is lost, or worse, is found by another client: settings, prepared statements, `LISTEN`, locks of the session.

No pooler says what it is, but each server process has a number, and tells it to its client at the beginning. A pooler
tells a number of its own. Whether the process behind a connection changes is then tried: while one connection is in a
transaction, another one needs a second process, and afterwards one of the two gets the process of the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from talktime.database.connecting import open_connection

if TYPE_CHECKING:
    from asyncpg import Connection

_SECONDS: Final = 3.0
_TRIES: Final = 3

_PROCESS: Final = "select pg_backend_pid()"


async def is_pooled(connection: Connection[Any], url: str) -> bool:
    """Whether the transactions of a connection to this address may run in different processes of the server.

    Raises what `open_connection` raises.
    """
    if await connection.fetchval(_PROCESS) == connection.get_server_pid():
        return False
    other = await open_connection(url, _SECONDS, has_session=False)
    try:
        for _ in range(_TRIES):
            async with connection.transaction():
                processes = await _processes(connection, other)
            if await _processes(connection, other) != processes:
                return True
    except TimeoutError:
        return True  # the pooler has a single connection to the server, which the transaction has
    finally:
        other.terminate()
    return False


async def _processes(*connections: Connection[Any]) -> list[int]:
    return [await connection.fetchval(_PROCESS, timeout=_SECONDS) for connection in connections]
