"""A link signs a browser in, once, and leads to its page: in the service itself, and mounted below a path."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from playwright.sync_api import Browser, Page, expect

from talktime import Talktime, Tariff, parse_credits
from talktime.asgi import create_app
from talktime.core.roles import Role
from talktime.service.tokens import Tokens
from tests.services import BY_THE_MINUTE, settings_for

from .conftest import Demo, Pair, Screens


@pytest.fixture
def pair(demo: Demo) -> Pair:
    return demo.pair(BY_THE_MINUTE, "20.00")


def link_for(demo: Demo, role: str, subject: str, page: str | None = None) -> str:
    address: str = demo.call("POST", "/links", {"role": role, "subject": subject, "page": page})["address"]
    return address


def signed_in_as(page: Page) -> str:
    subject: str = page.evaluate("sessionStorage.getItem('talktime.subject')")
    return subject


@pytest.mark.parametrize(
    ("role", "home", "heading"),
    [("user", "/user", "Your chats"), ("advisor", "/advisor", "Your chats"), ("operator", "/operator", "Running now")],
)
def test_a_link_leads_to_the_first_page_of_the_role(
    screens: Screens, demo: Demo, pair: Pair, role: str, home: str, heading: str
) -> None:
    subject = {"user": pair.user, "advisor": pair.advisor}.get(role, "ann")
    page = screens.blank()
    page.goto(link_for(demo, role, subject))
    page.wait_for_url(f"**{home}")
    expect(page.get_by_role("heading", level=1, name=heading)).to_be_visible()
    assert signed_in_as(page) == subject
    assert page.context.cookies() == []
    assert page.evaluate("history.length") <= 2  # "Back" does not lead to the link


def test_a_link_leads_to_its_page_and_signs_in_only_once(screens: Screens, demo: Demo, pair: Pair) -> None:
    chat = demo.chat(pair)
    address = link_for(demo, "user", pair.user, f"/chat/{chat}")
    code = address.partition("#")[2]
    # A preview fetches the address, and a browser does not send what stands behind "#".
    assert code not in httpx.get(address).text
    page = screens.blank()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address)
    page.wait_for_selector("talk-time[state=running]")
    assert page.url.endswith(f"/chat/{chat}")
    assert not [url for url in asked if code in url]
    second = screens.blank()
    second.goto(address)
    expect(second.get_by_role("heading", name="This link has been used, or is too old")).to_be_visible()
    assert code not in second.url
    assert signed_in_as(second) is None
    screens.complaints.clear()  # the browser tells of the 404


def test_a_link_replaces_who_was_signed_in_and_no_other_tab(screens: Screens, demo: Demo, pair: Pair) -> None:
    user = screens.user(pair, "/user")
    advisor = user.context.new_page()
    advisor.goto(link_for(demo, "advisor", pair.advisor))
    advisor.wait_for_url("**/advisor")
    assert (signed_in_as(user), signed_in_as(advisor)) == (pair.user, pair.advisor)
    user.reload()
    expect(user.get_by_role("heading", level=1, name="Your chats")).to_be_visible()
    assert signed_in_as(user) == pair.user
    advisor.goto(link_for(demo, "operator", "ann"))
    advisor.wait_for_url("**/operator")
    assert (signed_in_as(user), signed_in_as(advisor)) == (pair.user, "ann")


def test_the_page_without_a_link_says_what_to_do(screens: Screens, demo: Demo) -> None:
    page = screens.blank()
    page.goto("/sign-in")
    expect(page.get_by_text("Ask for a new one")).to_be_visible()


@pytest.mark.parametrize("page", ["//evil.example/", "/.//evil.example/", "/\\evil.example/", "https://evil.example/"])
def test_the_page_goes_to_no_other_site_whatever_the_service_answers(
    screens: Screens, demo: Demo, pair: Pair, page: str
) -> None:
    tab = screens.blank()
    token = demo.token(Role.USER, pair.user)
    answer = {"token": token, "role": "user", "subject": pair.user, "page": page}
    tab.route("**/v1/links/use", lambda route: route.fulfill(status=201, json=answer))
    tab.goto("/sign-in#code")
    tab.wait_for_url(f"{demo.address}/user")


@dataclass
class Host:
    """A site that has mounted the service below a path of its own, in a thread of the test."""

    address: str

    def get(self, path: str) -> str:
        answer = httpx.get(self.address + path, timeout=30)
        assert answer.is_success, answer.text
        text: str = answer.json()
        return text


@pytest.fixture
def host(database_url: str, tmp_path: Path) -> Iterator[Host]:
    talktime = create_app(settings_for(database_url, tmp_path))
    served: list[Host] = []

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with talktime.router.lifespan_context(talktime):
            yield

    app = FastAPI(lifespan=lifespan)

    @app.get("/people")
    async def add_people() -> str:
        library: Talktime = talktime.state.talktime
        await library.put_user("alice", "Alice")
        await library.put_advisor("maya", "Maya", Tariff.parse(BY_THE_MINUTE), starts="at_once")
        await library.add_credit("alice", parse_credits("10.00"))
        await library.create_chat("alice", "maya", "chat 1")
        return "done"

    @app.get("/link")
    async def sign_in() -> str:
        link = await talktime.state.talktime.create_link(
            "user", "alice", page="/chat/chat%201", address=f"{served[0].address}/my/talk"
        )
        return str(link.address)

    @app.get("/token")
    async def token() -> str:
        tokens: Tokens = talktime.state.tokens
        return tokens.make(Role.SERVICE, "shop", ttl_seconds=60)

    app.mount("/my/talk", talktime)
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None, ws="websockets-sansio"))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()))
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            thread.join(0.05)
        port = server.servers[0].sockets[0].getsockname()[1]
        served.append(Host(f"http://127.0.0.1:{port}"))
        yield served[0]
    finally:
        server.should_exit = True
        thread.join(30)


def test_every_page_works_below_a_path(browser: Browser, host: Host) -> None:
    host.get("/people")
    context = browser.new_context()
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(host.get("/link"))
    page.wait_for_selector("talk-time[state=running]")
    assert page.url == f"{host.address}/my/talk/chat/chat%201"
    headers = {"Authorization": f"Bearer {host.get('/token')}"}

    def opened(**body: Any) -> None:
        answer = httpx.post(f"{host.address}/my/talk/v1/links", headers=headers, json=body, timeout=30)
        address = answer.json()["address"]
        assert address.startswith(f"{host.address}/my/talk/sign-in#")
        page.goto(address)

    for role, subject, home in (("advisor", "maya", "/advisor"), ("operator", "ann", "/operator")):
        opened(role=role, subject=subject)
        page.wait_for_url(f"{host.address}/my/talk{home}")
        expect(page.locator("#content")).to_be_visible()
        expect(page.locator("#signed-out")).to_have_count(0)
    opened(role="user", subject="alice", page="/account")
    page.wait_for_url(f"{host.address}/my/talk/account")
    assert complaints == []
    context.close()
