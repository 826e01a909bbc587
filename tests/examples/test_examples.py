"""Every example, as somebody copies it: built by the tools it asks for, on a site of another origin, in a browser."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from talktime.core.roles import Role
from talktime.service.tokens import Tokens
from tests.screen.browsers.chromium import chromium
from tests.screen.service import Service
from tests.screen.theatre import serving
from tests.services import BY_THE_SECOND, SECRET

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
_DIGITS = re.compile(r"(\d+):(\d\d)")
ADDRESS = "https://talktime.example"


def built(name: str, folder: Path) -> Path:
    """The example as a host would put it on its site."""
    if name == "plain":
        return EXAMPLES / name
    node = [str(ROOT / "scripts/npm"), "exec", "--", "node", "example.ts", name, str(folder)]
    subprocess.run(node, check=True, capture_output=True, timeout=120)
    return folder


class Site:
    """A host's site with one example on it, and a token for alice."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.service = ADDRESS
        self.app = Starlette(routes=[Route("/my-token", self._token), Route("/{path:path}", self._file)])

    async def _token(self, _request: Request) -> Response:
        return PlainTextResponse(Tokens(SECRET).make(Role.USER, "alice"))

    async def _file(self, request: Request) -> Response:
        path = self._folder / (request.path_params["path"] or "index.html")
        if not path.is_file():
            return Response(status_code=404)
        kind = {".html": "text/html", ".js": "text/javascript"}[path.suffix]
        return Response(path.read_text().replace(ADDRESS, self.service), media_type=kind)


@pytest.mark.parametrize("name", ["plain", "react", "react-chat", "vue"])
async def test_an_example_shows_the_running_timer(name: str, database_url: str, tmp_path: Path) -> None:
    site = Site(await asyncio.to_thread(built, name, tmp_path / "built"))
    async with serving(site.app) as origin, chromium() as browser:
        service = await Service.start(database_url, tmp_path, origins=origin)
        try:
            site.service = f"http://127.0.0.1:{service.port}"
            await service.call("PUT", "/users/alice", {"display_name": "Alice"})
            await service.call(
                "PUT", "/advisors/maya", {"display_name": "Maya", "tariff": BY_THE_SECOND, "starts": "at_once"}
            )
            await service.call("POST", "/users/alice/credits", {"amount": "50.00", "kind": "purchase"})
            await service.call("POST", "/chats", {"user_id": "alice", "advisor_id": "maya", "chat_id": "chat-1"})
            tab = await browser.tab()
            await tab.open(f"{origin}/")
            seen: list[str] = []
            async with asyncio.timeout(30):
                while len(seen) < 3:
                    shown = str(await tab.run(_SHOWN))
                    if _DIGITS.match(shown) and shown not in seen:
                        seen.append(shown)
                    await asyncio.sleep(0.05)
            seconds = [60 * int(found[1]) + int(found[2]) for text in seen if (found := _DIGITS.match(text))]
            assert [later - seconds[0] for later in seconds] == [0, 1, 2]
            snapshot = await service.call("GET", "/chats/chat-1/tracking")
            assert abs(snapshot["elapsed_ms"] / 1000 - seconds[-1]) < 2
            # Every second costs a tenth, and the one that has begun is owed.
            assert f"{50 - (seconds[-1] + 1) / 10:.2f}" in seen[-1]
        finally:
            await service.stop()


# What a person reads: the page's own text, or what is in the element's open shadow root.
_SHOWN = """(() => {
  const whole = document.querySelector("talk-chat");
  const element = (whole?.shadowRoot ?? document).querySelector("talk-time");
  if (!element) return document.querySelector("[role=timer]")?.textContent ?? "";
  return [...element.shadowRoot.querySelectorAll("[part~=digits]")].map((part) => part.textContent).join(" ");
})()"""


def test_the_example_in_typescript_passes_the_type_checker(tmp_path: Path) -> None:
    """As in a project of a host, where `<talk-chat>` is an element that React's types do not know by themselves."""
    client, example = ROOT / "client", EXAMPLES / "react-chat" / "main.tsx"
    packages = client / "node_modules"
    options = {
        "extends": str(client / "tsconfig.json"),
        "compilerOptions": {
            "jsx": "react-jsx",
            "noEmit": True,
            "types": [],
            "paths": {
                "@talktime/client/talk-chat": [str(client / "src" / "talk-chat.ts")],
                "react": [str(packages / "@types" / "react")],
                "react/*": [str(packages / "@types" / "react" / "*")],
                "react-dom/*": [str(packages / "@types" / "react-dom" / "*")],
            },
        },
        "include": [str(example)],
    }
    (tmp_path / "tsconfig.json").write_text(json.dumps(options))
    command = [str(ROOT / "scripts" / "npm"), "exec", "--", "tsc", "-p", str(tmp_path)]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_no_example_is_forgotten() -> None:
    pages, hosts = {"plain", "react", "react-chat", "vue"}, {"fastapi", "django", "flask"}
    assert {path.name for path in EXAMPLES.iterdir() if path.is_dir()} == pages | hosts
