"""The routes of users with their credit, and of advisors with their tariffs."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import JSONResponse

from talktime.core.money import PLACES_MAX
from talktime.core.roles import Role
from talktime.core.scopes import Scope
from talktime.documents.account import Account
from talktime.documents.advisor import Advisor
from talktime.documents.chat import ChatSummary
from talktime.documents.offer import Offer
from talktime.documents.statement import Statement
from talktime.service.connector import TalktimeDep
from talktime.service.http import documents
from talktime.service.http.access import AuthenticatedRoute, RequireRole, require_explained
from talktime.service.http.bodies import AddCredit, Debit, Id, Paying, PutAdvisor, PutUser
from talktime.service.http.documents import answers
from talktime.service.http.idempotency import OptionalRepeat, RequiredRepeat
from talktime.service.http.lists import PAGE_SIZE, AfterId, PersonQuery, page_response
from talktime.service.http.parameters import LINES_MAX, AdvisorId, AfterChat, AfterRecord, AsOf, Limit, UserId
from talktime.service.http.periods import AnyPeriod, Bounds
from talktime.service.tokens import Caller, caller_of

router = APIRouter(prefix="/v1", route_class=AuthenticatedRoute, tags=["people"])


_service_user = Depends(RequireRole(Role.SERVICE, owned="user"))
_mover = Depends(RequireRole(Role.SERVICE, Role.OPERATOR, owned="user", scope=Scope.CREDITS))
_service_advisor = Depends(RequireRole(Role.SERVICE, owned="advisor"))
_that_user = Depends(RequireRole(Role.SERVICE, Role.OPERATOR, Role.USER, owned="user"))
_that_credit = Depends(RequireRole(Role.SERVICE, Role.OPERATOR, Role.USER, owned="user", scope=Scope.CREDITS))
_that_advisor = Depends(RequireRole(Role.SERVICE, Role.OPERATOR, Role.ADVISOR, owned="advisor"))
_operator = Depends(RequireRole(Role.SERVICE, Role.OPERATOR))
_anyone = Depends(RequireRole(*Role))


@router.put("/users/{user_id}", dependencies=[_service_user], responses=answers(documents.User, 200, 201))
async def put_user(talktime: TalktimeDep, user_id: UserId, body: PutUser) -> JSONResponse:
    """Create a user, or rename one. Without `metadata`, the metadata stays as it is."""
    created = await talktime.put_user(user_id, body.display_name, metadata=body.metadata)
    metadata = body.metadata
    if metadata is None:
        metadata = {} if created else dict((await talktime.account(user_id)).metadata)
    return JSONResponse(documents.User(user_id, body.display_name, metadata).document(), 201 if created else 200)


@router.post("/users/{user_id}/forget", dependencies=[_service_user], responses=answers(documents.ForgottenUser))
async def forget_user(talktime: TalktimeDep, user_id: UserId) -> JSONResponse:
    """Forget who a user was, for good: the name becomes "Deleted", and metadata and messages are deleted.

    The messages are those of the user's chats, with what advisors wrote. Entries, records and segments stay, because
    the books follow from them. A repeat is safe.
    """
    messages = await talktime.forget_user(user_id)
    return JSONResponse(documents.ForgottenUser(user_id, messages).document())


@router.get("/users", dependencies=[_operator], responses=answers(documents.Accounts))
async def list_users(
    talktime: TalktimeDep, request: Request, query: PersonQuery = None, after: AfterId = None, limit: Limit = PAGE_SIZE
) -> JSONResponse:
    """A page of users, each with the account, in the order of their ids.

    With `query` those whose ids begin with the text come first, and then those whose names do, in the order of names.
    """
    page = await talktime.user_page(query, after=after, limit=limit)
    return page_response(request, documents.Accounts(page.items, page.next).document())


@router.get("/users/{user_id}/account", dependencies=[_that_credit], responses=answers(Account))
async def get_account(talktime: TalktimeDep, request: Request, user_id: UserId, at: AsOf = None) -> JSONResponse:
    """A user's account: the balance, what running records have committed of it, and what is available."""
    account = await talktime.account(user_id, at=at)
    return JSONResponse(account.document(with_metadata=not caller_of(request).is_person))


