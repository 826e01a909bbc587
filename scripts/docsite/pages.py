"""The pages of the site, as Markdown.

Most pages are the files below `docs/`, as they are. Some files lie elsewhere because people look for them there, such
as the README: `ELSEWHERE` says which, and where each lies in the site. References that follow from the code are written
here: a page has a comment `<!-- generated: NAME -->` where the part of that name goes.

A link is written as it works in the repository. Here each link is changed so that it works in the site. A file that is
no page, such as a configuration of nginx, is carried along below `FILES`, with `.txt` behind its name: so every browser
shows the file as text.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Final

from scripts.docsite import http_reference, library_reference, live_reference

ROOT: Final = Path(__file__).parents[2]
DOCS: Final = ROOT / "docs"

ELSEWHERE: Final = {
    "README.md": "index.md",
    "CHANGELOG.md": "changes.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "client/README.md": "reference/client.md",
    "examples/README.md": "how-to/examples.md",
    "tests/acceptance/README.md": "explanation/what-a-paid-chat-must-do.md",
}
"""Documents outside `docs/`, and the page that each becomes. One that does not exist is left out."""

FILES: Final = "files"
"""The folder of the site with the files of the repository to which pages link."""

GENERATED: Final[dict[str, Callable[[], str]]] = {
    "http calls": http_reference.calls,
    "http documents": http_reference.documents,
    "live messages": live_reference.messages,
    "library": library_reference.library,
}

_ASSETS: Final = {"src/talktime/service/pages/icon.svg": "images/icon.svg"}
_FENCE: Final = re.compile(r"^(?P<fence>```+|~~~+).*?^(?P=fence)[ ]*$", re.MULTILINE | re.DOTALL)
_LINK: Final = re.compile(r"(?P<image>!?)\[(?P<text>(?:[^\[\]]|\[[^\]]*\])*)\]\((?P<target>[^)\s]+)\)")
_MARK: Final = re.compile(r"<!-- generated: ([a-z ]+) -->")


class BrokenLink(ValueError):
    """A page links to something that is no file."""


def sources() -> dict[str, str]:
    """Each document's path in the repository, and the page that it becomes."""
    pages = {f"docs/{path}": str(path) for path in (p.relative_to(DOCS) for p in sorted(DOCS.rglob("*.md")))}
    return pages | {source: page for source, page in ELSEWHERE.items() if (ROOT / source).exists()}


def write_pages(folder: Path) -> None:
    """Write every page and picture of the site into `folder`, and every file to which a page links.

    Raises:
        BrokenLink: when a page links to something that is no file.
    """
    pages = sources()
    for path in DOCS.rglob("*"):
        if path.is_file() and path.suffix != ".md":
            _copy(path, folder / path.relative_to(DOCS))
    for source, asset in _ASSETS.items():
        _copy(ROOT / source, folder / asset)
    for source, page in pages.items():
        text = (ROOT / source).read_text(encoding="utf-8")
        for file in _carried_files(text, source, pages):
            _copy(ROOT / file, folder / _carried_name(file))
        target = folder / page
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(_with_generated(_with_site_links(text, source, pages)), encoding="utf-8")


def prose(text: str) -> str:
    """A document without its blocks of code."""
    return _FENCE.sub("", text)


def links(text: str) -> Iterator[str]:
    """Where the links and pictures of a document lead, as written."""
    for match in _LINK.finditer(prose(text)):
        yield match["target"]


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def _with_generated(text: str) -> str:
    return _MARK.sub(lambda match: GENERATED[match[1]](), text)


def _with_site_links(text: str, source: str, pages: dict[str, str]) -> str:
    """The document with links that work in the site. Blocks of code stay as they are."""

    def changed(match: re.Match[str]) -> str:
        target = _site_target(match["target"], source, pages)
        return f"{match['image']}[{match['text']}]({target})"

    parts: list[str] = []
    position = 0
    for fence in _FENCE.finditer(text):
        parts += [_LINK.sub(changed, text[position : fence.start()]), fence[0]]
        position = fence.end()
    return "".join([*parts, _LINK.sub(changed, text[position:])])


def _site_target(link: str, source: str, pages: dict[str, str]) -> str:
    """Where a link leads in the site, relative to the page."""
    if _is_address(link):
        return link
    file, hash_sign, heading = _linked_file(link, source)
    page = pages.get(file) or _carried_name(file)
    here = PurePosixPath(pages[source]).parent
    return os.path.relpath(page, here).replace(os.sep, "/") + hash_sign + heading


def _carried_files(text: str, source: str, pages: dict[str, str]) -> set[str]:
    """The files to which a document links, and which the site has neither as a page nor from `docs/`."""
    files = {_linked_file(link, source)[0] for link in links(text) if not _is_address(link)}
    return {file for file in files - set(pages) if not file.startswith("docs/")}


def _carried_name(file: str) -> str:
    """Where the site has a file that is no page."""
    return file.removeprefix("docs/") if file.startswith("docs/") else f"{FILES}/{file}.txt"


def _is_address(link: str) -> bool:
    """Whether a link leads to a place in the same document, or out of the repository."""
    return re.match(r"[a-z]+:|#", link) is not None


def _linked_file(link: str, source: str) -> tuple[str, str, str]:
    """The file to which a document links, its path counted from the root of the repository; the `#`; the heading."""
    path, hash_sign, heading = link.partition("#")
    file = os.path.normpath(PurePosixPath(source).parent / path)
    if not (ROOT / file).is_file():
        raise BrokenLink(f"{source} links to {link}, which does not exist or is a folder")
    return file, hash_sign, heading
