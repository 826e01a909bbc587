"""Redis servers for tests, each on a socket in a folder of its own."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import redis

from talktime.postgres.guardian import Guardian

PASSWORD = "a-password-of-redis"
_START_SECONDS_MAX = 20


class RedisServer:
    """A server that can be stopped, frozen and started again."""

    def __init__(self, folder: Path, guardian: Guardian) -> None:
        self._folder = folder
        self._guardian = guardian
        self._socket = folder / "redis.sock"
        self.address = f"unix://:{PASSWORD}@{self._socket}"
        self.start()

    def start(self) -> None:
        """Start, and wait until the server answers."""
        arguments = ["--port", "0", "--unixsocket", str(self._socket), "--requirepass", PASSWORD]
        arguments += ["--save", "", "--appendonly", "no", "--dir", str(self._folder)]
        self._process = subprocess.Popen(["redis-server", *arguments], stdout=subprocess.DEVNULL)
        self._guardian.guard_process(self._process.pid)
        give_up_at = time.monotonic() + _START_SECONDS_MAX
        while time.monotonic() < give_up_at:
            with contextlib.suppress(redis.ConnectionError):
                self.ask("PING")
                return
            time.sleep(0.02)
        raise TimeoutError

    @property
    def is_stopped(self) -> bool:
        """Whether the server does not run."""
        return self._process.poll() is not None

    def stop(self) -> None:
        """End the server."""
        self._process.send_signal(signal.SIGCONT)
        self._process.terminate()
        self._process.wait()

    def freeze(self) -> None:
        """Let the server stand still: connections stay open, and nothing is answered."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let the server go on."""
        self._process.send_signal(signal.SIGCONT)

    def ask(self, *command: str | bytes) -> Any:
        """The answer to a command."""
        with redis.Redis.from_url(self.address) as client:
            return client.execute_command(*command)

    def channels(self) -> set[str]:
        """The channels that somebody hears, without the part that names the database."""
        return {channel.decode().split(":", 2)[2] for channel in self.ask("PUBSUB", "CHANNELS")}


@contextmanager
def redis_server(folder: Path, guardian: Guardian) -> Iterator[RedisServer]:
    """A server for the context."""
    server = RedisServer(folder, guardian)
    try:
        yield server
    finally:
        server.stop()
