"""What every answer has in common, and what the service reports about itself."""

from __future__ import annotations

import asyncio
import html
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import asyncpg
import httpx
import jwt
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from structlog.testing import capture_logs

from talktime import Talktime
from talktime.asgi import Tokens, create_app
from talktime.core.errors import Unavailable
from talktime.core.roles import Role
from talktime.database.migrate import migrate
from talktime.service.budgets import ANSWER_BYTES
from talktime.service.live.close_codes import CloseCode
from talktime.settings import Settings, secret_name
from tests.services import SECRET

METRICS = Path(__file__).parents[2] / "docs" / "reference" / "metrics.md"


async def test_every_answer_has_the_headers(service: Any) -> None:
    for path, status in (
        ("/", 200),
        ("/docs", 200),
        ("/openapi.json", 200),
        ("/healthz", 200),
        ("/v1/time", 200),
        ("/v1/users/alice/account", 401),
        ("/v1/nothing", 404),
        ("/nothing", 404),
        ("/static/nothing.js", 404),
        ("/static/..%2f..%2fcli.py", 404),
    ):
        response = await service.call("GET", path, headers={"Origin": "https://elsewhere.example"})
        assert response.status_code == status, path
        assert "default-src 'self'" in response.headers["content-security-policy"]
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["referrer-policy"] == "no-referrer"
        assert "access-control-allow-origin" not in response.headers
        assert "server" not in response.headers
        if status >= 400:
            assert response.headers["content-type"] == "application/problem+json", path
            assert response.json()["status"] == status


async def test_a_method_that_does_not_exist_is_refused(service: Any) -> None:
    response = await service.call("DELETE", "/v1/time")
    assert (response.status_code, response.json()["code"]) == (405, "method_not_allowed")
    assert response.headers["allow"] == "GET, HEAD"
    response = await service.call("DELETE", "/v1/chats/c/messages")
    assert response.headers["allow"] == "GET, HEAD, POST"
    # A browser asks with OPTIONS whether another site may call. It may not.
    preflight = await service.call(
        "OPTIONS", "/v1/chats", headers={"Origin": "https://x.example", "Access-Control-Request-Method": "POST"}
    )
    assert preflight.status_code == 405
    assert "access-control-allow-origin" not in preflight.headers


async def test_head_is_get_without_the_body(service: Any) -> None:
    await service.people()
    for path, status in (
        ("/healthz", 200),
        ("/", 200),
        ("/v1/users/alice/account", 200),
        ("/v1/users/nobody/account", 404),
        ("/v1/users/alice/credits", 405),
    ):
        got = await service.call("GET", path, by="service")
        head = await service.call("HEAD", path, by="service")
        assert (head.status_code, got.status_code) == (status, status), path
        assert head.content == b""
        assert head.headers["content-type"] == got.headers["content-type"]
        assert head.headers["content-length"] == got.headers["content-length"]
    inside = httpx.ASGITransport(service.app)
    async with httpx.AsyncClient(transport=inside, base_url="http://host.example") as client:
        assert (await client.head("/healthz")).content == b""


@pytest.mark.both_servers
async def test_an_unexpected_error_shows_no_internals(service: Any, database_url: str, caplog: Any) -> None:
    """The log has the details, the answer has none, and the next request is served."""
    await service.people()
    connection = await asyncpg.connect(database_url)
    right = await connection.fetchval("select pg_get_functiondef('talktime.engine_now()'::regprocedure)")
    await connection.execute(
        "create or replace function talktime.engine_now() returns timestamptz language plpgsql as"
        " 'begin return now() + (1 / 0) * interval ''1 second''; end'"
    )
    response = await service.call("GET", "/v1/users/alice/account", by="service")
    assert (response.status_code, response.json()["code"]) == (500, "internal_error")
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "zero" not in response.text
    await connection.execute(right)
    await connection.close()
    assert (await service.call("GET", "/v1/users/alice/account", by="service")).status_code == 200


