"""Which calls a role may make, and for whom.

People see only what is theirs. If a user or an advisor names another person, or a chat or a record of other people, the
answer is 404, whether it exists or not. If it is theirs, but their role may not make the call, the answer is 403.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Annotated, Any, Final, Literal

from fastapi import Depends, Request, Response, Security
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer

from talktime.core.entries import CreditKind
from talktime.core.errors import Forbidden, InvalidRequest, NotFound, Unauthorized, Unavailable
from talktime.core.ids import is_id
from talktime.core.record import Party
from talktime.core.roles import Role
from talktime.core.scopes import Scope, require_scope
from talktime.service.connector import connected_talktime
from talktime.service.credentials import Credentials
from talktime.service.http.idempotency import read_repeat
from talktime.service.http.json_bodies import StrictRequest, StrictRoute, UnreadableBody
from talktime.service.http.query import parameters_of, require_known_parameters
from talktime.service.http.slashed_ids import decode_id
from talktime.service.tokens import Caller, caller_of
from talktime.talktime import Talktime

Resource = Literal["user", "advisor", "chat", "record"]
"""The things that an address can name and that belong to people."""

# This only describes the scheme in the OpenAPI document. `limits` reads the tokens, before routing.
_bearer: Final = HTTPBearer(
    auto_error=False,
    scheme_name="token",
    bearerFormat="JWT",
    description="`talktime token create`, or a key: `talktime key create`",
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


class BeaconRoute(APIRoute):
    """A route for beacons, which browsers send when a page closes: without headers of their own.

    The token may be in the body instead of the header, and the body is read as JSON whatever its content type says.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's handler, after the check of the token."""
        handler = super().get_route_handler()
        known = parameters_of(self.dependant)

        async def require_token(request: Request) -> Response:
            headers = [header for header in request.scope["headers"] if header[0] != b"content-type"]
            scope = {**request.scope, "headers": [*headers, (b"content-type", b"application/json")]}
            beacon = StrictRequest(scope, request.receive)
            if beacon.state.caller is None:
                credentials: Credentials = beacon.app.state.credentials
                beacon.state.caller = await _caller_in_body(beacon, credentials)
            caller_of(beacon)
            require_known_parameters(beacon, known)
            return await handler(beacon)

        return require_token


async def _caller_in_body(
    request: StrictRequest, credentials: Credentials
) -> Caller | Unauthorized | Unavailable | None:
    """The caller whose token is in the body; the refusal of an invalid token; or None without a token."""
    try:
        body = await request.json()
        token = body.get("token") if isinstance(body, dict) else None
        return await credentials.read(token) if isinstance(token, str) else None
    except (ValueError, UnreadableBody):
        return None  # the body has no token that can be read
    except (Unauthorized, Unavailable) as error:
        return error


class RequireRole:
    """The dependency that allows a call for some roles.

    `owned` is what the address names, and what must belong to a user or an advisor who calls. `scope` is the narrow
    scope of access keys to which the call belongs.
    """

    def __init__(self, *roles: Role, owned: Resource | None = None, scope: Scope | None = None) -> None:
        self.roles = frozenset(roles)
        self.owned = owned
        self.scope = scope

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
            Forbidden: the caller's role, or the scope of the caller's key, may not make the call.
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
        # A key reads as an operator, so its scope says more than its role.
        require_scope(caller.scope, request.method, self.scope)
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


def require_explained(caller: Caller, reference: str | None, kind: CreditKind | None = None) -> None:
    """Refuse an operator who moves credit without saying why, or adds credit of a kind that only a payment brings.

    Args:
        caller: who moves the credit.
        reference: why, which is kept with the entry. A backend need not say it.
        kind: the kind of credit that is added; None where credit is taken.

    Raises:
        Forbidden: an operator adds bought credit.
        InvalidRequest: an operator does not say why.
    """
    if caller.role is not Role.OPERATOR:
        return
    if kind is CreditKind.PURCHASE:
        raise Forbidden("An operator may add credit as a gift or a refund; bought credit comes from a backend.")
    if reference is None or not reference.strip():
        raise InvalidRequest(("reference", "is required of an operator: say why"))


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
