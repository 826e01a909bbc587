"""Lock files: every package pinned and hashed, and no word on where it comes from."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", ["bootstrap", "run", "dev"])
def test_python_packages_are_pinned_and_hashed(name: str) -> None:
    content = (_ROOT / "requirements" / f"{name}.txt").read_text()
    assert "://" not in content
    packages = re.split(r"^(?=[a-z])", re.sub(r"^ *#.*\n", "", content, flags=re.MULTILINE), flags=re.MULTILINE)[1:]
    assert packages
    for package in packages:
        assert re.match(r"[a-z0-9._-]+==[^ ]+ ", package), package
        assert "--hash=sha256:" in package, package


def test_developers_have_what_users_have() -> None:
    def pins(name: str) -> set[str]:
        return set(re.findall(r"^[a-z].*==\S+", (_ROOT / "requirements" / f"{name}.txt").read_text(), re.MULTILINE))

    assert pins("run") < pins("dev")


@pytest.mark.parametrize("folder", ["client", "client/generator"])
def test_client_packages_are_pinned_and_hashed(folder: str) -> None:
    packages = json.loads((_ROOT / folder / "package-lock.json").read_text())["packages"]
    for path, package in packages.items():
        assert "resolved" not in package, path
        assert not path or package["version"], path
    # The linter's binaries for other systems are not to be had from every registry, so some have no hash here.
    unhashed = {path for path, package in packages.items() if path and "integrity" not in package}
    assert all(path.startswith("node_modules/@biomejs/cli-") for path in unhashed), unhashed
