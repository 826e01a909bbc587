"""Tokens: JSON Web Tokens (HS256), signed with the secret of the service."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import jwt

from talktime.core.errors import Unauthorized
from talktime.core.roles import Role

if TYPE_CHECKING:
    from starlette.requests import Request

ISSUER: Final = "talktime"
TTL_SECONDS_DEFAULT: Final = 86_400
TTL_SECONDS_MAX: Final = 10 * 365 * 86_400
TOKEN_LENGTH_MAX: Final = 4_096


@dataclass(frozen=True, slots=True)
class Caller:
    """Who uses a token.

    Attributes:
        role: what the caller may do.
        subject: the id of a user or an advisor, or the name of a backend or an operator.
        expires_at: when the token expires, in seconds since 1970.
        token_id: a hash of the token, which differs between tokens of one person.
    """

    role: Role
    subject: str
    expires_at: int
    token_id: str

    @property
    def name(self) -> str:
        """The caller as one string, such as `user:alice`."""
        return f"{self.role}:{self.subject}"

    @property
    def is_person(self) -> bool:
        """Whether the caller is a user or an advisor, who see only what is theirs."""
        return self.role in {Role.USER, Role.ADVISOR}


class Tokens:
    """Makes and reads the tokens of one signing secret.

    Only the expiry of tokens goes by the wall clock, because other programs make tokens too.
    """

    def __init__(self, secret: str) -> None:
        self._secret = secret

    def make(self, role: Role, subject: str, ttl_seconds: int = TTL_SECONDS_DEFAULT) -> str:
        """A token for `subject` that is valid for `ttl_seconds` from now on."""
        now = int(time.time())
        claims = {"iss": ISSUER, "role": role.value, "sub": subject, "iat": now, "exp": now + ttl_seconds}
        return jwt.encode(claims, self._secret, algorithm="HS256")

    def read(self, token: str) -> Caller:
        """The caller who uses this token.

        Raises:
            Unauthorized: the token is invalid or has expired.
        """
        if len(token) > TOKEN_LENGTH_MAX:
            raise Unauthorized("This token is invalid.")
        try:
            claims = jwt.decode(
                token,
                self._secret,
                algorithms=["HS256"],
                issuer=ISSUER,
                options={"require": ["role", "sub", "iat", "exp", "iss"]},
            )
            token_id = hashlib.sha256(token.encode()).hexdigest()
            return Caller(Role(claims["role"]), claims["sub"], int(claims["exp"]), token_id)
        except jwt.ExpiredSignatureError:
            raise Unauthorized("This token has expired.") from None
        except (jwt.PyJWTError, ValueError):
            raise Unauthorized("This token is invalid.") from None


def caller_of(request: Request) -> Caller:
    """The caller of a request, as `limits` has read the token.

    Raises:
        Unauthorized: there is no token, or the token is invalid or has expired.
    """
    caller = getattr(request.state, "caller", None)
    if isinstance(caller, Caller):
        return caller
    raise (caller if isinstance(caller, Unauthorized) else Unauthorized("This needs a token: Authorization: Bearer …"))
