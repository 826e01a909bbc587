"""The examples of whole programs: a shop with FastAPI, with Django and with Flask, as the documents say to run them."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from talktime import Party, Talktime, parse_credits
from talktime.asgi import Tokens
from tests.nodes import add_alice_and_maya, node_on
from tests.services import SECRET, environment

EXAMPLES = Path(__file__).parents[2] / "examples"
ADDRESS = "https://shop.example/talktime"
PAGE = "/chat/alice%3Amaya"
LOG = "shop.log"
ORDER = {"order": "4711", "user": "alice", "amount": "10.00"}


@pytest.fixture
async def node(database_url: str) -> AsyncIterator[Talktime]:
    """The program that runs beside the shop and sends the events."""
    async with node_on(database_url, webhook_private=True, presence_lease_seconds=1000) as node:
        await add_alice_and_maya(node)
        yield node


@contextmanager
def running(host: str, secret: str, database_url: str, tmp_path: Path) -> Iterator[str]:
    """The shop of an example, which runs until the context ends; its address."""
    command = [sys.executable, str(Path(__file__).with_name("serve_wsgi.py"))]
    if host == "fastapi":
        command = [sys.executable, "-c", _SERVE_ASGI]
    # The mounted service is a node, too, and may send the events.
    settings = {"database_url": database_url, "address": ADDRESS, "data_dir": tmp_path, "webhook_private": 1}
    env = environment(**settings) | {"WEBHOOK_SECRET": secret}
    pipe = subprocess.PIPE
    with (
        (tmp_path / LOG).open("wb") as log,
        subprocess.Popen(command, cwd=EXAMPLES / host, env=env, stdin=pipe, stdout=pipe, stderr=log, text=True) as shop,
    ):
        assert shop.stdin is not None
        assert shop.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(shop.stdout.readline())}"
        finally:
            shop.stdin.close()
            assert shop.wait(30) == 0


_SERVE_ASGI = """
import asyncio, socket, sys, threading, uvicorn
sys.path.insert(0, "")
from shop import app
listening = socket.create_server(("127.0.0.1", 0))
server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
def end():
    sys.stdin.read()
    server.should_exit = True
