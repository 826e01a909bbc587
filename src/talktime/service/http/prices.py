"""The price of some time by a tariff."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import JSONResponse

from talktime.core.price import price
from talktime.service.http import documents
from talktime.service.http.bodies import PriceQuestion
from talktime.service.http.documents import answers
from talktime.service.http.json_bodies import Route

router = APIRouter(prefix="/v1", route_class=Route, tags=["service"])


@router.post("/price", responses=answers(documents.Price))
async def get_price(body: PriceQuestion) -> JSONResponse:
    """What some seconds cost by a tariff whose free allowance is unused."""
    quoted = price(body.tariff, body.seconds)
    return JSONResponse(documents.Price(quoted.cost, quoted.billed_ms).document())
