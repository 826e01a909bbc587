"""What the service counts about itself, for Prometheus. Nothing of it names anybody."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Figures:
    """What the engine knows about itself now.

    `counts` come from the database and are of all nodes; they are missing while it is away. The others are this
    process's own: commands by name since it started, connections by state, how many there may be, breaches by rule.
    """

    is_open: bool = False
    counts: Mapping[str, float] = field(default_factory=dict)
    commands: Mapping[str, int] = field(default_factory=dict)
    connections: Mapping[str, int] = field(default_factory=dict)
    connections_max: int = 0
    breaches: Mapping[int, int] = field(default_factory=dict)


class Metrics:
    """The counters of one application. Each application has a registry of its own: two can live in one process."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "talktime_http_requests",
            "Requests answered, by method, route and status.",
            ("method", "route", "status"),
            registry=self._registry,
        )
        self._refusals = Counter(
            "talktime_refusals",
            "Problem documents sent, over HTTP and the live channel, by their code.",
            ("code",),
            registry=self._registry,
        )
        self._closed = Counter(
            "talktime_live_closed",
            "Live channels that this process closed, by close code.",
            ("code",),
            registry=self._registry,
        )
        self.sockets = Gauge("talktime_live_sockets", "Open live channels of this process.", registry=self._registry)
        self._engine = _EngineFigures()
        self._registry.register(self._engine)

    def count_request(self, method: str, route: str, status: int) -> None:
        """A request was answered. Strangers make up methods: they are one."""
        self._requests.labels(method if method in METHODS else "other", route, status).inc()

    def count_refusal(self, code: str) -> None:
        """A problem document was sent."""
        self._refusals.labels(code).inc()

    def count_close(self, code: int) -> None:
        """A live channel was closed from here."""
        self._closed.labels(code).inc()

    def text(self, figures: Figures) -> bytes:
        """Everything in Prometheus' text format, with the engine's `figures` as of now."""
        self._engine.figures = figures
        return generate_latest(self._registry)


class _EngineFigures:
    """Turns the engine's own figures into Prometheus' shapes whenever they are asked for."""

    def __init__(self) -> None:
        self.figures = Figures()

    def collect(self) -> Iterator[Metric]:
        figures = self.figures
        yield GaugeMetricFamily("talktime_engine_open", "1 if this node can use the database.", figures.is_open)
        yield from self._of_the_database(figures.counts)
        commands = CounterMetricFamily("talktime_commands", "Commands decided by this process.", labels=["command"])
        for name, count in sorted(figures.commands.items()):
            commands.add_metric([name], count)
        yield commands
        connections = GaugeMetricFamily(
            "talktime_database_connections", "Pooled connections of this process.", labels=["state"]
        )
        for state, count in figures.connections.items():
            connections.add_metric([state], count)
        yield connections
        yield GaugeMetricFamily("talktime_database_connections_max", "How many there may be.", figures.connections_max)
        breaches = GaugeMetricFamily(
            "talktime_broken_rules",
            "Breaches of each rule that must always hold, as this node looks at some accounts every minute.",
            labels=["rule"],
        )
        for rule, count in figures.breaches.items():
            breaches.add_metric([str(rule)], count)
        yield breaches

    def _of_the_database(self, counts: Mapping[str, float]) -> Iterator[Metric]:
        if not counts:
            return
        records = GaugeMetricFamily("talktime_records", "Records that have not ended, by state.", labels=["state"])
        for state in ("running", "paused"):
            records.add_metric([state], counts[state])
        yield records
        yield GaugeMetricFamily(
            "talktime_deadline_lag_seconds",
            "By how much the oldest deadline is overdue.",
            counts["deadline_lag_seconds"],
        )
        yield GaugeMetricFamily("talktime_nodes", "Server processes whose presence row is alive.", counts["nodes"])
