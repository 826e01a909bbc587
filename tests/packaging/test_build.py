"""What is built to be installed elsewhere: whole, or not at all; and what it says about itself."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email.message import Message
from email.parser import Parser
from pathlib import Path
from typing import Any

import pytest
from packaging.specifiers import SpecifierSet
from trove_classifiers import classifiers as known_classifiers

ROOT = Path(__file__).parents[2]
STATIC = "src/talktime/service/pages/static"
NEEDED = (
    "talktime/py.typed",
    "talktime/database/migrations/0001_initial.sql",
    "talktime/database/sql/invariants.sql",
    "talktime/database/sql/queries.sql",
    "talktime/service/pages/icon.svg",
    "talktime/service/pages/static/pages/chat.css",
    "talktime/service/pages/static/talk-chat.js",
    "talktime/service/pages/static/talktime.js",
    "talktime/service/pages/templates/base.html",
)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A copy of what the package is built from, as it is in version control: without the built client."""
    copy = tmp_path / "source"
    ignored = shutil.ignore_patterns("__pycache__", "static")
    shutil.copytree(ROOT / "src", copy / "src", ignore=ignored)
    for name in (".gitignore", "LICENSE", "README.md", "hatch_build.py", "pyproject.toml"):
        shutil.copy(ROOT / name, copy / name)
    return copy


@pytest.fixture
def source_with_client(source: Path) -> Path:
    """The same, with files where the client's build puts some."""
    for name in ("talk-chat.js", "talktime.js", "pages/chat.css"):
        path = source / STATIC / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("built")
    return source


def build(source: Path, target: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "hatchling", "build", "--target", target, "--directory", "dist"]
    return subprocess.run(command, check=False, capture_output=True, text=True, cwd=source)


def built(source: Path, target: str, pattern: str) -> Path:
    ended = build(source, target)
    assert ended.returncode == 0, ended.stderr
    (path,) = (source / "dist").glob(pattern)
    return path


def metadata_of(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return Parser().parsestr(archive.read(name).decode())


@pytest.mark.parametrize("target", ["wheel", "sdist"])
def test_a_package_without_the_client_is_refused(source: Path, target: str) -> None:
    ended = build(source, target)
    assert ended.returncode == 1
    assert "The browser client is not built" in ended.stderr
    assert "run: make setup" in ended.stderr
    assert not list(source.glob("dist/*"))


def test_an_installation_in_the_checkout_needs_no_client(source: Path) -> None:
    program = "from hatchling.build import build_editable; build_editable('.')"
    ended = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True, cwd=source)
    assert ended.returncode == 0, ended.stderr


def test_a_wheel_has_every_file_of_the_package(source_with_client: Path) -> None:
    with zipfile.ZipFile(built(source_with_client, "wheel", "*.whl")) as archive:
        files = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert files == {
        path.relative_to(source_with_client / "src").as_posix()
        for path in (source_with_client / "src").rglob("*")
        if path.is_file()
    }
    assert files.issuperset(NEEDED)


def test_a_wheel_can_be_built_from_the_source_distribution(source_with_client: Path, tmp_path: Path) -> None:
    with tarfile.open(built(source_with_client, "sdist", "*.tar.gz")) as archive:
        archive.extractall(tmp_path / "unpacked", filter="data")
    (unpacked,) = (tmp_path / "unpacked").iterdir()
    with zipfile.ZipFile(built(unpacked, "wheel", "*.whl")) as wheel:
        assert set(wheel.namelist()).issuperset(NEEDED)


def test_the_metadata_are_complete(source_with_client: Path) -> None:
    metadata = metadata_of(built(source_with_client, "wheel", "*.whl"))
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["License-File"] == "LICENSE"
    assert metadata["Summary"]
    assert metadata["Keywords"]
    assert metadata.get_all("Provides-Extra") == ["all", "cli", "embedded", "redis", "service", "webhooks"]
    classifiers = metadata.get_all("Classifier", [])
    assert set(classifiers) <= known_classifiers
    named = [line.rpartition(" :: ")[2] for line in classifiers if "Python :: 3." in line]
    assert named == list(SpecifierSet(metadata["Requires-Python"]).filter(named))
    assert "3.10" not in SpecifierSet(metadata["Requires-Python"])
    for kind in ("Development Status", "Intended Audience", "Operating System", "Topic", "Typing"):
        assert any(line.startswith(kind) for line in classifiers), kind


def test_one_address_gives_all_links(source_with_client: Path) -> None:
    pyproject = source_with_client / "pyproject.toml"
    pyproject.write_text(
        pyproject.read_text().replace(f'repository = "{address()}"', 'repository = "https://host/owner"')
    )
    links = metadata_of(built(source_with_client, "wheel", "*.whl")).get_all("Project-URL", [])
    assert [link.partition(", ")[0] for link in links] == [
        "Homepage", "Repository", "Documentation", "Changelog", "Issues",
    ]  # fmt: skip
    assert all(link.partition(", ")[2].startswith("https://host/owner") for link in links)


def address() -> str:
    """The public address of the repository; empty while there is none."""
    settings: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["metadata"]
    repository: str = settings["hooks"]["custom"]["repository"]
    return repository


def test_both_packages_have_the_same_links() -> None:
    package = json.loads((ROOT / "client" / "package.json").read_text())
    links = {name: package[name] for name in ("repository", "homepage", "bugs") if name in package}
    repository = address()
    assert links == (
        {
            "repository": {"type": "git", "url": f"git+{repository}.git", "directory": "client"},
            "homepage": f"{repository}/tree/main/client#readme",
            "bugs": f"{repository}/issues",
        }
        if repository
        else {}
    )
