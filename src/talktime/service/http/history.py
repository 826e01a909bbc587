"""The past: earnings and durations as of an instant, and the books of a period."""

from __future__ import annotations

from fastapi import APIRouter, Depends
from starlette.responses import JSONResponse

from talktime.core.roles import Role
from talktime.documents.advisor import Earnings
from talktime.documents.report import Report
from talktime.service.http.access import Allow, GuardedRoute
from talktime.service.http.documents import Duration, answers
from talktime.service.http.parameters import AdvisorId, AsOf, ChatId, PeriodBegin, PeriodEnd
from talktime.service.opening import TalktimeDep

router = APIRouter(prefix="/v1", route_class=GuardedRoute, tags=["history"])


_that_advisor = Depends(Allow(Role.SERVICE, Role.OPERATOR, Role.ADVISOR, own="advisor"))
_viewer = Depends(Allow(*Role, own="chat"))
_operator = Depends(Allow(Role.SERVICE, Role.OPERATOR))


@router.get("/advisors/{advisor_id}/earnings", dependencies=[_that_advisor], responses=answers(Earnings))
async def get_earnings(talktime: TalktimeDep, advisor_id: AdvisorId, at: AsOf = None) -> JSONResponse:
    """What an advisor's sessions have brought since the beginning."""
    return JSONResponse((await talktime.earnings(advisor_id, at=at)).document())


@router.get("/chats/{chat_id}/duration", dependencies=[_viewer], responses=answers(Duration))
async def get_chat_duration(talktime: TalktimeDep, chat_id: ChatId, at: AsOf = None) -> JSONResponse:
    """How long a chat's timer has run, over all its records, from its segments."""
    return JSONResponse(Duration(chat_id, await talktime.chat_duration(chat_id, at=at)).document())


@router.get("/report", dependencies=[_operator], responses=answers(Report))
async def get_report(
    talktime: TalktimeDep,
    begin: PeriodBegin,
    end: PeriodEnd,
) -> JSONResponse:
    """What every book held before a period, what came and went, and what it held then; each column adds up to nothing.

    From `from` until just before `to`.
    """
    return JSONResponse((await talktime.report(begin, end)).document())
