"""The id of a request is the same in the answer, in the problem document, in the logs and in events."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from talktime.asgi import create_app
from talktime.engine import event_log
from talktime.settings import Settings
from tests.services import Service, environment


async def test_a_proxy_gives_the_id(service: Service) -> None:
    missing = await service.call("GET", "/v1/users/nobody", by="service", headers={"X-Request-ID": "from-the-proxy.1"})
    assert missing.headers["x-request-id"] == missing.json()["request_id"] == "from-the-proxy.1"
    page = await service.call("GET", "/user", headers={"X-Request-ID": "2"})
    assert page.headers["x-request-id"] == "2"


@pytest.mark.parametrize("given", ["", "a b", "a\tb", "x" * 129, "ü"])
async def test_an_id_that_nobody_expects_is_replaced(service: Service, given: str) -> None:
    answer = await service.client.get("/v1/nothing", headers={b"X-Request-ID": given.encode()})
    assert re.fullmatch("[0-9a-f]{32}", answer.headers["x-request-id"])
    assert answer.json()["request_id"] == answer.headers["x-request-id"]
    other = await service.call("GET", "/v1/nothing")
    assert other.headers["x-request-id"] != answer.headers["x-request-id"]


async def test_only_a_proxy_gives_the_id(settings: Settings, start: Any) -> None:
    async with start(create_app, settings.model_copy(update={"proxies": ()})) as service:
        answer = await service.call("GET", "/healthz", headers={"X-Request-ID": "mine"})
        assert re.fullmatch("[0-9a-f]{32}", answer.headers["x-request-id"])


async def test_what_a_request_logs_and_its_events_have_its_id(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A logger that an earlier test has used keeps the stream of that test.
    monkeypatch.setattr(event_log, "log", structlog.get_logger())
    await service.people()
    with capture_logs(processors=[structlog.contextvars.merge_contextvars]) as logs:
        await service.call(
            "POST",
            "/v1/chats",
            {"user_id": "alice", "advisor_id": "maya", "chat_id": "1"},
            by="service",
            key="k",
            headers={"X-Request-ID": "the-start"},
        )
    named = [line for line in logs if line.get("request_id") == "the-start"]
    assert named, logs
    (started,) = (await service.done("GET", "/v1/events?types=record.started"))["data"]
    assert started["request_id"] == "the-start"


PROGRAM = """
import asyncio, json, sys
import httpx
from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

seen = []

class Tracer(trace.Tracer):
    def start_span(self, name, *arguments, attributes=None, **options):
        span = Span()
        span.attributes = dict(attributes or {})
        seen.append(span)
        return span
    def start_as_current_span(self, name, **options):
        return trace.use_span(self.start_span(name))

class Span(NonRecordingSpan):
    def __init__(self):
        super().__init__(SpanContext(1, 1, False, TraceFlags(1)))
        self.names = []
    def is_recording(self):
        return True
    def set_attribute(self, key, value):
        self.attributes[key] = value
    def set_attributes(self, attributes):
        self.attributes.update(attributes)
    def update_name(self, name):
        self.names.append(name)

class Provider(trace.TracerProvider):
    def get_tracer(self, *arguments, **options):
        return Tracer()

trace.set_tracer_provider(Provider())
from talktime.asgi import create_app
from talktime.core.roles import Role

async def main():
    app = create_app()
    async with app.router.lifespan_context(app):
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://host") as client:
            token = app.state.tokens.make(Role.SERVICE, "shop")
            signed = {"Authorization": f"Bearer {token}"}
            await client.get("/v1/users/alice-4711?x=alice-4711", headers=signed)
            await client.get("/v1/users?query=alice-4711", headers=signed)
            await client.get("/chat/alice-4711")
    print(json.dumps([[span.names, {key: str(value) for key, value in span.attributes.items()}] for span in seen]))

asyncio.run(main())
"""


def traced(database_url: str, folder: Path, **settings: object) -> list[Any]:
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=environment(database_url=database_url, data_dir=folder, **settings),
        capture_output=True,
        text=True,
        check=True,
        cwd=folder,
    )
    spans: list[Any] = json.loads(ended.stdout.splitlines()[-1])
    return spans


def test_nothing_is_traced_unless_it_is_asked_for(database_url: str, tmp_path: Path) -> None:
    assert traced(database_url, tmp_path) == []


def test_no_id_is_in_what_is_traced(database_url: str, tmp_path: Path) -> None:
    spans = traced(database_url, tmp_path, telemetry=1)
    assert len(spans) == 3
    assert "alice-4711" not in json.dumps(spans)
    assert [span[1]["http.route"] for span in spans] == ["/v1/users/{user_id}", "/v1/users", "/chat/{chat_id}"]
