"""What belongs to nobody's chat: prices, time, tokens, and the clock of tests."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import JSONResponse

from talktime.core.durations import seconds
from talktime.core.instants import instant
from talktime.core.money import format_credits
from talktime.core.price import price
from talktime.service.http import documents
from talktime.service.http.access import Allow, GuardedRoute
from talktime.service.http.bodies import Advance, PriceQuestion, TokenRequest
from talktime.service.http.documents import answers
from talktime.service.http.json_bodies import Route
from talktime.service.opening import opened
from talktime.service.tokens import Role, Tokens
from talktime.talktime import Talktime

public_router = APIRouter(prefix="/v1", route_class=Route, tags=["service"])
router = APIRouter(prefix="/v1", route_class=GuardedRoute, tags=["service"])
test_clock_router = APIRouter(prefix="/v1", route_class=GuardedRoute, tags=["service"])

Engine = Annotated[Talktime, Depends(opened)]

_service = Depends(Allow(Role.SERVICE))


@public_router.post("/price", responses=answers(documents.Price))
async def quote(body: PriceQuestion) -> JSONResponse:
    """What some seconds cost by a tariff, its free allowance unused."""
    quoted = price(body.tariff, body.seconds)
    return JSONResponse({"cost": format_credits(quoted.cost), "billed_seconds": seconds(quoted.billed_ms)})


@public_router.get("/time", responses=answers(documents.Time))
async def time(talktime: Engine) -> JSONResponse:
    """Engine time; `epoch` changes when it may have jumped."""
    return JSONResponse({"server_time": instant(await talktime.now()), "epoch": talktime.node.presence.epoch})


@router.post("/tokens", status_code=201, dependencies=[_service], responses=answers(documents.Token, 201))
async def make_token(request: Request, body: TokenRequest) -> JSONResponse:
    """A token for a browser."""
    tokens: Tokens = request.app.state.tokens
    token = tokens.make(body.role, body.subject, body.ttl_seconds)
    return JSONResponse({"token": token, "role": body.role.value, "subject": body.subject}, 201)


@test_clock_router.post("/test-clock/advance", dependencies=[_service], responses=answers(documents.Now))
async def advance(talktime: Engine, body: Advance) -> JSONResponse:
    """Move engine time ahead, firing every deadline on the way in order. Exists only with `TALKTIME_TEST_CLOCK=1`."""
    return JSONResponse({"now": instant(await talktime.advance_clock(body.seconds))})
