"""`talktime.postgres` could be a package of its own: it needs one error of talktime, and the list of extras."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import talktime.postgres

FOLDER = Path(talktime.postgres.__file__).parent
ALLOWED = {"talktime.core.errors.DatabaseProblem", "talktime.extras"}


def imported_names(path: Path) -> Iterator[str]:
    """The full name of everything that a module imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_the_embedded_postgresql_imports_nothing_else_of_talktime() -> None:
    names = {name for path in FOLDER.glob("*.py") for name in imported_names(path)}
    ours = {name for name in names if name.startswith("talktime.")}
    assert {name for name in ours if not name.startswith("talktime.postgres.")} == ALLOWED
