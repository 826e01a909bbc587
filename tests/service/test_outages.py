"""The database restarts, hangs, refuses or is full: answers are 503, nothing is half done, and all goes on later."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from talktime.asgi import create_app
from talktime.database.migrate import migrate
from talktime.database.pool import Pool
from talktime.postgres.cluster import Cluster
from talktime.postgres.folders import open_path_to, socket_folder
from talktime.postgres.guardian import Guardian
from talktime.postgres.programs import bundled_programs
from talktime.settings import Settings
from tests.databases import SERVER_SETTINGS
from tests.relays import Relay, relayed
from tests.services import PROGRAM, START_SECONDS_MAX, Live, Service, environment, port_in, running, settings_for

QUICK = {"database_seconds": 1, "connect_seconds": 1}


@pytest.fixture
def cluster(data_dir: Path) -> Iterator[Cluster]:
    """A server of the test's own."""
    programs = bundled_programs()
    if os.geteuid() == 0:
        open_path_to(data_dir, programs.uid, programs.gid)
    options = ("--locale=C.UTF-8",)
    cluster = Cluster(programs, data_dir, socket_folder(data_dir), init_options=options, settings=SERVER_SETTINGS)
    cluster.start()
    asyncio.run(migrate(cluster.url))
    yield cluster
    cluster.stop()


def restart_fast(cluster: Cluster) -> None:
    cluster.stop()
    cluster.start()


def restart_at_once(cluster: Cluster) -> None:
    server = cluster._server()
    assert server is not None
    server.send_signal(signal.SIGQUIT)
    server.wait(30)
    cluster.start()


def end_connections(cluster: Cluster) -> None:
    async def end() -> None:
        connection = await asyncpg.connect(cluster.url)
        await connection.execute("select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid()")
        await connection.close()

    asyncio.run(end())


async def ready(service: Service, seconds: float = 10) -> None:
    """Wait until the service is ready."""
    async with asyncio.timeout(seconds):
        while (await service.call("GET", "/readyz")).status_code != 200:
            await asyncio.sleep(0.05)


def assert_unavailable(response: httpx.Response) -> None:
    assert (response.status_code, response.json()["code"]) == (503, "unavailable"), response.text
    assert response.headers["retry-after"] == "1"


async def test_after_each_kind_of_restart_screens_are_right_and_no_worker_is_dead(
    cluster: Cluster, tmp_path: Path
) -> None:
    async with running(create_app, settings_for(cluster.url, tmp_path)) as service:
        await service.people()
        await service.chat()
        statuses: list[int] = []

        async def call_on() -> None:
            while True:
                response = await service.call("GET", "/v1/users/alice/account", by="service")
                statuses.append(response.status_code)
                if response.status_code != 200:
                    assert_unavailable(response)
                await asyncio.sleep(0.01)

        calling = asyncio.create_task(call_on())
        async with service.live("advisor:maya") as screen:
            await screen.say("watch", chat_id="chat 1")
            await screen.hear("snapshot")
            for number, restart in enumerate((restart_fast, end_connections, restart_at_once, end_connections)):
                await asyncio.to_thread(restart, cluster)
                began = time.monotonic()
                call = "pause" if number % 2 == 0 else "tracking"
                async with asyncio.timeout(10):
                    while not (await service.call("POST", f"/v1/chats/chat 1/{call}", {}, by="user:alice")).is_success:
                        await asyncio.sleep(0.05)
                state = "paused" if call == "pause" else "running"
                while (await screen.hear("snapshot"))["snapshot"]["record"]["state"] != state:
                    pass
                assert time.monotonic() - began < 10
                await ready(service)
        calling.cancel()
        with suppress(asyncio.CancelledError):
            await calling
        assert set(statuses) <= {200, 503}
        metrics = (await service.call("GET", "/metrics")).text
        assert 'talktime_worker_restarts_total{worker="deliver"}' in metrics


@asynccontextmanager
async def hanging(database_url: str, tmp_path: Path, **settings: Any) -> AsyncIterator[tuple[Service, Relay]]:
    """A service with a chat, whose database can be made to hang."""
    async with relayed(database_url) as relay:
        given = settings_for(relay.address, tmp_path, **(QUICK | settings))
        async with running(create_app, given) as service:
            await service.people()
            await service.chat()
            yield service, relay


async def answer_heartbeats(screen: Live) -> None:
    while True:
        await screen.hear("heartbeat", seconds=60)
        await screen.say("heartbeat")


