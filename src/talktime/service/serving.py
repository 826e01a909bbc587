"""Runs the service under uvicorn until a signal stops it.

A service that stops gives its screens to other nodes: it accepts nothing more, closes its live channels one after the
other over a short time, so that the other nodes do not get all screens in one instant, and then ends its requests.
"""

from __future__ import annotations

import asyncio
import math
import resource
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, Final, cast

import uvicorn
from fastapi import FastAPI

from talktime.service.connections.doors import Doors
from talktime.service.connections.http import HttpConnection
from talktime.service.connections.live import LiveConnection
from talktime.service.live.screen import FRAME_BYTES_MAX
from talktime.service.proxies import Proxied
from talktime.settings import Settings

IDLE_SECONDS: Final = 65
"""Longer than clients and proxies keep an idle connection: if both ends end it at once, a request is lost."""

GRACE_SECONDS: Final = 5
"""How long requests may take to end when the service stops, after the live channels are closed."""

DRAIN_SECONDS_MAX: Final = 2.0
"""Over how long the live channels are closed, with 1012."""

DRAIN_SECONDS_EACH: Final = 0.01
"""How much time each live channel adds, up to `DRAIN_SECONDS_MAX`."""

DRAIN_STEP_SECONDS: Final = 0.05
GOODBYE_SECONDS: Final = 1.0
"""How long screens may take to answer the close frame."""

FILES_FOR_OTHERS: Final = 100
"""How many files the process may have open that are not connections of clients: the database's, logs, libraries."""


class _Server(uvicorn.Server):
    """Calls `announce` with its address as soon as it listens, and closes its live channels gradually."""

    def __init__(self, config: uvicorn.Config, announce: Callable[[str], None]) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for server in self.servers[:1]:
            # If the port of the settings is 0, the system has chosen one.
            port = server.sockets[0].getsockname()[1]
            self._announce(address(self.config.host, port))

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept nothing more, close the live channels one after the other, and end as uvicorn does."""
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            if not isinstance(connection, LiveConnection):
                connection.shutdown()
        await self._drain()
        await super().shutdown(sockets)

    async def _drain(self) -> None:
        now = asyncio.get_running_loop().time
        live, began = self._live(), now()
        total, seconds = len(live), min(DRAIN_SECONDS_MAX, len(live) * DRAIN_SECONDS_EACH)
        while live and not self.force_exit:
            due = math.ceil(total * (now() - began + DRAIN_STEP_SECONDS) / (seconds + DRAIN_STEP_SECONDS))
            while live and total - len(live) < due:
                live.pop().shutdown()
            await asyncio.sleep(DRAIN_STEP_SECONDS)
        for _ in range(int(GOODBYE_SECONDS / DRAIN_STEP_SECONDS)):
            if not self._live() or self.force_exit:
                return
            await asyncio.sleep(DRAIN_STEP_SECONDS)

    def _live(self) -> list[LiveConnection]:
        return [connection for connection in self.server_state.connections if isinstance(connection, LiveConnection)]


def address(host: str, port: int) -> str:
    """The address at which a browser on this machine reaches a server on `host` and `port`."""
    reachable = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104  an address to show
    return f"http://{reachable}:{port}"


def make_server(app: FastAPI, settings: Settings, announce: Callable[[str], None]) -> uvicorn.Server:
    """The server for `app`. It calls `announce` with its address when it listens."""
    doors: Doors = app.state.doors
    doors.limit_to(resource.getrlimit(resource.RLIMIT_NOFILE)[0] - FILES_FOR_OTHERS)
    connection = partial(HttpConnection, doors=doors, request_seconds=float(settings.request_seconds))
    config = uvicorn.Config(
        cast("Any", Proxied(app, settings)),
        http=cast("Any", connection),
        ws=cast("Any", partial(LiveConnection, doors=doors)),
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # `Proxied` reads them
        ws_max_size=FRAME_BYTES_MAX,
        ws_per_message_deflate=False,  # `LiveConnection` has its own
        # Only messages of the live channel prove presence, so pings of the protocol are not needed.
        ws_ping_interval=None,
        timeout_keep_alive=IDLE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    return _Server(config, announce)


def serve(
    app: FastAPI,
    settings: Settings,
    announce: Callable[[str], None],
    sockets: list[socket.socket] | None = None,
) -> bool:
    """Serve until SIGINT or SIGTERM. Calls `announce` with the address when the server listens.

    `sockets` are those to listen on; None for those of the settings.

    Returns:
        False if the server could not start.
    """
    _raise_file_limit(settings.connections + FILES_FOR_OTHERS)
    server = make_server(app, settings, announce)
    # uvicorn stops on these signals, and then raises them again for the handlers that were there before. With these
    # handlers, a stop by a signal is a success.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: None)
    try:
        server.run(sockets)
    except SystemExit:
        return False  # uvicorn has logged why; its exit codes are not those of talktime
    return server.started


def _raise_file_limit(wanted: int) -> None:
    """Let the process open this number of files, as far as the system allows. Many systems begin with 1,024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        with suppress(OSError, ValueError):
            resource.setrlimit(
                resource.RLIMIT_NOFILE, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard)
            )
