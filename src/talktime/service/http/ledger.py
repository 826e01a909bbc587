"""The route of the ledger: a page of entries as JSON, or all entries of a period as CSV or JSON lines."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Annotated, Final, TypedDict

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response, StreamingResponse

from talktime.core.entries import EntryKind
from talktime.core.roles import Role
from talktime.documents.csv_lines import csv_heading, csv_lines
from talktime.documents.ledger import LEDGER_COLUMNS, LedgerEntry
from talktime.service.connector import TalktimeDep
from talktime.service.http.access import AuthenticatedRoute, RequireRole
from talktime.service.http.bodies import Id, Reference
from talktime.service.http.documents import LedgerEntries, answers
from talktime.service.http.lists import PAGE_SIZE, page_response
from talktime.service.http.media_types import best_media_type
from talktime.service.http.parameters import Limit
from talktime.service.http.periods import AnyPeriod

router = APIRouter(prefix="/v1", route_class=AuthenticatedRoute, tags=["history"])

CSV: Final = "text/csv"
JSON_LINES: Final = "application/jsonl"
_OFFERED: Final = ("application/json", CSV, JSON_LINES, "application/x-ndjson", "application/x-jsonlines")

_LINES_AT_ONCE: Final = 200
"""How many lines are sent together."""

_operator = Depends(RequireRole(Role.SERVICE, Role.OPERATOR))
_responses: Final = answers(LedgerEntries)
_responses[200]["content"] |= {
    CSV: {"schema": {"type": "string"}, "example": csv_heading(LEDGER_COLUMNS)},
    JSON_LINES: {"schema": {"type": "string"}, "example": '{"id": "4711", "at": "2026-01-05T10:00:00.000Z", …}\n'},
}


@router.get("/entries", dependencies=[_operator], responses=_responses)
async def list_ledger(
    talktime: TalktimeDep,
    request: Request,
    period: AnyPeriod,
    query: Annotated[
        str | None,
        Query(min_length=1, max_length=200, description="the beginning of a reference", examples=["order 47"]),
    ] = None,
    user_id: Annotated[Id | None, Query(description="only entries of this user", examples=["alice"])] = None,
    advisor_id: Annotated[Id | None, Query(description="only entries of this advisor", examples=["maya"])] = None,
    record_id: Annotated[
        Id | None,
        Query(description="only entries of this record", examples=["019b9f5e-0000-7000-8000-000000000001"]),
    ] = None,
    kind: Annotated[EntryKind | None, Query(description="only entries of this kind", examples=["charge"])] = None,
    reference: Annotated[
        Reference | None, Query(description="only entries with exactly this reference", examples=["order 4711"])
    ] = None,
    after: Annotated[Id | None, Query(description="the `next` of the page before", examples=["4711"])] = None,
    limit: Limit = PAGE_SIZE,
) -> Response:
    """Entries of all users, each with the amounts of all three sides, the newest first.

    With `Accept: text/csv` or `Accept: application/jsonl` the answer has all entries of the period, the oldest first,
    and no pages; charges of running records are posted up to the end of the period before that. In CSV, text that a
    spreadsheet would take for a formula begins with a `'`.
    """
    search = _Search(
        query=query,
        user_id=user_id,
        advisor_id=advisor_id,
        record_id=record_id,
        kind=kind,
        reference=reference,
        begin=period.begin,
        end=period.end,
    )
    media_type = best_media_type(request.headers.get("accept", ""), _OFFERED)
    if media_type == _OFFERED[0]:
        page = await talktime.entry_page(**search, after=after, limit=limit)
        return page_response(request, LedgerEntries(page.items, page.next).document())
    lines = _csv if media_type == CSV else _json_lines
    batches = _batches(talktime.all_entries(**search))
    first: list[LedgerEntry] = await anext(
        batches, []
    )  # before the answer begins, so that a refusal is an answer of its own
    name = "entries.csv" if media_type == CSV else "entries.jsonl"
    return StreamingResponse(
        lines(first, batches),
        media_type=f"{media_type}; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Vary": "Accept"},
    )


class _Search(TypedDict):
    """The arguments of `entry_page` and `all_entries`."""

    query: str | None
    user_id: str | None
    advisor_id: str | None
    record_id: str | None
    kind: str | None
    reference: str | None
    begin: int | None
    end: int | None


_Batches = AsyncIterator[list[LedgerEntry]]


async def _csv(first: list[LedgerEntry], others: _Batches) -> AsyncIterator[str]:
    yield csv_heading(LEDGER_COLUMNS) + _csv_lines(first)
    async for batch in others:
        yield _csv_lines(batch)


def _csv_lines(batch: list[LedgerEntry]) -> str:
    return csv_lines(LEDGER_COLUMNS, [entry.document() for entry in batch])


async def _json_lines(first: list[LedgerEntry], others: _Batches) -> AsyncIterator[str]:
    yield _lines(first)
    async for batch in others:
        yield _lines(batch)


def _lines(batch: list[LedgerEntry]) -> str:
    return "".join(f"{json.dumps(entry.document(), ensure_ascii=False)}\n" for entry in batch)


async def _batches(entries: AsyncIterator[LedgerEntry]) -> _Batches:
    batch: list[LedgerEntry] = []
    async for entry in entries:
        batch.append(entry)
        if len(batch) == _LINES_AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch
