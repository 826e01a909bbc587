"""The route of events: what happened, in order, with a cursor that skips nothing."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query
from starlette.responses import JSONResponse

from talktime.core.roles import Role
from talktime.core.scopes import Scope
from talktime.documents.event import Events
from talktime.service.connector import TalktimeDep
from talktime.service.http.access import AuthenticatedRoute, RequireRole
from talktime.service.http.bodies import Id
from talktime.service.http.documents import answers
from talktime.service.http.parameters import Limit

WAIT_SECONDS_MAX: Final = 30

router = APIRouter(prefix="/v1", route_class=AuthenticatedRoute, tags=["events"])

_operator = Depends(RequireRole(Role.SERVICE, Role.OPERATOR, scope=Scope.EVENTS))


@router.get("/events", dependencies=[_operator], responses=answers(Events))
async def list_events(
    talktime: TalktimeDep,
    after: Annotated[
        str | None,
        Query(description="the `next` of the page before; `latest` for what happens from now on", examples=["4711"]),
    ] = None,
    types: Annotated[
        str | None,
        Query(description="only these types, separated by commas", examples=["record.ended,charge.posted"]),
    ] = None,
    user_id: Annotated[Id | None, Query(description="only events of this user", examples=["alice"])] = None,
    advisor_id: Annotated[Id | None, Query(description="only events of this advisor", examples=["maya"])] = None,
    chat_id: Annotated[Id | None, Query(description="only events in this chat", examples=["chat-1"])] = None,
    record_id: Annotated[
        Id | None,
        Query(description="only events of this record", examples=["019b9f5e-0000-7000-8000-000000000001"]),
    ] = None,
    limit: Limit = 100,
    wait: Annotated[
        float,
        Query(
            ge=0,
            le=WAIT_SECONDS_MAX,
            description="for how many seconds to wait for an event, if there is none yet",
            examples=[1],
        ),
    ] = 0,
) -> JSONResponse:
    """A page of events, the oldest first. `next` is the cursor of the next page, also if there is no event yet.

    The pages never skip an event, also if its transaction commits late. Events are kept for as many days as the setting
    `TALKTIME_KEEP_EVENTS_DAYS` says. A cursor that is older is refused: `gone`.
    """
    page = await talktime.event_page(
        types=None if types is None else tuple(part.strip() for part in types.split(",")),
        user_id=user_id,
        advisor_id=advisor_id,
        chat_id=chat_id,
        record_id=record_id,
        after=after,
        limit=limit,
        wait=wait,
    )
    return JSONResponse(page.document())
