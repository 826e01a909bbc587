"""The calls that only the demo has: tokens for everybody, its advisors, and free credit."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from starlette.responses import JSONResponse

from talktime.core.errors import NotFound
from talktime.core.roles import Role
from talktime.demo.people import ADVISORS, PEOPLE
from talktime.documents.account import Account
from talktime.service.connector import TalktimeDep
from talktime.service.http import documents
from talktime.service.http.access import AuthenticatedRoute, RequireRole
from talktime.service.http.bodies import Topup
from talktime.service.http.documents import answers
from talktime.service.tokens import Caller, Tokens

open_router = APIRouter(prefix="/demo", tags=["demo"])
router = APIRouter(prefix="/demo", route_class=AuthenticatedRoute, tags=["demo"])


@open_router.post("/tokens/{person}", status_code=201, responses=answers(documents.Token, 201))
async def create_demo_token(
    request: Request,
    person: Annotated[str, Path(description="the id of one of the demo's people", examples=["alice"])],
) -> JSONResponse:
    """Make a token of one of the demo's people."""
    if person not in PEOPLE:
        raise NotFound("person")
    role = Role(PEOPLE[person].role)
    tokens: Tokens = request.app.state.tokens
    return JSONResponse(documents.Token(tokens.make(role, person), role, person).document(), 201)


@open_router.get("/advisors", responses=answers(documents.Advisors))
async def list_demo_advisors(talktime: TalktimeDep) -> JSONResponse:
    """The demo's advisors, with their tariffs."""
    advisors = [await talktime.advisor(person.id) for person in ADVISORS]
    return JSONResponse(documents.Advisors(tuple(advisors)).document())


@router.post("/topup", status_code=201, responses=answers(Account, 201))
async def top_up(
    talktime: TalktimeDep, caller: Annotated[Caller, Depends(RequireRole(Role.USER))], body: Topup
) -> JSONResponse:
    """Give free credit to the user who calls."""
    account = await talktime.add_credit(caller.subject, body.amount, reference="demo", actor=caller.actor)
    return JSONResponse(account.document(), 201)
