"""The routes for load balancers and Prometheus. They take no token, and answer no personal data."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from talktime.core.errors import Unavailable
from talktime.service.connector import connector_of
from talktime.service.http.documents import Alive, answers
from talktime.service.metrics import Metrics, NodeMetrics
from talktime.talktime import Talktime

router = APIRouter(tags=["health"])

_T = TypeVar("_T")


@router.get("/healthz", responses=answers(Alive))
async def is_alive() -> JSONResponse:
    """The process is alive."""
    return JSONResponse(Alive().document())


@router.get("/readyz", responses=answers(Alive))
async def is_ready(request: Request) -> JSONResponse:
    """The node can serve: the database answers, its schema is current, and no worker of the node fails for long.

    Otherwise 503, with the reason.
    """
    talktime = await connector_of(request).talktime()
    await _shared(request, talktime.check)
    return JSONResponse(Alive().document())


@router.get(
    "/metrics",
    response_class=Response,
    responses={
        200: {
            "description": "Prometheus' text format",
            "content": {"text/plain": {"schema": {"type": "string"}}},
        }
    },
)
async def get_metrics(request: Request) -> Response:
    """Metrics for Prometheus."""
    metrics: Metrics = request.app.state.metrics
    talktime = connector_of(request).current
    return Response(
        metrics.text(NodeMetrics() if talktime is None else await _node_metrics(request, talktime)),
        media_type="text/plain; version=0.0.4; charset=utf-8",
    )


async def _shared(request: Request, look: Callable[[], Coroutine[Any, Any, _T]]) -> _T:
    """The answer of the database. Callers that ask meanwhile get the same answer.

    Anybody may ask, as often as they like, so the questions must not take the connections of those who pay.
    """
    looks: dict[str, asyncio.Task[Any]] = request.app.state.looks
    task = looks.get(look.__name__)
    if task is None or task.done():
        task = looks[look.__name__] = asyncio.create_task(look())
    answer: _T = await asyncio.shield(task)
    return answer


async def _node_metrics(request: Request, talktime: Talktime) -> NodeMetrics:
    counts: dict[str, float] = {}
    with suppress(Unavailable):
        counts = await _shared(request, talktime.counts)
    connections, connections_max = talktime.connections()
    return NodeMetrics(
        is_open=bool(counts),
        counts=counts,
        commands=talktime.engine.commands_done,
        connections=connections,
        connections_max=connections_max,
        breaches=talktime.breaches(),
        workers=talktime.node.supervisor.report(),
        hints_refused=talktime.node.feed.hints_refused,
        deleted=talktime.node.retention.deleted,
        repairs=talktime.node.deadlines.repairs,
        lateness=talktime.engine.lateness,
        clock_error_seconds=talktime.node.clock.error_ms() / 1000,
        fanout_lag_seconds=talktime.node.feed.lag_seconds(),
    )