@pytest.mark.both_servers
async def test_while_the_schema_is_changed_requests_are_unavailable_and_then_served(
    service: Any, database_url: str
) -> None:
    """A table, and then a column, is missing for a while, and the rows of a prepared statement get another type."""
    await service.people()
    connection = await asyncpg.connect(database_url)
    for change, undo in (
        ("rename to lost_advisors", "alter table talktime.lost_advisors rename to advisors"),
        ("rename display_name to lost_name", "alter table talktime.advisors rename lost_name to display_name"),
        ("alter display_name type varchar(300)", "alter table talktime.advisors alter display_name type text"),
    ):
        await connection.execute(f"alter table talktime.advisors {change}")
        response = await service.call("GET", "/v1/advisors/maya", by="service")
        # A connection that has not prepared the statement yet answers with the new type.
        if not (change.startswith("alter display_name") and response.is_success):
            assert (response.status_code, response.json()["code"]) == (503, "unavailable")
            assert response.headers["retry-after"] == "1"
            assert "lost" not in response.text
        await connection.execute(undo)
        assert (await service.call("GET", "/v1/advisors/maya", by="service")).status_code == 200
    await connection.close()


@pytest.mark.both_servers
async def test_a_database_that_is_gone_for_a_while(service: Any, settings: Settings, server: Any) -> None:
    await service.people()
    url = settings.database_url or ""
    name = url.split("?")[0].rsplit("/", 1)[1]
    server.execute(f"alter database {name} allow_connections false")
    # Waits until the connections are closed: one that lives would answer the next request.
    server.execute(f"select pg_terminate_backend(pid, 10000) from pg_stat_activity where datname = '{name}'")
    for path, by in (("/v1/users/alice/account", "service"), ("/readyz", None)):
        response = await service.call("GET", path, by=by)
        assert (response.status_code, response.json()["code"]) == (503, "unavailable"), path
    assert (await service.call("GET", "/healthz")).status_code == 200
    assert (await service.call("GET", "/metrics")).status_code == 200
    server.execute(f"alter database {name} allow_connections true")
    async with asyncio.timeout(20):
        while (await service.call("GET", "/readyz")).status_code != 200:
            await asyncio.sleep(0.1)
    assert (await service.call("GET", "/v1/users/alice/account", by="service")).status_code == 200


async def test_a_service_is_not_ready_until_its_database_is_migrated(
    empty_database_url: str, tmp_path: Path, start: Any
) -> None:
    settings = Settings(database_url=empty_database_url, data_dir=tmp_path, port=0)
    async with start(create_app, settings) as service:
        response = await service.call("GET", "/readyz")
        assert response.status_code == 503
        assert "talktime migrate" in response.json()["detail"]
        assert (await service.call("GET", "/v1/time")).status_code == 503
        async with service.live() as live:
            assert await live.close_code() == 1013
        await migrate(empty_database_url)
        async with asyncio.timeout(20):
            while (await service.call("GET", "/readyz")).status_code != 200:
                await asyncio.sleep(0.1)
        assert (await service.call("GET", "/v1/time")).status_code == 200


async def test_a_host_makes_its_people_when_the_database_is_there_and_answers_503_until_then(
    empty_database_url: str, tmp_path: Path
) -> None:
    entered: list[str] = []

    @asynccontextmanager
    async def make_people(talktime: Talktime) -> AsyncIterator[None]:
        await talktime.put_user("alice", "Alice")
        entered.append("alice")
        yield
        entered.remove("alice")

    settings = Settings(database_url=empty_database_url, data_dir=tmp_path, secret=SECRET)
    service = create_app(settings, while_open=make_people)
    async with service.router.lifespan_context(service):
        with pytest.raises(Unavailable, match="talktime migrate"):
            await service.state.talktime.account("alice")
        assert entered == []
        await migrate(empty_database_url)
        async with asyncio.timeout(30):
            while not entered:
                await asyncio.sleep(0.05)
        assert (await service.state.talktime.account("alice")).balance == 0
    assert entered == []
    with pytest.raises(Unavailable):
        _ = service.state.talktime


