"""The routes of links: addresses that sign a browser in, once."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import JSONResponse

from talktime.core.roles import Role
from talktime.documents.link import Link
from talktime.service.connector import TalktimeDep
from talktime.service.http import documents
from talktime.service.http.access import AuthenticatedRoute, RequireRole
from talktime.service.http.bodies import LinkRequest, LinkUse
from talktime.service.http.documents import answers
from talktime.service.http.json_bodies import StrictRoute
from talktime.service.tokens import Caller, Tokens
from talktime.settings import without_default_port

router = APIRouter(prefix="/v1", route_class=AuthenticatedRoute, tags=["service"])
open_router = APIRouter(prefix="/v1", route_class=StrictRoute, tags=["service"])


@router.post("/links", status_code=201, responses=answers(Link, 201))
async def create_link(
    request: Request,
    talktime: TalktimeDep,
    caller: Annotated[Caller, Depends(RequireRole(Role.SERVICE))],
    body: LinkRequest,
) -> JSONResponse:
    """Make an address that signs a browser in, once, within five minutes.

    The address begins with `TALKTIME_ADDRESS`, or without this setting as the address of this request. A link that is
    made with an access key ends with the key. A repeat makes another link. A link for a user or an advisor whom
    talktime does not know is refused with 404.
    """
    address = talktime.settings.address or _own_address(request)
    link = await talktime.create_link(body.role, body.subject, page=body.page, address=address, key_id=caller.key_id)
    return JSONResponse(link.document(), 201)


@open_router.post("/links/use", status_code=201, responses=answers(documents.SignedIn, 201))
async def use_link(request: Request, talktime: TalktimeDep, body: LinkUse) -> JSONResponse:
    """Use a link up: the token of the person whom the link signs in. The page `/sign-in` makes this call.

    The token is valid for a day. A link that was used before, or has expired, is answered with 404.
    """
    tokens: Tokens = request.app.state.tokens
    sign_in = await talktime.use_link(body.code)
    token = tokens.make(sign_in.role, sign_in.subject, key_id=sign_in.key_id)
    signed_in = documents.SignedIn(token, sign_in.role, sign_in.subject, sign_in.page)
    return JSONResponse(signed_in.document(), 201, {"Cache-Control": "no-store"})


def _own_address(request: Request) -> str:
    """The address of this request, up to the path under which the service is mounted."""
    own = without_default_port(f"{request.url.scheme}://{request.url.netloc}")
    return f"{own}{request.scope.get('root_path', '')}"
