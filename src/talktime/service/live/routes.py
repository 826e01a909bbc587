"""The address of the live channel: `WS /v1/live`."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter
from starlette.websockets import WebSocket

from talktime.core.errors import RateLimited, Unavailable
from talktime.service.connections.doors import Doors, Ticket
from talktime.service.connections.live import TICKET
from talktime.service.connector import connector_of
from talktime.service.http.origins import is_allowed_origin
from talktime.service.http.problems import make_problem_response
from talktime.service.live.close_codes import CloseCode
from talktime.service.live.screen import Screen
from talktime.service.metrics import Metrics

TOKEN_PREFIX: Final = "bearer."  # noqa: S105  what precedes a token
"""The prefix of a token in a subprotocol, for browsers that sign in with the connection."""

router = APIRouter(prefix="/v1")


@router.websocket("/live")
async def live(websocket: WebSocket) -> None:
    """Serve one screen."""
    doors: Doors = websocket.app.state.doors
    # Talktime's own server has counted the connection already, but behind a proxy not yet for the right address.
    ticket: Ticket = websocket.scope.get("extensions", {}).get(TICKET) or Ticket(doors)
    if websocket.client is not None and not ticket.count_for(websocket.client.host):
        await websocket.send_denial_response(make_problem_response(RateLimited("Too many sockets from one address.")))
        return
    try:
        await _serve(websocket, ticket)
    finally:
        ticket.vouch()


async def _serve(websocket: WebSocket, ticket: Ticket) -> None:
    offered = next((name for name in websocket.scope["subprotocols"] if name.startswith(TOKEN_PREFIX)), None)
    await websocket.accept(offered)
    if not is_allowed_origin(websocket):
        # A browser tells a page nothing about a refused handshake, so the page would try again for ever.
        await websocket.close(CloseCode.NOT_ALLOWED, "this site is not among TALKTIME_ORIGINS")
        return
    try:
        talktime = await connector_of(websocket).talktime()
    except Unavailable as error:
        await websocket.close(CloseCode.UNAVAILABLE, error.title)
        return
    metrics: Metrics = websocket.app.state.metrics
    with metrics.sockets.track_inprogress():
        code = await Screen(websocket, talktime, ticket).run(
            None if offered is None else offered.removeprefix(TOKEN_PREFIX)
        )
    if code is not None:
        metrics.count_close(code)
