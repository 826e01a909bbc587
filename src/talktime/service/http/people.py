"""The routes of users with their credit, and of advisors with their tariffs."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.responses import JSONResponse

from talktime.core.roles import Role
from talktime.documents.account import Account
from talktime.documents.advisor import Advisor
from talktime.documents.statement import Statement
from talktime.service.connector import TalktimeDep
from talktime.service.http import documents
from talktime.service.http.access import AuthenticatedRoute, RequireRole
from talktime.service.http.bodies import AddCredit, Debit, Id, PutAdvisor, PutUser
from talktime.service.http.documents import answers
from talktime.service.http.idempotency import RequiredRepeat
from talktime.service.http.parameters import AdvisorId, AsOf, Limit, PeriodBegin, PeriodEnd, UserId
from talktime.service.tokens import Caller

router = APIRouter(prefix="/v1", route_class=AuthenticatedRoute, tags=["people"])


_service_user = Depends(RequireRole(Role.SERVICE, owned="user"))
_service_advisor = Depends(RequireRole(Role.SERVICE, owned="advisor"))
_that_user = Depends(RequireRole(Role.SERVICE, Role.OPERATOR, Role.USER, owned="user"))
_that_advisor = Depends(RequireRole(Role.SERVICE, Role.OPERATOR, Role.ADVISOR, owned="advisor"))
_anyone = Depends(RequireRole(*Role))


@router.put("/users/{user_id}", dependencies=[_service_user], responses=answers(documents.User, 200, 201))
async def put_user(talktime: TalktimeDep, user_id: UserId, body: PutUser) -> JSONResponse:
    """Create a user, or rename one."""
    created = await talktime.put_user(user_id, body.display_name)
    return JSONResponse(documents.User(user_id, body.display_name).document(), 201 if created else 200)


@router.get("/users/{user_id}/account", dependencies=[_that_user], responses=answers(Account))
async def get_account(talktime: TalktimeDep, user_id: UserId, at: AsOf = None) -> JSONResponse:
    """A user's account: the balance, what running records have committed of it, and what is available."""
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
    """The entries of a user's ledger, the newest first."""
    entries = await talktime.entries(user_id, limit=limit, before=before)
    return JSONResponse(documents.Entries(tuple(entries)).document())


@router.get("/users/{user_id}/chats", dependencies=[_that_user], responses=answers(documents.ChatSummaries))
async def list_user_chats(talktime: TalktimeDep, user_id: UserId) -> JSONResponse:
    """A user's chats, the newest first."""
    chats = await talktime.chats_of_user(user_id)
    return JSONResponse(documents.ChatSummaries(tuple(chats)).document())


@router.post(
    "/users/{user_id}/credits",
    status_code=201,
    dependencies=[_service_user],
    responses=answers(Account, 201),
)
async def add_credit(talktime: TalktimeDep, user_id: UserId, body: AddCredit, repeat: RequiredRepeat) -> JSONResponse:
    """Add credit to a user's account. Records that ran out of credit resume.

    Gifts are spent before bought credit, the gift that expires first before the others. What is neither spent nor
    committed of a gift at `expires_at` expires.
    """
    account = await talktime.add_credit(
        user_id, body.amount, body.kind, reference=body.reference, expires_at=body.expires_at, repeat=repeat
    )
    return JSONResponse(account.document(), 201)


@router.post(
    "/users/{user_id}/debits",
    status_code=201,
    dependencies=[_service_user],
    responses=answers(Account, 201),
)
async def debit_credit(talktime: TalktimeDep, user_id: UserId, body: Debit, repeat: RequiredRepeat) -> JSONResponse:
    """Spend a user's credit elsewhere, gifts first. More than is available is refused."""
    account = await talktime.debit(user_id, body.amount, reference=body.reference, repeat=repeat)
    return JSONResponse(account.document(), 201)


@router.put("/advisors/{advisor_id}", dependencies=[_service_advisor], responses=answers(Advisor, 200, 201))
async def put_advisor(talktime: TalktimeDep, advisor_id: AdvisorId, body: PutAdvisor) -> JSONResponse:
    """Create an advisor, or change one.

    A changed tariff or changed terms are a new version, which holds for records that start from now on. Without
    `terms`, the terms stay as they are.
    """
    advisor, created = await talktime.put_advisor(advisor_id, body.display_name, body.tariff, body.terms)
    return JSONResponse(advisor.document(with_terms=True), 201 if created else 200)


@router.get("/advisors/{advisor_id}/chats", dependencies=[_that_advisor], responses=answers(documents.ChatSummaries))
async def list_advisor_chats(talktime: TalktimeDep, advisor_id: AdvisorId) -> JSONResponse:
    """An advisor's chats, the newest first. `earned` is the advisor's share of the cost of the chat's record so far."""
    chats = await talktime.chats_of_advisor(advisor_id)
    return JSONResponse(documents.ChatSummaries(tuple(chats)).document(with_earned=True))


@router.get("/advisors/{advisor_id}/statement", dependencies=[_that_advisor], responses=answers(Statement))
async def get_statement(
    talktime: TalktimeDep,
    advisor_id: AdvisorId,
    begin: PeriodBegin,
    end: PeriodEnd,
) -> JSONResponse:
    """What the records of a period brought an advisor: time, gross, fees, share, refunds and net.

    The period goes from `from` until just before `to`, at most a year. The figures come from the entries of the ledger.
    """
    return JSONResponse((await talktime.statement(advisor_id, begin, end)).document())


@router.get("/advisors/{advisor_id}", responses=answers(Advisor))
async def get_advisor(talktime: TalktimeDep, advisor_id: AdvisorId, caller: Annotated[Caller, _anyone]) -> JSONResponse:
    """An advisor, with the tariff that a record which starts now would have. Users and other advisors see no terms."""
    sees_terms = not caller.is_person or (caller.role is Role.ADVISOR and caller.subject == advisor_id)
    return JSONResponse((await talktime.advisor(advisor_id)).document(with_terms=sees_terms))
