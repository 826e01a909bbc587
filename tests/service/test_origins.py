"""Which pages may call the service: those of its own site, those of named sites, and no others."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest
import websockets
from starlette.websockets import WebSocket
from websockets.typing import Origin

from talktime.asgi import create_app
from talktime.service.http.origins import is_allowed_origin
from talktime.settings import Settings, load_settings
from tests.services import Live

SHOP = "https://shop.example"


def sharing(settings: Settings) -> Settings:
    return settings.model_copy(update={"origins": (SHOP,)})


async def test_a_named_site_may_call(settings: Settings, start: Any) -> None:
    async with start(create_app, sharing(settings)) as service:
        await service.people()
        asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
        preflight = await service.call("OPTIONS", "/v1/chats", headers={"Origin": SHOP, **asked})
        assert preflight.status_code == 200
        assert preflight.headers["access-control-allow-origin"] == SHOP
        assert "authorization" in preflight.headers["access-control-allow-headers"].lower()
        for path in ("/v1/time", "/static/talktime.js", "/v1/nothing"):  # a refusal must be readable, too
            answer = await service.call("GET", path, headers={"Origin": SHOP})
            assert answer.headers["access-control-allow-origin"] == SHOP
            assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize(
    "origin", ["https://elsewhere.example", "http://shop.example", "https://shop.example.evil.example", "null"]
)
async def test_no_other_site_may_call(settings: Settings, start: Any, origin: str) -> None:
    async with start(create_app, sharing(settings)) as service:
        answer = await service.call("GET", "/v1/time", headers={"Origin": origin})
        assert "access-control-allow-origin" not in answer.headers
        preflight = await service.call(
            "OPTIONS", "/v1/chats", headers={"Origin": origin, "Access-Control-Request-Method": "POST"}
        )
        assert "access-control-allow-origin" not in preflight.headers
        async with service.live(origin=origin) as live:
            assert await live.close_code() == 4403


async def test_the_live_channel_takes_named_sites_its_own_pages_and_programs(settings: Settings, start: Any) -> None:
    async with start(create_app, sharing(settings)) as service:
        await service.people()
        own = service.address
        behind_tls = f"https://{urlsplit(own).netloc}"
        for origin in (SHOP, own, behind_tls, None):
            async with service.live("user:alice", origin=origin) as live:
                await live.say("ping", c0=1)
                await live.hear("pong")


async def test_by_default_there_are_no_other_sites(service: Any) -> None:
    async with service.live(origin=SHOP) as live:
        assert await live.close_code() == 4403


async def test_a_default_port_in_host_makes_no_other_site(service: Any) -> None:
    await service.people()
    port = urlsplit(service.address).port
    address = "ws://shop.example:443/v1/live"
    async with websockets.connect(address, host="127.0.0.1", port=port, origin=Origin(SHOP)) as socket:
        live = Live(socket)
        await live.say("hello", token=service.token("user:alice"))
        await live.say("ping", c0=1)
        await live.hear("pong")


@pytest.mark.parametrize(
    ("origin", "host", "is_allowed"),
    [
        ("https://shop.example", "shop.example:443", True),
        ("https://shop.example:443", "shop.example", True),
        ("http://shop.example", "Shop.example:80", True),
        ("https://shop.example:8443", "shop.example:8443", True),
        ("https://shop.example", "shop.example:8443", False),
        ("https://shop.example", "shop.example:80", False),
        ("capacitor://shop.example", "shop.example", False),
        ("https://", "", False),
        ("https://:443", ":443", False),
        ("null", "null", False),
    ],
)
def test_another_port_or_an_app_is_another_site(service: Any, origin: str, host: str, is_allowed: bool) -> None:
    headers = [(b"origin", origin.encode()), (b"host", host.encode())]
    scope = {"type": "websocket", "headers": headers, "app": service.app}
    websocket = WebSocket(scope, None, None)  # type: ignore[arg-type]  # nothing is sent
    assert is_allowed_origin(websocket) == is_allowed


@pytest.mark.parametrize(
    ("named", "sent"),
    [
        ("https://shop.example:443", "https://shop.example"),
        ("http://shop.example:80", "http://shop.example"),
        ("capacitor://localhost", "capacitor://localhost"),
        ("ionic://localhost", "ionic://localhost"),
        ("tauri://localhost", "tauri://localhost"),
    ],
)
async def test_apps_and_default_ports_may_be_named(
    settings: Settings, start: Any, named: str, sent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TALKTIME_ORIGINS", named)
    allowed = load_settings().origins
    async with start(create_app, settings.model_copy(update={"origins": allowed})) as service:
        await service.people()
        answer = await service.call("GET", "/v1/time", headers={"Origin": sent})
        assert answer.headers["access-control-allow-origin"] == sent
        async with service.live("user:alice", origin=sent) as live:
            await live.say("ping", c0=1)
            await live.hear("pong")
