"""The routes of chats: starting, switching, pausing and stopping their timers, and their messages."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query
from starlette.responses import JSONResponse

from talktime.core.record import Party
from talktime.core.roles import Role
from talktime.documents.chat import Message
from talktime.documents.snapshot import Snapshot
from talktime.service.connector import TalktimeDep
from talktime.service.http import documents
from talktime.service.http.access import AuthenticatedRoute, RequireRole, acting_party, require_owner, require_role
from talktime.service.http.bodies import CreateChat, Heartbeat, NewMessage, Nothing, Track
from talktime.service.http.documents import answers
from talktime.service.http.idempotency import OptionalRepeat
from talktime.service.http.parameters import ChatId, Limit
from talktime.service.tokens import Caller

router = APIRouter(prefix="/v1", route_class=AuthenticatedRoute, tags=["chats"])

_STARTERS: Final = frozenset({Role.SERVICE, Role.USER})

AnyCaller = Annotated[Caller, Depends(RequireRole(*Role))]
Starter = Annotated[Caller, Depends(RequireRole(*_STARTERS, owned="chat"))]
Viewer = Annotated[Caller, Depends(RequireRole(*Role, owned="chat"))]
Participant = Annotated[Caller, Depends(RequireRole(Role.SERVICE, Role.USER, Role.ADVISOR, owned="chat"))]


@router.post("/chats", status_code=201, responses=answers(Snapshot, 200, 201))
async def start_chat(
    talktime: TalktimeDep, caller: AnyCaller, body: CreateChat, repeat: OptionalRepeat
) -> JSONResponse:
    """Make a chat; its record and timer start with it.

    If the pair has a chat with this `chat_id`, its timer is started as by `POST /v1/chats/{chat_id}/tracking` (200).
    """
    if caller.role is Role.ADVISOR:
        await require_owner(talktime, caller, "advisor", body.advisor_id)
    else:
        await require_owner(talktime, caller, "user", body.user_id)
    require_role(caller, _STARTERS)
    snapshot, created = await talktime.create_chat(
        body.user_id, body.advisor_id, body.chat_id, tariff_version=body.tariff_version, repeat=repeat
    )
    return JSONResponse(snapshot.document(), 201 if created else 200)


@router.post("/chats/{chat_id}/tracking", responses=answers(Snapshot))
async def track_chat(
    talktime: TalktimeDep,
    _caller: Starter,
    chat_id: ChatId,
    repeat: OptionalRepeat,
    body: Track | None = None,
) -> JSONResponse:
    """Start or resume the timer of this chat, or switch the pair's record to this chat.

    The name of this call in the library is `initialize_time_tracking_for_chat`.
    """
    version = body.tariff_version if body else None
    return JSONResponse((await talktime.track(chat_id, tariff_version=version, repeat=repeat)).document())


@router.get("/chats/{chat_id}/tracking", responses=answers(Snapshot))
async def get_snapshot(talktime: TalktimeDep, _caller: Viewer, chat_id: ChatId) -> JSONResponse:
    """Everything that a screen needs to show the chat."""
    return JSONResponse((await talktime.snapshot(chat_id)).document())


@router.post("/chats/{chat_id}/heartbeat", responses=answers(Snapshot))
async def send_heartbeat(
    talktime: TalktimeDep, caller: Participant, chat_id: ChatId, body: Heartbeat | None = None
) -> JSONResponse:
    """Prove that a party is present, without a socket. A host's backend names the `party`."""
    party = acting_party(caller, body.party if body else None)
    return JSONResponse((await talktime.heartbeat(chat_id, party)).document())


@router.post("/chats/{chat_id}/pause", responses=answers(Snapshot))
async def pause_chat(
    talktime: TalktimeDep, caller: Participant, chat_id: ChatId, repeat: OptionalRepeat, _body: Nothing | None = None
) -> JSONResponse:
    """Pause the record. The chat must be its current chat."""
    return JSONResponse((await talktime.pause(chat_id, by=caller.role.value, repeat=repeat)).document())


@router.post("/chats/{chat_id}/resume", responses=answers(Snapshot))
async def resume_chat(
    talktime: TalktimeDep, caller: Participant, chat_id: ChatId, repeat: OptionalRepeat, _body: Nothing | None = None
) -> JSONResponse:
    """Resume the record. The chat must be its current chat."""
    # A host's backend acts because the user did something there.
    party = Party.ADVISOR if caller.role is Role.ADVISOR else Party.USER
    return JSONResponse((await talktime.resume(chat_id, by=party, repeat=repeat)).document())


@router.post("/chats/{chat_id}/stop", responses=answers(Snapshot))
async def stop_chat(
    talktime: TalktimeDep, caller: Viewer, chat_id: ChatId, repeat: OptionalRepeat, _body: Nothing | None = None
) -> JSONResponse:
    """End the record, in any of its chats."""
    return JSONResponse((await talktime.stop(chat_id, by=caller.role.value, repeat=repeat)).document())


@router.get("/chats/{chat_id}/messages", responses=answers(documents.Messages))
async def list_messages(
    talktime: TalktimeDep,
    _caller: Viewer,
    chat_id: ChatId,
    after: Annotated[int, Query(ge=0, le=2**31 - 1, description="the position to begin after", examples=[0])] = 0,
    limit: Limit = 200,
) -> JSONResponse:
    """The messages of a chat, the oldest first."""
    messages = await talktime.messages(chat_id, after=after, limit=limit)
    return JSONResponse(documents.Messages(tuple(messages)).document())


@router.post("/chats/{chat_id}/messages", status_code=201, responses=answers(Message, 200, 201))
async def send_message(talktime: TalktimeDep, caller: Participant, chat_id: ChatId, body: NewMessage) -> JSONResponse:
    """Send a message. A repeated `client_id` stores nothing, and the answer is the first message (200)."""
    sender = acting_party(caller, body.party)
    message, created = await talktime.send_message(chat_id, sender, body.text, body.client_id)
    return JSONResponse(message.document(), 201 if created else 200)
