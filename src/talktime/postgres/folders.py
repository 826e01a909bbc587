"""Folders that a server may use and nobody else may enter."""

from __future__ import annotations

import os
import pwd
import stat
from hashlib import sha256
from pathlib import Path

import structlog

from talktime.core.errors import DatabaseProblem

# What the shortest of the systems we run on allows for the path of a socket.
_SOCKET_PATH_BYTES_MAX = 103

log = structlog.get_logger()


def socket_folder(data_dir: Path) -> Path:
    """Where the server's socket is: beside its data, or at a short path that follows from a long one."""
    folder = data_dir / "socket"
    if len(os.fsencode(folder / ".s.PGSQL.5432")) <= _SOCKET_PATH_BYTES_MAX:
        return folder
    return Path("/tmp") / f"talktime-{sha256(os.fsencode(data_dir)).hexdigest()[:16]}"  # noqa: S108  made private below


def make_private(folder: Path, uid: int, gid: int) -> None:
    """Makes a folder that only `uid` may enter (and root). Raises `DatabaseProblem` if another has it."""
    try:
        folder.mkdir(mode=0o700)
        if os.geteuid() == 0:
            os.chown(folder, uid, gid)
    except FileExistsError:
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != uid or found.st_mode & 0o077:
            raise DatabaseProblem(
                f"{folder} must be a folder that belongs to the user {user_name(uid)} and is closed to all others;"
                " remove it, or choose another TALKTIME_DATA_DIR."
            ) from None


def open_way(folder: Path, uid: int, gid: int) -> None:
    """Lets `uid` pass through every folder down to `folder`. Adds as little as possible, and says what."""
    for step in (*reversed(folder.parents), folder):
        mode = step.stat().st_mode
        owner, group = step.stat().st_uid, step.stat().st_gid
        needed = stat.S_IXUSR if owner == uid else stat.S_IXGRP if group == gid else stat.S_IXOTH
        if not mode & needed:
            step.chmod(stat.S_IMODE(mode) | needed)
            log.warning("folder_opened", folder=str(step), user=user_name(uid), why="the database's data is in it")


def user_name(uid: int) -> str:
    """The user's name, or the number of one who has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