async def test_while_the_database_hangs_every_answer_comes_in_time_and_screens_stay_open(
    database_url: str, tmp_path: Path
) -> None:
    async with (
        hanging(database_url, tmp_path, database_seconds=4, presence_lease_seconds=3) as (service, relay),
        service.live("user:alice") as alice,
        service.live("advisor:maya") as maya,
    ):
        for screen in (alice, maya):
            await screen.say("watch", chat_id="chat 1")
            await screen.hear("snapshot")
        answering = [asyncio.create_task(answer_heartbeats(screen)) for screen in (alice, maya)]
        relay.hang()
        # The message waits for the database for longer than a lease, and no heartbeat waits for the message.
        await maya.say("message", chat_id="chat 1", client_id="late", text="Hello")
        began = time.monotonic()
        while time.monotonic() - began < 5:
            for method, path, by in (("GET", "/v1/users/alice/account", "service"), ("GET", "/readyz", None)):
                asked = time.monotonic()
                assert_unavailable(await service.call(method, path, by=by))
                assert time.monotonic() - asked < 5.5
            for path in ("/healthz", "/metrics"):
                asked = time.monotonic()
                response = await service.call("GET", path)
                assert response.status_code == 200
                assert time.monotonic() - asked < 2.5
            assert "talktime_engine_open 0.0" in response.text
        assert not any(task.done() for task in answering)
        relay.speak()
        await ready(service)
        await asyncio.sleep(1)
        shown = await service.done("GET", "/v1/chats/chat 1/tracking")
        assert shown["record"]["state"] == "running", shown["record"]
        assert not any(task.done() for task in answering)
        for task in answering:
            task.cancel()
        await service.done("POST", "/v1/chats/chat 1/stop")
        receipt = await service.done("GET", f"/v1/records/{shown['record']['id']}/receipt")
        reasons = {segment["reason"] for segment in receipt["segments"]}
        assert "advisor_away" not in reasons
        assert "user_away" not in reasons


async def test_questions_of_load_balancers_take_one_connection(database_url: str, tmp_path: Path) -> None:
    async with hanging(database_url, tmp_path, database_seconds=4) as (service, relay):
        talktime = service.app.state.connector.current
        relay.fall_silent()
        asking = [asyncio.create_task(service.call("GET", path)) for path in ("/readyz", "/metrics") for _ in range(40)]
        await asyncio.sleep(0.5)
        busy, _ = talktime.connections()
        assert busy["busy"] <= 6, busy  # two for the questions, the others for the workers of the node
        for answer in await asyncio.gather(*asking):
            assert answer.status_code in {200, 503}
        relay.speak()
        await ready(service)


async def test_what_nobody_waits_for_is_not_done_when_the_database_is_back(
    database_url: str, database: Pool, tmp_path: Path
) -> None:
    async with hanging(database_url, tmp_path) as (service, relay):
        relay.hang()
        credit = {"amount": "1.00", "kind": "purchase"}
        answers = await asyncio.gather(
            *(
                service.call("POST", "/v1/users/alice/credits", credit, by="service", key=f"late {number}")
                for number in range(40)
            )
        )
        for answer in answers:
            assert_unavailable(answer)
        relay.speak()
        await ready(service)
        await asyncio.sleep(1)
        purchases = "select count(*) from entries where kind = 'purchase'"
        assert await database.fetchval(purchases) == 1
        # The key of a call that was not answered can be used again.
        assert (await service.call("POST", "/v1/users/alice/credits", credit, by="service", key="late 1")).is_success
        assert await database.fetchval(purchases) == 2


async def test_a_caller_who_hangs_up_takes_a_waiting_command_along(
    service: Service, settings: Any, database: Pool
) -> None:
    await service.people()
    credit = {"amount": "1.00", "kind": "purchase"}
    async with database.acquire() as connection, connection.transaction():
        await connection.execute("select from accounts where user_id = 'alice' for update")
        with pytest.raises(httpx.ReadTimeout):
            await service.call("POST", "/v1/users/alice/credits", credit, by="service", key="gone", timeout=0.3)
        await asyncio.sleep(0.2)
    await asyncio.sleep(0.5)
    assert await database.fetchval("select count(*) from entries where kind = 'purchase'") == 1


