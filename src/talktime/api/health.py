"""Alive, able to serve, and figures: for load balancers and Prometheus. No token, and no personal data."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from talktime.api.documents import Alive, answers
from talktime.api.metrics import Metrics
from talktime.api.opening import opening_of
from talktime.engine import UNREACHABLE
from talktime.errors import Unavailable

router = APIRouter(tags=["health"])


@router.get("/healthz", responses=answers(Alive))
async def alive() -> JSONResponse:
    """The process lives."""
    return JSONResponse({"status": "ok"})


@router.get("/readyz", responses=answers(Alive))
async def ready(request: Request) -> JSONResponse:
    """The database answers and its schema is current: this node can serve. Else 503 with the reason."""
    talktime = await opening_of(request).talktime()
    await talktime.check()
    return JSONResponse({"status": "ok"})


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
async def figures(request: Request) -> Response:
    """Figures for Prometheus."""
    metrics: Metrics = request.app.state.metrics
    talktime = opening_of(request).current
    counts: dict[str, float] = {"engine_open": float(talktime is not None)}
    if talktime is not None:
        try:
            counts |= await talktime.counts()
        except (*UNREACHABLE, Unavailable):
            counts["engine_open"] = 0.0
    return Response(
        metrics.text(counts, {} if talktime is None else talktime.breaches()),
        media_type="text/plain; version=0.0.4; charset=utf-8",
    )
