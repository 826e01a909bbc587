"""The rights that talktime needs in a database, and the command to type where one is missing.

Each message of this module ends with a command that can be pasted, and that does what the message asks for.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any, Final

from talktime.core.errors import DatabaseProblem
from talktime.database.addresses import (
    DatabaseUnfit,
    database_of,
    psql_command,
    quoted,
    shown,
    talktime_command,
    user_of,
)

if TYPE_CHECKING:
    import asyncpg

CONNECTIONS_MIN: Final = 4
"""How many connections a role needs: two for the pool, one to listen, and one for a person at the terminal."""

_ENCODING: Final = "UTF8"

_RIGHTS: Final = """
with
    -- `to_regclass` is an error for a role that may not use the schema.
    accounts as (
        select relowner from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where n.nspname = 'talktime' and c.relname = 'accounts'
    )
select
    current_user as role,
    quote_ident(current_user) as quoted_role,
    quote_ident(datname) as quoted_database,
    pg_get_userbyid(datdba) as database_owner,
    has_database_privilege(oid, 'create') as may_create,
    has_schema_privilege(to_regnamespace('talktime')::oid, 'usage')
        and has_schema_privilege(to_regnamespace('talktime')::oid, 'create') as may_create_in_schema,
    (select pg_get_userbyid(nspowner) from pg_namespace where nspname = 'talktime') as schema_owner,
    exists (select from pg_extension where extname = 'btree_gist') as has_extension,
    (select pg_get_userbyid(relowner) from accounts) as table_owner,
    (select pg_has_role(relowner, 'usage') from accounts) as owns_tables
from pg_database
where datname = current_database()
"""

_MAKER: Final = """
select rolname as maker, quote_ident($1) as quoted_role, exists (select from pg_roles where rolname = $1) as is_there,
    (select pg_has_role(rolname, coalesce(
        (select relowner from pg_class c join pg_namespace n on n.oid = c.relnamespace
         where n.nspname = 'talktime' and c.relname = 'accounts'),
        to_regrole(quote_ident(current_user))
    ), 'usage') from pg_roles where rolname = $1) as is_owner