async def test_metrics_count_what_happens(service: Any) -> None:
    await service.people()
    await service.chat()
    await service.chat("chat 2", advisor="ben")
    await service.done("POST", "/v1/chats/chat 2/pause")
    await service.call("POST", "/v1/chats/chat 2/resume", by="user:bob")
    await service.call("PROPFIND", "/v1/time")
    body = {"user_id": "bob", "advisor_id": "maya"}
    for _ in range(2):
        assert (await service.call("POST", "/v1/chats", body, by="user:bob", key="k")).status_code == 402
    async with service.live("user:alice") as live:
        await live.say("watch", chat_id="chat 1")
        await live.hear("snapshot")
        await live.say("dance")
        await live.hear("problem")
        text = (await service.call("GET", "/metrics")).text
        await live.say("watch", chat_id="chat 1")
    async with service.live("user:bob") as live:
        await live.say("watch", chat_id="chat 1")
        assert await live.close_code() == 4403
    samples = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    expected = {
        "talktime_engine_open": 1,
        "talktime_live_sockets": 1,
        'talktime_http_requests_total{method="POST",route="/v1/chats",status="201"}': 2,
        'talktime_http_requests_total{method="other",route="/v1/time",status="405"}': 1,
        'talktime_refusals_total{code="insufficient_credit"}': 2,
        'talktime_refusals_total{code="not_found"}': 1,
        'talktime_refusals_total{code="method_not_allowed"}': 1,
        'talktime_refusals_total{code="invalid_request"}': 1,
        'talktime_commands_total{command="initialize_time_tracking_for_chat"}': 4,
        'talktime_commands_total{command="pause"}': 1,
        'talktime_commands_total{command="watch"}': 1,
        'talktime_records{state="running"}': 1,
        'talktime_records{state="paused"}': 1,
        "talktime_deadline_lag_seconds": 0,
        "talktime_nodes": 1,
        "talktime_database_connections_max": 12,
    }
    assert {name: float(samples[name]) for name in expected} == expected
    in_use = [float(samples[f'talktime_database_connections{{state="{state}"}}']) for state in ("busy", "idle")]
    assert 1 <= sum(in_use) <= 12
    assert "alice" not in text
    assert "chat 1" not in text
    async with asyncio.timeout(10):
        while 'talktime_live_closed_total{code="4403"} 1.0' not in (await service.call("GET", "/metrics")).text:
            await asyncio.sleep(0.05)


async def test_every_metric_is_described(service: Any) -> None:
    await service.people()
    described = set(re.findall(r"^\| `(talktime_[a-z_]+)", METRICS.read_text(encoding="utf-8"), re.MULTILINE))
    text = (await service.call("GET", "/metrics")).text
    # The Prometheus library adds `_created` to a counter.
    sent = {name for name in re.findall(r"^# TYPE (\w+)", text, re.MULTILINE) if not name.endswith("_created")}
    assert described == sent
    assert text.count("talktime_broken_rules{") == 9


async def test_the_test_clock_exists_only_for_tests(settings: Settings, start: Any) -> None:
    async with start(create_app, settings.model_copy(update={"test_clock": False})) as service:
        response = await service.call("POST", "/v1/test-clock/advance", {"seconds": 1}, by="service")
        assert response.status_code == 404
        assert "/v1/test-clock/advance" not in (await service.call("GET", "/openapi.json")).json()["paths"]


async def test_the_test_clock_advances(service: Any) -> None:
    before = (await service.call("GET", "/v1/time")).json()["server_time"]
    now = (await service.done("POST", "/v1/test-clock/advance", {"seconds": 86_400.5}))["now"]
    assert now > before
    assert (await service.call("GET", "/v1/time")).json()["server_time"] >= now


async def test_the_service_inside_an_application_of_a_host(settings: Settings) -> None:
    """A mounted application gets no lifespan events: the service connects at the first request, and warns."""
    app = create_app(settings)
    host = Starlette(routes=[Mount("/meter", app)])
    transport = httpx.ASGITransport(host)
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://host.example") as client:
            with pytest.raises(Unavailable, match=r"Nothing has started the service\. Enter .*lifespan_context"):
                _ = app.state.talktime
            with capture_logs() as logged:
                assert (await client.get("/meter/readyz")).status_code == 200
            assert [line["log_level"] for line in logged if line["event"] == "service.no_lifespan"] == ["warning"]
            assert (await client.get("/meter/v1/users/u/account")).status_code == 401
            page = (await client.get("/meter/")).text
            assert 'href="/meter/static/pages/base.css"' in page
            assert (await client.get("/meter/docs")).status_code == 200
    finally:
        await app.state.connector.close()


async def test_the_log_says_that_a_host_signs_with_another_secret(service: Any) -> None:
    def headers(tokens: Tokens) -> dict[str, str]:
        return {"Authorization": f"Bearer {tokens.make(Role.USER, 'alice')}"}

    forged = jwt.encode({}, "a" * 32, algorithm="HS256", headers={"kid": secret_name(SECRET)})
    with capture_logs() as logged:
        answer = await service.call("GET", "/v1/users/alice/account", headers=headers(Tokens("another" * 8)))
        assert answer.status_code == 401
        assert answer.json()["detail"] == "This token is invalid."
        await service.call("GET", "/v1/users/alice/account", headers={"Authorization": f"Bearer {forged}"})
        await service.call("GET", "/v1/users/alice/account", headers={"Authorization": "Bearer nonsense"})
    assert [(line["event"], line["log_level"]) for line in logged] == [("token.another_secret", "warning")]
    assert "TALKTIME_SECRET" in logged[0]["advice"]


