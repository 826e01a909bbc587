"""The docstring of each package is a map of the package: a line for each module, and no others."""

from __future__ import annotations

import ast
import re
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
