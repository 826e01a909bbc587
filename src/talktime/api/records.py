"""Conversation time records: what is running, and receipts."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from starlette.responses import JSONResponse

from talktime.api import documents
from talktime.api.access import Allow, GuardedRoute
from talktime.api.bodies import PathId
from talktime.api.documents import answers
from talktime.api.opening import opened
from talktime.api.tokens import Role
from talktime.talktime import Talktime

router = APIRouter(prefix="/v1", route_class=GuardedRoute, tags=["records"])

Engine = Annotated[Talktime, Depends(opened)]

_viewer = Depends(Allow(*Role, own="record"))
_operator = Depends(Allow(Role.SERVICE, Role.OPERATOR))


@router.get("/records", dependencies=[_operator], responses=answers(documents.Records))
async def records(
    talktime: Engine,
    state: Annotated[Literal["running", "paused", "ended", "active"] | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> JSONResponse:
    """Records, each with the snapshot of its current chat; `active` is running and paused."""
    found = await talktime.records(state, limit=limit)
    return JSONResponse(
        {"records": [{**snapshot.record.document(), "snapshot": snapshot.document()} for snapshot in found]}
    )


@router.get("/records/{record_id}", dependencies=[_viewer], responses=answers(documents.Record))
async def record(talktime: Engine, record_id: PathId) -> JSONResponse:
    """A record as it stands."""
    return JSONResponse((await talktime.record(record_id)).document())


@router.get("/records/{record_id}/receipt", dependencies=[_viewer], responses=answers(documents.Receipt))
async def receipt(talktime: Engine, record_id: PathId) -> JSONResponse:
    """A record's bill, with everything needed to recompute it."""
    return JSONResponse((await talktime.receipt(record_id)).document())
