"""Databases as they are: their addresses, roles, encodings and limits. What can't work is refused in words."""

from __future__ import annotations

import asyncio
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from talktime import Talktime
from talktime.core.errors import DatabaseProblem
from talktime.database.addresses import DatabaseUnfit, addresses_of, shown, talktime_command
from talktime.database.migrate import SchemaBehind, ensure_current, migrate, revisions
from tests.databases import Server
from tests.services import settings_for

pytestmark = pytest.mark.both_servers

OF_SELLERS = (
    "channel_binding=require",
    "connect_timeout=10",
    "keepalives=1&keepalives_idle=30&keepalives_interval=10&keepalives_count=3",
    "gssencmode=disable",
    "sslmode=prefer&channel_binding=prefer&sslsni=1&tcp_user_timeout=1000",
    "application_name=shop",
    "options=-c%20geqo%3Doff",
)


def with_parameters(url: str, parameters: str) -> str:
    return f"{url}&{parameters}"


def as_role(url: str, role: str) -> str:
    return re.sub(r"//[^@/]*@", f"//{role}@", url)


def pasted(server: Server, message: str) -> None:
    """Run the command at the end of a message, as a person would who pastes the command."""
    program, *arguments = shlex.split(message[message.rindex("psql ") :].rstrip("."))
    server.programs.run(program, *arguments)


@pytest.fixture
def role(server: Server) -> Iterator[str]:
    """A role that may only connect, and owns nothing. A test asks for it before it asks for a database."""
    server.execute("create role modest login")
    yield "modest"
    server.execute("drop role modest")


@pytest.mark.parametrize("parameters", OF_SELLERS)
async def test_parameters_of_libpq_break_nothing(database_url: str, parameters: str) -> None:
    url = with_parameters(database_url, parameters)
    async with Talktime.connect(url, work=False) as talktime:
        assert (await talktime.user_page()).items == ()


@pytest.mark.parametrize(
    ("parameter", "advice"),
    [
        ("schema=shop", "remove schema="),
        ("currentSchema=shop", "remove currentSchema="),
        ("pgbouncer=true", "TALKTIME_FANOUT=polling"),
        ("connection_limit=5", "TALKTIME_POOL_SIZE"),
    ],
)
async def test_parameters_that_mean_something_else_are_refused_by_name(
    database_url: str, parameter: str, advice: str
) -> None:
    with pytest.raises(DatabaseUnfit, match=parameter.split("=", maxsplit=1)[0]) as refused:
        await ensure_current(with_parameters(database_url, parameter), embedded=False)
    assert advice in str(refused.value)


def test_an_address_is_shown_without_its_password() -> None:
    url = "postgresql://me:hunter2@db.example:5433/shop?sslmode=require&password=hunter2&sslpassword=hunter2"
    assert shown(url) == "postgresql://me@db.example:5433/shop?sslmode=require"
    assert shown(url, user="the owner") == "postgresql://the%20owner@db.example:5433/shop?sslmode=require"
    assert shown("postgresql:///shop") == "postgresql:///shop"
    assert addresses_of("postgres://a,b/shop?connect_timeout=1&sslmode=disable") == [
        "postgres://a/shop?sslmode=disable",
        "postgres://b/shop?sslmode=disable",
    ]


@pytest.mark.parametrize("password", ["hun@ter/2", "hun/ter2", "hun?ter2", "hun#ter2", "hun#t@er2", "hun/te@r?2"])
def test_an_address_that_is_cut_in_its_password_shows_no_part_of_the_password(password: str) -> None:
    url = f"postgresql://me:{password}@db.example/shop"
    assert "hun" not in shown(url)
    assert "ter" not in shown(url)
    with pytest.raises(DatabaseUnfit, match="In a password, write %40 for @") as refused:
        addresses_of(url)
    assert "hun" not in str(refused.value)


