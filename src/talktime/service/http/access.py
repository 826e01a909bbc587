"""Which calls a role may make, and for whom.

People see only what is theirs. If a user or an advisor names another person, or a chat or a record of other people, the
answer is 404, whether it exists or not. If it is theirs, but their role may not make the call, the answer is 403.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Annotated, Any, Final, Literal

from fastapi import Depends, Request, Response, Security
from fastapi.security import HTTPBearer

from talktime.core.errors import Forbidden, InvalidRequest, NotFound
from talktime.core.ids import is_id
from talktime.core.record import Party
from talktime.core.roles import Role
from talktime.service.connector import connected_talktime
from talktime.service.http.addresses import decode_id
from talktime.service.http.idempotency import read_repeat
from talktime.service.http.json_bodies import StrictRoute
from talktime.service.tokens import Caller, caller_of
from talktime.talktime import Talktime

Resource = Literal["user", "advisor", "chat", "record"]
"""What an address can name, and what belongs to people."""

# This only describes the scheme in the OpenAPI document. `limits` reads the tokens, before routing.
_bearer: Final = HTTPBearer(
    auto_error=False, scheme_name="token", bearerFormat="JWT", description="`talktime token create`"
)


class AuthenticatedRoute(StrictRoute):
    """A route that requires a token before it reads the body."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's handler, after the check of the token."""
        handler = super().get_route_handler()

        async def require_token(request: Request) -> Response:
            caller_of(request)
            return await handler(request)

        return require_token


class RequireRole:
    """The dependency that allows a call for some roles.

    `owned` is what the address names, and what must belong to a user or an advisor who calls.
    """

    def __init__(self, *roles: Role, owned: Resource | None = None) -> None:
        self.roles = frozenset(roles)
        self.owned = owned

    async def __call__(
        self,
        request: Request,
        talktime: Annotated[Talktime, Depends(connected_talktime)],
        _token: Annotated[object, Security(_bearer)],
    ) -> Caller:
        """The caller, who may make the call.

        Raises:
            Unauthorized: there is no valid token.
            NotFound: what the address names does not belong to the caller.
            Forbidden: the caller's role may not make the call.
        """
        caller = caller_of(request)
        if self.owned is not None:
            resource_id = decode_id(request.path_params[f"{self.owned}_id"])
            try:
                await require_owner(talktime, caller, self.owned, resource_id)
            except NotFound as error:
                # The chat or record may exist when the request is repeated, but the first answer must not change.
                if is_id(resource_id):
                    await talktime.keep_refusal(await read_repeat(request), error)
                raise
        require_role(caller, self.roles)
        return caller


class NotOwned(NotFound):
    """It exists, but belongs to somebody else. Over HTTP it looks like `NotFound`, so the caller learns nothing."""


def require_role(caller: Caller, roles: frozenset[Role]) -> None:
    """Refuse a caller of another role.

    Raises:
        Forbidden: the caller's role may not make the call.
    """
    if caller.role not in roles:
        allowed = " or ".join(role for role in Role if role in roles)
        raise Forbidden(f"A token of role {caller.role} may not do this; it takes a token of role {allowed}.")


async def require_owner(talktime: Talktime, caller: Caller, resource: Resource, resource_id: str) -> None:
    """Refuse a user or an advisor who names what belongs to somebody else.

    Raises:
        NotFound: there is no such chat or record.
        NotOwned: it belongs to somebody else.
    """
    if not caller.is_person:
        return
    if not is_id(resource_id):
        raise NotFound(resource)
    if resource in {"user", "advisor"}:
        owner = resource_id if resource == caller.role else None
    else:
        read_parties = talktime.chat_parties if resource == "chat" else talktime.record_parties
        user_id, advisor_id = await read_parties(resource_id)
        owner = user_id if caller.role is Role.USER else advisor_id
    if owner != caller.subject:
        raise NotOwned(resource)


def acting_party(caller: Caller, named: Party | None) -> Party:
    """The party that a caller acts for: a person for themselves, a backend for the party that it names.

    Raises:
        InvalidRequest: a backend names no party.
        Forbidden: a person names the other party, or the caller is an operator.
    """
    if caller.role is Role.OPERATOR:
        raise Forbidden("An operator only watches, and can't act for a party.")
    if not caller.is_person:
        if named is None:
            raise InvalidRequest(("party", "is required: user or advisor"))
        return named
    own = Party(caller.role.value)
    if named not in {None, own}:
        raise Forbidden("A person can only act for themselves.")
    return own
