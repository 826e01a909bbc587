"""Takes pictures of every page in every state, each in the size of a phone and of a desk, in light and in dark.

    .venv/bin/python scripts/screenshots.py FOLDER             the pictures, NAME-SIZE-SCHEME.png
    .venv/bin/python scripts/screenshots.py --readme           the picture of both screens in the README

The program runs a demo on a database of its own, and moves the clock of the demo. Before a release, look at the
pictures of pages that have changed.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from talktime.core.roles import Role
from talktime.postgres.embedded import EmbeddedServer
from talktime.postgres.guardian import Guardian
from talktime.postgres.programs import bundled_programs
from talktime.service.tokens import Tokens

SECRET = "a secret for pictures alone, long enough"  # noqa: S105  of a service that runs for a minute
SIZES = {"phone": (390, 844), "desk": (1280, 800)}
README = Path(__file__).parent.parent / "docs" / "images" / "both-screens.png"

BY_THE_SECOND = {"connect_fee": "0.20", "tiers": [{"rate": "0.60", "per_seconds": 60}]}
FREE_MINUTES = {"free_seconds": 180, "tiers": [{"rate": "1.00", "per_seconds": 60, "increment_seconds": 60}]}
CAPPED = {"tiers": [{"rate": "1.20", "per_seconds": 60}], "max_cost": "3.00", "at_max_cost": "stop"}
TALK = (
    ("user", "Hello! Can you look at my contract today?"),
    ("advisor", "Hello, with pleasure. Which page is it about?"),
    ("user", "Page two, the notice period. Is three months usual?"),
    ("advisor", "It is. One month would be better for you: I’ll show you how to ask for it."),
)
FAIL = """
create function talktime.made_to_fail() returns trigger language plpgsql as $$ begin raise 'made to fail'; end $$;
create trigger made_to_fail before insert on talktime.segments execute function talktime.made_to_fail();
"""


@dataclass
class Studio:
    """A running demo, a browser, and the folder of the pictures."""

    address: str
    database_url: str
    browser: Browser
    folder: Path
    people: int = 0
    pages: list[Page] = field(default_factory=list)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Make one call below /v1, as the host's backend."""
        headers = {
            "authorization": f"Bearer {Tokens(SECRET).make(Role.SERVICE, 'pictures')}",
            "content-type": "application/json",
            "idempotency-key": os.urandom(8).hex(),
        }
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.address}/v1{path}", data, headers, method=method)  # noqa: S310  the address of the demo
        with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310  the address of the demo
            return json.load(response)

    def advance(self, seconds: float) -> None:
        """Move engine time ahead, and wait until all running screens have learned of it by a heartbeat."""
        before = [elapsed_ms(page) for page in self.pages]
        self.call("POST", "/test-clock/advance", {"seconds": seconds})
        for page, elapsed in zip(self.pages, before, strict=True):
            while elapsed is not None and (elapsed_ms(page) or elapsed + seconds * 1000) < elapsed + seconds * 1000:
                page.wait_for_timeout(100)

    def start_chat(self, tariff: dict[str, Any], credit: str = "10.00", *, talk: bool = True) -> Chat:
        """Start a chat of a new Alice and a new Ben."""
        self.people += 1
        user, advisor = f"alice-{self.people}", f"ben-{self.people}"
        self.call("PUT", f"/users/{user}", {"display_name": "Alice"})
        self.call("PUT", f"/advisors/{advisor}", {"display_name": "Ben", "tariff": tariff})
        self.call("POST", f"/users/{user}/credits", {"amount": credit, "kind": "purchase"})
        started = self.call("POST", "/chats", {"user_id": user, "advisor_id": advisor})
        chat = Chat(self, user, advisor, started["chat"]["id"], started["record"]["id"])
        for number, (party, text) in enumerate(TALK if talk else ()):
            body = {"party": party, "text": text, "client_id": str(number)}
            self.call("POST", f"/chats/{chat.id}/messages", body)
        return chat

    def open(self, path: str, role: Role | None = None, person: str = "") -> Page:
        """Open the page at `path` in a new tab, signed in as this person."""
        context = self.browser.new_context(base_url=self.address, locale="en-GB")
        page = context.new_page()
        if role is not None:
            session = {"token": Tokens(SECRET).make(role, person), "role": role.value, "subject": person}
            items = (f"sessionStorage.setItem('talktime.{key}', '{value}');" for key, value in session.items())
            page.add_init_script("".join(items))
        page.goto(path)
        page.wait_for_load_state("networkidle")
        self.pages.append(page)
        return page

    def shoot(self, name: str, page: Page, *, whole: bool = False) -> None:
        """Take four pictures of the page as it is."""
        for size, (width, height) in SIZES.items():
            page.set_viewport_size({"width": width, "height": height})
            for scheme in ("light", "dark"):
                page.emulate_media(color_scheme=scheme)
                page.screenshot(
                    path=self.folder / f"{name}-{size}-{scheme}.png", full_page=whole, animations="disabled"
                )
        overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if overflow > 0:
            print(f"{name}: the page is {overflow} px wider than its window")

    def close(self, page: Page) -> None:
        """Close a page, so that its person is no longer present."""
        page.context.close()
        self.pages.remove(page)

    def close_pages(self) -> None:
        """Close all pages."""
        for page in self.pages:
            page.context.close()
        self.pages.clear()

    def sql(self, statement: str) -> None:
        """Change the database without the service."""
        bundled_programs().run("psql", "--no-psqlrc", "--quiet", self.database_url, "-c", statement)


