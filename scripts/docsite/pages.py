"""The pages of the site, as Markdown.

Most pages are the files below `docs/`, as they are. Some files lie elsewhere because people look for them there, such
as the README: `ELSEWHERE` says which, and where each lies in the site. References that follow from the code are written
here: a page has a comment `<!-- generated: NAME -->` where the part of that name goes.

A link is written as it works in the repository. Here each link is changed so that it works in the site; a link to a
file that is not part of the site, such as a source file, becomes its text.
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
    """A page links to a file that does not exist."""


def sources() -> dict[str, str]:
    """Each document's path in the repository, and the page that it becomes."""
    pages = {f"docs/{path}": str(path) for path in (p.relative_to(DOCS) for p in sorted(DOCS.rglob("*.md")))}
    return pages | {source: page for source, page in ELSEWHERE.items() if (ROOT / source).exists()}


def write_pages(folder: Path) -> None:
    """Write every page and picture of the site into `folder`.

    Raises:
        BrokenLink: when a page links to a file that does not exist.
    """
    pages = sources()
    for path in DOCS.rglob("*"):
        if path.is_file() and path.suffix != ".md":
            _copy(path, folder / path.relative_to(DOCS))
    for source, asset in _ASSETS.items():
        _copy(ROOT / source, folder / asset)
    for source, page in pages.items():
        text = (ROOT / source).read_text(encoding="utf-8")
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
        if target is None:
            return match["text"]
        return f"{match['image']}[{match['text']}]({target})"

    parts: list[str] = []
    position = 0
    for fence in _FENCE.finditer(text):
        parts += [_LINK.sub(changed, text[position : fence.start()]), fence[0]]
        position = fence.end()
    return "".join([*parts, _LINK.sub(changed, text[position:])])


def _site_target(link: str, source: str, pages: dict[str, str]) -> str | None:
    """Where a link leads in the site, relative to the page; None for a file that is not part of the site."""
    if re.match(r"[a-z]+:|#", link):
        return link
    path, hash_sign, heading = link.partition("#")
    file = os.path.normpath(PurePosixPath(source).parent / path)
    if not (ROOT / file).exists():
        raise BrokenLink(f"{source} links to {link}, which does not exist")
    if file in pages:
        page = pages[file]
    elif file.startswith("docs/") and (ROOT / file).is_file():
        page = file.removeprefix("docs/")
    else:
        return None
    here = PurePosixPath(pages[source]).parent
    return os.path.relpath(page, here).replace(os.sep, "/") + hash_sign + heading
