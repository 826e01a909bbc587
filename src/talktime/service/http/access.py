"""Who may call a route.

One rule everywhere: people see what is theirs, and everything else does not exist for them.
A user's or an advisor's token on an address that names another person, chat or record answers 404, whether or not there
is such a thing; on their own thing, a call that their role may not make answers 403.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Annotated, Any, Final, Literal

from fastapi import Depends, Request, Response, Security
from fastapi.security import HTTPBearer

from talktime.core.errors import Forbidden, NotFound
from talktime.core.ids import is_id
from talktime.core.roles import Role
from talktime.service.http.addresses import read_id
from talktime.service.http.idempotency import repeat_of
from talktime.service.http.json_bodies import Route
from talktime.service.opening import opened
from talktime.service.tokens import Caller, caller_of
from talktime.talktime import Talktime

Thing = Literal["user", "advisor", "chat", "record"]

# Only describes the scheme in the OpenAPI document; tokens are read before routing (see `limits`).
_bearer: Final = HTTPBearer(
    auto_error=False, scheme_name="token", bearerFormat="JWT", description="`talktime token create`"
)


class GuardedRoute(Route):
    """A route that asks for a token before it looks at the body."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's handler, behind the door."""
        handler = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            caller_of(request)
            return await handler(request)

        return guarded


class Allow:
    """The dependency that lets `roles` in; `own` is the thing in the address that must be the person's own."""

    def __init__(self, *roles: Role, own: Thing | None = None) -> None:
        self.roles = frozenset(roles)
        self.own = own

    async def __call__(
        self,
        request: Request,
        talktime: Annotated[Talktime, Depends(opened)],
        _token: Annotated[object, Security(_bearer)],
    ) -> Caller:
        """The caller, let in.

        Raises:
            NotFound: the thing is not theirs.
            Forbidden: it is, but their role may not do this.
        """
        caller = caller_of(request)
        if self.own is not None:
            thing_id = read_id(request.path_params[f"{self.own}_id"])
            try:
                await require_own(talktime, caller, self.own, thing_id)
            except NotFound as error:
                # What isn't there may be there when the request is repeated: its first answer stays its answer.
                if is_id(thing_id):
                    await talktime.keep_refusal(await repeat_of(request), error)
                raise
        if caller.role not in self.roles:
            may = " or ".join(role for role in Role if role in self.roles)
            raise Forbidden(f"A token of role {caller.role} may not do this; it takes one of role {may}.")
        return caller


class NotYours(NotFound):
    """There is such a thing, but the caller must not learn it: over HTTP the two look the same."""


async def require_own(talktime: Talktime, caller: Caller, thing: Thing, thing_id: str) -> None:
    """Nothing, if `thing_id` may exist for this caller.

    Raises:
        NotFound: there is no such chat or record.
        NotYours: the caller is a person and it is not theirs.
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
