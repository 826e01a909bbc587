"""The routes of engine time, and of the clock that tests move."""

from __future__ import annotations

from fastapi import APIRouter, Depends
from starlette.responses import JSONResponse

from talktime.core.roles import Role
from talktime.service.connector import TalktimeDep
from talktime.service.http import documents
from talktime.service.http.access import AuthenticatedRoute, RequireRole
from talktime.service.http.bodies import Advance
from talktime.service.http.documents import answers
from talktime.service.http.json_bodies import StrictRoute

router = APIRouter(prefix="/v1", route_class=StrictRoute, tags=["service"])
test_clock_router = APIRouter(prefix="/v1", route_class=AuthenticatedRoute, tags=["service"])

_service = Depends(RequireRole(Role.SERVICE))


@router.get("/time", responses=answers(documents.Time))
async def get_time(talktime: TalktimeDep) -> JSONResponse:
    """Engine time. `epoch` changes when engine time may have jumped."""
    return JSONResponse(documents.Time(await talktime.now(), talktime.node.presence.epoch).document())


@test_clock_router.post("/test-clock/advance", dependencies=[_service], responses=answers(documents.Now))
async def advance_test_clock(talktime: TalktimeDep, body: Advance) -> JSONResponse:
    """Move engine time ahead, and apply every deadline on the way, in order. Only with `TALKTIME_TEST_CLOCK=1`."""
    return JSONResponse(documents.Now(await talktime.advance_clock(body.duration_ms)).document())
