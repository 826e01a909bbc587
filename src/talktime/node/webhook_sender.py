"""Sends one message to a webhook, signed by Standard Webhooks, and to no address inside the network.

A host that may name an address could make the service call what only the service can reach: a database, a metadata
service. So a name is looked up once, every address that it has must be public, and the connection goes to the address
that was checked. A redirect is an answer like any other and is not followed.

A name server that does not answer holds up nothing but the messages to its names: see `talktime.threads`.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import socket
import ssl
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import httpx
from standardwebhooks import Webhook as Signer

from talktime.core.errors import InvalidRequest
from talktime.threads import in_own_thread

if TYPE_CHECKING:
    from collections.abc import Sequence

SECONDS_MAX: Final = 10.0
"""How long a receiver may take to answer."""

URL_LENGTH_MAX: Final = 2_000
_ERROR_LENGTH_MAX: Final = 200
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class Outcome:
    """The answer of a receiver to a message. `error` is None if the message was delivered."""

    status: int | None
    error: str | None
    took_ms: int

    @property
    def is_gone(self) -> bool:
        """Whether the receiver wants no more messages."""
        return self.status == httpx.codes.GONE


class _Refused(Exception):
    """The address of the receiver is not allowed."""


class _Lookups:
    """Looks up names, and a name that is being looked up already only once."""

    def __init__(self) -> None:
        self._running: dict[tuple[str, int], asyncio.Task[list[str]]] = {}

    async def addresses(self, host: str, port: int) -> list[str]:
        """The addresses of a name.

        Raises:
            OSError: the name has no address.
            UnicodeError: no host can have this name.
        """

        def look_up() -> list[str]:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            return list(dict.fromkeys(str(entry[4][0]) for entry in found))

        def forget(ended: asyncio.Task[list[str]]) -> None:
            del self._running[host, port]
            # Nobody may be waiting any more when the look-up fails.
            if not ended.cancelled():
                ended.exception()

        if (running := self._running.get((host, port))) is None:
            running = asyncio.create_task(in_own_thread(look_up, f"look up {host}"))
            self._running[host, port] = running
            running.add_done_callback(forget)
        # The look-up goes on when a caller gives up: the next caller may have its result.
        return await asyncio.shield(running)


class WebhookSender:
    """Sends messages. With `may_be_private`, receivers may have private addresses and speak HTTP without TLS."""

    def __init__(self, *, may_be_private: bool) -> None:
        self._may_be_private = may_be_private
        self._lookups = _Lookups()
        self._client: httpx.AsyncClient | None = None

    async def send(self, url: str, secrets: Sequence[str], message_id: str, body: dict[str, Any]) -> Outcome:
        """Send a message, signed with each of the secrets.

        Args:
            url: the address of the receiver.
            secrets: the secret, and during a rotation the secret before.
            message_id: the id by which a receiver knows a repeat.
            body: the JSON of the message.
        """
        began = time.monotonic()
        status: int | None = None
        error: str | None = None
        try:
            async with asyncio.timeout(SECONDS_MAX):
                status = await self._post(url, *_signed(secrets, message_id, body))
            if not httpx.codes.is_success(status):
                error = f"the receiver answered {status}"
        except TimeoutError:
            error = f"no answer within {SECONDS_MAX:.0f} s"
        # A name that can't be encoded is a UnicodeError.
        except (_Refused, httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError) as failure:
            error = str(failure) or type(failure).__name__
        return Outcome(status, error and error[:_ERROR_LENGTH_MAX], int((time.monotonic() - began) * 1000))

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    def require_url(self, url: str) -> None:
        """Refuse an address to which no message will be sent.

        Raises:
            InvalidRequest: the address is not allowed.
        """
        try:
            parts = urlsplit(url)
            # Encoding the name raises a ValueError, if no host can have this name.
            is_address = bool((parts.hostname or "").encode("idna")) and parts.port != 0
        except ValueError:
            is_address = False
        schemes = {"https", "http"} if self._may_be_private else {"https"}
        if (
            not is_address
            or parts.scheme not in schemes
            or len(url) > URL_LENGTH_MAX
            or not url.isprintable()
            or " " in url
        ):
            shape = (
                "http:// or https://"
                if self._may_be_private
                else "https://; with TALKTIME_WEBHOOK_PRIVATE=1 also http://, for receivers in your own network"
            )
            raise InvalidRequest(("url", f"must be an address that begins with {shape}"))
        if parts.username is not None or parts.fragment:
            raise InvalidRequest(("url", "must have no user, no password and no fragment"))
        host = parts.hostname or ""
        if not self._may_be_private and (host == "localhost" or _is_private_literal(host)):
            raise InvalidRequest(("url", "is a private address; TALKTIME_WEBHOOK_PRIVATE=1 allows these"))

    async def _post(self, url: str, content: bytes, headers: dict[str, str]) -> int:
        address = httpx.URL(url)
        checked = await self._checked_address(address.host, address.port or (443 if address.scheme == "https" else 80))
        if self._client is None:
            # The certificates that the system trusts, and those that SSL_CERT_FILE names.
            self._client = httpx.AsyncClient(
                verify=ssl.create_default_context(), follow_redirects=False, trust_env=False, timeout=SECONDS_MAX
            )
        request = self._client.build_request(
            "POST",
            address.copy_with(host=checked),
            content=content,
            headers={**headers, "Host": address.netloc.decode("ascii")},
            extensions={"sni_hostname": address.host},
        )
        answer = await self._client.send(request, stream=True)
        await answer.aclose()  # the body of the answer does not matter
        return answer.status_code

    async def _checked_address(self, host: str, port: int) -> str:
        addresses = await self._lookups.addresses(host, port)
        if not self._may_be_private and not all(map(_is_public, addresses)):
            msg = f"{host} has a private address; TALKTIME_WEBHOOK_PRIVATE=1 allows these"
            raise _Refused(msg)
        return addresses[0]


def _signed(secrets: Sequence[str], message_id: str, body: dict[str, Any]) -> tuple[bytes, dict[str, str]]:
    """The content and the headers of a message. Receivers compare the instant with their own clocks."""
    content = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    now = datetime.now(tz=UTC)
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "talktime",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(Signer(secret).sign(message_id, now, content) for secret in secrets),
    }
    return content.encode(), headers


def _is_private_literal(host: str) -> bool:
    try:
        return not _is_public(host)
    except ValueError:
        return False  # a name


def _is_public(text: str) -> bool:
    address: ipaddress.IPv4Address | ipaddress.IPv6Address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        if address in _NAT64:
            address = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        else:
            address = address.ipv4_mapped or address.sixtofour or address
    return address.is_global and not address.is_multicast