@dataclass(frozen=True)
class Chat:
    """A chat of two people."""

    studio: Studio
    user_id: str
    advisor_id: str
    id: str
    record_id: str

    def user(self) -> Page:
        """Open the user's page of the chat."""
        return self.studio.open(f"/chat/{self.id}", Role.USER, self.user_id)

    def advisor(self) -> Page:
        """Open the advisor's page of the chat."""
        return self.studio.open(f"/chat/{self.id}", Role.ADVISOR, self.advisor_id)

    def both(self, state: str = "running") -> dict[str, Page]:
        """Open both pages, and wait until they show this state."""
        pages = {"user": self.user(), "advisor": self.advisor()}
        for page in pages.values():
            page.wait_for_selector(f"talk-time[state={state}]")
        return pages

    def run(self, command: str) -> None:
        """Run a command on the chat, such as `pause`."""
        self.studio.call("POST", f"/chats/{self.id}/{command}")


def elapsed_ms(page: Page) -> float | None:
    """The elapsed time that the page shows, if the page has a running timer."""
    timer = "document.querySelector('talk-time')?.reading"
    elapsed: float | None = page.evaluate(f"(frame => frame?.state === 'running' ? frame.elapsedMs : null)({timer})")
    return elapsed


def take_all(studio: Studio) -> None:
    """Take pictures of every page in every state."""
    studio.shoot("landing", studio.open("/"))
    studio.shoot("docs", studio.open("/docs"))
    studio.shoot("signed-out", studio.open("/chat/nobody-is-signed-in"))
    studio.shoot("list-user-new", studio.open("/user", Role.USER, "alice"))
    studio.shoot("list-advisor-empty", studio.open("/advisor", Role.ADVISOR, "maya"))
    studio.shoot("operator-empty", studio.open("/operator", Role.OPERATOR, "olga"))
    take_running(studio)
    take_paused(studio)
    take_ended(studio)
    take_lists(studio)


def shoot_both(studio: Studio, name: str, pages: dict[str, Page]) -> None:
    """Take pictures of both sides of a chat."""
    for side, page in pages.items():
        studio.shoot(f"chat-{side}-{name}", page)


def take_running(studio: Studio) -> None:
    """The timer runs: free time, paid time, and shortly before the credit ends."""
    chat = studio.start_chat(FREE_MINUTES)
    pages = chat.both()
    studio.advance(65)
    shoot_both(studio, "free", pages)
    studio.advance(114)
    pages["user"].locator("#paid").wait_for()
    shoot_both(studio, "paid-begins", pages)
    chat = studio.start_chat(BY_THE_SECOND, "4.00")
    pages = chat.both()
    studio.advance(72)
    shoot_both(studio, "running", pages)
    studio.advance(278)
    shoot_both(studio, "warning", pages)
    pages["user"].locator("#topup summary").click()
    studio.shoot("chat-user-topup", pages["user"])
    studio.close_pages()
    empty = studio.start_chat(BY_THE_SECOND, talk=False)
    shoot_both(studio, "no-messages", empty.both())
    studio.close_pages()


