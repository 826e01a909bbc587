"""The routes of webhooks: addresses of the host to which events are sent."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request
from starlette.responses import JSONResponse, Response

from talktime.core.roles import Role
from talktime.documents.webhook import DeliveryState, Ping, Webhook
from talktime.service.connector import TalktimeDep
from talktime.service.http import documents
from talktime.service.http.access import AuthenticatedRoute, RequireRole
from talktime.service.http.bodies import Id, ReplayRequest, WebhookChange, WebhookRequest
from talktime.service.http.documents import answers
from talktime.service.http.lists import page_response
from talktime.service.http.parameters import Limit

router = APIRouter(
    prefix="/v1/webhooks",
    route_class=AuthenticatedRoute,
    tags=["events"],
    dependencies=[Depends(RequireRole(Role.SERVICE))],
)

WebhookId = Annotated[Id, Path(description="the id of the webhook", examples=["019b9f5e-0000-7000-8000-000000000001"])]


@router.post("", status_code=201, responses=answers(Webhook, 201))
async def create_webhook(talktime: TalktimeDep, body: WebhookRequest) -> JSONResponse:
    """Send the events from now on to an address. Only this answer has the `secret`, which signs what is sent.

    The messages follow Standard Webhooks: `webhook-id` is the id of the event, and the body is the event. Each event is
    sent at least once, and the events of one record in order. A repeat of this call makes another webhook.
    """
    return JSONResponse((await talktime.create_webhook(body.url, body.types)).document(), 201)


@router.get("", responses=answers(documents.Webhooks))
async def list_webhooks(talktime: TalktimeDep) -> JSONResponse:
    """All webhooks, without their secrets."""
    return JSONResponse(documents.Webhooks(tuple(await talktime.webhooks())).document())


@router.get("/{webhook_id}", responses=answers(Webhook))
async def get_webhook(talktime: TalktimeDep, webhook_id: WebhookId) -> JSONResponse:
    """A webhook, without its secret."""
    return JSONResponse((await talktime.webhook(webhook_id)).document())


@router.patch("/{webhook_id}", responses=answers(Webhook))
async def change_webhook(talktime: TalktimeDep, webhook_id: WebhookId, body: WebhookChange) -> JSONResponse:
    """Change a webhook. A webhook that is enabled again gets the events of the time between.

    With `rotate_secret` the answer has a new `secret`. For a day both secrets sign every message, so a receiver can
    change over at any time of this day.
    """
    webhook = await talktime.change_webhook(
        webhook_id, url=body.url, types=body.types, enabled=body.enabled, rotate_secret=body.rotate_secret
    )
    return JSONResponse(webhook.document())


@router.delete("/{webhook_id}", status_code=204, response_class=Response)
async def delete_webhook(talktime: TalktimeDep, webhook_id: WebhookId) -> Response:
    """Delete a webhook, with its deliveries."""
    await talktime.delete_webhook(webhook_id)
    return Response(status_code=204)


@router.get("/{webhook_id}/deliveries", responses=answers(documents.Deliveries))
async def list_deliveries(
    request: Request,
    talktime: TalktimeDep,
    webhook_id: WebhookId,
    state: Annotated[
        DeliveryState | None, Query(description="only deliveries in this state", examples=["failed"])
    ] = None,
    after: Annotated[Id | None, Query(description="the `next` of the page before", examples=["4711"])] = None,
    limit: Limit = 100,
) -> JSONResponse:
    """The deliveries of a webhook, those of the newest events first: attempts, the last answer, and what comes next."""
    page = await talktime.delivery_page(webhook_id, state=state, after=after, limit=limit)
    return page_response(request, documents.Deliveries(page.items, page.next).document())


@router.post("/{webhook_id}/replay", status_code=204, response_class=Response)
async def replay_webhook(talktime: TalktimeDep, webhook_id: WebhookId, body: ReplayRequest) -> Response:
    """Send the events after an event again, in order, also those that were delivered."""
    await talktime.replay_webhook(webhook_id, body.after)
    return Response(status_code=204)


@router.post("/{webhook_id}/ping", responses=answers(Ping))
async def ping_webhook(talktime: TalktimeDep, webhook_id: WebhookId) -> JSONResponse:
    """Send a message of the type `ping` to a webhook at once. The answer says how the receiver answered."""
    return JSONResponse((await talktime.ping_webhook(webhook_id)).document())
