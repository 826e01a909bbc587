"""One PostgreSQL data folder and the server on it.

The server is a process of its own and may outlive the program that started it. So its state is read from
`postmaster.pid` each time, and is only believed if a live process confirms it:

    there is no file, or its process has ended    no server runs: start one
    its process is another program                the number was used again after a crash: start a server
    the server starts                             wait
    the server is ready                           use it
    the server stops                              wait until it has ended, then start one
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO
from urllib.parse import quote

import psutil
import structlog

from talktime.core.errors import DatabaseProblem
from talktime.postgres.folders import has_name, make_private, open_own
from talktime.postgres.names import DATA_DIR_SETTING, DATABASE, SUPERUSER
from talktime.postgres.programs import Programs, last_lines

# Recovery after a crash replays at most `max_wal_size`, which takes minutes on a slow disk.
_START_SECONDS_MAX = 300
_STOP_SECONDS_MAX = 60
_LOG_BYTES_MAX = 10_000_000
_POLL_SECONDS = 0.01
_PARAMETERS = "port=5432&sslmode=disable&target_session_attrs=any"

log = structlog.get_logger()


class Cluster:
    """The server on the data folder `data_dir/database`. Its log lies beside the folder, its socket in `sockets`.

    All methods block. Where several processes share a data folder, `EmbeddedServer` lets one call in at a time.
    """

    def __init__(
        self,
        programs: Programs,
        data_dir: Path,
        sockets: Path,
        *,
        init_options: tuple[str, ...] = (),
        settings: dict[str, str] | None = None,
    ) -> None:
        self._programs = programs
        self._folder = data_dir / "database"
        self._log = data_dir / "database.log"
        self._sockets = sockets
        self._init_options = init_options
        self._settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(sockets),
            "unix_socket_permissions": "0700",
            "max_connections": "100",
            "shared_buffers": "128MB",
            "max_wal_size": "1GB",
            "jit": "off",  # compiling takes longer than a short statement
            "timezone": "UTC",
            "log_timezone": "UTC",
            "log_checkpoints": "off",
            **(settings or {}),
        }
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def _owners(self) -> set[int]:
        """The users who may own the files of the server: its user, the user of this process, and root."""
        return {self._programs.uid, os.geteuid(), 0}

    @property
    def url(self) -> str:
        """The address of the database, for asyncpg and for PostgreSQL's own programs.

        It says everything that variables such as PGPORT and PGSSLMODE would say otherwise: they are about another
        database.
        """
        folder = quote(str(self._sockets), safe="")
        return f"postgresql://{SUPERUSER}@/{DATABASE}?host={folder}&{_PARAMETERS}"

    def start(self) -> bool:
        """Start the server if it does not run, and wait until it accepts connections.

        Returns:
            Whether the server was started now.

        Raises:
            DatabaseProblem: the server cannot be started. The message has the end of the server's log.
        """
        if not self._folder.exists():
            self._create()
        self._check_version()
        make_private(self._sockets, self._programs.uid, self._programs.gid)
        give_up_at = time.monotonic() + _START_SECONDS_MAX
        log_start = self._rotate_log()
        started = False
        while (status := self.status()) != "ready":
            if status is None and (self._child is None or self._child.poll() is not None):
                if started and not self._should_try_again(log_start):
                    raise DatabaseProblem(
                        f"The database in {self._folder} did not start:\n{self._log_since(log_start)}"
                    )
                self._spawn()
                started = True
            if time.monotonic() > give_up_at:
                raise DatabaseProblem(
                    f"The database in {self._folder} is still {status or 'not starting'}"
                    f" after {_START_SECONDS_MAX} s:\n{self._log_since(log_start)}"
                )
            time.sleep(_POLL_SECONDS)
        return started

    def stop(self) -> None:
        """Stop the server and end its connections, with all data on disk. If no server runs, do nothing."""
        server = self._server()
        if server is None:
            return
        try:
            server.send_signal(signal.SIGINT)
            server.wait(_STOP_SECONDS_MAX)
        except psutil.NoSuchProcess:
            pass
        except psutil.TimeoutExpired:
            # The next start recovers from the log, so no commit is lost.
            log.warning("database_stop_forced", folder=str(self._folder), after_seconds=_STOP_SECONDS_MAX)
            server.send_signal(signal.SIGQUIT)
            server.wait(_STOP_SECONDS_MAX)
        if self._child is not None:
            self._child.poll()

    def status(self) -> str | None:
        """`starting`, `ready` or `stopping`; None if no server runs."""
        if self._server() is None:
            return None
        lines = self._pid_file_lines()
        return lines[7].strip() if len(lines) > 7 else "starting"

    def _server(self) -> psutil.Process | None:
        lines = self._pid_file_lines()
        try:
            process = psutil.Process(int(lines[0]))
            # The working directory of a server is its data folder. Another process may have the number by accident.
            is_ours = process.status() != psutil.STATUS_ZOMBIE and self._folder.samefile(process.cwd())
        except (IndexError, ValueError, OSError, psutil.NoSuchProcess, psutil.AccessDenied):
            return None
        return process if is_ours else None

    def _pid_file_lines(self) -> list[str]:
        try:
            with self._pid_file(os.O_RDONLY) as file:
                return file.read().splitlines()
        except FileNotFoundError:
            return []

    @contextmanager
    def _pid_file(self, flags: int) -> Iterator[TextIO]:
        """`postmaster.pid`, which lies in a folder of the database's user."""
        folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            descriptor = open_own(Path("postmaster.pid"), flags, self._owners, folder=folder)
        finally:
            os.close(folder)
        with os.fdopen(descriptor, "r" if flags == os.O_RDONLY else "w", encoding="utf-8") as file:
            yield file

    def _create(self) -> None:
        """Make the data folder with the database in it. If this fails, there is no data folder."""
        if not has_name(self._programs.uid):
            raise DatabaseProblem(
                f"The user {self._programs.uid} of this process has no name in /etc/passwd, and PostgreSQL makes a"
                " database only for a user with a name. Add a line to /etc/passwd, such as"
                f" talktime:x:{self._programs.uid}:{self._programs.gid}::/nonexistent:/usr/sbin/nologin, or name a"
                " database of your own with TALKTIME_DATABASE_URL."
            )
        draft = self._folder.with_name("database.new")
        shutil.rmtree(draft, ignore_errors=True)
        make_private(draft, self._programs.uid, self._programs.gid)
        in_draft = ("-D", str(draft))
        local_only = ("--auth-local=trust", "--auth-host=reject")
        self._programs.run(
            "initdb", *in_draft, "-U", SUPERUSER, "-E", "UTF8", *local_only, "--no-sync", *self._init_options
        )
        self._programs.run("postgres", "--single", *in_draft, "template1", stdin=f"create database {DATABASE}\n")
        self._programs.run("initdb", *in_draft, "--sync-only")
        draft.rename(self._folder)
        log.info("database_created", folder=str(self._folder))

    def _check_version(self) -> None:
        try:
            major = (self._folder / "PG_VERSION").read_text().strip()
        except PermissionError:
            raise DatabaseProblem(f"{self._folder} belongs to another user; run as that user or as root.") from None
        except FileNotFoundError:
            raise DatabaseProblem(f"{self._folder} is not a PostgreSQL data folder.") from None
        if major != str(self._programs.major):
            raise DatabaseProblem(
                f"{self._folder} was made by PostgreSQL {major}, and this is PostgreSQL {self._programs.major}:"
                f" move the data with pg_dump and pg_restore, or choose another {DATA_DIR_SETTING}."
            )

    def _spawn(self) -> None:
        self._clear_stale_files()
        options = [option for name, value in self._settings.items() for option in ("-c", f"{name}={value}")]
        with os.fdopen(self._open_log(), "ab") as output:
            self._child = self._programs.spawn("postgres", "-D", str(self._folder), *options, output=output)

    def _clear_stale_files(self) -> None:
        """Remove what a crashed server left, so that a new one can start.

        PostgreSQL refuses to start if `postmaster.pid` has the number of any live process, unless it is that of its own
        parent. So this process writes its number. The file must stay, because from its other lines PostgreSQL learns
        whether a process of the old server still uses the shared memory.
        """
        lines = self._pid_file_lines()
        if lines:
            with self._pid_file(os.O_WRONLY) as file:
                file.truncate()
                file.write("\n".join([str(os.getpid()), *lines[1:], ""]))
        (self._sockets / ".s.PGSQL.5432.lock").unlink(missing_ok=True)

    def _should_try_again(self, log_start: int) -> bool:
        """Whether a process of a crashed server still ran, which may take a moment to end."""
        if "pre-existing shared memory block" not in self._log_since(log_start):
            return False
        time.sleep(0.2)
        return True

    def _rotate_log(self) -> int:
        """Begin a new log if the old one is long. Returns the length in bytes, for `_log_since`."""
        with os.fdopen(self._open_log(), "ab") as output:
            size = output.tell()
        if size <= _LOG_BYTES_MAX:
            return size
        self._log.rename(self._log.with_name("database.log.old"))
        return 0

    def _open_log(self) -> int:
        # Only its owner may read the log, because it shows refused statements with their values.
        return open_own(self._log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, self._owners)

    def _log_since(self, log_start: int) -> str:
        with self._log.open("rb") as output:
            output.seek(log_start)
            return last_lines(output.read().decode(errors="replace"))