def take_paused(studio: Studio) -> None:
    """The timer is paused, for each reason."""
    chat = studio.start_chat(BY_THE_SECOND)
    pages = chat.both()
    chat.run("pause")
    for page in pages.values():
        page.wait_for_selector("talk-time[state=paused]")
    shoot_both(studio, "paused", pages)
    chat.run("resume")
    studio.close(pages["user"])
    studio.advance(40)
    pages["advisor"].locator("#why-title").filter(has_text="Alice is away").wait_for()
    studio.shoot("chat-advisor-user-away", pages["advisor"])
    studio.close(pages["advisor"])
    chat = studio.start_chat(BY_THE_SECOND)
    pages = chat.both()
    studio.close(pages["advisor"])
    studio.advance(40)
    pages["user"].locator("#why-title").filter(has_text="Ben is away").wait_for()
    studio.shoot("chat-user-advisor-away", pages["user"])
    chat = studio.start_chat(BY_THE_SECOND, "2.00")
    pages = chat.both()
    studio.advance(185)
    for page in pages.values():
        page.wait_for_selector("talk-time[reason=out_of_credit]")
    shoot_both(studio, "out-of-credit", pages)
    chat = studio.start_chat(BY_THE_SECOND)
    pages = chat.both()
    studio.advance(50)
    studio.call("POST", "/chats", {"user_id": chat.user_id, "advisor_id": chat.advisor_id})
    for page in pages.values():
        page.wait_for_selector("talk-time[reason=switched]")
    shoot_both(studio, "moved", pages)
    studio.close_pages()
    studio.sql(FAIL)
    shoot_both(studio, "starting", studio.start_chat(BY_THE_SECOND).both("paused"))
    studio.sql("drop function talktime.made_to_fail cascade")
    studio.close_pages()


def take_ended(studio: Studio) -> None:
    """The record has ended: the chat and the receipt."""
    chat = studio.start_chat(BY_THE_SECOND)
    pages = chat.both()
    studio.advance(95)
    chat.run("pause")
    studio.advance(30)
    chat.run("resume")
    studio.advance(41)
    other = studio.call("POST", "/chats", {"user_id": chat.user_id, "advisor_id": chat.advisor_id})["chat"]["id"]
    studio.advance(20)
    studio.shoot("receipt-open", studio.open(f"/receipts/{chat.record_id}", Role.USER, chat.user_id), whole=True)
    studio.call("POST", f"/chats/{other}/stop")
    for page in pages.values():
        page.wait_for_selector("talk-time[state=ended]")
    shoot_both(studio, "ended", pages)
    receipt = studio.open(f"/receipts/{chat.record_id}", Role.USER, chat.user_id)
    for details in receipt.locator("#receipt summary").all():
        details.click()
    studio.shoot("receipt", receipt, whole=True)
    receipt.emulate_media(media="print")
    receipt.pdf(path=studio.folder / "receipt.pdf")
    spent = studio.start_chat(BY_THE_SECOND, "1.00")
    pages = spent.both()
    studio.advance(80 + 121)
    pages["user"].wait_for_selector("talk-time[state=ended]")
    shoot_both(studio, "ended-out-of-credit", pages)
    pages["user"].get_by_role("button", name="Start again").click()
    pages["user"].get_by_role("alert").filter(has_text="enough credit").wait_for()
    studio.shoot("chat-user-refused", pages["user"])
    studio.shoot("receipt-refused", studio.open("/receipts/none", Role.USER, chat.user_id))
    capped = studio.start_chat(CAPPED)
    pages = capped.both()
    studio.advance(160)
    pages["user"].wait_for_selector("talk-time[state=ended]")
    shoot_both(studio, "ended-max-cost", pages)
    studio.close_pages()


