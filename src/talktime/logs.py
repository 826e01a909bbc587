"""Logs: lines of JSON, or colours on a terminal, on standard error. No secret gets into them."""

from __future__ import annotations

import logging
import os
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
# Most values are ids and numbers. This one pattern shows quickly that they contain no secret.
_SUSPICIOUS = re.compile(r"://|bearer|eyJ|tt_|sign-in#", re.IGNORECASE)
_JWT = re.compile(r"\beyJ[\w-]{5,}\.[\w-]+\.[\w-]*")
_ACCESS_KEY = re.compile(r"\btt_[0-9a-f]{8,}")
_LINK_CODE = re.compile(r"(sign-in#)[\w-]+")


def redact(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Remove every value that is named like a secret or looks like a secret, at any depth."""
    for name, value in event.items():
        event[name] = REDACTED if _names_secret(name) else _clean(value)
    return event


def without_passwords(text: str, instead: str) -> str:
    """The text with `instead` in place of each password in an address."""
    return _URL_PASSWORD.sub(rf"\1:{instead}@", text)


def drop_rows(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Remove the details of database errors: PostgreSQL shows the row that it refuses, and a row may be a message."""
    info = event.get("exc_info")
    error = sys.exc_info()[1] if info is True else info[1] if isinstance(info, tuple) else info
    seen: set[int] = set()
    while isinstance(error, BaseException) and id(error) not in seen:
        seen.add(id(error))
        if isinstance(getattr(error, "sqlstate", None), str) and getattr(error, "detail", None):
            vars(error)["detail"] = None
        error = error.__cause__ or error.__context__
    return event


def configure(*, debug: bool = False, quiet: bool = False, to: TextIO | None = None) -> None:
    """Send all logs of the process, those of libraries too, to standard error or to `to`.

    With `debug` more is logged, with `quiet` only warnings and errors.
    """
    stream = sys.stderr if to is None else to
    level = logging.DEBUG if debug else logging.WARNING if quiet else logging.INFO
    shared, rendering = _shared(), _rendering(stream)
    structlog.configure(
        # talktime's own logs go straight to the stream. Through `logging` a line would cost much more, and a meter logs
        # everything that it does.
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
    # uvicorn would log each request and each socket. What matters about them is logged elsewhere, under its own name.
    # Below INFO it would log the frames of live channels, with what people say.
    logging.getLogger("uvicorn.error").setLevel(logging.INFO if debug else logging.WARNING)
    # httpx would log the addresses of webhooks, with the secrets that hosts put into them.
    for noisy in ("websockets", "asyncio", "httpx", "httpcore"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def configure_by_default() -> None:
    """Send talktime's logs to standard error without secrets, if the host has not configured structlog.

    Without a configuration, structlog writes to standard output, and adds all local variables to an error, tokens and
    passwords too. The host can still configure structlog later. The host's other logs do not change.

    The level of `logging.getLogger("talktime")` decides what is logged, from `INFO` on if the host sets no level.
    """
    if structlog.is_configured():
        return
    structlog.configure(
        processors=[_drop_below_level, *_shared(), *_rendering(sys.stderr)],
        wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG),
        logger_factory=lambda *_: structlog.WriteLogger(sys.stderr),  # the program may have replaced it
        cache_logger_on_first_use=False,
    )


def _drop_below_level(_logger: object, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    level = logging.getLevelNamesMapping().get(method.upper(), logging.ERROR)
    if level < (logging.getLogger("talktime").level or logging.INFO):
        raise structlog.DropEvent
    return event


def _shared() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]


def _rendering(stream: TextIO) -> list[Processor]:
    """An error becomes text first, so that `redact` can remove secrets from it. The text shows no local variables."""
    renderer: Processor = (
        structlog.dev.ConsoleRenderer(
            colors=not os.environ.get("NO_COLOR"), exception_formatter=structlog.dev.plain_traceback
        )
        if stream.isatty()
        else structlog.processors.JSONRenderer(default=str)
    )
    return [drop_rows, structlog.processors.format_exc_info, redact, renderer]


@lru_cache(maxsize=1024)
def _names_secret(name: str) -> bool:
    return _SECRET_NAME.search(name) is not None


def _clean(value: object) -> object:
    if isinstance(value, str):
        if not _SUSPICIOUS.search(value):
            return value
        value = without_passwords(value, REDACTED)
        value = _LINK_CODE.sub(rf"\1{REDACTED}", _ACCESS_KEY.sub(REDACTED, value))
        return _JWT.sub(REDACTED, _BEARER.sub(rf"\1{REDACTED}", value))
    if isinstance(value, dict):
        return {
            name: REDACTED if isinstance(name, str) and _names_secret(name) else _clean(inner)
            for name, inner in value.items()
        }
    if isinstance(value, list | tuple):
        return [_clean(inner) for inner in value]
    return value
