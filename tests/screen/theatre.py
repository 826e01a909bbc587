"""The services, networks and pages that scenarios use."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import uvicorn
import websockets
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from talktime.core.roles import Role
from talktime.service.tokens import Tokens
from tests.screen.browsers.tab import Browser, Tab
from tests.screen.ports import free_port
from tests.screen.recording import Recording
from tests.screen.relay import DIRECT, Network, Relay
from tests.screen.service import Pair, Service
from tests.services import BY_THE_SECOND, SECRET, START_SECONDS_MAX

SITE = Path(__file__).parent / "site"


@dataclass
class Screen:
    """A page in a browser, its network, and what it shows."""

    tab: Tab
    relay: Relay
    url: str
    pair: Pair
    name: str
    _kept: list[list[Any]] = field(default_factory=list)

    async def run(self, expression: str) -> Any:
        return await self.tab.run(expression)

    async def keep(self) -> None:
        """Keep the rows of the page before it is left."""
        self._kept += await self.tab.run("rows")

    async def reload(self) -> None:
        """Load the page again, as a person does with F5; the recording goes on."""
        await self.keep()
        await self.tab.open(self.url)

    async def recording(self, zero_ms: float | None = None) -> Recording:
        """The recording of everything that was shown so far."""
        rows = self._kept + await self.tab.run("rows")
        zero = await self.pair.zero_ms() if zero_ms is None else zero_ms
        return Recording.of(self.name, rows, zero)

    async def until(self, condition: str, seconds: float = 20) -> None:
        """Wait until a JavaScript condition holds."""
        async with asyncio.timeout(seconds):
            while not await self.tab.run(f"Boolean({condition})"):
                await asyncio.sleep(0.05)

    async def until_state(self, state: str, seconds: float = 20) -> None:
        await self.until(f"document.querySelector('talk-time').getAttribute('state') === '{state}'", seconds)

    async def until_running(self) -> None:
        """Wait until the screen shows digits that move."""
        await self.until_state("running")


# Numbers for people: scenarios share the databases, but no people.
_PEOPLE = itertools.count(1)


@dataclass
class Theatre:
    """The services, and a site of a host in front of them."""

    site: str
    services: dict[str, Service]
    stack: AsyncExitStack
    numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    async def pair(self, kind: str = "usual", credit: str = "500.00", tariff: object = BY_THE_SECOND) -> Pair:
        """A new user with credit and a new advisor, in a running chat."""
        service = self.services[kind]
        number = next(_PEOPLE)
        pair = Pair(service, f"user-{number}", f"advisor-{number}", f"chat-{number}")
        await service.call("PUT", f"/users/{pair.user}", {"display_name": "Uma"})
        await service.call(
            "PUT", f"/advisors/{pair.advisor}", {"display_name": "Ada", "tariff": tariff, "starts": "at_once"}
        )
        await service.call("POST", f"/users/{pair.user}/credits", {"amount": credit, "kind": "purchase"})
        people = {"user_id": pair.user, "advisor_id": pair.advisor, "chat_id": pair.chat}
        await service.call("POST", "/chats", people)
        return pair

    async def relay(self, service: Service, network: Network = DIRECT) -> Relay:
        """A relay between browsers and a service."""
        return await self.stack.enter_async_context(Relay(service.port, network, seed=next(self.numbers)).run())

    async def screen(
        self,
        browser: Browser,
        pair: Pair,
        network: Network = DIRECT,
        *,
        page: str = "screen",
        role: str = "user",
        chat: str | None = None,
        relay: Relay | None = None,
        **options: object,
    ) -> Screen:
        """A page of the host that shows the chat of a pair over a network."""
        relay = relay or await self.relay(pair.service, network)
        asked = {
            "service": relay.address,
            "chat": chat or pair.chat,
            "role": role,
            "subject": pair.user if role == "user" else pair.advisor,
            **options,
        }
        url = f"{self.site}/{page}.html?{urlencode(asked)}"
        tab = await browser.tab()
        screen = Screen(tab, relay, url, pair, f"{browser.name} {page} {role} {network.name}")
        await tab.open(url)
        return screen

    async def stand_in(self, pair: Pair) -> None:
        """Keep the advisor present until the scenario ends: the lease of an advisor ends no scenario."""
        await self.present(pair, pair.chat)

    async def present(self, pair: Pair, chat: str) -> None:
        """Keep the advisor present in this chat."""
        await self.stack.enter_async_context(_present(pair, chat, Role.ADVISOR))


@asynccontextmanager
async def _present(pair: Pair, chat: str, role: Role) -> AsyncIterator[None]:
    """A party without a browser, who watches the chat and answers every heartbeat."""
    subject = pair.user if role is Role.USER else pair.advisor
    token = Tokens(SECRET).make(role, subject)

    async def watch(watching: asyncio.Event) -> None:
        async for socket in websockets.connect(f"ws://127.0.0.1:{pair.service.port}/v1/live"):
            try:
                await socket.send(json.dumps({"type": "hello", "token": token}))
                await socket.send(json.dumps({"type": "watch", "chat_id": chat}))
                async for text in socket:
                    watching.set()
                    if json.loads(text)["type"] == "heartbeat":
                        await socket.send(json.dumps({"type": "heartbeat"}))
            except websockets.ConnectionClosed:
                continue

    watching = asyncio.Event()
    task = asyncio.create_task(watch(watching))
    try:
        async with asyncio.timeout(START_SECONDS_MAX):
            await watching.wait()
        yield
    finally:
        task.cancel()


@asynccontextmanager
async def serving(app: Starlette) -> AsyncIterator[str]:
    """Serve a site of a host until the context ends; returns its origin."""
    port = free_port()
    server = uvicorn.Server(
        uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning", lifespan="off", ws="none")
    )
    task = asyncio.create_task(server.serve())
    async with asyncio.timeout(START_SECONDS_MAX):
        while not server.started:
            await asyncio.sleep(0.02)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await task


@asynccontextmanager
async def theatre(
    databases: dict[str, str], folder: Path, settings: dict[str, dict[str, Any]]
) -> AsyncIterator[Theatre]:
    """Start a service of each kind, on its own database, with its settings."""
    async with serving(_site()) as origin, AsyncExitStack() as stack:
        services = {}
        try:
            for kind, url in databases.items():
                own = folder / kind
                own.mkdir()
                services[kind] = await Service.start(url, own, origins=origin, **settings[kind])
            yield Theatre(origin, services, stack)
        finally:
            await stack.aclose()
            for service in services.values():
                await service.stop()


def _site() -> Starlette:
    """The pages of the host, which give tokens to their people."""

    async def token(request: Request) -> PlainTextResponse:
        asked = request.query_params
        return PlainTextResponse(Tokens(SECRET).make(Role(asked["role"]), asked["subject"]))

    return Starlette(routes=[Route("/token", token), Mount("/", StaticFiles(directory=SITE))])