def take_lists(studio: Studio) -> None:
    """Several chats, as the user, the advisor and the operator see them. Two pages stay open for the last pictures."""
    chat = studio.start_chat(BY_THE_SECOND)
    pages = chat.both()
    studio.advance(75)
    studio.call("POST", "/chats", {"user_id": chat.user_id, "advisor_id": chat.advisor_id})
    studio.advance(8)
    chat.run("tracking")
    for page in pages.values():
        page.wait_for_selector("talk-time[state=running]")
    shoot_both(studio, "two-chats", pages)
    studio.shoot("list-user", studio.open("/user", Role.USER, chat.user_id))
    studio.shoot("list-advisor", studio.open("/advisor", Role.ADVISOR, chat.advisor_id))
    others = [studio.start_chat(tariff) for tariff in (FREE_MINUTES, BY_THE_SECOND, CAPPED)]
    others[1].run("pause")
    operator = studio.open("/operator", Role.OPERATOR, "olga")
    operator.wait_for_selector("#records tr")
    studio.shoot("operator", operator)
    operator.get_by_role("button", name="Stop Alice with Ben").first.click()
    studio.shoot("operator-confirm", operator)
    studio.shoot("chat-operator", studio.open(f"/chat/{chat.id}", Role.OPERATOR, "olga"))
    studio.pages = [pages["user"], pages["advisor"]]


def take_readme(studio: Studio) -> None:
    """Take one picture of both screens of a chat, side by side."""
    chat = studio.start_chat(BY_THE_SECOND)
    pages = chat.both()
    studio.advance(72)
    for page in pages.values():
        page.set_viewport_size({"width": 700, "height": 900})
    pages["user"].wait_for_timeout(1_500)
    pictures = [base64.b64encode(page.screenshot()).decode() for page in pages.values()]
    frames = "".join(f"<img src='data:image/png;base64,{picture}' width='700'>" for picture in pictures)
    both = studio.browser.new_page(viewport={"width": 1436, "height": 924})
    both.set_content(f"<body style='margin:12px;display:flex;gap:12px;background:#8a8f98'>{frames}</body>")
    both.screenshot(path=README)


@contextmanager
def demo() -> Iterator[tuple[str, str, subprocess.Popen[str]]]:
    """A running demo: its address, the address of its database, and its process."""
    with contextlib.ExitStack() as stack:
        guardian = stack.enter_context(Guardian())
        folder = Path(tempfile.mkdtemp(prefix="talktime-pictures-"))
        guardian.guard_folder(folder)
        server = EmbeddedServer(folder)
        server.start()
        stack.callback(server.stop)
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("TALKTIME_")},
            "TALKTIME_DATA_DIR": str(folder),
            "TALKTIME_SECRET": SECRET,
            "TALKTIME_TEST_CLOCK": "1",
        }
        command = [str(Path(sys.executable).with_name("talktime")), "demo", "--no-browser", "--port", "0"]
        process = stack.enter_context(
            subprocess.Popen(  # noqa: S603  the command is fixed
                command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment, cwd=folder, text=True
            )
        )
        stack.callback(process.terminate)
        assert process.stdout is not None  # noqa: S101  a pipe was asked for
        yield process.stdout.readline().split()[3], server.url, process


def main() -> None:
    """Take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, help="where the pictures go")
    parser.add_argument("--readme", action="store_true", help="take the README's picture instead")
    arguments = parser.parse_args()
    if not arguments.readme and arguments.folder is None:
        parser.error("a folder, or --readme")
    folder = arguments.folder or README.parent
    folder.mkdir(parents=True, exist_ok=True)
    with demo() as (address, database_url, process), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        studio = Studio(address, database_url, browser, folder)
        if arguments.readme:
            take_readme(studio)
        else:
            take_all(studio)
            process.terminate()
            process.wait()
            for side, page in zip(("user", "advisor"), studio.pages, strict=True):
                page.wait_for_selector("talk-time[state=reconnecting]")
                studio.shoot(f"chat-{side}-reconnecting", page)
        browser.close()


if __name__ == "__main__":
    main()
