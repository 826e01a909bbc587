"""The headers of proxies in front of talktime's own server. Only the headers of trusted proxies count.

X-Forwarded-For, -Proto    who has called, and how: uvicorn's own middleware
X-Forwarded-Prefix         the path that the proxy has taken off the address
"""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, cast

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from talktime.service.http.request_ids import without_request_id
from talktime.settings import is_root_path

if TYPE_CHECKING:
    from talktime.settings import Settings

PREFIX: Final = b"x-forwarded-prefix"


class Proxied:
    """The outermost layer of the server: it gives the application the address that the browser has called.

    The application then finds its prefix in `root_path`, as it does inside a host, so all that it writes into pages and
    headers leads through the proxy. A prefix that could lead to another site is not believed.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        names = [str(network) for network in settings.proxies]
        self._app = cast("ASGIApp", ProxyHeadersMiddleware(cast("Any", app), names))
        self._networks = settings.proxies
        self._root_path = settings.root_path
        self._is_proxy = lru_cache(maxsize=4096)(self._is_in_networks)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            client = scope.get("client")
            is_proxy = client is not None and self._is_proxy(client[0])
            prefix = self._prefix(scope) if is_proxy else self._root_path
            if not is_proxy:
                scope = without_request_id(scope)
            if prefix:
                raw_path: bytes = scope.get("raw_path") or scope["path"].encode()
                scope = {
                    **scope,
                    "root_path": prefix,
                    "path": prefix + scope["path"],
                    "raw_path": prefix.encode() + raw_path,
                }
        await self._app(scope, receive, send)

    def _prefix(self, scope: Scope) -> str:
        """The path that the proxy has taken off: as its header says, or else as the settings say."""
        headers: list[tuple[bytes, bytes]] = scope["headers"]
        given = [value.decode("latin-1").strip().rstrip("/") for name, value in headers if name == PREFIX]
        return given[0] if len(given) == 1 and is_root_path(given[0]) else self._root_path

    def _is_in_networks(self, host: str) -> bool:
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return False
        return any(address in network for network in self._networks)
