"""Which errors mean that the database can't be used right now. This module alone decides it.

One lost connection, one restart or one full disk shows itself as a dozen different errors of the operating system, of
asyncpg and of PostgreSQL. `unavailable` turns all of them into `DatabaseUnavailable`, so the rest of the program knows
one error. Every other error is a fault of the program, and stays as it is.
"""

from __future__ import annotations

import asyncio
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import asyncpg

from talktime.core.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator


class DatabaseUnavailable(Unavailable):
    """The database can't be used right now: it can't be reached, or it refuses to work for a while."""


class Contention(DatabaseUnavailable):
    """The transaction lost against another one, or against a change of the schema: it may succeed if tried at once."""


class LockWait(DatabaseUnavailable):
    """Another transaction holds a lock, and has held it for too long."""


class ReadOnly(DatabaseUnavailable):
    """The server takes no writes: it is a standby, or an operator has made it read-only."""


_WRONG_TYPE: Final = re.compile(r"^invalid input for query argument .*(expected \w+, got \w+)\)$", re.DOTALL)
"""The message of asyncpg about a value that it can't send."""

_CLOSED: Final = frozenset({"pool is closed", "pool is closing"})
"""The messages of asyncpg where the program itself has disconnected. To try again does not help."""

_READ_ONLY: Final = "25006"
_NO_RIGHT: Final = "42501"
_LOCK_WAIT: Final = "55P03"

_CONTENTION: Final = frozenset(
    {
        "40001",  # serialization failure
        "40P01",  # deadlock
        "26000",  # the prepared statement is gone: the schema or the server behind the connection has changed
    }
)

_CLASSES: Final = frozenset(
    {
        "08",  # connection
        "28",  # the role may not connect, while a database is moved or closed
        "3D",  # there is no such database, while a database is restored
        "3F",  # there is no such schema, for the same reason
        "40",  # transaction rollback
        "53",  # resources: the disk is full, no memory, too many connections
        "57",  # an operator intervenes: restarts, cancelled statements, a server that starts or stops
        "58",  # the system of the server fails: input or output
        "72",  # an old snapshot is gone
        "F0",  # the configuration of the server
    }
)

_STATES: Final = frozenset(
    {
        _READ_ONLY,
        _LOCK_WAIT,
        *_CONTENTION,
        "25P02",  # the transaction has failed before
        "25P03",  # idle in a transaction for too long
        "25P04",  # the transaction took too long
        _NO_RIGHT,  # for a moment while a database is restored, or until somebody grants the right again
        "42703",  # a column is missing, while the schema is changed
        "42704",  # an object is missing, for the same reason
        "42883",  # a function is missing, for the same reason
        "42P01",  # a table is missing, for the same reason
        "42P05",  # the prepared statement exists already: another server is behind the connection
        "55000",  # the database takes no connections
        "55006",  # an object is in use
        "XX000",  # what PostgreSQL did not foresee, such as a table that vanishes while a statement runs
    }
)


def unavailable(error: BaseException) -> DatabaseUnavailable | None:
    """The error for the caller, if this error means that the database can't be used; None for every other error."""
    if isinstance(error, DatabaseUnavailable):
        return error
    if isinstance(error, asyncpg.InvalidCachedStatementError | asyncpg.OutdatedSchemaCacheError):
        return Contention("The schema of the database is being changed. Try again.")
    if isinstance(error, asyncpg.PostgresError):
        return _refused(error)
    if isinstance(error, asyncpg.InterfaceError) and str(error) in _CLOSED:
        return DatabaseUnavailable("This connection was closed: `async with Talktime.connect(…)` has ended.")
    # `TimeoutError` is an `OSError`. An `InterfaceError` that is a `ValueError` blames an argument. But a file that an
    # argument names, such as a certificate, may come back.
    blames_connection = isinstance(error, OSError | asyncpg.InterfaceError | asyncpg.InternalClientError)
    if blames_connection and not (
        isinstance(error, ValueError) and not isinstance(error, asyncpg.ClientConfigurationError)
    ):
        return DatabaseUnavailable("The database can't be reached. Try again.")
    return None


def _refused(error: asyncpg.PostgresError) -> DatabaseUnavailable | None:
    state = error.sqlstate or ""
    if state in _CONTENTION:
        return Contention("Too much at once. Try again.")
    if state == _LOCK_WAIT:
        return LockWait("Somebody else works on the same thing. Try again.")
    if state == _READ_ONLY:
        return ReadOnly("The database takes no changes right now. Try again.")
    if state == _NO_RIGHT:
        return DatabaseUnavailable(
            "A right is missing in the database. If this lasts, let the owner of the tables run: talktime migrate"
            " --grant-to ROLE"
        )
    if state[:2] in _CLASSES or state in _STATES or isinstance(error, asyncpg.UnknownPostgresError):
        return DatabaseUnavailable("The database can't be reached. Try again.")
    return None


def is_own_cancellation() -> bool:
    """Whether somebody cancels the current task. asyncpg can raise a `CancelledError` that nobody asked for."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


@contextmanager
def translated() -> Iterator[None]:
    """Raises `DatabaseUnavailable` in place of every error that means that the database can't be used."""
    try:
        yield
    except asyncio.CancelledError as error:
        if is_own_cancellation():
            raise
        raise DatabaseUnavailable("The database can't be reached. Try again.") from error
    except Exception as error:
        refusal = unavailable(error)
        if refusal is None or refusal is error:
            raise
        raise refusal from error
