"""Which calls a role may make, and for whom.

People see only what is theirs. If a user or an advisor names another person, or a chat or a record of other people, the
answer is 404, whether it exists or not. If it is theirs, but their role may not make the call, the answer is 403.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Annotated, Any, Final, Literal

from fastapi import Depends, Request, Response, Security
from fastapi.security import HTTPBearer

from talktime.core.errors import Forbidden, NotFound
from talktime.core.ids import is_id
from talktime.core.roles import Role
from talktime.service.http.addresses import decode_id
from talktime.service.http.idempotency import repeat_of
from talktime.service.http.json_bodies import Route
from talktime.service.opening import opened
from talktime.service.tokens import Caller, caller_of
from talktime.talktime import Talktime

Thing = Literal["user", "advisor", "chat", "record"]

# This only describes the scheme in the OpenAPI document. `limits` reads the tokens, before routing.
_bearer: Final = HTTPBearer(
    auto_error=False, scheme_name="token", bearerFormat="JWT", description="`talktime token create`"
)


class GuardedRoute(Route):
    """A route that requires a token before it reads the body."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's handler, after the check of the token."""
        handler = super().get_route_handler()

        async def require_token(request: Request) -> Response:
            caller_of(request)
            return await handler(request)

        return require_token


class Allow:
    """The dependency that allows a call for some roles. People may only make the call for what is theirs.

    `own` is what the address names, and what must belong to a user or an advisor who calls.
    """

    def __init__(self, *roles: Role, own: Thing | None = None) -> None:
        self.roles = frozenset(roles)
        self.own = own

    async def __call__(
        self,
        request: Request,
        talktime: Annotated[Talktime, Depends(opened)],
        _token: Annotated[object, Security(_bearer)],
    ) -> Caller:
        """The caller, who may make the call.

        Raises:
            Unauthorized: there is no valid token.
            NotFound: what the address names does not belong to the caller.
            Forbidden: the caller's role may not make the call.
        """
        caller = caller_of(request)
        if self.own is not None:
            thing_id = decode_id(request.path_params[f"{self.own}_id"])
            try:
                await require_own(talktime, caller, self.own, thing_id)
            except NotFound as error:
                # The chat or record may exist when the request is repeated, but the first answer must not change.
                if is_id(thing_id):
                    await talktime.keep_refusal(await repeat_of(request), error)
                raise
        if caller.role not in self.roles:
            allowed = " or ".join(role for role in Role if role in self.roles)
            raise Forbidden(f"A token of role {caller.role} may not do this; it takes a token of role {allowed}.")
        return caller


class NotYours(NotFound):
    """It exists, but belongs to somebody else. Over HTTP it looks like `NotFound`, so the caller learns nothing."""


async def require_own(talktime: Talktime, caller: Caller, thing: Thing, thing_id: str) -> None:
    """Refuse a user or an advisor who names what belongs to somebody else.

    Raises:
        NotFound: there is no such chat or record.
        NotYours: it belongs to somebody else.
    """
    if not caller.is_person:
        return
    if not is_id(thing_id):
        raise NotFound(thing)
    if thing in {"user", "advisor"}:
        owner = thing_id if thing == caller.role else None
    else:
        parties = await (talktime.chat_parties if thing == "chat" else talktime.record_parties)(thing_id)
        owner = parties[0 if caller.role is Role.USER else 1]
    if owner != caller.subject:
        raise NotYours(thing)
