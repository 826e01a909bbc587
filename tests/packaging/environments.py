"""Python environments that have only some of the packages: as if talktime had been installed with some extras."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


@dataclass(frozen=True)
class Environment:
    """A virtual environment, and a folder for its programs to run in."""

    python: Path
    folder: Path

    def run(self, *arguments: str, **settings: str | None) -> subprocess.CompletedProcess[str]:
        """Runs its Python to the end, with these settings alone."""
        return subprocess.run(
            [self.python, *arguments],
            check=False,
            capture_output=True,
            text=True,
            env=self.variables(**settings),
            cwd=self.folder,
        )

    def variables(self, **settings: str | None) -> dict[str, str]:
        """The variables of its programs: these settings, and no others."""
        variables = {name: value for name, value in os.environ.items() if not name.startswith(("TALKTIME_", "PYTHON"))}
        variables["TALKTIME_DATA_DIR"] = str(self.folder / "data")
        return variables | {f"TALKTIME_{name.upper()}": value for name, value in settings.items() if value is not None}

    def talktime(self, *arguments: str, database_url: str | None = None) -> subprocess.CompletedProcess[str]:
        """Runs the command line, as the installed program does."""
        return self.run("-c", "from talktime.cli import main; main()", *arguments, database_url=database_url)


def make_environment(folder: Path, extras: Iterable[str], *, wheel: Path | None = None) -> Environment:
    """An environment with talktime and what it requires with these extras, by its own metadata, and nothing else.

    Packages are links to those that are installed here, so that nothing is fetched. With a `wheel`, talktime itself is
    what the wheel has, and not the program of this clone.
    """
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "venv"], check=True)
    (packages,) = (folder / "venv" / "lib").glob("python*/site-packages")
    for name in required("talktime", extras) - ({"talktime"} if wheel else set()):
        for file in _top_level(distribution(name)):
            if not (packages / file.name).exists():
                (packages / file.name).symlink_to(file)
    if wheel is not None:
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(packages)
    return Environment(folder / "venv" / "bin" / "python", folder)


def required(name: str, extras: Iterable[str] = ()) -> set[str]:
    """The package and all that it requires with these extras, directly and indirectly."""
    found: set[str] = set()
    seen: set[tuple[str, str]] = set()
    waiting = [(name, extra) for extra in ("", *extras)]
    while waiting:
        step = waiting.pop()
        if step in seen:
            continue
        seen.add(step)
        package, extra = step
        found.add(canonicalize_name(package))
        for line in distribution(package).requires or ():
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
                waiting += [(requirement.name, wanted) for wanted in ("", *requirement.extras)]
    return found


def _top_level(package: Distribution) -> Iterator[Path]:
    """What a package has put beside all others: its modules, its metadata, and the libraries that its modules load."""
    files = package.files or ()
    for first in sorted({file.parts[0] for file in files if file.parts[0] != ".."} - {"__pycache__"}):
        yield Path(str(package.locate_file(first))).resolve()
