"""Below a path that a proxy takes off, everything that the service writes leads through the proxy again."""

from __future__ import annotations

import re
from typing import Any

import pytest

from talktime.asgi import create_app
from talktime.service.proxies import Proxied
from talktime.settings import Settings
from tests.services import Service

PREFIX = "/shop/talktime"
BEHIND = {"X-Forwarded-Prefix": PREFIX, "Accept": "text/html"}
PAGES = (
    "/",
    "/docs",
    "/user",
    "/account",
    "/advisor",
    "/advisor/statement",
    "/chat/1",
    "/receipts/1",
    "/operator",
    "/sign-in",
)


async def links_of(service: Service, path: str, headers: dict[str, str]) -> list[str]:
    """Every address that a page leads to, or loads, on its own site."""
    answer = await service.call("GET", path, headers=headers)
    found = re.findall(r'(?:href|src|data-root)="(/[^"]*)"', answer.text)
    assert found, path
    return found


@pytest.mark.parametrize("by", ["header", "setting"])
async def test_pages_lead_through_the_proxy(settings: Settings, start: Any, by: str) -> None:
    settings = settings.model_copy(update={"root_path": PREFIX if by == "setting" else ""})
    headers = BEHIND if by == "header" else {}
    async with start(create_app, settings) as service:
        for path in PAGES:
            for link in await links_of(service, path, headers):
                assert link.startswith(PREFIX), (path, link)
                if link not in {PREFIX, f"{PREFIX}/"}:
                    # As the proxy asks for the link: without the path.
                    loaded = await service.call("GET", link.removeprefix(PREFIX), headers=headers)
                    assert loaded.status_code == 200, link
        moved = await service.call("GET", "/earnings?lang=de", headers=headers)
        assert moved.headers["location"] == f"{PREFIX}/advisor/statement?lang=de"
        missing = await service.call("GET", "/nothing", headers={**headers, "Accept": "text/html"})
        assert missing.status_code == 404
        assert f'href="{PREFIX}/"' in missing.text
        document = (await service.call("GET", "/openapi.json", headers=headers)).json()
        assert document["servers"][0]["url"] == PREFIX
        cookie = (await service.call("GET", "/user?lang=de", headers=headers)).headers["set-cookie"]
        assert f"Path={PREFIX}/" in cookie


@pytest.mark.parametrize("by", ["header", "setting"])
async def test_lists_links_and_the_live_channel_lead_through_the_proxy(settings: Settings, start: Any, by: str) -> None:
    settings = settings.model_copy(update={"root_path": PREFIX if by == "setting" else ""})
    headers = {"X-Forwarded-Prefix": PREFIX} if by == "header" else {}
    async with start(create_app, settings) as service:
        await service.people()
        first = await service.call("GET", "/v1/users?limit=1", by="service", headers=headers)
        assert first.headers["link"].startswith(f"<{PREFIX}/v1/users?")
        assert first.headers["cache-control"] == "no-store"
        outside = {**headers, "Host": "shop.example:443", "X-Forwarded-Proto": "https"}
        body = {"role": "operator", "subject": "otto", "page": "/operator"}
        answer = await service.call("POST", "/v1/links", body, by="service", key="1", headers=outside)
        assert answer.is_success, answer.text
        link = answer.json()
        assert link["address"].startswith(f"https://shop.example{PREFIX}/sign-in#"), link
        wrong = await service.call("DELETE", "/v1/chats/1/messages", by="service", headers=headers)
        assert wrong.headers["allow"] == "GET, HEAD, POST"
        async with service.live("user:alice", additional_headers=headers) as live:
            await live.say("ping", c0=1)
            await live.hear("pong")


@pytest.mark.parametrize(
    "prefix",
    ["//evil.example", "/a//b", "https://evil.example", '/"><script>', "/a b", "/..", "/a/../b", "a", "/ü"],
)
async def test_a_prefix_that_could_lead_elsewhere_is_not_believed(service: Service, prefix: str) -> None:
    headers = {b"X-Forwarded-Prefix": prefix.encode()}
    answer = await service.client.get("/user", headers=headers)
    assert 'data-root=""' in answer.text


async def test_only_a_proxy_is_believed(settings: Settings, start: Any) -> None:
    settings = settings.model_copy(update={"proxies": ()})
    async with start(create_app, settings) as service:
        assert 'data-root=""' in (await service.call("GET", "/user", headers=BEHIND)).text


async def test_the_address_of_the_proxy_decides_and_not_that_of_its_client(settings: Settings) -> None:
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append((scope["path"], scope["client"]))

    headers = [(b"x-forwarded-prefix", b"/talktime/"), (b"x-forwarded-for", b"203.0.113.9")]
    scope = {"type": "http", "path": "/user", "headers": headers, "scheme": "http"}
    layer: Any = Proxied(app, settings)
    await layer({**scope, "client": ("127.0.0.1", 1)}, None, None)
    await layer({**scope, "client": ("203.0.113.1", 1)}, None, None)
    assert seen == [("/talktime/user", ("203.0.113.9", 0)), ("/user", ("203.0.113.1", 1))]
