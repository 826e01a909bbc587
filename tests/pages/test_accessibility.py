"""Every page in its states, light and dark, on a phone and on a desk: axe finds nothing, nothing scrolls sideways."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Page

from talktime.core.roles import Role

from .conftest import Demo, Pair, Screens

AXE = Path(__file__).parents[2] / "client/node_modules/axe-core/axe.min.js"
FREE_THEN_MINUTES = {
    "free_seconds": 60,
    "tiers": [{"from_seconds": 0, "rate": "1.00", "per_seconds": 60, "increment_seconds": 60}],
}

TALK = """async ([chat, token]) => {
  document.title = "Theo";
  document.body.innerHTML = `<main><h1>Theo</h1><talk-chat chat-id="${chat}" party="user"></talk-chat></main>`;
  document.querySelector("talk-chat").token = () => token;
  await import("/static/talk-chat.js");
}"""

looks = pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (360, "dark"), (1280, "light"), (1280, "dark")])


@pytest.fixture
def pair(demo: Demo) -> Pair:
    return demo.pair(FREE_THEN_MINUTES, "3.00")


def findings(page: Page) -> list[dict[str, Any]]:
    """What axe says against the page, and whether it is wider than its window."""
    page.evaluate(AXE.read_text())
    # A colour is measured where it has arrived, not on its way. What came just now begins to move with the next frame.
    page.evaluate(
        """new Promise(requestAnimationFrame).then(() => new Promise(requestAnimationFrame))
        .then(() => Promise.all(document.getAnimations().map(a => a.finished)))"""
    )
    found: list[dict[str, Any]] = page.evaluate(
        "axe.run(document).then(({violations}) => violations.map(v => ({id: v.id, where: v.nodes.map(n => n.html)})))"
    )
    if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
        found.append({"id": "wider than the window"})
    return found


@looks
def test_landing(screens: Screens, width: int, scheme: Literal["light", "dark"]) -> None:
    page = screens.blank(width=width, scheme=scheme)
    page.goto("/")
    assert findings(page) == []


@looks
def test_the_interface_and_a_wrong_address(screens: Screens, width: int, scheme: Literal["light", "dark"]) -> None:
    page = screens.blank(width=width, scheme=scheme)
    page.goto("/docs")
    assert findings(page) == []
    page.goto("/nowhere?lang=de")
    page.get_by_role("heading", name="Diese Seite gibt es nicht").wait_for()
    assert findings(page) == []
    # The browser tells of the wrong address, too.
    screens.complaints.clear()


@looks
def test_waiting_in_german(
    screens: Screens, demo: Demo, pair: Pair, width: int, scheme: Literal["light", "dark"]
) -> None:
    waits = {"display_name": "Theo", "tariff": FREE_THEN_MINUTES, "starts": "present"}
    demo.call("PUT", f"/advisors/{pair.advisor}", waits)
    user = screens.user(pair, f"/chat/{demo.chat(pair)}?lang=de", width=width, scheme=scheme)
    user.get_by_text("Warten auf Theo").wait_for()
    assert findings(user) == []
    user.set_viewport_size({"width": width, "height": 420})
    assert findings(user) == []


@looks
def test_signed_out(screens: Screens, width: int, scheme: Literal["light", "dark"]) -> None:
    page = screens.blank(width=width, scheme=scheme)
    page.goto("/user")
    page.get_by_role("heading", name="You are not signed in").wait_for()
    assert findings(page) == []
    page.goto("/sign-in")
    page.get_by_role("heading", name="This link has been used").wait_for()
    assert findings(page) == []


@looks
def test_what_is_not_there_and_what_is_for_others(
    screens: Screens, pair: Pair, width: int, scheme: Literal["light", "dark"]
) -> None:
    page = screens.advisor(pair, "/user?lang=es", width=width, scheme=scheme)
    page.get_by_role("heading", name="Esta página es para otra persona").wait_for()
    assert findings(page) == []
    page.goto("/chat/nowhere?lang=en")
    page.get_by_role("heading", name="This chat isn’t here").wait_for()
    assert findings(page) == []
    page.goto("/receipts/nowhere")
    page.get_by_role("alert").wait_for()
    assert findings(page) == []
    # The refusals were wanted here.
    screens.complaints.clear()


@looks
def test_lists(screens: Screens, demo: Demo, pair: Pair, width: int, scheme: Literal["light", "dark"]) -> None:
    demo.chat(pair)
    user = screens.user(pair, "/user", width=width, scheme=scheme)
    user.locator("#chats .row").wait_for()
    user.get_by_text("Top up", exact=True).click()
    assert findings(user) == []
    advisor = screens.advisor(pair, "/advisor", width=width, scheme=scheme)
    advisor.locator("#running .row").wait_for()
    assert findings(advisor) == []
    operator = screens.of(Role.OPERATOR, "olga", "/operator", width=width, scheme=scheme)
    operator.get_by_role("button", name="Stop Nora with Theo").first.click()
    assert findings(operator) == []


@looks
def test_a_call_and_a_folded_meter(
    screens: Screens, demo: Demo, pair: Pair, width: int, scheme: Literal["light", "dark"]
) -> None:
    calls = {"display_name": "Theo", "tariff": FREE_THEN_MINUTES, "starts": "accepted"}
    demo.call("PUT", f"/advisors/{pair.advisor}", calls)
    chat = demo.chat(pair)
    advisor = screens.advisor(pair, "/advisor", width=width, scheme=scheme)
    advisor.locator("#calls .call").wait_for()
    assert findings(advisor) == []
    advisor.goto(f"/chat/{chat}")
    screens.user(pair, f"/chat/{chat}")
    accept = advisor.get_by_role("button", name="Accept")
    accept.wait_for()
    assert findings(advisor) == []
    advisor.set_viewport_size({"width": width, "height": 420})
    accept.wait_for()  # the answer is in sight on a low screen, too
    assert findings(advisor) == []
    accept.click()
    advisor.wait_for_selector("talk-time[state=running]")
    assert findings(advisor) == []
    if width < 800:
        advisor.get_by_role("button", name="More").click()
    advisor.get_by_role("button", name="Stop").click()
    assert findings(advisor) == []


@looks
def test_chat_in_its_states(
    screens: Screens, demo: Demo, pair: Pair, width: int, scheme: Literal["light", "dark"]
) -> None:
    chat = demo.chat(pair)
    user = screens.user(pair, f"/chat/{chat}", width=width, scheme=scheme)
    advisor = screens.advisor(pair, f"/chat/{chat}", width=width, scheme=scheme)
    user.wait_for_selector("talk-time[state=running]")
    user.get_by_label("Your message").fill("Hello, Theo")
    user.get_by_role("button", name="Send").click()
    advisor.get_by_text("Hello, Theo").wait_for()
    assert findings(user) == []
    assert findings(advisor) == []
    demo.advance(80)  # paid time, and less than five minutes of credit
    # The line for paid time comes with an animation, and the warning was there before it.
    user.locator("#paid").wait_for()
    user.locator("#warning").wait_for()
    assert findings(user) == []
    demo.call("POST", f"/chats/{chat}/pause")
    user.get_by_role("button", name="Continue").wait_for()
    assert findings(user) == []
    demo.call("POST", f"/chats/{chat}/resume")
    demo.advance(170)
    user.get_by_text("Your credits have run out").wait_for()
    advisor.get_by_text("Nora is out of credit").wait_for()
    assert findings(user) == []
    assert findings(advisor) == []
    demo.call("POST", f"/chats/{chat}/stop")
    user.get_by_role("button", name="Start again").click()
    user.get_by_text("There isn’t enough credit").wait_for()
    assert findings(user) == []
    demo.call("POST", f"/users/{pair.user}/credits", {"amount": "5.00", "kind": "purchase"})
    user.get_by_role("button", name="Start again").click()
    user.get_by_role("dialog").wait_for()
    assert findings(user) == []
    user.get_by_role("button", name="Not now").click()
    user.get_by_role("link", name="See the receipt").click()
    user.locator("#payments").wait_for()
    assert findings(user) == []
    user.locator("#details > summary").click()
    assert findings(user) == []
    receipt = screens.of(Role.OPERATOR, "olga", user.url, width=width, scheme=scheme)
    receipt.locator("#refund").wait_for()
    assert findings(receipt) == []
    account = screens.user(pair, "/account", width=width, scheme=scheme)
    account.locator("#months table").wait_for()
    assert findings(account) == []


@looks
def test_the_pages_of_operators(
    screens: Screens, demo: Demo, pair: Pair, width: int, scheme: Literal["light", "dark"]
) -> None:
    gift = {"amount": "5.00", "kind": "gift", "reference": "W" * 200}
    demo.call("POST", f"/users/{pair.user}/credits", gift)
    chat = demo.chat(pair)
    demo.advance(80)
    demo.call("POST", f"/chats/{chat}/stop")
    page = screens.of(Role.OPERATOR, "olga", "/operator/find", width=width, scheme=scheme)
    page.locator("#entries-rows li").first.wait_for()
    assert findings(page) == []
    page.goto(f"/operator/users/{pair.user}")
    page.locator("#entries li").first.wait_for()
    assert findings(page) == []
    page.locator("[name=act]").select_option(value="record")
    page.get_by_label("How much").fill("0.10")
    page.get_by_label("Why").fill("W" * 200)
    page.get_by_role("button", name="Go on").click()
    assert findings(page) == []
    page.goto(f"/operator/advisors/{pair.advisor}")
    page.locator("#records li").first.wait_for()
    assert findings(page) == []
    page.goto("/operator/books")
    page.locator("#report").wait_for()
    page.locator("#audit").wait_for()
    assert findings(page) == []
    statement = screens.advisor(pair, "/advisor/statement?lang=de", width=width, scheme=scheme)
    statement.locator("#sessions li").first.wait_for()
    assert findings(statement) == []


def test_a_phone_at_200_percent_shows_every_page_whole(screens: Screens, demo: Demo, pair: Pair) -> None:
    """A browser that enlarges everything has half of the phone's pixels."""
    width = 195
    chat = demo.chat(pair)
    user = screens.user(pair, f"/chat/{chat}?lang=de", width=width)
    user.set_viewport_size({"width": width, "height": 422})
    advisor = screens.advisor(pair, f"/chat/{chat}?lang=de", width=width)
    user.wait_for_selector("talk-time[state=running]")
    # The meter is one line or two, and the conversation has the rest.
    assert user.locator("#meter").evaluate("e => e.classList.contains('folded')")
    for selector in ("#time", "#cost", "#left", "#text", "#send"):
        box = user.locator(selector).bounding_box()
        assert box is not None
        assert box["x"] >= 0, selector
        assert box["x"] + box["width"] <= width, selector
    assert findings(user) == []
    demo.advance(300)
    user.locator("#why[data-tone=warn]").wait_for()
    assert findings(user) == []
    record = demo.call("POST", f"/chats/{chat}/stop")["record"]["id"]
    for page, paths in (
        (user, (f"/chat/{chat}", f"/receipts/{record}", "/account", "/user")),
        (advisor, ("/advisor", "/advisor/statement")),
    ):
        for path in paths:
            page.goto(path)
            page.locator("#loading").wait_for(state="detached")
            page.wait_for_load_state("networkidle")
            if "receipts" in path:
                page.locator("#details > summary").click()
            assert findings(page) == [], path


