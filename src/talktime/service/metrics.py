"""The metrics of the service, for Prometheus. They contain no personal data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from talktime.engine.lateness import Lateness
from talktime.node.supervisor import WorkerReport

_OF_THE_DATABASE: Final = {
    "deadline_lag_seconds": "By how much the oldest deadline is overdue.",
    "overdue_deadlines": "Accounts whose deadline is overdue by more than a second.",
    "nodes": "Nodes whose row is being renewed.",
    "lock_waits": "Connections to the database that wait for a lock.",
    "lock_wait_seconds": "How long the connection waits that waits longest for a lock.",
    "clock_held_seconds": "What nodes have added to the clock of the database's server.",
    "outages": "Outages that ended in the last day.",
    "outage_seconds": "How long the outages of the last day lasted.",
}
"""Gauges of what the database knows, under the names of the statements `counts` and `lately`."""

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class NodeMetrics:
    """The metrics that the node and its database report now.

    Attributes:
        is_open: whether the database can be used.
        counts: counts of all nodes, from the database; empty while the database can't be reached.
        commands: how many commands this process has run, by name.
        connections: how many connections to the database this process has, by state.
        connections_max: how many connections this process may have.
        breaches: how many breaches of each rule this node has seen, by rule.
        workers: how the workers of this process are doing.
        hints_refused: how many notifications this process has refused.
        deleted: how many old rows this process has deleted, by table.
        repairs: in how many accounts the health check of this process found something to repair.
        lateness: how late this process applied deadlines.
        clock_error_seconds: by how much the engine time of this process may be wrong at most.
        fanout_lag_seconds: how long the oldest change waits in this process to be sent or shown.
    """

    is_open: bool = False
    counts: Mapping[str, float] = field(default_factory=dict)
    commands: Mapping[str, int] = field(default_factory=dict)
    connections: Mapping[str, int] = field(default_factory=dict)
    connections_max: int = 0
    breaches: Mapping[int, int] = field(default_factory=dict)
    workers: Sequence[WorkerReport] = ()
    hints_refused: int = 0
    deleted: Mapping[str, int] = field(default_factory=dict)
    repairs: int = 0
    lateness: Lateness = field(default_factory=Lateness)
    clock_error_seconds: float = 0.0
    fanout_lag_seconds: float = 0.0


class Metrics:
    """The metrics of one application. A process can have two applications, so each has its own registry."""

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
        self._refused_connections = Counter(
            "talktime_refused_connections",
            "Connections refused because there were too many, by the limit that was reached.",
            ("bound",),
            registry=self._registry,
        )
        self.sockets = Gauge("talktime_live_sockets", "Open live channels of this process.", registry=self._registry)
        self._node = _NodeCollector()
        self._registry.register(self._node)

    def count_request(self, method: str, route: str, status: int) -> None:
        """Count an answered request. Unknown methods count as one, because anybody can invent methods."""
        self._requests.labels(method if method in METHODS else "other", route, status).inc()

    def count_refusal(self, code: str) -> None:
        """Count a problem document that was sent."""
        self._refusals.labels(code).inc()

    def count_close(self, code: int) -> None:
        """Count a live channel that this process closed."""
        self._closed.labels(code).inc()

    def count_refused_connection(self, bound: str) -> None:
        """Count a connection that is one too many. `bound` names the limit that was reached."""
        self._refused_connections.labels(bound).inc()

    def text(self, metrics: NodeMetrics) -> bytes:
        """All metrics in Prometheus' text format, with those of the node as of now."""
        self._node.metrics = metrics
        return generate_latest(self._registry)


class _NodeCollector:
    """Gives the metrics of the node to Prometheus' library, whenever they are read."""

    def __init__(self) -> None:
        self.metrics = NodeMetrics()

    def collect(self) -> Iterator[Metric]:
        metrics = self.metrics
        yield GaugeMetricFamily("talktime_engine_open", "1 if this node can use the database.", metrics.is_open)
        yield from self._database_metrics(metrics.counts)
        yield _labelled(
            CounterMetricFamily,
            "talktime_commands",
            "Commands decided by this process, refused commands included.",
            "command",
            dict(sorted(metrics.commands.items())),
        )
        yield _labelled(
            GaugeMetricFamily,
            "talktime_database_connections",
            "Pooled connections of this process.",
            "state",
            metrics.connections,
        )
        yield GaugeMetricFamily(
            "talktime_database_connections_max", "The largest number of pooled connections.", metrics.connections_max
        )
        yield _labelled(
            GaugeMetricFamily,
            "talktime_broken_rules",
            "Breaches of each rule that must always hold. This node checks some accounts every minute.",
            "rule",
            metrics.breaches,
        )
        yield from self._worker_metrics()
        yield _labelled(
            CounterMetricFamily,
            "talktime_deleted_rows",
            "Rows that this process has deleted because of their age.",
            "table",
            metrics.deleted,
        )
        yield CounterMetricFamily(
            "talktime_repairs",
            "Accounts in which the health check of this process repaired something.",
            metrics.repairs,
        )
        yield HistogramMetricFamily(
            "talktime_deadline_lateness_seconds",
            "How late this process applied deadlines.",
            buckets=metrics.lateness.buckets(),
            sum_value=metrics.lateness.sum_seconds,
        )
        yield GaugeMetricFamily(
            "talktime_clock_error_seconds",
            "By how much the engine time of this process may be wrong at most.",
            metrics.clock_error_seconds,
        )
        yield GaugeMetricFamily(
            "talktime_fanout_lag_seconds",
            "How long the oldest change waits in this process, to be sent or to be handed to its screens.",
            metrics.fanout_lag_seconds,
        )
        yield CounterMetricFamily(
            "talktime_hints_refused",
            "Notifications of the database that no node of this version would send.",
            metrics.hints_refused,
        )

    def _worker_metrics(self) -> Iterator[Metric]:
        workers = self.metrics.workers
        yield _labelled(
            CounterMetricFamily,
            "talktime_worker_restarts",
            "How often a worker of this process went on after an error.",
            "worker",
            {worker.name: worker.restarts for worker in workers},
        )
        yield _labelled(
            GaugeMetricFamily,
            "talktime_worker_success_age_seconds",
            "How long ago the work of a worker of this process last succeeded.",
            "worker",
            {worker.name: worker.success_age_seconds for worker in workers},
        )

    def _database_metrics(self, counts: Mapping[str, float]) -> Iterator[Metric]:
        if not counts:
            return
        yield _labelled(
            GaugeMetricFamily,
            "talktime_records",
            "Records that have not ended, by state.",
            "state",
            {state: counts[state] for state in ("requested", "running", "paused")},
        )
        for name, means in _OF_THE_DATABASE.items():
            yield GaugeMetricFamily(f"talktime_{name}", means, counts[name])
        yield CounterMetricFamily(
            "talktime_clock_corrections", "How often nodes have corrected engine time.", counts["clock_corrections"]
        )


def _labelled(
    kind: type[CounterMetricFamily | GaugeMetricFamily],
    name: str,
    documentation: str,
    label: str,
    values: Mapping[Any, float],
) -> Metric:
    """One metric with a value for each value of its label."""
    metric = kind(name, documentation, labels=[label])
    for value, count in values.items():
        metric.add_metric([str(value)], count)
    return metric
