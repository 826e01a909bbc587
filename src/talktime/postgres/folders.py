"""The folders that a server uses, and who may enter them."""

from __future__ import annotations

import errno
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
_SPECIAL_BYTES = frozenset(b',"')

log = structlog.get_logger()


def socket_folder(data_dir: Path) -> Path:
    """The folder of the server's socket: in the data folder, or a short path computed from a path that is too long.

    A comma separates folders in PostgreSQL's settings and in addresses, so a path with a comma is replaced, too.
    """
    folder = data_dir / "socket"
    path = os.fsencode(folder / ".s.PGSQL.5432")
    if len(path) <= _SOCKET_PATH_BYTES_MAX and not set(path) & _SPECIAL_BYTES:
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


def open_own(path: Path, flags: int, owners: set[int], *, folder: int | None = None) -> int:
    """Open a file of ours without following a link, so that nobody can make root write to another file.

    Args:
        path: the file; with `folder`, its name in that folder.
        flags: as for `os.open`, such as `os.O_RDWR`.
        owners: the users to whom the file may belong.
        folder: the descriptor of an open folder.

    Returns:
        The descriptor of the file. A new file gets mode 0600.

    Raises:
        DatabaseProblem: the path is a link or no regular file, or the file has a second name or another owner.
        OSError: the file can't be opened for another reason.
    """
    try:
        # Without O_NONBLOCK a named pipe would hold the program.
        descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o600, dir_fd=folder)
    except OSError as error:
        if error.errno in {errno.ELOOP, errno.ENXIO, errno.EISDIR}:
            raise _not_ours(path) from None
        raise
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1 or status.st_uid not in owners:
        os.close(descriptor)
        raise _not_ours(path)
    return descriptor


def _not_ours(path: Path) -> DatabaseProblem:
    return DatabaseProblem(
        f"{path} must be a file of the database: not a link, not of another user. Look who made it, and remove it."
    )


def open_path_to(folder: Path, uid: int, gid: int) -> None:
    """Let `uid` pass through every folder on the path to `folder`. Each changed permission is logged."""
    for step in (*reversed(folder.parents), folder):
        mode = step.stat().st_mode
        owner, group = step.stat().st_uid, step.stat().st_gid
        needed = stat.S_IXUSR if owner == uid else stat.S_IXGRP if group == gid else stat.S_IXOTH
        if not mode & needed:
            step.chmod(stat.S_IMODE(mode) | needed)
            log.warning("folder_opened", folder=str(step), user=user_name(uid), why="the database's data is in it")


def has_name(uid: int) -> bool:
    """Whether the system has a name for the user."""
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True


def user_name(uid: int) -> str:
    """The name of a user, or the number of a user without a name."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
