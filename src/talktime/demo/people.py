"""The demo's people and their calls. Anyone can become anyone: it listens on this machine alone unless told not to."""

from __future__ import annotations

import ipaddress
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Final

from fastapi import APIRouter, Depends, FastAPI, Path, Request
from starlette.responses import JSONResponse

from talktime.asgi import create_app
from talktime.core.errors import NotFound
from talktime.core.money import parse_credits
from talktime.core.roles import Role
from talktime.core.tariff import Tariff
from talktime.core.terms import Terms
from talktime.demo.automatic import AutomaticAdvisors
from talktime.documents.account import Account
from talktime.service import pages
from talktime.service.http import documents
from talktime.service.http.access import Allow, GuardedRoute
from talktime.service.http.bodies import Topup
from talktime.service.http.documents import answers
from talktime.service.opening import TalktimeDep
from talktime.service.tokens import Caller, Tokens
from talktime.settings import Settings
from talktime.talktime import Talktime

USER: Final = pages.Person("alice", "Alice", "user", "has a little credit and questions")
FIRST_CREDIT: Final = parse_credits("10.00")
ADVISORS: Final = {
    pages.Person("maya", "Maya", "advisor", "3 minutes free, then 1.00 for each minute begun"): Tariff.parse(
        {
            "free_seconds": 180,
            "tiers": [{"from_seconds": 0, "rate": "1.00", "per_seconds": 60, "increment_seconds": 60}],
        }
    ),
    pages.Person("ben", "Ben", "advisor", "0.20 to connect, then 0.60 a minute, by the second"): Tariff.parse(
        {
            "connect_fee": "0.20",
            "tiers": [{"from_seconds": 0, "rate": "0.60", "per_seconds": 60, "increment_seconds": 1}],
        }
    ),
}
TERMS: Final = Terms.parse({"share_percent": 60})
OPERATOR: Final = pages.Person("olga", "Olga", "operator", "sees what is running now, and can stop it")
PEOPLE: Final = {person.id: person for person in (USER, *ADVISORS, OPERATOR)}

open_router = APIRouter(prefix="/demo", tags=["demo"])
router = APIRouter(prefix="/demo", route_class=GuardedRoute, tags=["demo"])


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach what listens on `host`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def create_demo(settings: Settings) -> FastAPI:
    """The service with the demo's people.

    Raises:
        SettingsError: a setting or the signing secret is not allowed.
    """
    seats: list[AutomaticAdvisors] = []

    @asynccontextmanager
    async def while_open(talktime: Talktime) -> AsyncIterator[None]:
        await _make_people(talktime)
        automatic = AutomaticAdvisors(talktime, {person.id: person.name for person in ADVISORS})
        seats.append(automatic)
        try:
            yield
        finally:
            seats.remove(automatic)
            await automatic.close()

    def on_screens(chat_id: str) -> None:
        for automatic in seats:
            automatic.update(chat_id)

    app = create_app(settings, while_open, on_screens)
    app.state.pages = pages.Pages(people=tuple(PEOPLE.values()), topup_url=settings.topup_url)
    for part in (open_router, router, pages.demo_router):
        app.include_router(part)
    return app


async def _make_people(talktime: Talktime) -> None:
    """Everybody there is, made once: what they have done since stays."""
    await talktime.put_user(USER.id, USER.name)
    if not await talktime.entries(USER.id, limit=1):
        await talktime.add_credit(USER.id, FIRST_CREDIT, "gift", reference="a little credit to try it")
    for person, tariff in ADVISORS.items():
        await talktime.put_advisor(person.id, person.name, tariff, TERMS)


@open_router.post("/tokens/{person}", status_code=201, responses=answers(documents.Token, 201))
async def create_demo_token(
    request: Request,
    person: Annotated[str, Path(description="the id of one of the demo's people", examples=["alice"])],
) -> JSONResponse:
    """A token to be one of the demo's people."""
    if person not in PEOPLE:
        raise NotFound("person")
    role = Role(PEOPLE[person].role)
    tokens: Tokens = request.app.state.tokens
    return JSONResponse(documents.Token(tokens.make(role, person), role, person).document(), 201)


@open_router.get("/advisors", responses=answers(documents.Advisors))
async def list_demo_advisors(talktime: TalktimeDep) -> JSONResponse:
    """The demo's advisors, with what they cost."""
    found = [await talktime.advisor(person.id) for person in ADVISORS]
    return JSONResponse(documents.Advisors(tuple(found)).document())


@router.post("/topup", status_code=201, responses=answers(Account, 201))
async def top_up(
    talktime: TalktimeDep, caller: Annotated[Caller, Depends(Allow(Role.USER))], body: Topup
) -> JSONResponse:
    """Credit for the asking, for the user who asks."""
    return JSONResponse((await talktime.add_credit(caller.subject, body.amount, reference="demo")).document(), 201)