def test_a_command_names_the_database_unless_the_environment_does(monkeypatch: pytest.MonkeyPatch) -> None:
    url = "postgresql://me:hunter2@db.example/shop?sslmode=require&application_name=a"
    assert talktime_command(url, "migrate") == (
        "talktime --database-url 'postgresql://me@db.example/shop?sslmode=require&application_name=a' migrate"
    )
    monkeypatch.setenv("TALKTIME_DATABASE_URL", url)
    assert talktime_command(url, "migrate") == "talktime migrate"


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
async def test_another_encoding_is_refused_at_once(server: Server, encoding: str) -> None:
    server.execute(f"create database other encoding {encoding} template template0 locale 'C'")
    try:
        for attempt in (migrate(server.database("other")), ensure_current(server.database("other"), embedded=False)):
            with pytest.raises(DatabaseUnfit, match=f"has the encoding {encoding}, and talktime needs UTF8") as refused:
                await attempt
        pasted(server, str(refused.value))
        assert await migrate(server.database("talktime_utf8")) == revisions()
        server.drop("talktime_utf8")
    finally:
        server.drop("other")


async def test_a_role_that_may_not_make_schemas_is_told_who_gives_it_the_right(
    server: Server, role: str, empty_database_url: str
) -> None:
    url = as_role(empty_database_url, role)
    with pytest.raises(DatabaseProblem, match="modest may not make the schema talktime") as refused:
        await migrate(url)
    pasted(server, str(refused.value))
    assert await migrate(url) == revisions()
    await ensure_current(url, embedded=False)


async def test_a_schema_that_somebody_else_has_made_is_used(server: Server, role: str, empty_database_url: str) -> None:
    server.ask(empty_database_url, "create schema talktime")
    url = as_role(empty_database_url, role)
    with pytest.raises(DatabaseProblem, match=r"schema talktime belongs to the role .* may not make tables") as refused:
        await migrate(url)
    pasted(server, str(refused.value))
    with pytest.raises(DatabaseProblem, match="may not make the extension btree_gist") as refused:
        await migrate(url)
    pasted(server, str(refused.value))
    assert await migrate(url) == revisions()
    await ensure_current(url, embedded=False)


async def test_a_role_of_the_service_that_is_not_there_can_be_made(
    server: Server, role: str, empty_database_url: str
) -> None:
    """By a role that may make roles, which an owner of a database seldom is."""
    server.ask(empty_database_url, f"create schema talktime authorization {role}; create extension btree_gist")
    url = as_role(empty_database_url, role)
    with pytest.raises(DatabaseProblem, match="There is no role waiter in this PostgreSQL") as refused:
        await migrate(url, grant_to="waiter")
    assert (
        server.ask(empty_database_url, "select count(*) from pg_class where relnamespace = 'talktime'::regnamespace")
        == "0\n"
    )
    pasted(server, str(refused.value))
    try:
        assert await migrate(url, grant_to="waiter") == revisions()
        await ensure_current(as_role(empty_database_url, "waiter"), embedded=False)
    finally:
        server.ask(empty_database_url, "drop owned by waiter; drop role waiter")


async def test_only_the_owner_of_the_tables_migrates(server: Server, role: str, empty_database_url: str) -> None:
    assert await migrate(empty_database_url) == revisions()
    server.ask(empty_database_url, "update talktime.alembic_version set version_num = '0001'")
    server.ask(empty_database_url, "grant usage on schema talktime to modest")
    server.ask(empty_database_url, "grant select on talktime.alembic_version to modest")
    with pytest.raises(DatabaseProblem, match=r"tables belong to the role .* modest may not change them") as refused:
        await migrate(as_role(empty_database_url, role))
    assert str(refused.value).endswith(f"talktime --database-url {shlex.quote(empty_database_url)} migrate")


async def test_a_role_without_rights_is_told_who_gives_them(role: str, empty_database_url: str) -> None:
    await migrate(empty_database_url)
    with pytest.raises(DatabaseProblem, match="modest may not use talktime's tables") as refused:
        await ensure_current(as_role(empty_database_url, role), embedded=False)
    assert str(refused.value).endswith(
        f"talktime --database-url {shlex.quote(empty_database_url)} migrate --grant-to modest"
    )


