"""Runs the service under uvicorn until it is told to stop."""

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
"""How long requests may take to end once the service stops. Live sockets are closed at once, with 1012."""


class _Server(uvicorn.Server):
    """Tells where it listens as soon as it does, and not before."""

    def __init__(self, config: uvicorn.Config, announce: Callable[[str], None]) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for server in self.servers[:1]:
            # The port may have been 0: any free one.
            port = server.sockets[0].getsockname()[1]
            self._announce(address(self.config.host, port))


def address(host: str, port: int) -> str:
    """The address to open for what listens on `host` and `port`."""
    named = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104  shown, not bound
    return f"http://{named}:{port}"


def make_server(app: FastAPI, settings: Settings, announce: Callable[[str], None]) -> uvicorn.Server:
    """The server for `app`; `announce` is called with the address once it listens."""
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        ws="websockets-sansio",
        ws_max_size=FRAME_BYTES_MAX,
        # Only messages of the application prove presence, and they are sent and watched by it (see `live`).
        ws_ping_interval=None,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    return _Server(config, announce)


def serve(app: FastAPI, settings: Settings, announce: Callable[[str], None]) -> bool:
    """Serve until SIGINT or SIGTERM; `announce` is called with the address. False if it could not start."""
    server = make_server(app, settings, announce)
    # uvicorn stops on these, and afterwards raises them again for whoever was there before: being told to stop and
    # stopping is success.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: None)
    try:
        server.run()
    except SystemExit:
        return False  # uvicorn's way out, having logged why, with a code that means something else of ours
    return server.started
