"""OpenTelemetry: off, unless the setting `telemetry` asks for it, and then without ids in what it records.

Newer versions of FastAPI trace each request by themselves as soon as the process has a provider of traces, with the
whole address. Addresses of talktime contain ids of people. So spans get the pattern of the route and no address, and
the errors of requests, which quote what was sent, are not recorded at all.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Final

from fastapi import FastAPI

from talktime.settings import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

_WITH_IDS: Final = frozenset({"url.path", "url.query", "url.full", "http.target", "http.url"})

_OFF: Final = {"tracing": False, "metrics": False, "logs": False, "operation_spans": False, "auto_configure": False}


def telemetry_options(is_wanted: bool) -> dict[str, Any]:
    """The arguments of `FastAPI` for the setting of telemetry. Older versions of FastAPI record nothing.

    Raises:
        SettingsError: telemetry is wanted, and this FastAPI has none.
    """
    if "telemetry" not in inspect.signature(FastAPI.__init__).parameters:
        if is_wanted:
            raise SettingsError(
                "TALKTIME_TELEMETRY needs a newer FastAPI, to install it: pip install --upgrade fastapi"
            )
        return {}
    if not is_wanted:
        return {"telemetry": _OFF}
    return {"telemetry": {**_OFF, "tracing": True, "metrics": True, "tracer_provider": _provider()}}


def _provider() -> Any:
    """The provider of the process, whose spans get no addresses."""
    from opentelemetry import trace  # noqa: PLC0415  only newer versions of FastAPI bring it

    class Tracer(trace.Tracer):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            self._tracer = trace.get_tracer_provider().get_tracer(*arguments, **options)

        def start_span(self, name: str, *arguments: Any, **options: Any) -> trace.Span:
            attributes: Mapping[str, Any] = options.pop("attributes", None) or {}
            options["attributes"] = {key: value for key, value in attributes.items() if key not in _WITH_IDS}
            return self._tracer.start_span(name, *arguments, **options)

        def start_as_current_span(self, name: str, *arguments: Any, **options: Any) -> Any:
            return self._tracer.start_as_current_span(name, *arguments, **options)

    class Provider(trace.TracerProvider):
        def get_tracer(self, *arguments: Any, **options: Any) -> trace.Tracer:
            return Tracer(*arguments, **options)

    return Provider()
