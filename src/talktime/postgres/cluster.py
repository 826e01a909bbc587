"""One PostgreSQL data folder and the server on it.

The server is its own process and may outlive us, so what is true about it is read from `postmaster.pid` each time,
and believed only as far as a live process confirms it:

    no file, or its process is gone      nothing runs; start
    its process is another program       the number was given out again after a crash; start
    starting                             wait
    ready                                use it
    stopping                             wait until it is gone; start
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from urllib.parse import quote

import psutil
import structlog

from talktime.core.errors import DatabaseProblem
from talktime.postgres.folders import make_private
from talktime.postgres.programs import Programs, last_words

SUPERUSER = "talktime"
DATABASE = "talktime"
# Recovery after a crash replays at most `max_wal_size`; on a slow disk that takes its time.
_START_SECONDS_MAX = 300
_STOP_SECONDS_MAX = 60
_LOG_BYTES_MAX = 10_000_000
_LOOK_SECONDS = 0.01

log = structlog.get_logger()


class Cluster:
    """A data folder `data_dir/database`, its log beside it, and its socket in a folder of its own.

    Blocking; whoever shares a data folder among processes serialises the calls (`embedded` does).
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
            "jit": "off",  # our statements are short
            "timezone": "UTC",
            "log_timezone": "UTC",
            "log_checkpoints": "off",
            **(settings or {}),
        }
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The address for asyncpg and for PostgreSQL's own programs."""
        return f"postgresql://{SUPERUSER}@/{DATABASE}?host={quote(str(self._sockets), safe='')}"

    def start(self) -> bool:
        """Returns when the server takes connections; True if it had to be started, False if it ran already.

        Raises `DatabaseProblem` with the end of the server's log.
        """
        if not self._folder.exists():
            self._create()
        self._check_version()
        make_private(self._sockets, self._programs.uid, self._programs.gid)
        give_up = time.monotonic() + _START_SECONDS_MAX
        log_start = self._rotate_log()
        started = False
        while (status := self.status()) != "ready":
            if status is None and (self._child is None or self._child.poll() is not None):
                if started and not self._is_worth_another_try(log_start):
                    raise DatabaseProblem(
                        f"The database in {self._folder} did not start:\n{self._log_since(log_start)}"
                    )
                self._spawn()
                started = True
            if time.monotonic() > give_up:
                raise DatabaseProblem(
                    f"The database in {self._folder} is still {status or 'silent'} after {_START_SECONDS_MAX} s:\n"
                    f"{self._log_since(log_start)}"
                )
            time.sleep(_LOOK_SECONDS)
        return started

    def stop(self) -> None:
        """Ends all connections and the server, with everything on disk. Nothing happens if none runs."""
        server = self._server()
        if server is None:
            return
        try:
            server.send_signal(signal.SIGINT)
            server.wait(_STOP_SECONDS_MAX)
        except psutil.NoSuchProcess:
            pass
        except psutil.TimeoutExpired:
            # The next start recovers from the log; nothing committed is lost.
            log.warning("database_stop_forced", folder=str(self._folder), after_seconds=_STOP_SECONDS_MAX)
            server.send_signal(signal.SIGQUIT)
            server.wait(_STOP_SECONDS_MAX)
        if self._child is not None:
            self._child.poll()

    def status(self) -> str | None:
        """`starting`, `ready`, `stopping`, or None when nothing runs."""
        if self._server() is None:
            return None
        lines = self._pid_file_lines()
        return lines[7].strip() if len(lines) > 7 else "starting"

    def _server(self) -> psutil.Process | None:
        lines = self._pid_file_lines()
        try:
            process = psutil.Process(int(lines[0]))
            # A server lives in its data folder; any other process has the number by accident.
            is_ours = process.status() != psutil.STATUS_ZOMBIE and self._folder.samefile(process.cwd())
        except (IndexError, ValueError, OSError, psutil.NoSuchProcess, psutil.AccessDenied):
            return None
        return process if is_ours else None

    def _pid_file_lines(self) -> list[str]:
        try:
            return (self._folder / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return []

    def _create(self) -> None:
        """Makes the data folder, complete with our database, or nothing."""
        draft = self._folder.with_name("database.new")
        shutil.rmtree(draft, ignore_errors=True)
        make_private(draft, self._programs.uid, self._programs.gid)
        at = ("-D", str(draft))
        local_only = ("--auth-local=trust", "--auth-host=reject")
        self._programs.run("initdb", *at, "-U", SUPERUSER, "-E", "UTF8", *local_only, "--no-sync", *self._init_options)
        self._programs.run("postgres", "--single", *at, "template1", stdin=f"create database {DATABASE}\n")
        self._programs.run("initdb", *at, "--sync-only")
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
                " move the data with pg_dump and pg_restore, or choose another TALKTIME_DATA_DIR."
            )

    def _spawn(self) -> None:
        self._disown_stale_files()
        options = [option for name, value in self._settings.items() for option in ("-c", f"{name}={value}")]
        with self._log.open("ab") as output:
            self._child = self._programs.spawn("postgres", "-D", str(self._folder), *options, output=output)

    def _disown_stale_files(self) -> None:
        """Nothing runs, but PostgreSQL takes any process that has the old server's number now for that server.

        It never takes its parent for one, so ours is the number to write. The file itself must stay: by the rest of it
        PostgreSQL sees whether a process of the old server still has the shared memory.
        """
        lines = self._pid_file_lines()
        if lines:
            (self._folder / "postmaster.pid").write_text("\n".join([str(os.getpid()), *lines[1:], ""]))
        (self._sockets / ".s.PGSQL.5432.lock").unlink(missing_ok=True)

    def _is_worth_another_try(self, log_start: int) -> bool:
        """After a crash the last of the old server's processes may take a moment to notice and leave."""
        if "pre-existing shared memory block" not in self._log_since(log_start):
            return False
        time.sleep(0.2)
        return True

    def _rotate_log(self) -> int:
        """The log's length before the start, in bytes, so that a message can show what came after."""
        self._log.touch(mode=0o600)  # a refused statement is shown in it with its values
        if (size := self._log.stat().st_size) <= _LOG_BYTES_MAX:
            return size
        self._log.rename(self._log.with_name("database.log.old"))
        return 0

    def _log_since(self, log_start: int) -> str:
        with self._log.open("rb") as output:
            output.seek(log_start)
            return last_words(output.read().decode(errors="replace"))
