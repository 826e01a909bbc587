"""Our pages in each language: the dictionaries are complete, and a page is in one language from its first moment."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient
from playwright.sync_api import Page, expect

from talktime.core.roles import Role
from talktime.service.pages import Pages, demo_router, router
from talktime.service.pages.language import COOKIE, LANGUAGES, words
from talktime.service.pages.routes import HERE, IN_ENGLISH, templates
from tests.services import BY_THE_MINUTE

from .conftest import Demo, Screens

CLIENT: Final = Path(__file__).parents[2] / "client" / "pages"
TEMPLATES: Final = HERE / "templates"
GAPS: Final = re.compile(r"\{(\w+)\}")


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_every_language_has_every_word_and_the_same_gaps_to_fill(language: str) -> None:
    english, translated = words("en", for_operators=True), words(language, for_operators=True)
    assert list(translated) == list(english)
    assert list(words(language)) == list(words("en"))
    for name, text in english.items():
        assert sorted(GAPS.findall(translated[name])) == sorted(GAPS.findall(text)), name
        is_sentence = len(GAPS.sub("", text)) > 14
        assert translated[name] != text or not is_sentence, name


def test_every_word_is_used() -> None:
    scripts = "".join(path.read_text("utf-8") for path in CLIENT.rglob("*.ts"))
    pages = "".join(path.read_text("utf-8") for path in TEMPLATES.glob("*.html"))
    by_state = {"requested", "running", "paused", "ended"}
    names = words("en", for_operators=True)
    unused = {name for name in names if f'"{name}"' not in scripts and f"words.{name} " not in pages}
    assert unused - by_state == set()


def test_no_other_page_needs_a_word_for_operators() -> None:
    for path in sorted(TEMPLATES.glob("*.html")):
        if not path.name.startswith(("operator", "past-sessions")):
            named = set(re.findall(r"words\.(\w+) ", path.read_text("utf-8")))
            assert named <= words("en").keys(), path.name


@pytest.mark.parametrize("name", sorted({path.stem for path in TEMPLATES.glob("*.html")} - IN_ENGLISH))
def test_no_word_of_a_page_stands_outside_the_dictionaries(name: str) -> None:
    class Dots:
        def __getattr__(self, _name: str) -> str:
            return "•"

    text = templates.env.get_template(f"{name}.html").render(
        root="", pages=Pages(), language="de", words=Dots(), words_text="{}"
    )
    said = re.sub(r"<[^>]*>", " ", text)
    labels = re.findall(r'(?:aria-label|placeholder|title|alt)="([^"]*)"', text)
    assert set(re.findall(r"[^\W\d_]{2,}", " ".join([said, *labels]))) <= {"talktime"}


async def _page(address: str, **headers: str) -> Any:
    app = FastAPI()
    app.state.pages = Pages()
    app.router.routes.extend(router.routes)
    app.router.routes.extend(demo_router.routes)
    async with AsyncClient(transport=ASGITransport(app), base_url="http://talktime.example") as client:
        return await client.get(address, headers=headers)


@pytest.mark.parametrize(
    ("address", "headers", "language"),
    [
        ("/account", {}, "en"),
        ("/account", {"accept-language": "de-AT,de;q=0.9,en;q=0.5"}, "de"),
        ("/account", {"accept-language": "fr,es;q=0.8,de;q=0.7"}, "es"),
        ("/account", {"accept-language": "fr;q=x, de;q=0, *"}, "en"),
        ("/account?lang=es", {"accept-language": "de"}, "es"),
        ("/account?lang=tlh", {"accept-language": "de"}, "de"),
        ("/account", {"accept-language": "de", "cookie": f"{COOKIE}=es"}, "es"),
        ("/account", {"accept-language": "de", "cookie": f"{COOKIE}=tlh"}, "de"),
        ("/operator", {"accept-language": "de"}, "de"),
        ("/", {"accept-language": "de"}, "en"),
    ],
)
async def test_the_language_of_a_page(address: str, headers: dict[str, str], language: str) -> None:
    answer = await _page(address, **headers)
    assert f'<html lang="{language}"' in answer.text
    assert answer.headers["vary"] == "Accept-Language, Cookie"
    assert ("set-cookie" in answer.headers) is ("lang=es" in address)


def test_a_refusal_in_german_says_the_state_and_what_can_be_done(screens: Screens, demo: Demo) -> None:
    pair = demo.pair(BY_THE_MINUTE, "20.00")
    chat = demo.chat(pair)
    page = screens.user(pair, f"/chat/{chat}?lang=de")
    pause = page.get_by_role("button", name="Anhalten")
    expect(pause).to_be_visible()
    # The end overtakes the press of the button.
    page.route("**/pause", lambda route: (demo.call("POST", f"/chats/{chat}/stop"), route.continue_()))
    pause.click()
    expect(page.get_by_role("alert")).to_have_text("Das Gespräch ist beendet. Jetzt möglich: Noch einmal beginnen.")
    # The refusal was wanted here.
    screens.complaints.clear()


def assert_german(page: Page) -> None:
    """Asserts that no English sentence is on the page."""
    expect(page.locator("html")).to_have_attribute("lang", "de")
    english, german = words("en", for_operators=True), words("de", for_operators=True)
    shown = page.locator("body").inner_text()
    assert [text for name, text in english.items() if text != german[name] and len(text) > 12 and text in shown] == []


def test_a_german_conversation_from_the_list_to_the_receipt(screens: Screens, demo: Demo) -> None:
    pair = demo.pair({**BY_THE_MINUTE, "connect_fee": "0.50"}, "20.00")
    chat = demo.chat(pair)
    page = screens.user(pair, f"/chat/{chat}?lang=de")
    page.wait_for_selector("talk-time[state=running]")
    expect(page.get_by_role("button", name="Anhalten")).to_be_visible()
    expect(page.locator("#phase")).to_have_text("Bezahlte Zeit")
    label = page.evaluate(
        """getComputedStyle(document.querySelector("talk-time").shadowRoot.querySelector("[data-role=credits]"),
        "::before").content"""
    )
    assert label == '"Guthaben"'
    assert_german(page)
    page.get_by_role("button", name="Beenden").click()
    assert_german(page)
    page.get_by_role("button", name="Gespräch beenden").click()
    page.get_by_role("link", name="Zum Beleg").click()
    expect(page.locator("#lines")).to_contain_text("für die Verbindung")
    expect(page.locator("#lines")).to_contain_text("1 Minute zu 1,00 pro Minute")
    page.locator("#details > summary").click()
    page.get_by_role("button", name="Diesen Beleg prüfen").click()
    expect(page.locator("#proof")).to_contain_text("Angaben stimmen")
    assert_german(page)
    for address in ("/account", "/user"):
        page.goto(address)
        expect(page.locator("#loading")).to_have_count(0)
        assert_german(page)
    page = screens.of(Role.ADVISOR, pair.advisor, "/advisor/statement?lang=de")
    expect(page.locator("#counted")).to_contain_text("Gespräche: 1 ")
    expect(page.locator("#payable")).to_have_text("0,00")
    assert_german(page)


def test_the_pages_of_operators_in_german(screens: Screens, demo: Demo) -> None:
    pair = demo.pair(BY_THE_MINUTE, "20.00")
    chat = demo.chat(pair)
    page = screens.of(Role.OPERATOR, "olga", "/operator?lang=de")
    row = page.locator("#records tr", has_text=pair.user)
    expect(row).to_contain_text("läuft")
    expect(row).to_contain_text("nicht verbunden")
    assert_german(page)
    demo.call("POST", f"/chats/{chat}/pause")
    expect(row).to_contain_text("angehalten vom Dienst")
    row.get_by_role("button", name="Nora mit Theo beenden").click()
    expect(page.get_by_role("dialog")).to_contain_text("Dieses Gespräch beenden?")
    assert_german(page)
    page.get_by_role("button", name="Gespräch beenden").click()
    expect(row).to_have_count(0)
    page.goto(f"/operator/find?query={pair.user}")
    expect(page.locator("#records-rows a")).to_contain_text("beendet")
    expect(page.locator("#records h2")).to_have_text("Sitzungen")
    assert_german(page)
    page.goto(f"/operator/users/{pair.user}")
    page.get_by_label("Wie viel").fill("5,50")
    page.get_by_label("Warum").fill("wegen der Wartezeit")
    page.get_by_role("button", name="Weiter").click()
    dialog = page.get_by_role("dialog", name="Nora 5,50 schenken?")
    expect(dialog).to_contain_text("Grund: wegen der Wartezeit. Die Buchung nennt dich, olga.")
    assert_german(page)
    dialog.get_by_role("button", name="Ausführen").click()
    expect(page.get_by_role("status")).to_contain_text("Erledigt. Nora hat ")
    expect(page.locator("#entries a").first).to_contain_text("vom Betreiber olga")
    assert_german(page)
    page.goto(f"/operator/advisors/{pair.advisor}")
    expect(page.locator("#records a")).to_contain_text("Nora mit Theo")
    assert_german(page)
    page.goto("/operator/books")
    expect(page.locator("#balanced")).to_have_text("Jede Spalte ergibt zusammen null.")
    assert_german(page)
