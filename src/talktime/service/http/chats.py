"""Chats: starting, moving, pausing and stopping their timer, and what is said in them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.responses import JSONResponse

from talktime.core.errors import Forbidden, InvalidRequest
from talktime.core.record import Party
from talktime.core.roles import Role
from talktime.documents.chat import Message
from talktime.documents.snapshot import Snapshot
from talktime.service.http import documents
from talktime.service.http.access import Allow, GuardedRoute, require_own
from talktime.service.http.bodies import CreateChat, Heartbeat, NewMessage, Nothing, Track
from talktime.service.http.documents import answers
from talktime.service.http.idempotency import OptionalRepeat
from talktime.service.http.parameters import ChatId, Limit
from talktime.service.opening import TalktimeDep
from talktime.service.tokens import Caller

router = APIRouter(prefix="/v1", route_class=GuardedRoute, tags=["chats"])

AnyCaller = Annotated[Caller, Depends(Allow(*Role))]
ServiceOrUser = Annotated[Caller, Depends(Allow(Role.SERVICE, Role.USER, own="chat"))]
Viewer = Annotated[Caller, Depends(Allow(*Role, own="chat"))]
Side = Annotated[Caller, Depends(Allow(Role.SERVICE, Role.USER, Role.ADVISOR, own="chat"))]


def party_of(caller: Caller, named: Party | None) -> Party:
    """The party for which the caller acts. A host's backend names the party.

    Raises:
        InvalidRequest: a backend names no party.
        Forbidden: a person names the other party, or the caller is an operator.
    """
    if caller.role is Role.OPERATOR:
        raise Forbidden("An operator only looks, and acts for neither party.")
    if not caller.is_person:
        if named is None:
            raise InvalidRequest(("party", "is required: user or advisor"))
        return named
    own = Party(caller.role.value)
    if named not in {None, own}:
        raise Forbidden("A person speaks for themselves only.")
    return own


def _acting(caller: Caller) -> Party:
    # A host's backend counts as the user: it acts because the user did something there.
    return Party.ADVISOR if caller.role is Role.ADVISOR else Party.USER


@router.post("/chats", status_code=201, responses=answers(Snapshot, 200, 201))
async def start_chat(
    talktime: TalktimeDep, caller: AnyCaller, body: CreateChat, repeat: OptionalRepeat
) -> JSONResponse:
    """A new chat; its record and timer start with it. An existing `chat_id` of the same pair acts as tracking (200)."""
    await require_own(talktime, caller, "user" if caller.role is Role.USER else "advisor", _named(caller, body))
    if caller.role not in {Role.SERVICE, Role.USER}:
        raise Forbidden(f"A token of role {caller.role} may not do this; it takes one of role service or user.")
    snapshot, created = await talktime.create_chat(
        body.user_id, body.advisor_id, body.chat_id, tariff_version=body.tariff_version, repeat=repeat
    )
    return JSONResponse(snapshot.document(), 201 if created else 200)


def _named(caller: Caller, body: CreateChat) -> str:
    return body.advisor_id if caller.role is Role.ADVISOR else body.user_id


@router.post("/chats/{chat_id}/tracking", responses=answers(Snapshot))
async def track_chat(
    talktime: TalktimeDep,
    _caller: ServiceOrUser,
    chat_id: ChatId,
    repeat: OptionalRepeat,
    body: Track | None = None,
) -> JSONResponse:
    """Start the timer here, resume it, or move the pair's record to this chat: `initialize_time_tracking_for_chat`."""
    version = body.tariff_version if body else None
    return JSONResponse((await talktime.track(chat_id, tariff_version=version, repeat=repeat)).document())


@router.get("/chats/{chat_id}/tracking", responses=answers(Snapshot))
async def get_snapshot(talktime: TalktimeDep, _caller: Viewer, chat_id: ChatId) -> JSONResponse:
    """Everything one screen needs."""
    return JSONResponse((await talktime.snapshot(chat_id)).document())


@router.post("/chats/{chat_id}/heartbeat", responses=answers(Snapshot))
async def send_heartbeat(
    talktime: TalktimeDep, caller: Side, chat_id: ChatId, body: Heartbeat | None = None
) -> JSONResponse:
    """Proof of presence without a socket; a host's backend names the `party` that is present."""
    party = party_of(caller, body.party if body else None)
    return JSONResponse((await talktime.heartbeat(chat_id, party)).document())


@router.post("/chats/{chat_id}/pause", responses=answers(Snapshot))
async def pause_chat(
    talktime: TalktimeDep, caller: Side, chat_id: ChatId, repeat: OptionalRepeat, _body: Nothing | None = None
) -> JSONResponse:
    """Pause the record, on its current chat."""
    return JSONResponse((await talktime.pause(chat_id, by=caller.role.value, repeat=repeat)).document())


@router.post("/chats/{chat_id}/resume", responses=answers(Snapshot))
async def resume_chat(
    talktime: TalktimeDep, caller: Side, chat_id: ChatId, repeat: OptionalRepeat, _body: Nothing | None = None
) -> JSONResponse:
    """Resume the record, on its current chat."""
    return JSONResponse((await talktime.resume(chat_id, by=_acting(caller), repeat=repeat)).document())


@router.post("/chats/{chat_id}/stop", responses=answers(Snapshot))
async def stop_chat(
    talktime: TalktimeDep, caller: Viewer, chat_id: ChatId, repeat: OptionalRepeat, _body: Nothing | None = None
) -> JSONResponse:
    """End the record, from any of its chats."""
    return JSONResponse((await talktime.stop(chat_id, by=caller.role.value, repeat=repeat)).document())


@router.get("/chats/{chat_id}/messages", responses=answers(documents.Messages))
async def list_messages(
    talktime: TalktimeDep,
    _caller: Viewer,
    chat_id: ChatId,
    after: Annotated[int, Query(ge=0, le=2**31 - 1, description="the position to begin after", examples=[0])] = 0,
    limit: Limit = 200,
) -> JSONResponse:
    """The conversation, in order."""
    found = await talktime.messages(chat_id, after=after, limit=limit)
    return JSONResponse(documents.Messages(tuple(found)).document())


@router.post("/chats/{chat_id}/messages", status_code=201, responses=answers(Message, 200, 201))
async def send_message(talktime: TalktimeDep, caller: Side, chat_id: ChatId, body: NewMessage) -> JSONResponse:
    """Say something; the same `client_id` again is the same message (200)."""
    sender = party_of(caller, body.party)
    message, created = await talktime.send_message(chat_id, sender, body.text, body.client_id)
    return JSONResponse(message.document(), 201 if created else 200)
