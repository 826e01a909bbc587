"""The site: every link leads somewhere, no page loads anything from another server, and the search finds pages."""

from __future__ import annotations

import functools
import http.server
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from playwright.sync_api import sync_playwright

from scripts.docsite import pages
from scripts.docsite.__main__ import build_site
from tests.headless import HEADLESS

_LOADING = {"src", "srcset", "data", "poster", "action"}  # attributes by which an element loads something
_CSS_LOADS = re.compile(r"""url\(\s*["']?([^"')]+)|@import\s+["']([^"']+)""")


@dataclass
class Page(HTMLParser):
    """The links of a page, the files that it loads, and the names to which links may lead."""

    path: Path
    links: list[str] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)
    names: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        super().__init__()
        self.feed(self.path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        for name, value in attributes:
            if value is None:
                continue
            if name == "id":
                self.names.add(value)
            elif name == "href" and tag == "a":
                self.links.append(value)
            elif name in _LOADING or name == "href":
                self.loads.append(value)
            elif name == "style":
                self.loads += css_loads(value)


def css_loads(css: str) -> list[str]:
    """The files that a style sheet loads."""
    return [first or second for first, second in _CSS_LOADS.findall(css)]


def is_elsewhere(address: str) -> bool:
    """Whether a browser would ask another server for this."""
    return bool(urlsplit(address).netloc) or urlsplit(address).scheme in {"http", "https"}


@pytest.fixture(scope="session")
def built(site: Path) -> dict[Path, Page]:
    return {path: Page(path) for path in site.rglob("*.html")}


def test_every_document_is_a_page(site: Path) -> None:
    for page in pages.sources().values():
        assert (site / page).with_suffix(".html").is_file(), page


def test_every_link_leads_to_a_page_and_a_heading(site: Path, built: dict[Path, Page]) -> None:
    for page in built.values():
        if page.path.name == "404.html":
            continue  # its links count from the root of the server
        for link in page.links:
            if urlsplit(link).scheme:
                continue
            path, _, heading = unquote(link).partition("#")
            target = (page.path.parent / path).resolve() if path else page.path
            assert target.is_relative_to(site), (page.path.name, link)
            assert target.is_file(), (page.path.name, link)
            if heading and target.suffix == ".html":
                assert heading in built[target].names, (page.path.name, link)


def test_the_site_carries_the_files_to_which_pages_link(site: Path, built: dict[Path, Page]) -> None:
    carried = {path for path in (site / pages.FILES).rglob("*") if path.is_file()}
    linked = {(page.path.parent / unquote(link)).resolve() for page in built.values() for link in page.links}
    assert carried <= linked
    for path in carried:
        file = str(path.relative_to(site / pages.FILES)).removesuffix(".txt")
        assert path.read_bytes() == (pages.ROOT / file).read_bytes(), file
    names = {path.name for path in carried}
    assert {"LICENSE.txt", "shop.py.txt", "talktime-below-a-path.conf.txt", "talktime.service.txt"} <= names


def test_no_page_names_another_server_to_load_from(site: Path, built: dict[Path, Page]) -> None:
    loads = {address for page in built.values() for address in page.loads}
    for style in site.rglob("*.css"):
        loads.update(css_loads(style.read_text(encoding="utf-8")))
    assert len(loads) > 5
    assert [address for address in loads if is_elsewhere(address)] == []


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The address of the folder on a web server of this machine."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the name that the base class has
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_browser_asks_no_other_server_and_no_page_scrolls_sideways_on_a_phone(site: Path) -> None:
    requests: list[str] = []
    problems: list[str] = []
    wide: list[str] = []
    with serving(site) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(**HEADLESS)
        page = browser.new_page(viewport={"width": 360, "height": 740})
        page.on("request", lambda request: requests.append(request.url))
        page.on("pageerror", lambda error: problems.append(str(error)))
        for name in sorted(str(path.relative_to(site)) for path in site.rglob("*.html")):
            page.goto(f"{address}{name}")
            if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                wide.append(name)
        browser.close()
    assert len(requests) > 100
    assert [url for url in requests if not url.startswith((address, "data:", "blob:"))] == []
    assert problems == []
    assert wide == []


def test_the_search_finds_a_page(site: Path) -> None:
    with serving(site) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(**HEADLESS)
        page = browser.new_page()
        page.goto(f"{address}index.html")
        page.locator(".md-search__input").click()
        page.keyboard.type("recharge")
        link = page.locator(".md-search-result__link").first
        link.wait_for()
        assert ".html" in (link.get_attribute("href") or "")
        browser.close()


def test_the_search_knows_the_references(site: Path) -> None:
    index = json.loads((site / "search" / "search_index.json").read_text(encoding="utf-8"))
    text = " ".join(entry["title"] for entry in index["docs"])
    for title in ("Tariff", "POST /v1/chats", "put_advisor", "Snapshot", "heartbeat"):
        assert title in text, title


def test_a_link_to_a_file_that_does_not_exist_stops_the_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = "tests/docs/broken.md"
    monkeypatch.setattr(pages, "ROOT", tmp_path)
    monkeypatch.setattr(pages, "DOCS", tmp_path / "docs")
    monkeypatch.setattr(pages, "ELSEWHERE", {broken: "index.md"})
    monkeypatch.setattr(pages, "_ASSETS", {})
    (tmp_path / "tests" / "docs").mkdir(parents=True)
    (tmp_path / broken).write_text("[nowhere](gone.md)")
    with pytest.raises(pages.BrokenLink, match=r"gone\.md"):
        pages.write_pages(tmp_path / "out")


def test_a_link_to_a_folder_stops_the_build() -> None:
    with pytest.raises(pages.BrokenLink, match="folder"):
        pages._site_target("examples", "README.md", pages.sources())


def test_a_link_to_a_heading_that_does_not_exist_stops_the_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "CHANGELOG.md").write_text("# Changes\n\n[nowhere](README.md#no-such-heading)\n")
    sources = pages.ELSEWHERE | {str(tmp_path / "CHANGELOG.md"): "changes.md"}
    del sources["CHANGELOG.md"]
    monkeypatch.setattr(pages, "ELSEWHERE", sources)
    monkeypatch.setattr(pages, "_carried_files", lambda _text, _source, _pages: set())
    monkeypatch.setattr(pages, "_site_target", lambda link, _source, _pages: link.replace("README.md", "index.md"))
    with pytest.raises(SystemExit):
        build_site(tmp_path / "out")
