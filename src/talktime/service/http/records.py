"""The routes of conversation time records, their receipts and refunds."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import JSONResponse

from talktime.core.record import Reason, RecordFilter
from talktime.core.roles import Role
from talktime.documents.account import Refund
from talktime.documents.receipt import Receipt
from talktime.service.connector import TalktimeDep
from talktime.service.http.access import AuthenticatedRoute, RequireRole
from talktime.service.http.bodies import Id, RefundRecord
from talktime.service.http.documents import Records, RecordWithMetadata, answers
from talktime.service.http.idempotency import RequiredRepeat
from talktime.service.http.lists import page_response
from talktime.service.http.parameters import AfterRecord, AsOf, Limit, RecordId
from talktime.service.http.periods import AnyPeriod
from talktime.service.tokens import Caller

router = APIRouter(prefix="/v1", route_class=AuthenticatedRoute, tags=["records"])


_viewer = Depends(RequireRole(*Role, owned="record"))
_operator = Depends(RequireRole(Role.SERVICE, Role.OPERATOR))
_refunder = Depends(RequireRole(Role.SERVICE, Role.OPERATOR, owned="record"))


@router.get("/records", dependencies=[_operator], responses=answers(Records))
async def list_records(
    talktime: TalktimeDep,
    request: Request,
    period: AnyPeriod,
    state: Annotated[
        RecordFilter | None,
        Query(description="only these records; `active` is all but ended", examples=["active"]),
    ] = None,
    query: Annotated[
        Id | None,
        Query(description="the id of a record, or of the chat, user or advisor of records", examples=["chat-1"]),
    ] = None,
    user_id: Annotated[Id | None, Query(description="only records of this user", examples=["alice"])] = None,
    advisor_id: Annotated[Id | None, Query(description="only records of this advisor", examples=["maya"])] = None,
    reason: Annotated[
        Reason | None,
        Query(
            description="only records whose time stopped for this reason in the period, also if they went on later",
            examples=["out_of_credit"],
        ),
    ] = None,
    after: AfterRecord = None,
    limit: Limit = 200,
) -> JSONResponse:
    """Records, the newest first, each with its people, their connections, and the snapshot of its current chat.

    The period is about when records started. With `reason` it is about when their time stopped for this reason: the
    list has `stopped_at`, and is in this order, the latest first. `out_of_credit` finds the records that were cut.
    """
    page = await talktime.record_page(
        state,
        query=query,
        user_id=user_id,
        advisor_id=advisor_id,
        reason=reason,
        begin=period.begin,
        end=period.end,
        after=after,
        limit=limit,
    )
    return page_response(request, Records(page.items, page.next).document())


@router.get("/records/{record_id}", responses=answers(RecordWithMetadata))
async def get_record(talktime: TalktimeDep, record_id: RecordId, caller: Annotated[Caller, _viewer]) -> JSONResponse:
    """A record as it stands."""
    record = RecordWithMetadata(await talktime.record(record_id))
    return JSONResponse(record.document(with_metadata=not caller.is_person))


@router.get("/records/{record_id}/receipt", responses=answers(Receipt))
async def get_receipt(
    talktime: TalktimeDep, record_id: RecordId, caller: Annotated[Caller, _viewer], at: AsOf = None
) -> JSONResponse:
    """The receipt of a record, with everything that is needed to compute it again. Users see no shares."""
    receipt = await talktime.receipt(record_id, at=at)
    return JSONResponse(receipt.document(with_shares=caller.role is not Role.USER))


@router.post("/records/{record_id}/refunds", status_code=201, responses=answers(Refund, 200, 201))
async def refund_record(
    talktime: TalktimeDep,
    record_id: RecordId,
    caller: Annotated[Caller, _refunder],
    body: RefundRecord,
    repeat: RequiredRepeat,
) -> JSONResponse:
    """Give back what a record has cost, by amount or by time. Records that ran out of credit resume.

    By time, the refund is the price of the last billed seconds. A refund of more than was charged and not given back
    yet is refused with 409, which says what is `refundable`. A `shared` refund is borne in the proportion in which the
    cost was earned. With `dry_run` the answer is the refund as it would be now, with 200, and nothing is given back.
    """
    refund = await talktime.refund(
        record_id,
        reason=body.reason,
        borne_by=body.borne_by,
        amount=body.amount,
        duration_ms=body.duration_ms,
        dry_run=body.dry_run,
        repeat=repeat,
        actor=caller.actor,
    )
    return JSONResponse(refund.document(), 200 if body.dry_run else 201)
