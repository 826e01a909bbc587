"""The routes of chats: starting, switching, pausing and stopping their timers, and their messages."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import JSONResponse, Response

from talktime.core.errors import Forbidden, InvalidRequest
from talktime.core.record import Party
from talktime.core.roles import Role
from talktime.documents.chat import Message
from talktime.documents.snapshot import Snapshot
from talktime.service.connector import TalktimeDep
from talktime.service.http.access import (
    AuthenticatedRoute,
    BeaconRoute,
    RequireRole,
    acting_party,
    require_owner,
    require_role,
)
from talktime.service.http.bodies import (
    POSITION_MAX,
    CreateChat,
    Decline,
    Heartbeat,
    Leave,
    NewMessage,
    Nothing,
    Read,
    Stop,
    Track,
)
from talktime.service.http.documents import MessageList, ReadUpTo, RecordSummaries, answers, record_summaries
from talktime.service.http.idempotency import OptionalRepeat
from talktime.service.http.lists import page_response
from talktime.service.http.parameters import AfterRecord, ChatId, Limit
from talktime.service.tokens import Caller

router = APIRouter(prefix="/v1", route_class=AuthenticatedRoute, tags=["chats"])
beacons = APIRouter(prefix="/v1", route_class=BeaconRoute, tags=["chats"])

_STARTERS: Final = frozenset({Role.SERVICE, Role.USER})

AnyCaller = Annotated[Caller, Depends(RequireRole(*Role))]
Starter = Annotated[Caller, Depends(RequireRole(*_STARTERS, owned="chat"))]
Viewer = Annotated[Caller, Depends(RequireRole(*Role, owned="chat"))]
Answerer = Annotated[Caller, Depends(RequireRole(Role.SERVICE, Role.ADVISOR, owned="chat"))]
Participant = Annotated[Caller, Depends(RequireRole(Role.SERVICE, Role.USER, Role.ADVISOR, owned="chat"))]


@router.post("/chats", status_code=201, responses=answers(Snapshot, 200, 201))
async def start_chat(
    talktime: TalktimeDep, caller: AnyCaller, body: CreateChat, repeat: OptionalRepeat
) -> JSONResponse:
    """Make a chat; its record starts with it, as the advisor's records start.

    If the pair has a chat with this `chat_id`, its timer is started as by `POST /v1/chats/{chat_id}/tracking` (200).
    """
    if caller.role is Role.ADVISOR:
        await require_owner(talktime, caller, "advisor", body.advisor_id)
    else:
        await require_owner(talktime, caller, "user", body.user_id)
    require_role(caller, _STARTERS)
    _require_vouching(caller, body)
    snapshot, created = await talktime.create_chat(
        body.user_id,
        body.advisor_id,
        body.chat_id,
        tariff_version=body.tariff_version,
        offer_version=body.offer_version,
        starts=body.starts,
        metadata=body.metadata,
        record_id=body.record_id,
        repeat=repeat,
    )
    return JSONResponse(snapshot.seen_by(caller.role).document(), 201 if created else 200)


@router.post("/chats/{chat_id}/tracking", responses=answers(Snapshot))
async def track_chat(
    talktime: TalktimeDep,
    caller: Starter,
    chat_id: ChatId,
    repeat: OptionalRepeat,
    body: Track | None = None,
) -> JSONResponse:
    """Start or resume the timer of this chat, or switch the pair's record to this chat.

    The name of this call in the library is `initialize_time_tracking_for_chat`.
    """
    body = body or Track()
    _require_vouching(caller, body)
    snapshot = await talktime.track(
        chat_id,
        tariff_version=body.tariff_version,
        offer_version=body.offer_version,
        starts=body.starts,
        metadata=body.metadata,
        record_id=body.record_id,
        repeat=repeat,
    )
    return _shown(snapshot, caller)


@router.post("/chats/{chat_id}/accept", responses=answers(Snapshot))
async def accept_chat(
    talktime: TalktimeDep, caller: Answerer, chat_id: ChatId, repeat: OptionalRepeat, _body: Nothing | None = None
) -> JSONResponse:
    """Accept a requested record: its timer starts. A record that has started stays as it is."""
    return _shown(await talktime.accept(chat_id, repeat=repeat), caller)


@router.post("/chats/{chat_id}/decline", responses=answers(Snapshot))
async def decline_chat(
    talktime: TalktimeDep, caller: Answerer, chat_id: ChatId, repeat: OptionalRepeat, body: Decline | None = None
) -> JSONResponse:
    """Decline a requested record: it ends, and costs nothing. A record that has ended stays as it is."""
    reason = body.reason if body else None
    return _shown(await talktime.decline(chat_id, reason=reason, repeat=repeat), caller)


@router.get("/chats/{chat_id}/tracking", responses=answers(Snapshot))
async def get_snapshot(talktime: TalktimeDep, caller: Viewer, chat_id: ChatId) -> JSONResponse:
    """Everything that a screen needs to show the chat."""
    return _shown(await talktime.snapshot(chat_id), caller)


@router.post("/chats/{chat_id}/heartbeat", responses=answers(Snapshot))
async def send_heartbeat(
    talktime: TalktimeDep, caller: Participant, chat_id: ChatId, body: Heartbeat | None = None
) -> JSONResponse:
    """Prove that a party is present, without a socket. A host's backend names the `party`."""
    party = acting_party(caller, body.party if body else None)
    return _shown(await talktime.heartbeat(chat_id, party), caller)


