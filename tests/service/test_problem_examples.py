"""The examples of problem documents say what the program says when it refuses a request."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import talktime
from talktime.service.http import problem_documents

SOURCE = Path(talktime.__file__).parent
LITERAL_MIN = 8
"""How many characters of a message must not be placeholders, so that the message fits no text by accident."""


def message_pattern(node: ast.expr) -> str | None:
    """A pattern for the texts that a literal can become, with anything in place of its placeholders."""
    match node:
        case ast.Constant(value=str()):
            parts: list[ast.expr] = [node]
        case ast.JoinedStr():
            parts = node.values
        case _:
            return None
    texts = [str(part.value) if isinstance(part, ast.Constant) else None for part in parts]
    if sum(len(text or "") for text in texts) < LITERAL_MIN:
        return None
    return "".join(".+" if text is None else re.escape(text) for text in texts)


def literals(path: Path) -> Iterator[str]:
    """The patterns of all texts in a module that are no docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    docstrings = {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.expr) and node not in docstrings and (pattern := message_pattern(node)) is not None:
            yield pattern


@cache
def messages() -> frozenset[str]:
    """The patterns of all texts of the program, without those of the examples."""
    files = set(SOURCE.rglob("*.py")) - {Path(problem_documents.__file__)}
    return frozenset(pattern for path in files for pattern in literals(path))


@pytest.mark.parametrize("code", sorted(problem_documents.EXAMPLES))
def test_the_program_says_what_the_example_says(code: str) -> None:
    document: Any = problem_documents.EXAMPLES[code]["value"]
    detail = document["detail"]
    assert [pattern for pattern in messages() if re.fullmatch(pattern, detail)], detail
