"""The glossary gives one word for each thing; no document, comment or docstring uses another word for it."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from scripts.docsite.pages import DOCS, ROOT, prose, sources

GLOSSARY = DOCS / "reference" / "glossary.md"

OTHER_MEANINGS: Final = {
    "agent": "a browser's user agent",
    "bill": "to bill time, a verb",
    "block": "a block of code",
    "book": "one side's part in a report",
    "caller": "who makes an HTTP call",
    "client": "the program in the browser",
    "conditions": "of a query",
    "continue": "a verb of every day",
    "contract": "the import contract",
    "counter": "a metric that only rises",
    "couple": "a verb of every day",
    "expire": "gifts and tokens expire",
    "extend": "a verb of every day",
    "fee": "what is taken before the share",
    "freeze": "a process that stands still",
    "journal": "of the operating system",
    "points": "a verb of every day",
    "prolong": "a socket's stay by a newer token",
    "pulse": "a word of other systems' users",
    "reload": "of a page",
    "revision": "of the schema",
    "room": "space",
    "slice": "of the accounts that the auditor reads at once",
    "split": "a verb of every day",
    "subscribe": "a method of the client",
    "tick": "what nothing does here",
    "time out": "engine time out, samples in",
    "timeout": "of a connection",
    "total": "a stored sum",
    "transaction": "of the database",
    "widget": "of other systems",
}
"""Second words that a test can't look for, because each has another meaning that is used here."""

IN_DOCUMENTS_ALONE: Final = {
    "session",  # in public names, such as `fee_per_session`
    "stopwatch",  # a function of the client that makes digits
    "stretch",  # of a timeline: a segment or a gap
}
"""Second words that code may use."""


def words() -> dict[str, list[str]]:
    """Each word of the glossary, and the second words that are not used for it."""
    rows = re.findall(r"^\| (\*\*.+?\*\*) \|(?:.*?)\|([^|]*)\|$", GLOSSARY.read_text(encoding="utf-8"), re.MULTILINE)
    return {
        word: [second.strip() for second in column.split(",") if second.strip()]
        for bold, column in rows
        for word in re.findall(r"\*\*(.+?)\*\*", bold)
    }


def second_words(*, in_code: bool) -> list[str]:
    """The words that may not be used where people read."""
    found = {second for seconds in words().values() for second in seconds} - OTHER_MEANINGS.keys()
    return sorted(found - IN_DOCUMENTS_ALONE if in_code else found)


def uses(text: str, *, in_code: bool) -> list[str]:
    """The second words in a text, singular or plural, outside of code."""
    plain = re.sub(r"`[^`]*`", "", text)
    alternatives = "|".join(map(re.escape, second_words(in_code=in_code)))
    return re.findall(rf"\b(?:{alternatives})(?:s|es)?\b", plain, re.IGNORECASE)


def python_prose(path: Path) -> Iterator[str]:
    """The docstrings and comments of a module."""
    source = path.read_text(encoding="utf-8")
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node.value.value
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.string


def sql_prose(path: Path) -> Iterator[str]:
    """The comments of a SQL file, and those that it stores in the database."""
    source = path.read_text(encoding="utf-8")
    yield from re.findall(r"--[^\n]*|/\*.*?\*/", source, re.DOTALL)
    yield from re.findall(r"^comment on .*?;", source, re.MULTILINE | re.DOTALL)


def script_prose(path: Path) -> Iterator[str]:
    """The comments of a TypeScript file."""
    yield from re.findall(r"(?<![:\"'`])//[^\n]*|/\*.*?\*/", path.read_text(encoding="utf-8"), re.DOTALL)


def test_every_word_is_explained_once() -> None:
    listed = re.findall(r"^\| \*\*.*", GLOSSARY.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(words()) >= len(listed) > 50
    for line in listed:
        assert len(line.split("|")[2].strip()) > 15, line


def test_no_second_word_is_a_word_of_its_own() -> None:
    ours = set(words())
    assert ours.isdisjoint(second_words(in_code=False))
    assert OTHER_MEANINGS.keys() <= {second for seconds in words().values() for second in seconds}


@pytest.mark.parametrize("document", sorted(sources()))
def test_documents_use_no_second_word(document: str) -> None:
    if document != str(GLOSSARY.relative_to(ROOT)):
        assert uses(prose((ROOT / document).read_text(encoding="utf-8")), in_code=False) == []


def files(*patterns: str) -> list[str]:
    """The files of the repository that match, without what is installed or built."""
    found = {path for pattern in patterns for path in ROOT.glob(pattern)}
    return sorted(str(path.relative_to(ROOT)) for path in found if not {"node_modules", "static"} & set(path.parts))


PROSE: Final = {".py": python_prose, ".sql": sql_prose, ".ts": script_prose}


@pytest.mark.parametrize(
    "path",
    files("src/talktime/**/*.py", "src/talktime/database/sql/*.sql", "client/src/**/*.ts", "client/pages/**/*.ts"),
)
def test_docstrings_and_comments_use_no_second_word(path: str) -> None:
    found = {
        text.strip(): words for text in PROSE[Path(path).suffix](ROOT / path) if (words := uses(text, in_code=True))
    }
    assert found == {}
