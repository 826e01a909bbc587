"""The role of a service: it needs to read and to write rows, and can do nothing else."""

from __future__ import annotations

import asyncpg
import pytest

from talktime.core.errors import DatabaseProblem, Unavailable
from talktime.core.record import Party
from talktime.database.migrate import INVARIANTS, migrate
from tests.databases import SERVICE_ROLE, Server, as_service
from tests.nodes import add_alice_and_maya, node_on

pytestmark = pytest.mark.both_servers

FORBIDDEN = [
    "create table talktime.t (a int)",
    "create table public.t (a int)",
    "create function talktime.f() returns int language sql return 1",
    "create or replace function talktime.engine_now() returns timestamptz language sql return now()",
    "alter table talktime.accounts disable trigger all",
    "alter table talktime.accounts add column a int",
    "drop table talktime.messages",
    "drop view talktime.broken_rule_1",
    "truncate talktime.messages",
    "update talktime.entries set amount = amount",
    "delete from talktime.entries",
    "update talktime.tariffs set tariff = tariff",
    "delete from talktime.outages",
    "update talktime.events set type = 'record.ended'",
    "truncate talktime.events",
    "update talktime.alembic_version set version_num = '0001'",
    f"alter role {SERVICE_ROLE} superuser",
    "set session_replication_role = replica",
    "copy talktime.accounts to program 'cat'",
]


async def test_a_service_needs_no_more_than_rows(database_url: str) -> None:
    async with node_on(as_service(database_url), test_clock=True) as talktime:
        await add_alice_and_maya(talktime)
        await talktime.create_chat("alice", "maya", "c")
        await talktime.send_message("c", Party.USER, "Hello", "1")
        await talktime.heartbeat("c", Party.ADVISOR)
        await talktime.advance_clock(20_000)
        await talktime.stop("c")
        record = (await talktime.snapshot("c")).record
        assert record.id is not None
        await talktime.refund(record.id, reason="sorry", borne_by="platform", duration_ms=1_000)
        now = await talktime.now()
        await talktime.report(0, now)
        await talktime.statement("maya", now - 86_400_000, now + 1)
        audit = await talktime.audit()
        await talktime.repair(audit)
        await talktime.check()
        assert await talktime.counts()


async def test_a_service_can_change_no_table_and_no_fact(database_url: str) -> None:
    connection = await asyncpg.connect(as_service(database_url))
    try:
        for statement in FORBIDDEN:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
    finally:
        await connection.close()


async def test_a_role_keeps_its_rights_when_the_schema_changes(database_url: str) -> None:
    owner = await asyncpg.connect(database_url)
    service = await asyncpg.connect(as_service(database_url))
    try:
        # As if a migration had made a table and a view.
        await owner.execute("create table talktime.made_later (a int)")
        await owner.execute("comment on table talktime.alembic_version is 'older invariants'")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await service.execute("insert into talktime.made_later values (1)")
        assert await migrate(database_url) == [INVARIANTS]
        await service.execute("insert into talktime.made_later values (1)")
        await service.execute("select * from talktime.broken_rule_1")
        await owner.execute("drop table talktime.made_later")
    finally:
        await owner.close()
        await service.close()


async def test_who_only_reads_gets_nothing_more(database_url: str, server: Server) -> None:
    owner = await asyncpg.connect(database_url)
    try:
        await owner.execute("create role reporting login; grant usage on schema talktime to reporting")
        await owner.execute("grant select on all tables in schema talktime to reporting")
        await owner.execute("comment on table talktime.alembic_version is 'older invariants'")
        await migrate(database_url, grant_to=SERVICE_ROLE)
        rights = "select has_table_privilege('reporting', 'talktime.accounts', 'insert')"
        assert not await owner.fetchval(rights)
    finally:
        await owner.execute("drop owned by reporting; drop role reporting")
        await owner.close()


async def test_a_role_may_have_any_name_and_must_exist(database_url: str) -> None:
    with pytest.raises(DatabaseProblem, match=r"^There is no role nobody in this PostgreSQL"):
        await migrate(database_url, grant_to="nobody")
    owner = await asyncpg.connect(database_url)
    try:
        await owner.execute("""create role "odd ' name" login""")
        await migrate(database_url, grant_to="odd ' name")
        assert await owner.fetchval("select has_table_privilege('odd '' name', 'talktime.accounts', 'insert')")
    finally:
        await owner.execute("""drop owned by "odd ' name"; drop role "odd ' name" """)
        await owner.close()
    with pytest.raises(DatabaseProblem, match="Only the owner of the tables"):
        await migrate(as_service(database_url), grant_to=SERVICE_ROLE)


async def test_the_owner_of_the_tables_needs_no_grant_and_loses_nothing(database_url: str) -> None:
    owner = await asyncpg.connect(database_url)
    try:
        rights = "select relname, relacl::text from pg_class where relnamespace = 'talktime'::regnamespace order by 1"
        name = await owner.fetchval("select current_user")
        before = await owner.fetch(rights)
        with pytest.raises(DatabaseProblem, match="owns the tables"):
            await migrate(database_url, grant_to=name)
        assert await owner.fetch(rights) == before
    finally:
        await owner.close()


async def test_a_missing_right_is_said_to_be_one(database_url: str) -> None:
    async with node_on(as_service(database_url)) as talktime:
        owner = await asyncpg.connect(database_url)
        try:
            await owner.execute(f"revoke select on talktime.accounts from {SERVICE_ROLE}")
            with pytest.raises(Unavailable, match=r"right is missing.*--grant-to"):
                await talktime.account("alice")
            await owner.execute(f"grant select on talktime.accounts to {SERVICE_ROLE}")
        finally:
            await owner.close()
