"""The docstring of each package is a map of the package: a line for each module, and no others. Names are used once."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

import pytest

import talktime

SOURCE = Path(talktime.__file__).parent
PACKAGES = sorted(init.parent for init in SOURCE.rglob("__init__.py") if init.parent != SOURCE)


def listed(package: Path) -> list[str]:
    """The modules that the map names."""
    docstring = ast.get_docstring(ast.parse((package / "__init__.py").read_text(encoding="utf-8"))) or ""
    return re.findall(r"^(\w+) {2,}\S", docstring, re.MULTILINE)


def modules(package: Path) -> list[str]:
    """The modules and packages that a package has."""
    return sorted(
        path.stem
        for path in package.iterdir()
        if (path.suffix == ".py" and path.stem != "__init__") or (path / "__init__.py").exists()
    )


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: str(package.relative_to(SOURCE)))
def test_a_map_names_each_module_once(package: Path) -> None:
    assert sorted(listed(package)) == modules(package)


def test_there_are_packages() -> None:
    assert {"cli", "core", "service"} <= {package.name for package in PACKAGES}


NAMED_AS_PUBLISHED = {"AddCredit", "RefundRecord"}
"""Commands whose requests have the same name in the OpenAPI document, where hosts' clients use it."""


def test_no_two_classes_have_one_name() -> None:
    names = Counter(
        node.name
        for path in SOURCE.rglob("*.py")
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef)
    )
    assert {name for name, count in names.items() if count > 1} == NAMED_AS_PUBLISHED


TESTED_TOGETHER = {
    **dict.fromkeys(("core/entries", "core/roles"), "tests/database/test_enumerations.py"),
    **dict.fromkeys(
        [
            f"documents/{name}"
            for name in ("access_key", "account", "advisor", "chat", "document", "fields", "link", "schema")
        ],
        "tests/unit/documents/test_documents.py",
    ),
    "documents/old_rows": "tests/unit/documents/test_import_rows.py",
}
"""Modules that only declare something, and the test that covers them."""


@pytest.mark.parametrize("package", ["core", "documents"])
def test_each_module_of_the_pure_layers_has_its_test_file(package: str) -> None:
    tests = Path(__file__).parents[1]
    for module in modules(SOURCE / package):
        path = TESTED_TOGETHER.get(f"{package}/{module}", f"tests/unit/{package}/test_{module}.py")
        assert (tests.parent / path).exists(), path
        own = tests / "unit" / package / f"test_{module}.py"
        assert (f"{package}/{module}" in TESTED_TOGETHER) != own.exists(), module
