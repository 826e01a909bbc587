"""The routes of conversation time records, their receipts and refunds."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.responses import JSONResponse

from talktime.core.record import RecordFilter
from talktime.core.roles import Role
from talktime.documents.account import Refund
from talktime.documents.receipt import Receipt
from talktime.documents.snapshot import RecordView
from talktime.service.connector import TalktimeDep
from talktime.service.http.access import AuthenticatedRoute, RequireRole
from talktime.service.http.bodies import RefundRecord
from talktime.service.http.documents import Records, RecordWithSnapshot, answers
from talktime.service.http.idempotency import RequiredRepeat
from talktime.service.http.parameters import AsOf, Limit, RecordId
from talktime.service.tokens import Caller

router = APIRouter(prefix="/v1", route_class=AuthenticatedRoute, tags=["records"])


_viewer = Depends(RequireRole(*Role, owned="record"))
_operator = Depends(RequireRole(Role.SERVICE, Role.OPERATOR))
_refunder = Depends(RequireRole(Role.SERVICE, Role.OPERATOR, owned="record"))


@router.get("/records", dependencies=[_operator], responses=answers(Records))
async def list_records(
    talktime: TalktimeDep,
    state: Annotated[
        RecordFilter | None,
        Query(description="only these records; `active` is running and paused", examples=["active"]),
    ] = None,
    limit: Limit = 200,
) -> JSONResponse:
    """Records, the newest first, each with its people, their connections, and the snapshot of its current chat."""
    snapshots = await talktime.records(state, limit=limit)
    pairs = await talktime.pairs_of(snapshots)
    records = (RecordWithSnapshot(s.record, pairs[s.record.id], s) for s in snapshots)
    return JSONResponse(Records(tuple(records)).document())


@router.get("/records/{record_id}", dependencies=[_viewer], responses=answers(RecordView))
async def get_record(talktime: TalktimeDep, record_id: RecordId) -> JSONResponse:
    """A record as it stands."""
    return JSONResponse((await talktime.record(record_id)).document())


@router.get("/records/{record_id}/receipt", responses=answers(Receipt))
async def get_receipt(
    talktime: TalktimeDep, record_id: RecordId, caller: Annotated[Caller, _viewer], at: AsOf = None
) -> JSONResponse:
    """The receipt of a record, with everything that is needed to compute it again. Users see no shares."""
    receipt = await talktime.receipt(record_id, at=at)
    return JSONResponse(receipt.document(with_shares=caller.role is not Role.USER))


@router.post("/records/{record_id}/refunds", status_code=201, dependencies=[_refunder], responses=answers(Refund, 201))
async def refund_record(
    talktime: TalktimeDep, record_id: RecordId, body: RefundRecord, repeat: RequiredRepeat
) -> JSONResponse:
    """Give back what a record has cost, by amount or by time. Records that ran out of credit resume.

    By time, the refund is the price of the last billed seconds. A refund of more than was charged and not given back
    yet is refused with 409, which says what is `refundable`. A `shared` refund is borne in the proportion in which the
    cost was earned.
    """
    refund = await talktime.refund(
        record_id,
        reason=body.reason,
        borne_by=body.borne_by,
        amount=body.amount,
        duration_ms=body.duration_ms,
        repeat=repeat,
    )
    return JSONResponse(refund.document(), 201)
