"""Users with their credits, advisors with their tariffs."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.responses import JSONResponse

from talktime.core.roles import Role
from talktime.documents.account import Account
from talktime.documents.advisor import Advisor
from talktime.documents.statement import Statement
from talktime.service.http import documents
from talktime.service.http.access import Allow, GuardedRoute
from talktime.service.http.bodies import AddCredit, Debit, Id, PutAdvisor, PutUser
from talktime.service.http.documents import answers
from talktime.service.http.idempotency import RequiredRepeat
from talktime.service.http.parameters import AdvisorId, AsOf, Limit, PeriodBegin, PeriodEnd, UserId
from talktime.service.opening import TalktimeDep
from talktime.service.tokens import Caller

router = APIRouter(prefix="/v1", route_class=GuardedRoute, tags=["people"])


_service_user = Depends(Allow(Role.SERVICE, own="user"))
_service_advisor = Depends(Allow(Role.SERVICE, own="advisor"))
_that_user = Depends(Allow(Role.SERVICE, Role.OPERATOR, Role.USER, own="user"))
_that_advisor = Depends(Allow(Role.SERVICE, Role.OPERATOR, Role.ADVISOR, own="advisor"))
_anyone = Depends(Allow(*Role))


@router.put("/users/{user_id}", dependencies=[_service_user], responses=answers(documents.User, 200, 201))
async def put_user(talktime: TalktimeDep, user_id: UserId, body: PutUser) -> JSONResponse:
    """Create a user, or rename one."""
    created = await talktime.put_user(user_id, body.display_name)
    return JSONResponse(documents.User(user_id, body.display_name).document(), 201 if created else 200)


@router.get("/users/{user_id}/account", dependencies=[_that_user], responses=answers(Account))
async def get_account(talktime: TalktimeDep, user_id: UserId, at: AsOf = None) -> JSONResponse:
    """What a user has, what running meters have committed of it, and what is available."""
    return JSONResponse((await talktime.account(user_id, at=at)).document())


@router.get("/users/{user_id}/entries", dependencies=[_that_user], responses=answers(documents.Entries))
async def list_entries(
    talktime: TalktimeDep,
    user_id: UserId,
    limit: Limit = 100,
    before: Annotated[
        Id | None, Query(description="the id of the last entry of the page before", examples=["4711"])
    ] = None,
) -> JSONResponse:
    """A user's ledger, newest first."""
    found = await talktime.entries(user_id, limit=limit, before=before)
    return JSONResponse(documents.Entries(tuple(found)).document())


@router.get("/users/{user_id}/chats", dependencies=[_that_user], responses=answers(documents.ChatSummaries))
async def list_user_chats(talktime: TalktimeDep, user_id: UserId) -> JSONResponse:
    """A user's chats."""
    found = await talktime.chats_of_user(user_id)
    return JSONResponse(documents.ChatSummaries(tuple(found)).document())


@router.post(
    "/users/{user_id}/credits",
    status_code=201,
    dependencies=[_service_user],
    responses=answers(Account, 201),
)
async def add_credit(talktime: TalktimeDep, user_id: UserId, body: AddCredit, repeat: RequiredRepeat) -> JSONResponse:
    """Add credit to a user's account; records waiting for it go on.

    A gift is spent before bought credit, the soonest to expire first; at `expires_at` what is neither spent nor
    committed of it is gone.
    """
    done = await talktime.add_credit(
        user_id, body.amount, body.kind, reference=body.reference, expires_at=body.expires_at, repeat=repeat
    )
    return JSONResponse(done.document(), 201)


@router.post(
    "/users/{user_id}/debits",
    status_code=201,
    dependencies=[_service_user],
    responses=answers(Account, 201),
)
async def debit_credit(talktime: TalktimeDep, user_id: UserId, body: Debit, repeat: RequiredRepeat) -> JSONResponse:
    """Spend a user's credit elsewhere, gifts first; refused beyond what is available."""
    done = await talktime.debit(user_id, body.amount, reference=body.reference, repeat=repeat)
    return JSONResponse(done.document(), 201)


@router.put("/advisors/{advisor_id}", dependencies=[_service_advisor], responses=answers(Advisor, 200, 201))
async def put_advisor(talktime: TalktimeDep, advisor_id: AdvisorId, body: PutAdvisor) -> JSONResponse:
    """Create an advisor, or change an advisor. A changed tariff is a new version, for records that start later.

    Changed terms hold for later records too. Without `terms`, the terms stay as they are.
    """
    advisor, created = await talktime.put_advisor(advisor_id, body.display_name, body.tariff, body.terms)
    return JSONResponse(advisor.document(with_terms=True), 201 if created else 200)


@router.get("/advisors/{advisor_id}/chats", dependencies=[_that_advisor], responses=answers(documents.ChatSummaries))
async def list_advisor_chats(talktime: TalktimeDep, advisor_id: AdvisorId) -> JSONResponse:
    """An advisor's chats, each with the advisor's share of its record's cost so far, over all chats of the record."""
    found = await talktime.chats_of_advisor(advisor_id)
    return JSONResponse(documents.ChatSummaries(tuple(found)).document(with_earned=True))


@router.get("/advisors/{advisor_id}/statement", dependencies=[_that_advisor], responses=answers(Statement))
async def get_statement(
    talktime: TalktimeDep,
    advisor_id: AdvisorId,
    begin: PeriodBegin,
    end: PeriodEnd,
) -> JSONResponse:
    """An advisor's sessions in a period: time, gross, fees, share, refunds and net, from the ledger's entries.

    From `from` until just before `to`, at most a year.
    """
    return JSONResponse((await talktime.statement(advisor_id, begin, end)).document())


@router.get("/advisors/{advisor_id}", responses=answers(Advisor))
async def get_advisor(talktime: TalktimeDep, advisor_id: AdvisorId, caller: Annotated[Caller, _anyone]) -> JSONResponse:
    """An advisor's name, and the tariff that a record gets if it starts now. Users and other advisors see no terms."""
    is_told = not caller.is_person or (caller.role is Role.ADVISOR and caller.subject == advisor_id)
    return JSONResponse((await talktime.advisor(advisor_id)).document(with_terms=is_told))
