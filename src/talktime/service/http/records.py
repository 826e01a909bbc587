"""Conversation time records: what is running, and receipts."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.responses import JSONResponse

from talktime.core.record import RecordFilter
from talktime.core.roles import Role
from talktime.documents.account import Refund
from talktime.documents.receipt import Receipt
from talktime.documents.snapshot import RecordView
from talktime.service.http.access import Allow, GuardedRoute
from talktime.service.http.bodies import RefundRecord
from talktime.service.http.documents import Records, RecordWithSnapshot, answers
from talktime.service.http.idempotency import RequiredRepeat
from talktime.service.http.parameters import AsOf, Limit, RecordId
from talktime.service.opening import TalktimeDep
from talktime.service.tokens import Caller

router = APIRouter(prefix="/v1", route_class=GuardedRoute, tags=["records"])


_viewer = Depends(Allow(*Role, own="record"))
_operator = Depends(Allow(Role.SERVICE, Role.OPERATOR))
_refunder = Depends(Allow(Role.SERVICE, Role.OPERATOR, own="record"))


@router.get("/records", dependencies=[_operator], responses=answers(Records))
async def list_records(
    talktime: TalktimeDep,
    state: Annotated[
        RecordFilter | None,
        Query(description="only these records; `active` is running and paused", examples=["active"]),
    ] = None,
    limit: Limit = 200,
) -> JSONResponse:
    """Records, each with its current chat's snapshot, names, and who is connected; `active` is running and paused."""
    found = await talktime.records(state, limit=limit)
    pairs = await talktime.pairs_of(found)
    listed = (RecordWithSnapshot(s.record, pairs[s.record.id], s) for s in found)
    return JSONResponse(Records(tuple(listed)).document())


@router.get("/records/{record_id}", dependencies=[_viewer], responses=answers(RecordView))
async def get_record(talktime: TalktimeDep, record_id: RecordId) -> JSONResponse:
    """A record as it stands."""
    return JSONResponse((await talktime.record(record_id)).document())


@router.get("/records/{record_id}/receipt", responses=answers(Receipt))
async def get_receipt(
    talktime: TalktimeDep, record_id: RecordId, caller: Annotated[Caller, _viewer], at: AsOf = None
) -> JSONResponse:
    """A record's receipt, with everything that is needed to compute it again. Users do not see the shares."""
    found = await talktime.receipt(record_id, at=at)
    return JSONResponse(found.document(with_shares=caller.role is not Role.USER))


@router.post("/records/{record_id}/refunds", status_code=201, dependencies=[_refunder], responses=answers(Refund, 201))
async def refund_record(
    talktime: TalktimeDep, record_id: RecordId, body: RefundRecord, repeat: RequiredRepeat
) -> JSONResponse:
    """Give back what a record has cost, by amount or by time, with a reason. Records that wait for credit resume.

    A refund by time is the price of the last `seconds` of billed time. More than was charged and not given back yet is
    refused (409), with what is `refundable`. A `shared` refund is borne in the proportion in which the cost was earned.
    """
    given = await talktime.refund(
        record_id,
        reason=body.reason,
        borne_by=body.borne_by,
        amount=body.amount,
        duration_ms=body.seconds,
        repeat=repeat,
    )
    return JSONResponse(given.document(), 201)