@router.get("/users/{user_id}/offers/{advisor_id}", dependencies=[_that_user], responses=answers(Offer))
async def get_offer(talktime: TalktimeDep, user_id: UserId, advisor_id: AdvisorId) -> JSONResponse:
    """The price of a record that the user would start with this advisor now, and how long the credit would last.

    While the two have an active record there is no offer (409): that record goes on at its own price.
    """
    return JSONResponse((await talktime.offer(user_id, advisor_id)).document())


@router.get("/users/{user_id}/entries", dependencies=[_that_credit], responses=answers(documents.Entries))
async def list_entries(
    talktime: TalktimeDep,
    request: Request,
    user_id: UserId,
    period: AnyPeriod,
    limit: Limit = 100,
    after: Annotated[Id | None, Query(description="the `next` of the page before", examples=["4711"])] = None,
    before: Annotated[
        Id | None, Query(description="the same as `after`, under its first name", examples=["4711"])
    ] = None,
) -> JSONResponse:
    """A page of the entries of a user's ledger, the newest first. `next` says where the next page begins."""
    place = before if after is None else after
    entries = await talktime.entries(user_id, limit=limit, before=place, begin=period.begin, end=period.end)
    following = entries[-1].id if len(entries) == limit else None
    return page_response(request, documents.Entries(tuple(entries), following).document())


@router.get("/users/{user_id}/chats", dependencies=[_that_user], responses=answers(documents.ChatSummaries))
async def list_user_chats(
    talktime: TalktimeDep, request: Request, user_id: UserId, limit: Limit = 200, after: AfterChat = None
) -> JSONResponse:
    """A page of a user's chats, the newest first. `next` says where the next page begins."""
    chats = await talktime.chats_of_user(user_id, after=after, limit=limit)
    page = _chat_summaries(chats, limit)
    return page_response(request, page.document(with_metadata=not caller_of(request).is_person))


@router.get("/users/{user_id}/records", dependencies=[_that_user], responses=answers(documents.RecordSummaries))
async def list_user_records(
    talktime: TalktimeDep, request: Request, user_id: UserId, limit: Limit = 100, after: AfterRecord = None
) -> JSONResponse:
    """A page of a user's records, the newest first. Each record has a receipt."""
    records = await talktime.records_of_user(user_id, after=after, limit=limit)
    return page_response(request, documents.record_summaries(records, limit).document())


@router.post("/users/{user_id}/credits", status_code=201, responses=answers(Account, 201))
async def add_credit(
    talktime: TalktimeDep,
    user_id: UserId,
    caller: Annotated[Caller, _mover],
    body: AddCredit,
    repeat: RequiredRepeat,
) -> JSONResponse:
    """Add credit to a user's account. Records that ran out of credit resume.

    Gifts are spent before bought credit, the gift that expires first before the others. What is neither spent nor
    committed of a gift at `expires_at` expires. An operator may add a `gift` or a `refund`, and must say why in
    `reference`.
    """
    require_explained(caller, body.reference, body.kind)
    account = await talktime.add_credit(
        user_id,
        body.amount,
        body.kind,
        reference=body.reference,
        expires_at=body.expires_at,
        metadata=body.metadata,
        repeat=repeat,
        actor=caller.actor,
    )
    return JSONResponse(account.document(), 201)


@router.post("/users/{user_id}/paying", responses=answers(Account))
async def announce_payment(
    talktime: TalktimeDep,
    user_id: UserId,
    _caller: Annotated[Caller, Depends(RequireRole(Role.SERVICE, Role.USER, owned="user", scope=Scope.CREDITS))],
    body: Paying,
    repeat: OptionalRepeat,
) -> JSONResponse:
    """Say that somebody is paying: records that are out of credit wait this long from now on.

    A record that runs out of credit in this time waits to the same instant. Each record waits longer only once in a
    wait. A record that waits longer anyway stays as it is.
    """
    account = await talktime.paying(user_id, body.duration_ms, repeat=repeat)
    return JSONResponse(account.document())


