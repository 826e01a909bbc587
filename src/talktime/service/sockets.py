"""The sockets at which the service listens, where the program has to know them before the server does."""

from __future__ import annotations

import errno
import socket
from typing import TYPE_CHECKING, Final

from talktime.settings import SettingsError

if TYPE_CHECKING:
    from talktime.settings import Settings

TRIES: Final = 20
"""How many ports are tried, one after the other."""


def bind(settings: Settings, *, tries: int = 1) -> list[socket.socket]:
    """Sockets on the host and the port of the settings. Nobody is answered before a server listens on them.

    Args:
        settings: have the host and the port.
        tries: how many ports may be tried, each one above the one before.

    Raises:
        SettingsError: the address can't be used.
    """
    for step in range(tries):
        try:
            return _bind(settings.host, settings.port + step)
        except OSError as error:
            if error.errno == errno.EADDRINUSE and step + 1 < tries:
                continue
            raise SettingsError(
                f"The service can't listen on {settings.host}, port {settings.port + step}: {error.strerror}. Choose"
                " another --host (TALKTIME_HOST) or --port (TALKTIME_PORT; 0 takes any free port)"
            ) from None
    raise AssertionError("at least one try")


def _bind(host: str, port: int) -> list[socket.socket]:
    bound: list[socket.socket] = []
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, kind, protocol, _, address in dict.fromkeys(found):
            one = socket.socket(family, kind, protocol)
            bound.append(one)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            # A name such as localhost has several addresses; if any port will do, all of them get the first one's.
            number = port or (bound[0].getsockname()[1] if len(bound) > 1 else 0)
            one.bind((address[0], number, *address[2:]))
    except OSError:
        for one in bound:
            one.close()
        raise
    return bound
