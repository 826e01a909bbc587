"""What the service counts about itself, for Prometheus. Nothing of it names anybody."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.core import Metric

METHODS: Final = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS")


class Metrics:
    """The counters of one application. Each application has a registry of its own: two can live in one process."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.requests = Counter(
            "talktime_http_requests",
            "Requests answered, by method, route and status.",
            ("method", "route", "status"),
            registry=self._registry,
        )
        self.sockets = Gauge("talktime_live_sockets", "Open live channels of this process.", registry=self._registry)
        self._breaches = Gauge(
            "talktime_broken_rules",
            "Breaches of each rule that must always hold, as this node looks at some accounts every minute.",
            ("rule",),
            registry=self._registry,
        )
        self._engine = _EngineFigures()
        self._registry.register(self._engine)

    def text(self, figures: dict[str, float], breaches: dict[int, int]) -> bytes:
        """Everything in Prometheus' text format, with the engine's own `figures` as of now, and `breaches` by rule."""
        for rule, count in breaches.items():
            self._breaches.labels(str(rule)).set(count)
        self._engine.figures = figures
        return generate_latest(self._registry)


class _EngineFigures:
    """The figures the engine counts itself, such as running records and how late deadlines are."""

    def __init__(self) -> None:
        self.figures: dict[str, float] = {}

    def collect(self) -> Iterator[Metric]:
        for name, value in sorted(self.figures.items()):
            # "commands{kind=start}" would be a label; the engine names each figure flat.
            metric = Metric(f"talktime_{name}", name.replace("_", " "), "gauge")
            metric.add_sample(f"talktime_{name}", {}, value)
            yield metric
