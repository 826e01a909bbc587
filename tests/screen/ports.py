"""Free ports."""

from __future__ import annotations

import socket


def free_port() -> int:
    """A port for a program that cannot choose one itself. The port was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
