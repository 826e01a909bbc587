"""The load: users and advisors who talk, pay, write and are given back. Whatever was acknowledged to them is noted.

A caller without an answer asks again, at any node, with the same idempotency key, until there is one.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any, Final

import httpx
import websockets

from talktime.core.roles import Role
from talktime.service.tokens import Tokens
from tests.services import SECRET

if TYPE_CHECKING:
    from tests.chaos.nodes import ChaosNode

TARIFF: Final = {
    "connect_fee": "0.05",
    "tiers": [{"from_seconds": 0, "rate": "0.01", "per_seconds": 1, "increment_seconds": 1}],
}
_ANSWER_SECONDS_MAX: Final = 20
_PATIENCE_SECONDS: Final = 120
_SILENCE_SECONDS_MAX: Final = 12
_DEFINITE: Final = frozenset({200, 201, 402, 404, 409})
_MAYBE: Final = frozenset({502, 503, 504})


@dataclass
class Acknowledged:
    """What was acknowledged, and what must not be. Money is in credits, as text."""

    credits: dict[str, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))
    messages: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    refunds: dict[str, str] = field(default_factory=dict)
    commands: int = 0
    unavailable: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    longest_wait_seconds: float = 0.0
    """How long the longest command took, with all repetitions."""
    answered: dict[str, list[tuple[float, float]]] = field(default_factory=lambda: defaultdict(list))
    """For each node, when a command that it acknowledged was sent, and when the answer came."""


class Caller:
    """The backend of a host: calls with a token of the role `service`."""

    def __init__(self, nodes: list[ChaosNode], random: Random, acknowledged: Acknowledged) -> None:
        self.nodes = nodes
        self.random = random
        self.acknowledged = acknowledged
        self._tokens = Tokens(SECRET)
        self._client = httpx.AsyncClient(timeout=_ANSWER_SECONDS_MAX)
        self._keys = iter(range(10**9))
        self._name = f"{random.getrandbits(64):016x}"

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    def token(self, role: Role, subject: str) -> str:
        """A token that holds for the whole run."""
        return self._tokens.make(role, subject)

    async def post(self, path: str, body: Any = None) -> tuple[int, Any]:
        """Send a command until there is an answer that says what became of it; its status and document."""
        return await self._ask("POST", path, body, {"Idempotency-Key": f"{self._name} {next(self._keys)}"})

    async def put(self, path: str, body: Any) -> None:
        """Send a `PUT` until it is done."""
        await self._ask("PUT", path, body, {})

    async def get(self, path: str, node: ChaosNode) -> Any:
        """Ask one node; None if it does not answer."""
        headers = {"Authorization": f"Bearer {self.token(Role.SERVICE, 'host')}"}
        with contextlib.suppress(httpx.HTTPError):
            response = await self._client.get(node.address + path, headers=headers)
            self._note(response, path)
            if response.status_code == 200:
                return response.json()
        return None

    async def _ask(self, method: str, path: str, body: Any, headers: dict[str, str]) -> tuple[int, Any]:
        headers = headers | {"Authorization": f"Bearer {self.token(Role.SERVICE, 'host')}"}
        began = time.monotonic()
        while time.monotonic() < began + _PATIENCE_SECONDS:
            node, sent = self.random.choice(self.nodes), time.monotonic()
            try:
                response = await self._client.request(method, f"{node.address}/v1{path}", json=body, headers=headers)
            except httpx.HTTPError:
                self.acknowledged.unavailable += 1
            else:
                self._note(response, path)
                if response.status_code in _DEFINITE:
                    self.acknowledged.commands += 1
                    self.acknowledged.longest_wait_seconds = max(
                        self.acknowledged.longest_wait_seconds, time.monotonic() - began
                    )
                    self.acknowledged.answered[node.name].append((sent, time.monotonic()))
                    return response.status_code, response.json()
                self.acknowledged.unavailable += 1
            await asyncio.sleep(0.1 + self.random.random() / 5)
        self.acknowledged.wrong.append(f"no answer to {method} {path} in {_PATIENCE_SECONDS} s")
        return 0, None

    def _note(self, response: httpx.Response, path: str) -> None:
        self.acknowledged.statuses[response.status_code] += 1
        if response.status_code not in _DEFINITE | _MAYBE:
            self.acknowledged.wrong.append(f"{response.status_code} for {path}: {response.text[:200]}")


class Talker:
    """A user, who talks with one advisor in two chats, one act after the other."""

    def __init__(self, caller: Caller, number: int) -> None:
        self._caller = caller
        self._random = Random(f"{caller.random.random()} {number}")
        self.user, self.advisor = f"user-{number}", f"advisor-{number % 4}"
        self.chats = [f"chat-{number}-{chat}" for chat in range(2)]
        self.chat = self.chats[0]
        self._record: str | None = None
        self._numbers = iter(range(10**9))

    async def join(self) -> None:
        """Make the account, the advisor and the first credit."""
        await self._caller.put(f"/users/{self.user}", {"display_name": self.user})
        await self._caller.put(
            f"/advisors/{self.advisor}", {"display_name": self.advisor, "tariff": TARIFF, "starts": "at_once"}
        )
        await self._credit("2.00")

    async def run(self, is_over: asyncio.Event) -> None:
        """Act until it is over."""
        acts = [self._start, self._start, self._write, self._write, self._pause, self._top_up, self._refund, self._stop]
        while not is_over.is_set():
            await self._random.choice(acts)()
            await asyncio.sleep(self._random.random() / 2)

    async def _credit(self, amount: str) -> None:
        reference = f"{self.user} {next(self._numbers)}"
        body = {"amount": amount, "kind": "purchase", "reference": reference}
        status, _ = await self._caller.post(f"/users/{self.user}/credits", body)
        if status in {200, 201}:
            self._caller.acknowledged.credits[self.user][reference] = amount

    async def _top_up(self) -> None:
        await self._credit(self._random.choice(["0.10", "0.50", "1.00"]))

    async def _start(self) -> None:
        self.chat = self._random.choice(self.chats)
        body = {"user_id": self.user, "advisor_id": self.advisor, "chat_id": self.chat}
        status, snapshot = await self._caller.post("/chats", body)
        if status in {200, 201}:
            self._record = snapshot["record"]["id"]

    async def _pause(self) -> None:
        await self._caller.post(f"/chats/{self.chat}/pause")

    async def _stop(self) -> None:
        await self._caller.post(f"/chats/{self.chat}/stop")

    async def _write(self) -> None:
        client_id = f"{self.user} {next(self._numbers)}"
        body = {"text": "so it is", "client_id": client_id, "party": "user"}
        status, _ = await self._caller.post(f"/chats/{self.chat}/messages", body)
        if status in {200, 201}:
            self._caller.acknowledged.messages[self.chat].append(client_id)

    async def _refund(self) -> None:
        if self._record is None:
            return
        reason = f"{self.user} {next(self._numbers)}"
        body = {"amount": "0.01", "reason": reason, "borne_by": "platform"}
        status, _ = await self._caller.post(f"/records/{self._record}/refunds", body)
        if status == 201:
            self._caller.acknowledged.refunds[reason] = self._record


class Watcher:
    """A screen: watches chats at any node, proves presence, and comes back when its channel is lost."""

    def __init__(self, caller: Caller, role: Role, subject: str, chats: list[str]) -> None:
        self._caller = caller
        self._hello = {"type": "hello", "token": caller.token(role, subject)}
        self._chats = chats
        self.shown: dict[str, dict[str, Any]] = {}
        self.close_codes: Counter[int | None] = Counter()

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            node = self._caller.random.choice(self._caller.nodes)
            with contextlib.suppress(OSError, TimeoutError, websockets.WebSocketException):
                async with websockets.connect(
                    node.address.replace("http", "ws") + "/v1/live", open_timeout=5
                ) as socket:
                    try:
                        await self._watch(socket)
                    except websockets.ConnectionClosed:
                        self.close_codes[socket.close_code] += 1
            await asyncio.sleep(0.2 + self._caller.random.random())

    async def _watch(self, socket: websockets.ClientConnection) -> None:
        await socket.send(json.dumps(self._hello))
        for chat_id in self._chats:
            await socket.send(json.dumps({"type": "watch", "chat_id": chat_id}))
        while True:
            async with asyncio.timeout(_SILENCE_SECONDS_MAX):
                message = json.loads(await socket.recv())
            if message["type"] == "heartbeat":
                await socket.send(json.dumps({"type": "heartbeat"}))
            elif message["type"] == "snapshot":
                self.shown[message["chat_id"]] = message["snapshot"]
