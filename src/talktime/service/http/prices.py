"""The route of prices."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import JSONResponse

from talktime.core.price import price
from talktime.service.http import documents
from talktime.service.http.bodies import PriceQuestion
from talktime.service.http.documents import answers
from talktime.service.http.json_bodies import StrictRoute

router = APIRouter(prefix="/v1", route_class=StrictRoute, tags=["service"])


@router.post("/price", responses=answers(documents.PriceView))
async def get_price(body: PriceQuestion) -> JSONResponse:
    """The price of a number of seconds by a tariff, with the whole allowance left."""
    quoted = price(body.tariff, body.duration_ms)
    return JSONResponse(documents.PriceView(quoted.cost, quoted.billed_ms).document())