@beacons.post("/chats/{chat_id}/leave", status_code=204, response_class=Response)
async def leave_chat(
    talktime: TalktimeDep, caller: Participant, chat_id: ChatId, body: Leave | None = None
) -> Response:
    """Say that a page of a party closes: the party's lease ends soon, unless the party is back by then.

    Nothing changes while another socket of the party watches the chat. A host's backend names the `party`. Beacons
    (`navigator.sendBeacon`) send the token in the body, as text or as JSON.
    """
    party = acting_party(caller, body.party if body else None)
    await talktime.leave(chat_id, party)
    return Response(status_code=204)


@router.post("/chats/{chat_id}/pause", responses=answers(Snapshot))
async def pause_chat(
    talktime: TalktimeDep, caller: Participant, chat_id: ChatId, repeat: OptionalRepeat, _body: Nothing | None = None
) -> JSONResponse:
    """Pause the record. The chat must be its current chat."""
    return _shown(await talktime.pause(chat_id, by=caller.role.value, repeat=repeat), caller)


@router.post("/chats/{chat_id}/resume", responses=answers(Snapshot))
async def resume_chat(
    talktime: TalktimeDep, caller: Participant, chat_id: ChatId, repeat: OptionalRepeat, _body: Nothing | None = None
) -> JSONResponse:
    """Resume the record. The chat must be its current chat.

    An advisor can only undo the advisor's own pause, and only while the user is present.
    """
    # A host's backend acts because the user did something there.
    party = Party.ADVISOR if caller.role is Role.ADVISOR else Party.USER
    return _shown(await talktime.resume(chat_id, by=party, repeat=repeat), caller)


@router.post("/chats/{chat_id}/stop", responses=answers(Snapshot))
async def stop_chat(
    talktime: TalktimeDep, caller: Viewer, chat_id: ChatId, repeat: OptionalRepeat, body: Stop | None = None
) -> JSONResponse:
    """End the record, in any of its chats. A record that has ended stays as it is."""
    record_id = body.record_id if body else None
    snapshot = await talktime.stop(
        chat_id, record_id=record_id, by=caller.role.value, repeat=repeat, actor=caller.actor
    )
    return _shown(snapshot, caller)


@router.get("/chats/{chat_id}/messages", responses=answers(MessageList))
async def list_messages(
    talktime: TalktimeDep,
    request: Request,
    _caller: Viewer,
    chat_id: ChatId,
    after: Annotated[
        int | None, Query(ge=0, le=POSITION_MAX, description="the position to begin after", examples=[0])
    ] = None,
    before: Annotated[
        int | None,
        Query(
            ge=1,
            le=POSITION_MAX,
            description=f"the position to end before; {POSITION_MAX} for the last page",
            examples=[POSITION_MAX],
        ),
    ] = None,
    limit: Limit = 200,
) -> JSONResponse:
    """A page of the messages of a chat, the oldest first: the first after `after`, or the last before `before`.

    `next` is what to send as `after`, or as `before`, for the next page. Without both, the first message comes first.
    """
    if after is not None and before is not None:
        raise InvalidRequest(("before", "can't be combined with after"))
    page = await talktime.message_page(chat_id, after=after or 0, before=before, limit=limit)
    cursor = "after" if before is None else "before"
    return page_response(request, MessageList(page.messages, page.next).document(), cursor=cursor)


@router.post("/chats/{chat_id}/messages", status_code=201, responses=answers(Message, 200, 201))
async def send_message(talktime: TalktimeDep, caller: Participant, chat_id: ChatId, body: NewMessage) -> JSONResponse:
    """Send a message. A repeated `client_id` stores nothing, and the answer is the first message (200).

    A user or an advisor needs a running record (`not_running`), unless `TALKTIME_MESSAGES_WHEN_STOPPED` is `allow`.
    Before the first second of a record the user may send one note of at most 500 characters.
    """
    sender = acting_party(caller, body.party)
    message, created = await talktime.send_message(chat_id, sender, body.text, body.client_id, by=caller.role)
    return JSONResponse(message.document(), 201 if created else 200)


@router.post("/chats/{chat_id}/read", responses=answers(ReadUpTo))
async def mark_read(talktime: TalktimeDep, caller: Participant, chat_id: ChatId, body: Read) -> JSONResponse:
    """Note that a party has read the chat up to a message. What was read stays read."""
    party = acting_party(caller, body.party)
    await talktime.mark_read(chat_id, party, body.position)
    return JSONResponse(ReadUpTo(chat_id, party, body.position).document())


@router.get("/chats/{chat_id}/records", responses=answers(RecordSummaries))
async def list_chat_records(
    talktime: TalktimeDep,
    request: Request,
    _caller: Viewer,
    chat_id: ChatId,
    limit: Limit = 100,
    after: AfterRecord = None,
) -> JSONResponse:
    """A page of the records that ran in a chat, the newest first. Each record has a receipt."""
    records = await talktime.records_of_chat(chat_id, after=after, limit=limit)
    return page_response(request, record_summaries(records, limit).document())


def _require_vouching(caller: Caller, body: CreateChat | Track) -> None:
    """Only the host's backend may say how a record starts, which protects both people, and what is kept with it."""
    if caller.role is Role.SERVICE:
        return
    for name in ("starts", "metadata"):
        if getattr(body, name) is not None:
            raise Forbidden(f"Only a token of role {Role.SERVICE} may say `{name}`. Leave it out.")


def _shown(snapshot: Snapshot, caller: Caller) -> JSONResponse:
    return JSONResponse(snapshot.seen_by(caller.role).document())
