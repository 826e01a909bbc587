"""Which pages may call the service: those of its own site, those of named sites, and no others."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest

from talktime.asgi import create_app
from talktime.settings import Settings

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
