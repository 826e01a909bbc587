"""The folders that a server uses, and who may enter them."""

from __future__ import annotations

import os
import pwd
import stat
from hashlib import sha256
from pathlib import Path

import structlog

from talktime.core.errors import DatabaseProblem
from talktime.postgres.names import DATA_DIR_SETTING, SHORT_SOCKETS_PREFIX

# The longest path of a socket that all supported systems allow.
_SOCKET_PATH_BYTES_MAX = 103

log = structlog.get_logger()


def socket_folder(data_dir: Path) -> Path:
    """The folder of the server's socket: in the data folder, or a short path computed from a long one."""
    folder = data_dir / "socket"
    if len(os.fsencode(folder / ".s.PGSQL.5432")) <= _SOCKET_PATH_BYTES_MAX:
        return folder
    return Path(f"{SHORT_SOCKETS_PREFIX}{sha256(os.fsencode(data_dir)).hexdigest()[:16]}")


def make_private(folder: Path, uid: int, gid: int) -> None:
    """Make a folder that only the user `uid` and root may enter.

    Raises:
        DatabaseProblem: the folder belongs to another user, or others may enter it.
    """
    try:
        folder.mkdir(mode=0o700)
        if os.geteuid() == 0:
            os.chown(folder, uid, gid)
    except FileExistsError:
        existing = folder.lstat()
        if not stat.S_ISDIR(existing.st_mode) or existing.st_uid != uid or existing.st_mode & 0o077:
            raise DatabaseProblem(
                f"{folder} must be a folder that belongs to the user {user_name(uid)} and is closed to all others;"
                f" remove it, or choose another {DATA_DIR_SETTING}."
            ) from None


def open_path_to(folder: Path, uid: int, gid: int) -> None:
    """Let `uid` pass through every folder on the path to `folder`. Each changed permission is logged."""
    for step in (*reversed(folder.parents), folder):
        mode = step.stat().st_mode
        owner, group = step.stat().st_uid, step.stat().st_gid
        needed = stat.S_IXUSR if owner == uid else stat.S_IXGRP if group == gid else stat.S_IXOTH
        if not mode & needed:
            step.chmod(stat.S_IMODE(mode) | needed)
            log.warning("folder_opened", folder=str(step), user=user_name(uid), why="the database's data is in it")


def user_name(uid: int) -> str:
    """The name of a user, or the number of a user without a name."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