async def test_a_full_disk_a_read_only_server_and_a_limit_of_connections(
    database_url: str, database: Pool, tmp_path: Path
) -> None:
    """Each refuses work for a while. Nothing is half done, and the work is done when the refusal is over."""
    name = database_url.partition("?")[0].rpartition("/")[2]
    await database.execute(
        "create function fill_disk() returns trigger language plpgsql as"
        " $$begin raise exception 'could not extend file' using errcode = 'disk_full'; end$$"
    )
    full = "create trigger full_disk before insert on {0} for each row execute function fill_disk()"
    read_only = f"alter database {name} set default_transaction_read_only = "
    end = f"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}' and pid <> pg_backend_pid()"
    faults = [
        (full.format("segments"), "drop trigger full_disk on segments"),
        (full.format("chats"), "drop trigger full_disk on chats"),
        (f"{read_only} on", f"set transaction_read_only = off; {read_only} off"),
    ]
    async with running(create_app, settings_for(database_url, tmp_path)) as service:
        await service.people()
        for number, (fault, undo) in enumerate(faults):
            async with database.acquire() as connection:
                await connection.execute(fault)
                if "read_only" in fault:
                    await connection.execute(end)
                body = {"user_id": "alice", "advisor_id": "maya", "chat_id": f"chat {number}"}
                for _ in range(3):
                    assert_unavailable(await service.call("POST", "/v1/chats", body, by="service"))
                rows = "select (select count(*) from chats) + (select count(*) from segments where ended_at is null)"
                assert await connection.fetchval(rows) == number
                await connection.execute(undo)
                if "read_only" in fault:
                    await connection.execute(end)
            await ready(service)
            async with asyncio.timeout(10):
                while not (await service.call("POST", "/v1/chats", body, by="service")).is_success:
                    await asyncio.sleep(0.05)
            await service.done("POST", f"/v1/chats/chat {number}/stop")


async def test_too_few_connections(database_url: str, database: Pool, tmp_path: Path) -> None:
    name = database_url.partition("?")[0].rpartition("/")[2]
    role = f"narrow_{name}"
    await database.execute(f"create role {role} login connection limit 4")
    await database.execute(f"grant usage on schema talktime to {role}")
    for kind in ("tables", "sequences", "functions"):
        await database.execute(f"grant all on all {kind} in schema talktime to {role}")
    try:
        url = f"postgresql://{role}@{database_url.partition('@')[2]}"
        async with running(create_app, settings_for(url, tmp_path)) as service:
            await service.people()
            answers = await asyncio.gather(
                *(service.call("GET", "/v1/users/alice/account", by="service") for _ in range(40))
            )
            assert {answer.status_code for answer in answers} <= {200, 503}
            for answer in answers:
                if answer.status_code == 503:
                    assert_unavailable(answer)
            await database.execute(f"alter role {role} connection limit -1")
            await ready(service)
            answers = await asyncio.gather(
                *(service.call("GET", "/v1/users/alice/account", by="service") for _ in range(40))
            )
            assert {answer.status_code for answer in answers} == {200}
    finally:
        await database.execute(f"drop owned by {role}")
        await database.execute(f"drop role {role}")


async def test_a_signal_stops_a_service_whose_database_hangs(
    database_url: str, tmp_path: Path, guardian: Guardian
) -> None:
    async with relayed(database_url) as relay:
        given = environment(database_url=relay.address, data_dir=tmp_path, port=0)
        process = await asyncio.create_subprocess_exec(
            *PROGRAM,
            "serve",
            env=given,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            cwd=tmp_path,
        )
        guardian.guard_process(process.pid)
        assert process.stdout
        async with asyncio.timeout(START_SECONDS_MAX):
            while (port := port_in(line := await process.stdout.readline())) is None:
                assert line
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            assert (await client.get("/readyz")).status_code == 200
            relay.hang()
            asking = asyncio.create_task(client.get("/readyz"))
            await asyncio.sleep(0.5)
            began = time.monotonic()
            process.terminate()
            async with asyncio.timeout(20):
                await process.wait()
            assert time.monotonic() - began < 15
            await asyncio.gather(asking, return_exceptions=True)


async def test_each_last_proof_is_stored_once_when_all_sockets_close(settings: Settings, start: Any) -> None:
    crowded = settings.model_copy(update={"sockets_per_person": 1_000, "requests_per_second": 1_000})
    async with start(create_app, crowded) as service:
        sockets = 150
        await service.people(credit="100000.00")
        for number in range(sockets):
            await service.done(
                "POST", "/v1/chats", {"user_id": "alice", "advisor_id": "maya", "chat_id": f"chat {number}"}
            )
        talktime = service.app.state.connector.current

        async def open_one(number: int, close: asyncio.Event) -> None:
            async with service.live("user:alice") as screen:
                await screen.say("watch", chat_id=f"chat {number}")
                await screen.hear("snapshot", seconds=60)
                opened.append(number)
                await close.wait()

        opened: list[int] = []
        close = asyncio.Event()
        tasks = [asyncio.create_task(open_one(number, close)) for number in range(sockets)]
        async with asyncio.timeout(60):
            while len(opened) < sockets:
                await asyncio.sleep(0.01)
        close.set()
        await asyncio.gather(*tasks)

        def done() -> int:
            return int(talktime.engine.commands_done.get("unwatch", 0))

        async with asyncio.timeout(30):
            while done() < sockets:
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.3)
        assert done() == sockets
