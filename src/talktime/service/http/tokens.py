"""The route of tokens."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import JSONResponse

from talktime.core.roles import Role
from talktime.service.http import documents
from talktime.service.http.access import AuthenticatedRoute, RequireRole
from talktime.service.http.bodies import TokenRequest
from talktime.service.http.documents import answers
from talktime.service.tokens import Caller, Tokens

router = APIRouter(prefix="/v1", route_class=AuthenticatedRoute, tags=["service"])

_service = Depends(RequireRole(Role.SERVICE))


@router.post("/tokens", status_code=201, responses=answers(documents.Token, 201))
async def create_token(request: Request, caller: Annotated[Caller, _service], body: TokenRequest) -> JSONResponse:
    """Make a token, for example for a browser.

    A token that is made with an access key ends with the key: when the key is revoked.
    """
    tokens: Tokens = request.app.state.tokens
    token = tokens.make(body.role, body.subject, body.ttl_seconds, key_id=caller.key_id)
    return JSONResponse(documents.Token(token, body.role, body.subject).document(), 201)
