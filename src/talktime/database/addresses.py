"""The address of a database: its servers, its parameters, and how a message shows it.

libpq, Django, Prisma and the sellers of databases each write parameters into an address. asyncpg takes those that it
knows, and sends all others to the server as settings, which refuses the connection. So this module removes parameters
that have no effect here. It refuses parameters whose effect would be missed, and says what to do instead.
"""

from __future__ import annotations

import os
import re
import shlex
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, unquote, urlsplit

from talktime.core.errors import DatabaseProblem

if TYPE_CHECKING:
    from urllib.parse import SplitResult

VARIABLE: Final = "TALKTIME_DATABASE_URL"

_WITHOUT_EFFECT: Final = frozenset(
    {
        "channel_binding",  # asyncpg's SCRAM has none; TLS with `sslmode=verify-full` proves the server
        "connect_timeout",  # TALKTIME_CONNECT_SECONDS
        "fallback_application_name",
        "gssdelegation",
        "gssencmode",
        "keepalives",  # `connecting` sets its own
        "keepalives_count",
        "keepalives_idle",
        "keepalives_interval",
        "load_balance_hosts",
        "max_protocol_version",
        "min_protocol_version",
        "require_auth",
        "requirepeer",
        "sslcertmode",
        "sslcompression",
        "sslcrldir",
        "sslsni",
        "tcp_user_timeout",
    }
)
"""Parameters of libpq that change nothing here."""

_ADDRESS: Final = re.compile(r"([^:/?#]+://)([^/?#]*)(.*)", re.DOTALL)
"""The scheme, the login with the hosts, and the rest."""

_SECRET: Final = re.compile(r"(ssl)?password=", re.IGNORECASE)

_REFUSED: Final = {
    "schema": "The schema is always named talktime: remove schema= from the address",
    "currentSchema": "The schema is always named talktime: remove currentSchema= from the address",
    "pgbouncer": "Remove pgbouncer= from the address, set TALKTIME_FANOUT=polling, and read the document"
    ' "Operate talktime" about transaction poolers',
    "connection_limit": "Remove connection_limit= from the address, and set TALKTIME_POOL_SIZE",
    "pool_size": "Remove pool_size= from the address, and set TALKTIME_POOL_SIZE",
    "pool_timeout": "Remove pool_timeout= from the address, and set TALKTIME_DATABASE_SECONDS",
}
"""Parameters that are refused, each with what to do instead."""


class DatabaseUnfit(DatabaseProblem):
    """The database, or its address, is not one that talktime can use. Waiting does not help."""


def addresses_of(url: str) -> list[str]:
    """The address of each server that the address of the database names, as asyncpg takes it.

    Raises:
        DatabaseUnfit: a parameter of the address is refused. The message names it and says what to do.
        ValueError: the address can't be read.
    """
    parts = _split(url)
    if _is_cut_in_password(parts):
        raise DatabaseUnfit(
            "The address of the database can't be read. In a password, write %40 for @, %2F for /, %3F for ?, %23 for #"
        )
    login, at, hosts = parts.netloc.rpartition("@")
    kept = []
    for parameter in _parameters(parts):
        name = parameter.partition("=")[0]
        if name in _REFUSED:
            raise DatabaseUnfit(f"The address of the database has the parameter {name}=. {_REFUSED[name]}")
        if name not in _WITHOUT_EFFECT:
            kept.append(parameter)
    return [_joined(parts, f"{login}{at}{host}", kept) for host in hosts.split(",")]


def shown(url: str, *, user: str | None = None) -> str:
    """The address without its password, to be shown and to be pasted. `user` takes the place of the address's own."""
    try:
        parts = _split(url)
        if _is_cut_in_password(parts):
            return "an address that can't be read"
        login, _, hosts = parts.netloc.rpartition("@")
        name = quote(user, safe="") if user is not None else login.partition(":")[0]
        kept = [parameter for parameter in _parameters(parts) if not _SECRET.match(parameter)]
        if user is not None:
            kept = [parameter for parameter in kept if not parameter.startswith("user=")]
        return _joined(parts, f"{name}@{hosts}" if name else hosts, kept)
    except ValueError:
        return "an address that can't be read"


def talktime_command(url: str, command: str) -> str:
    """The line to type so that `talktime` runs a command on this database, and on no other one."""
    if os.environ.get(VARIABLE) == url:
        return f"talktime {command}"
    return f"talktime --database-url {shlex.quote(shown(url))} {command}"


def psql_command(url: str, sql: str, *, user: str | None = None) -> str:
    """The line to type so that a role runs a statement on this database. None: the role of the address."""
    return f"psql {shlex.quote(shown(url, user=user))} -c {shlex.quote(sql)}"


def maintenance(url: str) -> str:
    """The address of the database that every server has, beside the one of this address."""
    parts = _split(url)
    return _joined(parts._replace(path="/postgres"), parts.netloc, _parameters(parts))


def database_of(url: str) -> str:
    """The name of the database in an address, the empty text if the address has no name."""
    return unquote(_split(url).path.removeprefix("/"))


def user_of(url: str) -> str:
    """The name of the role in an address, the empty text if the address has no name."""
    parts = _split(url)
    named = [unquote(each.removeprefix("user=")) for each in _parameters(parts) if each.startswith("user=")]
    return [unquote(parts.netloc.rpartition("@")[0].partition(":")[0]), *named][-1]


def quoted(name: str) -> str:
    """The name of a database or a role as it stands in a statement."""
    return '"' + name.replace('"', '""') + '"'


def _split(url: str) -> SplitResult:
    """As `urlsplit`, which refuses several hosts since Python 3.14, if a host after the first is an IPv6 address."""
    match = _ADDRESS.fullmatch(url)
    if match is None:
        return urlsplit(url)
    scheme, servers, rest = match.groups()
    for host in servers.rpartition("@")[2].split(","):
        urlsplit(f"{scheme}{host}")  # raises for a host that can't be read
    return urlsplit(f"{scheme}{rest}")._replace(netloc=servers)


def _is_cut_in_password(parts: SplitResult) -> bool:
    """Whether the login has a /, ? or # that ends it, so that what looks like a server is a part of the password."""
    return "@" in parts.path + parts.fragment or "@" in parts.query.partition("=")[0]


def _parameters(parts: SplitResult) -> list[str]:
    return [parameter for parameter in parts.query.split("&") if parameter]


def _joined(parts: SplitResult, netloc: str, parameters: list[str]) -> str:
    """The address of these parts. `urlunsplit` would leave out the slashes of an address without a server."""
    query = "?" + "&".join(parameters) if parameters else ""
    return f"{parts.scheme}://{netloc}{parts.path}{query}"
