"""Runs the service under uvicorn until a signal stops it."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable
from typing import Final

import uvicorn
from fastapi import FastAPI

from talktime.service.live.screen import FRAME_BYTES_MAX
from talktime.settings import Settings

GRACE_SECONDS: Final = 5
"""How long requests may take to end when the service stops. Live sockets are closed at once, with 1012."""


class _Server(uvicorn.Server):
    """Calls `announce` with its address as soon as it listens."""

    def __init__(self, config: uvicorn.Config, announce: Callable[[str], None]) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for server in self.servers[:1]:
            # If the port of the settings is 0, the system has chosen one.
            port = server.sockets[0].getsockname()[1]
            self._announce(address(self.config.host, port))


def address(host: str, port: int) -> str:
    """The address at which a browser on this machine reaches a server on `host` and `port`."""
    reachable = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104  an address to show
    return f"http://{reachable}:{port}"


def make_server(app: FastAPI, settings: Settings, announce: Callable[[str], None]) -> uvicorn.Server:
    """The server for `app`. It calls `announce` with its address when it listens."""
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        ws="websockets-sansio",
        ws_max_size=FRAME_BYTES_MAX,
        # Only messages of the live channel prove presence, so pings of the protocol are not needed.
        ws_ping_interval=None,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    return _Server(config, announce)


def serve(app: FastAPI, settings: Settings, announce: Callable[[str], None]) -> bool:
    """Serve until SIGINT or SIGTERM. Calls `announce` with the address when the server listens.

    Returns:
        False if the server could not start.
    """
    server = make_server(app, settings, announce)
    # uvicorn stops on these signals, and then raises them again for the handlers that were there before. With these
    # handlers, a stop by a signal is a success.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: None)
    try:
        server.run()
    except SystemExit:
        return False  # uvicorn has logged why; its exit codes are not those of talktime
    return server.started