from pg_roles
where rolcreaterole or rolsuper
order by rolname = current_user desc, rolcanlogin desc, rolsuper desc, oid
limit 1
"""

_CREATOR: Final = """
select rolname as creator, current_user as role, quote_ident(current_user) as quoted_role
from pg_roles
where rolcreatedb or rolsuper
order by rolname = current_user desc, rolcanlogin desc, rolsuper desc, oid
limit 1
"""

_LIMIT: Final = """
select rolname as role, quote_ident(rolname) as quoted_role, rolconnlimit as connections
from pg_roles
where rolname = current_user and not rolsuper and rolconnlimit >= 0
"""


async def require_encoding(connection: asyncpg.Connection[Any], url: str) -> None:
    """Refuse a database that can't store every text.

    Raises:
        DatabaseUnfit: the database has another encoding than UTF-8.
    """
    encoding = connection.get_settings().server_encoding
    if encoding.upper().replace("-", "") == _ENCODING:
        return
    advice = await to_create_database(connection, url, "talktime_utf8", like=" locale 'C.UTF-8'")
    raise DatabaseUnfit(
        f"The database {database_of(url)} has the encoding {encoding}, and talktime needs {_ENCODING}. An encoding"
        f" can't be changed. To make another database, {advice}"
    )


async def to_create_database(
    connection: asyncpg.Connection[Any] | None, url: str, quoted_name: str, *, like: str = ""
) -> str:
    """The advice to run the command that makes a database, which then belongs to the role of the address.

    Args:
        connection: to any database of the server, as the role of the address; None if there is none.
        url: the address to which the command connects.
        quoted_name: the name of the new database.
        like: what the statement says besides, such as a locale.
    """
    row = None if connection is None else await connection.fetchrow(_CREATOR)
    if row is not None and row["creator"] == row["role"]:
        creator, owner = None, ""
    elif row is not None:
        creator, owner = row["creator"], f" owner {row['quoted_role']}"
    else:
        role = user_of(url)
        creator, owner = "postgres", f" owner {quoted(role)}" if role else ""
    create = f"create database {quoted_name}{owner} encoding {_ENCODING} template template0{like}"
    who = "" if creator is None else " as a role that may create databases"
    return f"run{who}: {psql_command(url, create, user=creator)}"


async def require_rights(connection: asyncpg.Connection[Any], url: str) -> None:
    """Refuse to migrate with a role that may not.

    Raises:
        DatabaseProblem: a right is missing. The message says who can give the right, and how.
    """
    row = await connection.fetchrow(_RIGHTS)
    assert row is not None  # noqa: S101  the database that we are connected to is there
    if row["table_owner"] is not None:
        if not row["owns_tables"]:
            owner = shown(url, user=row["table_owner"])
            raise DatabaseProblem(
                f"The tables belong to the role {row['table_owner']}, and {row['role']} may not change them. Run:"
                f" {talktime_command(owner, 'migrate')}"
            )
        return
    schema, owner = row["schema_owner"], row["database_owner"]
    if schema is not None and not row["may_create_in_schema"]:
        grant = f"grant usage, create on schema talktime to {row['quoted_role']}"
        raise DatabaseProblem(
            f"The schema talktime belongs to the role {schema}, and {row['role']} may not make tables in it. Run:"
            f" {psql_command(url, grant, user=schema)}"
        )
    if row["may_create"]:
        return
    if schema is None:
        grant = f"grant create on database {row['quoted_database']} to {row['quoted_role']}"
        raise DatabaseProblem(
            f"The role {row['role']} may not make the schema talktime in this database. Run:"
            f" {psql_command(url, grant, user=owner)}"
        )
    if not row["has_extension"]:
        raise DatabaseProblem(
            f"The role {row['role']} may not make the extension btree_gist in this database. Run:"
            f" {psql_command(url, 'create extension btree_gist', user=owner)}"
        )


async def require_role(connection: asyncpg.Connection[Any], url: str, role: str) -> None:
    """Refuse a role that is not there or that owns the tables, before anything has changed.

    Raises:
        DatabaseProblem: there is no such role; the message says who can make the role, and how. Or the role owns the
            tables: a grant would take the owner's other rights away.
    """
    row = await connection.fetchrow(_MAKER, role)
    assert row is not None  # noqa: S101  a server has a superuser
    if not row["is_there"]:
        create = psql_command(url, f"create role {row['quoted_role']} login", user=row["maker"])
        raise DatabaseProblem(f"There is no role {role} in this PostgreSQL. To make it, run: {create}")
    if row["is_owner"]:
        raise DatabaseProblem(
            f"The role {role} owns the tables, or may act as their owner, and needs no grant. Nothing has changed. Let"
            " the service connect with a role of its own, and name that role."
        )


async def may_not_read(connection: asyncpg.Connection[Any], url: str) -> DatabaseProblem:
    """The error of a role that may not read the tables."""
    row = await connection.fetchrow(_RIGHTS)
    assert row is not None  # noqa: S101  as above
    owner = shown(url, user=row["table_owner"] or row["schema_owner"])
    command = talktime_command(owner, f"migrate --grant-to {shlex.quote(row['role'])}")
    return DatabaseProblem(f"The role {row['role']} may not use talktime's tables. As their owner, run: {command}")


async def connections_allowed(connection: asyncpg.Connection[Any], url: str) -> int | None:
    """How many connections the role may have, None for any number.

    Raises:
        DatabaseUnfit: they are too few for a node.
    """
    row = await connection.fetchrow(_LIMIT)
    if row is None:
        return None
    allowed: int = row["connections"]
    if allowed < CONNECTIONS_MIN:
        alter = f"alter role {row['quoted_role']} connection limit 20"
        raise DatabaseUnfit(
            f"The role {row['role']} may have {allowed} connections, and a node needs {CONNECTIONS_MIN} or more. As a"
            f" role that may create roles, run: {psql_command(url, alter, user='postgres')}"
        )
    return allowed