@router.post("/users/{user_id}/debits", status_code=201, responses=answers(Account, 201))
async def debit_credit(
    talktime: TalktimeDep,
    user_id: UserId,
    caller: Annotated[Caller, _mover],
    body: Debit,
    repeat: RequiredRepeat,
) -> JSONResponse:
    """Spend a user's credit elsewhere, gifts first. More than is available is refused.

    An operator takes credit that was added by mistake, and must say why in `reference`.
    """
    require_explained(caller, body.reference)
    account = await talktime.debit(
        user_id,
        body.amount,
        reference=body.reference,
        metadata=body.metadata,
        repeat=repeat,
        actor=caller.actor,
    )
    return JSONResponse(account.document(), 201)


@router.put("/advisors/{advisor_id}", dependencies=[_service_advisor], responses=answers(Advisor, 200, 201))
async def put_advisor(talktime: TalktimeDep, advisor_id: AdvisorId, body: PutAdvisor) -> JSONResponse:
    """Create an advisor, or change one.

    A changed tariff or changed terms are a new version, which holds for records that start from now on. Without
    `terms`, the terms stay as they are, and so does whatever else is left out.
    """
    advisor, created = await talktime.put_advisor(
        advisor_id,
        body.display_name,
        body.tariff,
        body.terms,
        starts=body.starts,
        ring_ms=body.ring_ms,
        max_active=body.max_active,
        metadata=body.metadata,
    )
    return JSONResponse(advisor.document(with_terms=True, with_metadata=True), 201 if created else 200)


@router.get("/advisors", dependencies=[_operator], responses=answers(documents.AdvisorList))
async def list_advisors(
    talktime: TalktimeDep, request: Request, query: PersonQuery = None, after: AfterId = None, limit: Limit = PAGE_SIZE
) -> JSONResponse:
    """A page of advisors with their terms, in the order of their ids, or as `GET /v1/users` orders with `query`."""
    page = await talktime.advisor_page(query, after=after, limit=limit)
    return page_response(request, documents.AdvisorList(page.items, page.next).document())


@router.get("/advisors/{advisor_id}/chats", dependencies=[_that_advisor], responses=answers(documents.ChatSummaries))
async def list_advisor_chats(
    talktime: TalktimeDep, request: Request, advisor_id: AdvisorId, limit: Limit = 200, after: AfterChat = None
) -> JSONResponse:
    """A page of an advisor's chats, the newest first. `next` says where the next page begins.

    `earned` is the advisor's share of the cost of the chat's record so far.
    """
    chats = await talktime.chats_of_advisor(advisor_id, after=after, limit=limit)
    page = _chat_summaries(chats, limit)
    return page_response(request, page.document(with_earned=True, with_metadata=not caller_of(request).is_person))


@router.get("/advisors/{advisor_id}/statement", dependencies=[_that_advisor], responses=answers(Statement))
async def get_statement(
    talktime: TalktimeDep,
    advisor_id: AdvisorId,
    period: Bounds,
    places: Annotated[
        int, Query(ge=0, le=PLACES_MAX, description="to how many decimals amounts can be paid", examples=[2])
    ] = 2,
) -> JSONResponse:
    """The statement of an advisor for a period: time, gross, fees, share, refunds and net; and the amount to pay.

    The period goes from `from` until just before `to`, at most 367 days. The figures come from the ledger.
    `payable` is what can be paid, and `carried` is left to the next period, so that nothing is lost.
    """
    statement = await talktime.statement(advisor_id, *period, places=places, sessions_max=LINES_MAX)
    return JSONResponse(statement.document())


@router.get("/advisors/{advisor_id}", responses=answers(Advisor))
async def get_advisor(talktime: TalktimeDep, advisor_id: AdvisorId, caller: Annotated[Caller, _anyone]) -> JSONResponse:
    """An advisor, with the tariff that a record which starts now would have. Users and other advisors see no terms."""
    sees_terms = not caller.is_person or (caller.role is Role.ADVISOR and caller.subject == advisor_id)
    return JSONResponse(
        (await talktime.advisor(advisor_id)).document(with_terms=sees_terms, with_metadata=not caller.is_person)
    )


def _chat_summaries(chats: list[ChatSummary], limit: int) -> documents.ChatSummaries:
    return documents.ChatSummaries(tuple(chats), chats[-1].id if len(chats) == limit else None)