async def test_a_database_that_is_not_there_can_be_made(server: Server) -> None:
    with pytest.raises(DatabaseProblem, match='"Not There" does not exist') as refused:
        await migrate(server.database("Not%20There"))
    pasted(server, str(refused.value))
    try:
        with pytest.raises(SchemaBehind):
            await ensure_current(server.database("Not%20There"), embedded=False)
    finally:
        server.drop('"Not There"')


async def test_a_role_that_may_not_create_databases_is_told_who_may(server: Server, role: str) -> None:
    url = as_role(server.database("Not%20There"), role)
    with pytest.raises(DatabaseProblem, match="run as a role that may create databases: psql ") as refused:
        await migrate(url)
    pasted(server, str(refused.value))
    try:
        assert await migrate(url) == revisions()  # the new database belongs to the role
    finally:
        server.drop('"Not There"')


async def test_a_role_that_may_not_create_a_database_of_another_encoding_is_told_who_may(
    server: Server, role: str
) -> None:
    server.execute("create database other encoding SQL_ASCII template template0 locale 'C'")
    try:
        with pytest.raises(DatabaseUnfit, match="run as a role that may create databases: psql ") as refused:
            await migrate(as_role(server.database("other"), role))
        pasted(server, str(refused.value))
        assert await migrate(as_role(server.database("talktime_utf8"), role)) == revisions()
        server.drop("talktime_utf8")
    finally:
        server.drop("other")


@pytest.mark.parametrize("name", ["user", "parameter"])
async def test_without_a_database_to_ask_the_advice_names_the_usual_role(server: Server, role: str, name: str) -> None:
    url = server.database("Not%20There")
    url = as_role(url, role) if name == "user" else f"{re.sub('//[^@/]*@', '//', url)}&user={role}"
    server.execute("revoke connect on database postgres from public")
    try:
        with pytest.raises(DatabaseProblem, match="run as a role that may create databases: psql ") as refused:
            await migrate(url)
    finally:
        server.execute("grant connect on database postgres to public")
    assert "//postgres@" in str(refused.value)
    assert f"user={role}" not in str(refused.value)
    pasted(server, re.sub("//postgres@", re.search("//[^@/]*@", server.url)[0], str(refused.value)))  # type: ignore[index]
    try:
        assert await migrate(url) == revisions()
    finally:
        server.drop('"Not There"')


async def test_a_role_with_six_connections_serves(server: Server, role: str, empty_database_url: str) -> None:
    await migrate(empty_database_url, grant_to=role)
    server.execute("alter role modest connection limit 6")
    url = as_role(empty_database_url, role)
    with capture_logs() as logs:
        async with Talktime.connect(url) as talktime:
            await asyncio.gather(*(talktime.put_user(f"user {number}", "A") for number in range(50)))
            assert len((await talktime.user_page()).items) == 50
            used = await talktime.node.database.pool.fetchval(
                "select count(*) from pg_stat_activity where usename = 'modest'"
            )
            assert used <= 5
    (line,) = [line for line in logs if line["event"] == "database.pool_reduced"]
    assert (line["to"], line["setting"]) == (4, "TALKTIME_POOL_SIZE")


async def test_too_few_connections_are_refused_with_what_to_do(
    server: Server, role: str, empty_database_url: str
) -> None:
    await migrate(empty_database_url, grant_to=role)
    server.execute("alter role modest connection limit 3")
    with pytest.raises(DatabaseUnfit, match="modest may have 3 connections") as refused:
        await ensure_current(as_role(empty_database_url, role), embedded=False)
    command = shlex.split(str(refused.value).partition("run: ")[2])
    assert command[-1] == "alter role modest connection limit 20"


async def test_the_smallest_pool_does_everything(database_url: str, tmp_path: Path) -> None:
    settings = settings_for(database_url, tmp_path, pool_size=2)
    async with Talktime.connect(database_url, settings=settings) as talktime:
        await asyncio.gather(*(talktime.put_user(f"user {number}", "A") for number in range(50)))
        await asyncio.gather(*(talktime.add_credit(f"user {number}", 1_000_000) for number in range(50)))
        assert len((await talktime.user_page()).items) == 50
        assert talktime.node.database.pool.get_size() <= 2
