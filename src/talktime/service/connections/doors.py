"""How many connections a node holds, and how many of them one address may have.

A connection counts for its address until somebody has signed in on it: then it counts for the person. So people behind
one address do not keep each other out, and a stranger who only opens connections keeps nobody out.

A proxy opens the connections of everybody. So the connections of a trusted proxy count for the addresses that the proxy
names in `X-Forwarded-For`, as soon as they are known.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from functools import lru_cache
from typing import Final, Protocol

import structlog

from talktime.service.connections.rare_log import RareLog
from talktime.service.metrics import Metrics
from talktime.settings import Network

IPV6_PREFIX: Final = 64
"""An IPv6 network of this size counts as one address, because one household gets all of it."""


_log = structlog.get_logger(__name__)


@lru_cache(maxsize=4096)
def address_group(host: str) -> str:
    """The address that a connection is counted for: an IPv4 address, or an IPv6 network."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host[:100]
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, IPV6_PREFIX), strict=False))
    return str(address)


class GivesWay(Protocol):
    """A connection whose client has to send something, and is late."""

    def give_way(self) -> None:
        """Close the connection, because the node is full. The connection is then waited for no longer."""


class Doors:
    """Counts the connections of one node.

    Attributes:
        connections: how many connections there are now.
        log: for refusals, which a flood repeats.
    """

    def __init__(
        self, metrics: Metrics, *, connections_max: int, address_max: int, proxies: Iterable[Network] = ()
    ) -> None:
        self.log = RareLog()
        self._metrics = metrics
        self._connections_max = connections_max
        self._address_max = address_max
        self._proxies = tuple(proxies)
        self.connections = 0
        self._by_address: dict[str, int] = {}
        self._late: dict[GivesWay, None] = {}  # in the order in which they began to be waited for

    def limit_to(self, connections_max: int) -> None:
        """Let in no more connections than this, whatever the settings say."""
        if connections_max < self._connections_max:
            _log.warning("service.few_connections", wanted=self._connections_max, possible=connections_max)
            self._connections_max = connections_max

    def enter(self, host: str | None) -> Ticket | None:
        """Count a new connection. Returns None if the connection must be closed, because there are too many.

        If the node is full, the connection that has been waited for longest gives way.

        Args:
            host: the address at the other end; None for a socket of this machine's file system.
        """
        ticket = Ticket(self)
        if host is not None and not ticket.count_for(host):
            return None
        if self.connections >= self._connections_max:
            self.refuse("node", host)
            if not self._late:
                ticket.leave()
                return None
            next(iter(self._late)).give_way()
        self.connections += 1
        ticket.is_inside = True
        return ticket

    def refuse(self, bound: str, host: str | None) -> None:
        """Note that a connection is refused. `bound` names the limit that was reached."""
        self._metrics.count_refused_connection(bound)
        self.log.warning("service.connection_refused", too_many_of=bound, address=host)

    def wait_for(self, connection: GivesWay) -> None:
        """The client of this connection has to send something now: a head, or a body."""
        self._late.pop(connection, None)
        self._late[connection] = None

    def wait_no_longer(self, connection: GivesWay) -> None:
        """The client of this connection has sent what it had to, or has gone."""
        self._late.pop(connection, None)

    def is_proxy(self, host: str) -> bool:
        """Whether a trusted proxy has this address."""
        try:
            address = ipaddress.ip_address(host.partition("%")[0])
        except ValueError:
            return False
        return any(address in network for network in self._proxies)


class Ticket:
    """One connection, as `Doors` counts it.

    Attributes:
        is_inside: whether the connection counts among those of the node.
    """

    __slots__ = ("_address", "_doors", "is_inside")

    def __init__(self, doors: Doors) -> None:
        self._doors = doors
        self._address: str | None = None
        self.is_inside = False

    def count_for(self, host: str) -> bool:
        """Count the connection for this address from now on. Returns False if the address has too many.

        The address of a trusted proxy is not counted.
        """
        if self._doors.is_proxy(host):
            self.vouch()
            return True
        address = address_group(host)
        if address == self._address:
            return True
        counts = self._doors._by_address  # noqa: SLF001  a ticket is a part of the doors
        if counts.get(address, 0) >= self._doors._address_max:  # noqa: SLF001  for the same reason
            self._doors.refuse("address", host)
            return False
        self.vouch()
        self._address = address
        counts[address] = counts.get(address, 0) + 1
        return True

    def vouch(self) -> None:
        """Count the connection for no address any more, because somebody has signed in on it."""
        if self._address is None:
            return
        counts = self._doors._by_address  # noqa: SLF001  a ticket is a part of the doors
        counts[self._address] -= 1
        if not counts[self._address]:
            del counts[self._address]
        self._address = None

    def leave(self) -> None:
        """The connection is closed. A second call has no effect."""
        self.vouch()
        if self.is_inside:
            self._doors.connections -= 1
            self.is_inside = False