@looks
def test_a_chat_that_was_left_and_a_chat_without_network(
    screens: Screens, demo: Demo, pair: Pair, width: int, scheme: Literal["light", "dark"]
) -> None:
    left = demo.chat(pair)
    user = screens.user(pair, f"/chat/{left}?lang=es", width=width, scheme=scheme)
    advisor = screens.advisor(pair, f"/chat/{left}", width=width, scheme=scheme)
    user.wait_for_selector("talk-time[state=running]")
    now = demo.chat(pair)
    user.get_by_role("button", name="Seguir aquí").wait_for()
    assert findings(user) == []
    assert findings(advisor) == []
    user.goto(f"/chat/{now}?lang=es")
    user.wait_for_selector("talk-time[state=running]")
    user.context.set_offline(True)
    user.wait_for_selector("talk-time[state=reconnecting]")
    user.get_by_label("Tu mensaje").fill("¿Hola?")
    user.get_by_role("button", name="Enviar").click()
    user.locator("#messages li.pending").wait_for()
    assert findings(user) == []
    # A page without a network tries to connect until it closes.
    user.close()
    screens.complaints.clear()


@looks
def test_the_conversation_as_one_element(
    screens: Screens, demo: Demo, width: int, scheme: Literal["light", "dark"]
) -> None:
    pair = demo.pair(FREE_THEN_MINUTES | {"free_seconds": 0}, "30.00")
    page = screens.blank(width=width, scheme=scheme)
    page.goto("/")  # a page of the service without the element
    chat = demo.chat(pair)
    page.evaluate(TALK, [chat, demo.token(Role.USER, pair.user)])
    act = page.locator("talk-chat").get_by_role("button", name="Pause")
    act.wait_for()
    page.get_by_label("Your message").fill("Hello, Theo")
    page.get_by_role("button", name="Send").click()
    page.get_by_text("Hello, Theo").wait_for()
    assert findings(page) == []
    act.click()
    page.get_by_role("button", name="Continue").wait_for()
    assert findings(page) == []
    demo.call("POST", f"/chats/{chat}/resume")
    demo.advance(80)
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("dialog").wait_for()
    assert findings(page) == []
    page.get_by_role("button", name="End conversation").click()
    page.get_by_role("button", name="Start again").click()
    page.get_by_text("10 paid minutes cost 10.00").wait_for()
    assert findings(page) == []
    page.get_by_role("button", name="Not now").click()
    page.evaluate("document.documentElement.lang = 'es'")
    page.evaluate(TALK, [chat, demo.token(Role.USER, pair.user)])
    page.get_by_role("button", name="Empezar").wait_for()
    assert findings(page) == []