threading.Thread(target=end, daemon=True).start()
print(listening.getsockname()[1], flush=True)
asyncio.run(server.serve([listening]))
"""


@pytest.mark.parametrize("host", ["fastapi", "django", "flask"])
async def test_a_shop_takes_payments_signs_in_and_learns_what_happened(
    host: str, node: Talktime, database_url: str, tmp_path: Path
) -> None:
    hook = await node.create_webhook("http://127.0.0.1:1/events")
    assert hook.secret is not None
    with running(host, hook.secret, database_url, tmp_path) as address:
        await node.change_webhook(hook.id, url=f"{address}/events")
        async with httpx.AsyncClient(base_url=address, timeout=30) as shop:
            # A top-up that is reported twice, at once, is credited once.
            answers = await asyncio.gather(*(shop.post("/paid", json=ORDER) for _ in range(4)))
            assert [answer.status_code for answer in answers] == [204] * 4
            assert (await node.account("alice")).balance == parse_credits("110.00")
            await mistakes_are_refused_with_their_reason(shop)
            assert (await node.account("alice")).balance == parse_credits("110.00")
            # The user is signed in on the page of the chat, which is the same when the user asks again.
            shop.cookies.set("user", "alice")
            assert (await shop.get("/talk/maya")).status_code == 405
            assert (await shop.post("/talk/maya?offer_version=9-0")).status_code == 409
            asked = (await shop.get("/price/maya")).text
            assert re.search(r"Maya: \d+\.\d\d for each \d+ seconds\.", asked), asked
            (action,) = re.findall(r'action="([^"]+)"', asked)
            await shop.post(action)
            assert "Your talk goes on." in (await shop.get("/price/maya")).text
            sent_on = await shop.post("/talk/maya")
            assert sent_on.status_code == 303
            page, _, code = sent_on.headers["Location"].partition("#")
            assert page == f"{ADDRESS}/sign-in"
            caller = Tokens(SECRET).read((await shop.get("/my-token")).text)
            assert (caller.role, caller.subject) == ("user", "alice")
            if host == "fastapi":
                await use_mounted_service(shop, code)
            else:
                sign_in = await node.use_link(code)
                assert (sign_in.role, sign_in.subject, sign_in.page) == ("user", "alice", PAGE)
            # The end of the conversation is told, and nothing that somebody else tells.
            (chat,) = await node.chats_of_user("alice")
            assert chat.id == "alice:maya"
            await node.heartbeat(chat.id, Party.ADVISOR)
            await node.stop(chat.id)
            async with asyncio.timeout(60):
                while "record.ended" not in await delivered(node, hook.id):
                    await asyncio.sleep(0.05)
            assert (await node.delivery_page(hook.id, state="failed")).items == ()
            forged = await shop.post("/events", json={"type": "record.ended", "record_id": "r", "data": {"cost": "0"}})
            assert forged.status_code == 400


@pytest.mark.parametrize("host", ["fastapi", "django", "flask"])
async def test_a_shop_whose_first_call_meets_no_database_answers_503(host: str, tmp_path: Path) -> None:
    nowhere = "postgresql://nobody@127.0.0.1:1/talktime"
    with running(host, f"whsec_{'A' * 32}", nowhere, tmp_path) as address:
        async with httpx.AsyncClient(base_url=address, timeout=30) as shop:
            refused = await shop.post("/paid", json=ORDER)
            assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
    assert "The database can't be reached" in (tmp_path / LOG).read_text()


@pytest.mark.parametrize("host", ["fastapi", "django", "flask"])
async def test_a_shop_on_an_empty_database_logs_what_to_do(host: str, empty_database_url: str, tmp_path: Path) -> None:
    with running(host, f"whsec_{'A' * 32}", empty_database_url, tmp_path) as address:
        async with httpx.AsyncClient(base_url=address, timeout=30) as shop:
            refused = await shop.post("/paid", json=ORDER)
            assert refused.status_code == 503
            # A mounted service answers the reason. The others do not say that the database can't be reached.
            told = "talktime migrate" if host == "fastapi" else "The log says why"
            assert told in refused.json()["detail"]
    log = (tmp_path / LOG).read_text()
    assert re.search(r"The database is empty.* run: talktime migrate", log), log


async def mistakes_are_refused_with_their_reason(shop: httpx.AsyncClient) -> None:
    """No mistake of a person or of a payment provider is an error of the shop. The cookies are those of a newcomer."""
    for refused in (await shop.post("/talk/maya"), await shop.get("/my-token")):
        assert refused.status_code in {401, 422}
    # A person who has never paid is known to nobody yet.
    shop.cookies.set("user", "newcomer")
    refused = await shop.post("/talk/maya")
    assert refused.status_code == 402
    assert "Please buy credit" in refused.text
    refused = await shop.post("/talk/nobody")
    assert refused.status_code == 404
    assert "There is no such advisor" in refused.text
    for amount, reason in {"ten": "must be a decimal string", "-1.00": "negative", "0.00": "more than 0"}.items():
        refused = await shop.post("/paid", json=ORDER | {"order": "4712", "amount": amount})
        assert refused.status_code == 422
        assert reason in refused.text
    refused = await shop.post("/paid", json=ORDER | {"amount": "20.00"})
    assert refused.status_code == 422
    assert "key" in refused.text


async def use_mounted_service(shop: httpx.AsyncClient, code: str) -> None:
    """The link and a token of the library work at the service below the path of the shop."""
    used = await shop.post("/talktime/v1/links/use", json={"code": code})
    assert (used.json()["subject"], used.json()["page"]) == ("alice", PAGE)
    for token in (used.json()["token"], (await shop.get("/my-token")).text):
        headers = {"Authorization": f"Bearer {token}"}
        answer = await shop.get("/talktime/v1/users/alice/account", headers=headers)
        assert answer.json()["user_id"] == "alice"


async def delivered(node: Talktime, webhook_id: str) -> set[str]:
    """The types of the events that the shop has taken."""
    return {delivery.type for delivery in (await node.delivery_page(webhook_id, state="delivered")).items}
