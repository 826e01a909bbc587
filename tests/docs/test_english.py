"""Plain English: a few turns of phrase that a reader whose second language is English stumbles over.

`CONTRIBUTING.md` has the rule; a test can only look for the words that break the rule again and again. The test reads
the documents and what the code says to people: docstrings, comments and the names of tests.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from scripts.docsite.pages import ROOT, prose, sources

RATHER: Final = {
    "anew": "again",
    "by now": "now, or nothing",
    "nobody's": "of nobody, or say what is missing",
    "of old": "earlier",
    "so many": "a number of, or the number",
    "so-manieth": "every 50th",
    "thereof": "of it",
    "unasked": "by itself",
    "whence": "from where",
    "whoever": "the person who, the program that",
    "won't do": "is not allowed",
    "the bill": "the charge, the cost or the receipt",
    "a bill": "a charge, a cost or a receipt",
}
"""Each phrase that must not be written, and what to write instead."""


CODE: Final = ("src", "tests", "scripts", "bench", "examples", "client/src", "client/pages", "client/tests")
UNCHANGEABLE: Final = ("migrations", "node_modules", "generated.ts", "test_english.py")
"""Migrations stay as they ran, packages are not ours, types are generated, and this file has the words themselves."""


def phrases_in(text: str) -> dict[str, str]:
    """The phrases of the list in a text, without what stands in backticks or quotation marks."""
    text = re.sub(r"`[^`]*`|\"[^\"]*\"", "", re.sub(r"\s+", " ", text))
    return {phrase: rather for phrase, rather in RATHER.items() if re.search(rf"\b{phrase}\b", text, re.IGNORECASE)}


def phrases_of(path: Path) -> dict[str, str]:
    """The phrases of the list in a file of code."""
    return {phrase: rather for words in words_of(path) for phrase, rather in phrases_in(words).items()}


def words_of(path: Path) -> Iterator[str]:
    """The words for people in a file of code."""
    source = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        for node in ast.walk(ast.parse(source)):
            if (
                isinstance(node, ast.Expr)
                and isinstance(node.value, ast.Constant)
                and isinstance(node.value.value, str)
            ):
                yield node.value.value
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                yield node.name.replace("_", " ")
        tokens = tokenize.generate_tokens(io.StringIO(source).readline)
        lines = {token.start[0]: token.string for token in tokens if token.type == tokenize.COMMENT}
        yield from blocks(source, lines)
    elif path.suffix == ".sql":
        yield from blocks(source, dict(enumerate(re.findall(r"^[^\n]*?(--[^\n]*|)$", source, re.MULTILINE), 1)))
    else:
        yield from (comment.replace("*", " ") for comment in re.findall(r"/\*(.*?)\*/", source, re.DOTALL))
        yield from blocks(source, dict(enumerate(re.findall(r"^[^\n]*?((?<!:)//[^\n]*|)$", source, re.MULTILINE), 1)))
        yield from re.findall(r"""(?:\btest|\]\))\(\s*["'](.+?)["'],""", source)


def blocks(source: str, comments: dict[int, str]) -> Iterator[str]:
    """The comments of a file by line, joined where they stand in lines that follow each other."""
    joined = [comments.get(line, "").lstrip("#-/ ") for line in range(1, source.count("\n") + 2)]
    yield from re.split(r"\n{2,}", "\n".join(joined))


def code_files() -> list[Path]:
    """The files of code whose words can be changed."""
    return [
        path
        for folder in CODE
        for suffix in ("py", "sql", "ts", "tsx")
        for path in sorted((ROOT / folder).rglob(f"*.{suffix}"))
        if not any(part in UNCHANGEABLE for part in path.parts)
    ]


@pytest.mark.parametrize("document", sorted(sources()))
def test_documents_say_it_plainly(document: str) -> None:
    text = prose((ROOT / document).read_text(encoding="utf-8"))
    if document == "CONTRIBUTING.md":
        text = re.sub(r"^\| not \|.*?\n\n", "", text, flags=re.MULTILINE | re.DOTALL)
    assert phrases_in(text) == {}


def test_the_code_says_it_plainly() -> None:
    files = code_files()
    assert {path.suffix for path in files} == {".py", ".sql", ".ts", ".tsx"}
    found = {str(path.relative_to(ROOT)): phrases_of(path) for path in files}
    assert {path: phrases for path, phrases in found.items() if phrases} == {}


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("a.py", 'def f():\n    """Do it\n    anew."""\n'),
        ("b.py", "x = 1  # computed anew\n"),
        ("c.py", "def test_it_starts_anew(): ...\n"),
        ("d.py", 'x = 1\n# "anew" is a word that starts\n# anew\n'),
        ("e.sql", "select 1; -- anew\n"),
        ("f.ts", "/** Starts\n * anew. */\n"),
        ("g.ts", "let x = 1; // anew\n"),
        ("h.ts", 'test.each([\n  [1],\n])("it starts anew", () => {});\n'),
    ],
)
def test_the_words_of_code_are_read(tmp_path: Path, name: str, source: str) -> None:
    path = tmp_path / name
    path.write_text(source, encoding="utf-8")
    assert list(phrases_of(path)) == ["anew"]


HEADLESS: Final = re.compile(r"(What|Who|Whom|Whose|Nothing|Nobody)\b(?!.*\?)")
"""The beginning of a docstring that names no thing: "What a screen shows" is the snapshot of a chat."""


def test_docstrings_of_the_package_begin_with_the_thing() -> None:
    found = {
        f"{path.relative_to(ROOT)}:{node.lineno}": node.value.value.partition("\n")[0]
        for path in sorted((ROOT / "src").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        if HEADLESS.match(node.value.value)
    }
    assert found == {}
