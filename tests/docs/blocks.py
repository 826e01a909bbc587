"""The blocks of code in the documents."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from scripts.docsite.pages import ROOT, sources

_BLOCK: Final = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A block of code: the document, the line on which it begins, its language."""

    document: str
    line: int
    language: str
    code: str

    def __str__(self) -> str:
        return f"{self.document}:{self.line}"


def text_of(document: str) -> str:
    """A document, by its path in the repository."""
    return (ROOT / document).read_text(encoding="utf-8")


def blocks(*languages: str) -> list[Block]:
    """The blocks in these languages; all of them without one."""
    return [block for block in _all_blocks() if not languages or block.language in languages]


def _all_blocks() -> Iterator[Block]:
    for document in sorted(sources()):
        text = text_of(document)
        for match in _BLOCK.finditer(text):
            yield Block(document, text.count("\n", 0, match.start()) + 1, match[1], match[2])
