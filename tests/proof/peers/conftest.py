"""One running service for all the cases of a module, on a clock that stands still until a test moves it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from talktime import Talktime
from talktime.asgi import create_app
from talktime.database.pool import Pool
from tests.databases import STANDING_CLOCK, open_database
from tests.services import Service, running, settings_for


@dataclass
class Talk:
    """A user and an advisor of a test's own, what they do over HTTP, and SQL on the service's database."""

    service: Service
    database: Pool
    name: str
    user: str = ""
    advisor: str = ""
    chat: str = ""

    def __post_init__(self) -> None:
        self.user, self.advisor, self.chat = f"user of {self.name}", f"advisor of {self.name}", f"chat of {self.name}"

    async def people(self, credit: str, tariff: dict[str, Any], **advisor: Any) -> None:
        """Create the user, with credit, and the advisor."""
        await self.service.done("PUT", f"/v1/users/{self.user}", {"display_name": "Una"})
        await self.set_tariff(tariff, **advisor)
        await self.top_up(credit)

    async def set_tariff(self, tariff: dict[str, Any], **advisor: Any) -> None:
        body = {"display_name": "Ada", "tariff": tariff, "starts": "at_once", **advisor}
        await self.service.done("PUT", f"/v1/advisors/{self.advisor}", body)

    async def top_up(self, credit: str) -> None:
        await self.service.done("POST", f"/v1/users/{self.user}/credits", {"amount": credit, "kind": "purchase"})

    async def begin(self) -> dict[str, Any]:
        """Start the chat, its record and its timer."""
        body = {"user_id": self.user, "advisor_id": self.advisor, "chat_id": self.chat}
        return await self.service.done("POST", "/v1/chats", body)

    async def go_on(self, seconds: float) -> None:
        """Let time pass."""
        await self.service.done("POST", "/v1/test-clock/advance", {"seconds": seconds})

    async def act(self, what: str, by: str = "service") -> dict[str, Any]:
        """Send an act on the chat: pause, resume, stop, tracking or heartbeat."""
        return await self.service.done("POST", f"/v1/chats/{self.chat}/{what}", by=by)

    async def see(self, by: str = "service") -> dict[str, Any]:
        """The snapshot."""
        return await self.service.done("GET", f"/v1/chats/{self.chat}/tracking", by=by)

    async def account(self) -> dict[str, Any]:
        return await self.service.done("GET", f"/v1/users/{self.user}/account")

    async def charges(self) -> list[str]:
        """The amounts of the charges, oldest first."""
        entries = (await self.service.done("GET", f"/v1/users/{self.user}/entries"))["entries"]
        return [entry["amount"] for entry in reversed(entries) if entry["kind"] == "charge"]

    async def talked(self, seconds: float) -> dict[str, Any]:
        """Play a whole record of this length; its receipt."""
        begun = await self.begin()
        await self.go_on(seconds)
        await self.act("stop")
        return await self.receipt(begun["record"]["id"])

    async def receipt(self, record_id: str) -> dict[str, Any]:
        return await self.service.done("GET", f"/v1/records/{record_id}/receipt")


@dataclass
class Served:
    """A running service, and SQL on its database."""

    service: Service
    database: Pool
    database_url: str


@asynccontextmanager
async def serving(server: Any, folder: Path, name: str, **settings: Any) -> AsyncIterator[Served]:
    """A service on a database of its own; at the end every rule must hold."""
    url = server.create(name, template="talktime")
    given = settings_for(url, folder, test_clock=True, **settings)
    try:
        async with open_database(url) as database:
            await database.execute(STANDING_CLOCK)
            async with running(create_app, given) as service:
                yield Served(service, database, url)
            async with Talktime.connect(url, settings=given, work=False) as talktime:
                assert await talktime.broken_rules() == []
    finally:
        server.drop(name)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def patient(server: Any, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    """A service that never takes a party for absent."""
    folder = tmp_path_factory.mktemp("patient")
    async with serving(server, folder, "peers_patient", presence_lease_seconds=100_000) as served:
        yield served


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def strict(server: Any, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    """A service that takes a party for absent after thirty seconds without a proof of presence."""
    async with serving(server, tmp_path_factory.mktemp("strict"), "peers_strict") as served:
        yield served


@pytest.fixture
def talk(patient: Served, request: pytest.FixtureRequest) -> Talk:
    """People of the test's own, who need not prove that they are present."""
    return Talk(patient.service, patient.database, request.node.name)


@pytest.fixture
def strict_talk(strict: Served, request: pytest.FixtureRequest) -> Talk:
    """People of the test's own, who must prove that they are present."""
    return Talk(strict.service, strict.database, request.node.name)


@pytest.fixture
def restarted(strict: Served, tmp_path: Path) -> Callable[[], AbstractAsyncContextManager[Service]]:
    """Starts a second process' worth of the strict service, which shares only the database with the first."""
    given = settings_for(strict.database_url, tmp_path, test_clock=True)
    return lambda: running(create_app, given)
