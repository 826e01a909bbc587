"""The routes about the past: earnings and durations as of an instant, the books of a period, imported conversations."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import JSONResponse

from talktime.core.roles import Role
from talktime.documents.advisor import Earnings
from talktime.documents.last_audit import LastAudit
from talktime.documents.report import Report
from talktime.service.connector import TalktimeDep
from talktime.service.http.access import AuthenticatedRoute, RequireRole
from talktime.service.http.bodies import Id
from talktime.service.http.documents import Duration, PastSessions, answers
from talktime.service.http.lists import PAGE_SIZE, page_response
from talktime.service.http.parameters import LINES_MAX, AdvisorId, AsOf, ChatId, Limit
from talktime.service.http.periods import Bounds

router = APIRouter(prefix="/v1", route_class=AuthenticatedRoute, tags=["history"])


_that_advisor = Depends(RequireRole(Role.SERVICE, Role.OPERATOR, Role.ADVISOR, owned="advisor"))
_viewer = Depends(RequireRole(*Role, owned="chat"))
_operator = Depends(RequireRole(Role.SERVICE, Role.OPERATOR))


@router.get("/advisors/{advisor_id}/earnings", dependencies=[_that_advisor], responses=answers(Earnings))
async def get_earnings(talktime: TalktimeDep, advisor_id: AdvisorId, at: AsOf = None) -> JSONResponse:
    """The earnings of an advisor, from all records."""
    return JSONResponse((await talktime.earnings(advisor_id, at=at)).document())


@router.get("/chats/{chat_id}/duration", dependencies=[_viewer], responses=answers(Duration))
async def get_chat_duration(talktime: TalktimeDep, chat_id: ChatId, at: AsOf = None) -> JSONResponse:
    """How long the timer of a chat has run, over all its records."""
    return JSONResponse(Duration(chat_id, await talktime.chat_duration(chat_id, at=at)).document())


@router.get("/report", dependencies=[_operator], responses=answers(Report))
async def get_report(
    talktime: TalktimeDep,
    period: Bounds,
    by_person: Annotated[
        bool,
        Query(description="`false`: one book for all users, and one for all advisors", examples=[False]),
    ] = True,
) -> JSONResponse:
    """The books of a period: the opening of each book, what came and went by kind, and its closing.

    The period goes from `from` until just before `to`. Each column adds up to nothing.
    """
    report = await talktime.report(*period, books_max=LINES_MAX, by_person=by_person)
    return JSONResponse(report.document())


@router.get("/past-sessions", dependencies=[_operator], responses=answers(PastSessions))
async def list_past_sessions(
    talktime: TalktimeDep,
    request: Request,
    user_id: Annotated[Id | None, Query(description="only conversations of this user", examples=["alice"])] = None,
    advisor_id: Annotated[Id | None, Query(description="only conversations of this advisor", examples=["maya"])] = None,
    after: Annotated[Id | None, Query(description="the `next` of the page before", examples=["4711"])] = None,
    limit: Limit = PAGE_SIZE,
) -> JSONResponse:
    """Conversations that were imported from another system, the newest first. They are not records."""
    found = await talktime.past_sessions(user_id=user_id, advisor_id=advisor_id, after=after, limit=limit + 1)
    page = tuple(found[:limit])
    return page_response(request, PastSessions(page, page[-1].id if len(found) > limit else None).document())


@router.get("/audit", dependencies=[_operator], responses=answers(LastAudit))
async def get_last_audit(talktime: TalktimeDep) -> JSONResponse:
    """When the auditor of this node last got through all accounts, and how many breaches of each rule it has seen.

    The auditor checks a few accounts every minute. `talktime doctor` checks all at once. Each node has an auditor of
    its own: behind a load balancer, the answer is that of any node.
    """
    return JSONResponse(talktime.last_audit().document())
