"""Logs: JSON lines for machines, colours for a terminal, always on stderr, and never a secret in them."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from functools import lru_cache
from typing import Any, Final, TextIO

import structlog
from structlog.typing import Processor

REDACTED: Final = "[redacted]"
_SECRET_NAME = re.compile(r"token|secret|authorization|password|passwd|cookie|api_?key", re.IGNORECASE)
_URL_PASSWORD = re.compile(r"(?<=://)([^/@:\s]*):[^/@\s]+@")
_BEARER = re.compile(r"(?i)\b(bearer[ .])[\w.~+/=-]+")
# Most values are ids and numbers: one look tells that there is nothing to take out.
_SUSPICIOUS = re.compile(r"://|bearer|eyJ", re.IGNORECASE)
_JWT = re.compile(r"\beyJ[\w-]{5,}\.[\w-]+\.[\w-]*")


def redact(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Takes out whatever is named like a secret or looks like one, however deep."""
    for name, value in event.items():
        event[name] = REDACTED if _names_secret(name) else _clean(value)
    return event


def configure(*, debug: bool = False, to: TextIO | None = None) -> None:
    """Send every log of the process, ours and the libraries', to stderr unless `to` is given."""
    stream = sys.stderr if to is None else to
    level = logging.DEBUG if debug else logging.INFO
    shared, rendering = _shared(), _rendering(stream)
    structlog.configure(
        # Ours go straight to the stream: by way of `logging` a line costs much more, and there is one for
        # everything that a meter does.
        processors=[*shared, *rendering],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(stream),
        cache_logger_on_first_use=True,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name, structlog.stdlib.ExtraAdder()],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendering],
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    logging.basicConfig(handlers=[handler], level=level, force=True)
    # Each request and each socket would be a line; what matters of them is logged by name elsewhere.
    logging.getLogger("uvicorn.error").setLevel(logging.DEBUG if debug else logging.WARNING)
    for noisy in ("websockets", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def configure_by_default() -> None:
    """Send ours to stderr, without secrets, inside a program that has not told structlog what to do with its logs.

    Left to itself structlog writes to stdout, and beside an error all local variables: tokens and passwords too. The
    program may still configure it later, and its other logs are its own.
    """
    if structlog.is_configured():
        return
    structlog.configure(
        processors=[*_shared(), *_rendering(sys.stderr)],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=lambda *_: structlog.WriteLogger(sys.stderr),  # which it may have exchanged meanwhile
        cache_logger_on_first_use=False,
    )


def _shared() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]


def _rendering(stream: TextIO) -> list[Processor]:
    """An error becomes text before secrets are taken out; a terminal's pretty one would show local variables after."""
    renderer: Processor = (
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        if stream.isatty()
        else structlog.processors.JSONRenderer(default=str)
    )
    return [structlog.processors.format_exc_info, redact, renderer]


@lru_cache(maxsize=1024)
def _names_secret(name: str) -> bool:
    return _SECRET_NAME.search(name) is not None


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        if not _SUSPICIOUS.search(value):
            return value
        value = _URL_PASSWORD.sub(rf"\1:{REDACTED}@", value)
        return _JWT.sub(REDACTED, _BEARER.sub(rf"\1{REDACTED}", value))
    if isinstance(value, dict):
        return {
            name: REDACTED if isinstance(name, str) and _names_secret(name) else _clean(inner)
            for name, inner in value.items()
        }
    if isinstance(value, list | tuple):
        return [_clean(inner) for inner in value]
    return value