async def test_a_function_that_is_no_context_manager_is_refused_at_once(settings: Settings) -> None:
    async def coroutine(_talktime: Talktime) -> None: ...

    async def generator(_talktime: Talktime) -> AsyncIterator[None]:
        yield

    for wrong in (coroutine, generator):
        with pytest.raises(TypeError, match="@asynccontextmanager"):
            create_app(settings, while_open=cast("Any", wrong))


async def test_an_error_of_a_host_is_not_said_to_be_of_the_database(settings: Settings, start: Any) -> None:
    @asynccontextmanager
    async def fails(talktime: Talktime) -> AsyncIterator[None]:
        await talktime.advisor("nobody")
        yield

    async with start(lambda settings: create_app(settings, while_open=fails), settings) as service:
        answer = await service.call("GET", "/readyz")
        assert answer.status_code == 503
        assert answer.json()["detail"] == "The service can't open. Its log says why."


async def test_the_openapi_document_and_its_page_are_served(service: Any) -> None:
    document = (await service.call("GET", "/openapi.json")).json()
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert operation["responses"].keys() >= {"4XX", "5XX"}, (method, path)
            public = path in {"/v1/links/use", "/v1/price", "/v1/time", "/healthz", "/readyz", "/metrics"}
            assert public != bool(operation.get("security")), (method, path)
            assert operation["description"]
    page = (await service.call("GET", "/docs")).text
    for path in document["paths"]:
        assert path in page
    for code in CloseCode:
        assert f"{code.value}: {code.meaning}" in html.unescape(page)
    # An example may name an address, but nothing is loaded from another one, and no link leads there.
    assert not re.search(r"""[=(]\s*["']?(https?:)?//""", page)
    assert json.dumps(document).count("HTTPValidationError") == 0


async def test_long_answers_count_as_several_requests(settings: Settings, start: Any) -> None:
    """Making a long answer keeps others waiting, so nobody gets many of them in a moment."""
    async with start(create_app, settings.model_copy(update={"requests_per_second": 1})) as service:
        await service.people()
        long = await service.call("GET", "/openapi.json")
        assert len(long.content) > 6 * ANSWER_BYTES
        assert (await service.call("GET", "/v1/time")).status_code == 429
        # Who has signed in counts alone.
        for _ in range(500):
            await service.done("POST", "/v1/users/alice/credits", {"amount": "0.01", "kind": "purchase"})
        path = "/v1/users/alice/entries?limit=1000"
        assert len((await service.call("GET", path, by="user:alice")).content) > 6 * ANSWER_BYTES
        assert (await service.call("GET", path, by="user:alice")).status_code == 429
        assert {(await service.call("GET", path, by="service")).status_code for _ in range(3)} == {200}
        assert (await service.call("GET", "/v1/advisors/maya", by="user:bob")).status_code == 200


async def test_requests_are_counted_for_each_person(settings: Settings, start: Any) -> None:
    """All tokens of a person count together; calls without a token count by address; a host has no limit."""
    async with start(create_app, settings.model_copy(update={"requests_per_second": 1})) as service:
        await service.people()
        path = "/v1/advisors/maya"
        first, second = (service.tokens.make(Role.USER, "alice", seconds) for seconds in (60, 61))

        async def flood(token: str | None = None) -> list[httpx.Response]:
            headers = {} if token is None else {"Authorization": f"Bearer {token}"}
            return [await service.call("GET", path, headers=headers) for _ in range(15)]

        answers = await flood(first)
        assert [answer.status_code for answer in answers[:6]] == [200] * 6
        refused = next(answer for answer in answers if answer.status_code == 429)
        assert refused.json()["code"] == "rate_limited"
        assert refused.headers["retry-after"] == "1"
        assert 429 in {answer.status_code for answer in await flood(second)}
        assert (await service.call("GET", path, by="advisor:maya")).status_code == 200
        assert {answer.status_code for answer in await flood(service.token("service"))} == {200}
        assert {answer.status_code for answer in await flood()} == {401, 429}
        # An invalid token counts as no token.
        assert {answer.status_code for answer in await flood("nonsense")} == {401, 429}
        # Pages count for their address, too. Files and the questions of load balancers do not.
        assert (await service.call("GET", "/docs")).status_code == 429
        for path in ("/healthz", "/readyz", "/metrics", "/static/talktime.js"):
            assert {(await service.call("GET", path)).status_code for _ in range(15)} == {200}
