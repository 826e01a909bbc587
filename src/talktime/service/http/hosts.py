"""Under which names the service may be called.

A page of another site can give its own name the address of this machine (DNS rebinding). For the browser the service is
then a part of that site, and the page may read its answers. But the browser still sends the name in `Host`.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from talktime.service.http.problems import WrongHost, make_problem_response

LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")


class Hosts:
    """The middleware that refuses requests and sockets under another name.

    Args:
        names: the names, and addresses as they stand in `Host`, without a port.
        any_address: whether every address is allowed beside the names. Rebinding needs a name.
    """

    def __init__(self, app: ASGIApp, names: Iterable[str], *, any_address: bool) -> None:
        self._app = app
        self._names = frozenset(name.lower() for name in names)
        self._any_address = any_address

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or self._is_allowed(Headers(scope=scope).getlist("host")):
            await self._app(scope, receive, send)
            return
        response = make_problem_response(WrongHost("The service is not called so; TALKTIME_HOSTS lists its names."))
        if scope["type"] == "websocket":
            await WebSocket(scope, receive, send).send_denial_response(response)
        else:
            await response(scope, receive, send)

    def _is_allowed(self, hosts: list[str]) -> bool:
        if len(hosts) != 1:
            return False
        name = hosts[0].lower()
        is_ipv6 = name.startswith("[")
        name = name[1:].partition("]")[0] if is_ipv6 else name.partition(":")[0].removesuffix(".")
        return name in self._names or (self._any_address and _is_address(name))


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
