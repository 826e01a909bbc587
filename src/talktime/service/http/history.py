"""The routes about the past: earnings and durations as of an instant, and the books of a period."""

from __future__ import annotations

from fastapi import APIRouter, Depends
from starlette.responses import JSONResponse

from talktime.core.roles import Role
from talktime.documents.advisor import Earnings
from talktime.documents.report import Report
from talktime.service.connector import TalktimeDep
from talktime.service.http.access import AuthenticatedRoute, RequireRole
from talktime.service.http.documents import Duration, answers
from talktime.service.http.parameters import AdvisorId, AsOf, ChatId, PeriodBegin, PeriodEnd

router = APIRouter(prefix="/v1", route_class=AuthenticatedRoute, tags=["history"])


_that_advisor = Depends(RequireRole(Role.SERVICE, Role.OPERATOR, Role.ADVISOR, owned="advisor"))
_viewer = Depends(RequireRole(*Role, owned="chat"))
_operator = Depends(RequireRole(Role.SERVICE, Role.OPERATOR))


@router.get("/advisors/{advisor_id}/earnings", dependencies=[_that_advisor], responses=answers(Earnings))
async def get_earnings(talktime: TalktimeDep, advisor_id: AdvisorId, at: AsOf = None) -> JSONResponse:
    """What all records of an advisor have brought."""
    return JSONResponse((await talktime.earnings(advisor_id, at=at)).document())


@router.get("/chats/{chat_id}/duration", dependencies=[_viewer], responses=answers(Duration))
async def get_chat_duration(talktime: TalktimeDep, chat_id: ChatId, at: AsOf = None) -> JSONResponse:
    """How long the timer of a chat has run, over all its records."""
    return JSONResponse(Duration(chat_id, await talktime.chat_duration(chat_id, at=at)).document())


@router.get("/report", dependencies=[_operator], responses=answers(Report))
async def get_report(
    talktime: TalktimeDep,
    begin: PeriodBegin,
    end: PeriodEnd,
) -> JSONResponse:
    """What each book held before a period, what came and went by kind, and what the book held at the end.

    The period goes from `from` until just before `to`. Each column adds up to nothing.
    """
    return JSONResponse((await talktime.report(begin, end)).document())
