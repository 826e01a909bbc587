"""A shop with FastAPI that has paid chats: talktime is mounted into it, so there is one program to run.

    pip install 'talktime[service,webhooks]'
    export TALKTIME_DATABASE_URL=postgresql://… TALKTIME_SECRET=… TALKTIME_ADDRESS=https://shop.example/talktime
    talktime migrate
    export WEBHOOK_SECRET=$(talktime webhook create https://shop.example/events)  # once, too
    uvicorn shop:app

The how-to page about FastAPI, Django and Flask says why the program looks like this.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html import escape
from typing import Annotated
from urllib.parse import quote

from fastapi import Cookie, FastAPI, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from pydantic import BaseModel, BeforeValidator
from standardwebhooks import Webhook, WebhookVerificationError

from talktime import Role, Talktime, format_credits, parse_credits
from talktime.asgi import create_app
from talktime.errors import Conflict, InsufficientCredit, TalktimeError

service = create_app()  # settings from the environment
webhook = Webhook(os.environ["WEBHOOK_SECRET"])
bills: dict[str, str] = {}  # in a real shop a table, whose key is the id of the record


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    """Start and stop talktime with the shop: a mounted application does not do so by itself."""
    async with service.router.lifespan_context(service):
        yield


app = FastAPI(lifespan=lifespan)
app.mount("/talktime", service)


def talktime() -> Talktime:
    """The library. While the database can't be reached, this raises Unavailable, and `refused` answers with 503."""
    connected: Talktime = service.state.talktime
    return connected


@app.exception_handler(TalktimeError)
async def refused(_request: Request, error: TalktimeError) -> JSONResponse:
    """Answer a refusal of talktime with its status and its reason."""
    return JSONResponse(error.problem(), error.status)


async def sign_up(user: str) -> None:
    """Make the user, whom credit and chats need. A real shop does so once, at its sign-up, with the person's name."""
    await talktime().put_user(user, user.title())


class Payment(BaseModel):
    """What the payment provider reports. A real shop checks the provider's signature first."""

    order: str
    user: str
    amount: Annotated[int, BeforeValidator(parse_credits, json_schema_input_type=str)]  # such as "10.00"


@app.post("/paid", status_code=204)
async def paid(payment: Payment) -> None:
    """Credit an order. Providers report an order more than once, and the key makes it one credit."""
    await sign_up(payment.user)
    await talktime().add_credit(payment.user, payment.amount, reference=payment.order, key=f"order {payment.order}")


@app.get("/price/{advisor_id}")
async def price(advisor_id: str, user: Annotated[str, Cookie()]) -> HTMLResponse:
    """Say what a talk costs, with the button that starts it. The version makes sure that nobody pays another price."""
    await sign_up(user)
    action = f"/talk/{quote(advisor_id, safe='')}"
    try:
        offer = await talktime().offer(user, advisor_id)
    except Conflict:
        text = "Your talk goes on."
    else:
        tier = offer.tariff.tiers[0]
        text = f"{offer.display_name}: {format_credits(tier.rate)} for each {tier.per_ms // 1000} seconds."
        action += f"?offer_version={offer.version}"
    return HTMLResponse(f'<form method="post" action="{action}">{escape(text)} <button>Talk</button></form>')


@app.post("/talk/{advisor_id}")
async def talk(advisor_id: str, user: Annotated[str, Cookie()], offer_version: str | None = None) -> RedirectResponse:
    """Start a chat, and send the user to its page, signed in. The cookie stands for the shop's own sign-in."""
    await sign_up(user)
    chat_id = f"{user}:{advisor_id}"  # the chat of the pair, in which a second press of the button goes on
    try:
        await talktime().create_chat(user, advisor_id, chat_id, offer_version=offer_version)
    except InsufficientCredit as error:
        raise HTTPException(402, f"Please buy credit: {error}") from None
    link = await talktime().create_link("user", user, page=f"/chat/{quote(chat_id, safe='')}")
    return RedirectResponse(link.address, 303)


@app.get("/my-token")
async def my_token(user: Annotated[str, Cookie()]) -> Response:
    """A token for `<talk-time>` or `<talk-chat>` in a page of the shop."""
    return Response(service.state.tokens.make(Role.USER, user, ttl_seconds=3600), media_type="text/plain")


@app.post("/events", status_code=204)
async def receive(request: Request) -> None:
    """Learn what happened. An event may come twice, and what is done here may be done twice."""
    try:
        event = webhook.verify(await request.body(), dict(request.headers))
    except WebhookVerificationError:
        raise HTTPException(400, "This is not signed by talktime.") from None
    if event["type"] == "record.ended":
        bills[event["record_id"]] = event["data"]["cost"]
