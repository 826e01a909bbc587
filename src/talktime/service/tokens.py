"""Tokens: JSON Web Tokens (HS256), signed with the secret of the service.

While the secret is replaced by another, tokens of both are accepted. A token names its secret in the header (`kid`), so
that it is read at once. A token of another program need not name its secret.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

import jwt

from talktime.core.actors import Actor
from talktime.core.arguments import checks_arguments
from talktime.core.durations import TTL_SECONDS_DEFAULT, TTL_SECONDS_MAX
from talktime.core.errors import InvalidRequest, Unauthorized, Unavailable
from talktime.core.ids import require_id
from talktime.core.roles import Role
from talktime.core.scopes import Scope
from talktime.settings import SECRET_LENGTH_MIN, Settings, is_secret_name, load_settings, secret_name

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.requests import Request

ISSUER: Final = "talktime"
TOKEN_LENGTH_MAX: Final = 4_096

CLOCK_LEEWAY_SECONDS: Final = 60
"""How far the clock of the program that made a token may be ahead of ours. An expired token gets no leeway."""

EXPIRY_MAX: Final = 253_402_300_799
"""The latest expiry, in seconds since 1970: the end of the year 9999."""


@dataclass(frozen=True, slots=True)
class Caller:
    """The person or program that uses a token or an access key.

    Attributes:
        role: what the caller may do.
        subject: the id of a user or an advisor, or the name of a backend, a key or an operator.
        expires_at: when the token expires, in seconds since 1970; None for a key, which does not expire.
        scope: the scope of the key; None for a token, whose role alone counts.
        key_id: the key, or the key that has made the token; None for a token that no key has made.
    """

    role: Role
    subject: str
    expires_at: int | None
    scope: Scope | None = None
    key_id: str | None = None

    @property
    def name(self) -> str:
        """The caller as one string, such as `user:alice`."""
        return f"{self.role}:{self.subject}"

    @property
    def actor(self) -> Actor:
        """The caller, to be kept with what the caller does."""
        return Actor(self.role, self.subject)

    @property
    def is_person(self) -> bool:
        """Whether the caller is a user or an advisor, who see only what is theirs."""
        return self.role in {Role.USER, Role.ADVISOR}


class InvalidToken(Unauthorized):
    """The token was not made with this secret, or its claims make no sense."""

    def __init__(self) -> None:
        super().__init__("This token is invalid.")


class AnotherSecret(InvalidToken):
    """The token names a secret of another `talktime`. The caller is told only that the token is invalid."""


@checks_arguments
class Tokens:
    """Makes and reads the tokens of a signing secret.

    Only the expiry of tokens goes by the wall clock, because other programs make tokens too.

    Args:
        secret: signs the tokens that are made. Spaces and line ends around a secret do not count.
        accepted: other secrets, whose tokens are accepted as well.

    Raises:
        ValueError: a secret is too short.
    """

    def __init__(self, secret: str, accepted: Iterable[str] = ()) -> None:
        secret, accepted = secret.strip(), tuple(each.strip() for each in accepted)
        if any(len(each) < SECRET_LENGTH_MIN for each in (secret, *accepted)):
            msg = f"a secret that signs tokens needs at least {SECRET_LENGTH_MIN} characters"
            raise ValueError(msg)
        self._secret = secret
        self._header = {"kid": secret_name(secret)}
        self._secrets = {secret_name(each): each for each in (*accepted, secret)}

    @classmethod
    def of_service(cls, settings: Settings | None = None) -> Self:
        """The tokens of the service that has these settings; None for those of the environment and `talktime.toml`.

        Raises:
            SettingsError: a secret cannot be read or made, or is too short.
        """
        settings = load_settings() if settings is None else settings
        return cls(settings.signing_secret(), settings.other_secrets())

    def make(
        self, role: Role, subject: str, ttl_seconds: int = TTL_SECONDS_DEFAULT, *, key_id: str | None = None
    ) -> str:
        """A token for `subject` that is valid for `ttl_seconds` from now on, or until the key `key_id` is revoked.

        Raises:
            InvalidRequest: there is no such role, `subject` is no id, or no token may be valid for so long or so short.
        """
        if not 1 <= ttl_seconds <= TTL_SECONDS_MAX:
            raise InvalidRequest(("ttl_seconds", f"must be from 1 to {TTL_SECONDS_MAX}"))
        now = int(time.time())
        subject = require_id("subject", subject)
        claims = {"iss": ISSUER, "role": Role(role).value, "sub": subject, "iat": now, "exp": now + ttl_seconds}
        if key_id is not None:
            claims["key"] = key_id
        return jwt.encode(claims, self._secret, algorithm="HS256", headers=self._header)

    def read(self, token: str) -> Caller:
        """The caller who uses this token. `Credentials` asks whether the key that has made the token is still valid.

        Raises:
            Unauthorized: the token is invalid or has expired.
        """
        *others, last = self._secrets_of(token)
        for secret in others:
            with suppress(InvalidToken):
                return self._read(token, secret)
        try:
            return self._read(token, last)
        except InvalidToken:
            name = str(header_of(token).get("kid"))
            if name not in self._secrets and is_secret_name(name):
                raise AnotherSecret from None
            raise

    def _secrets_of(self, token: str) -> list[str]:
        """The secret that a token names; all secrets, if it names none, or one of another program's own."""
        named = self._secrets.get(str(header_of(token).get("kid")))
        return list(self._secrets.values()) if named is None else [named]

    def _read(self, token: str, secret: str) -> Caller:
        try:
            claims = jwt.decode(
                token,
                secret,
                algorithms=["HS256"],
                issuer=ISSUER,
                leeway=CLOCK_LEEWAY_SECONDS,
                options={"require": ["role", "sub", "iat", "exp", "iss"], "verify_exp": False},
            )
            caller = Caller(
                role=Role(claims["role"]),
                subject=require_id("sub", claims["sub"]),
                expires_at=expiry_of(claims["exp"]),
                key_id=require_id("key", claims["key"]) if "key" in claims else None,
            )
        except Exception:  # noqa: BLE001  whatever a stranger sends, it is an invalid token and no error of ours
            raise InvalidToken from None
        if caller.expires_at is not None and caller.expires_at <= time.time():
            raise Unauthorized("This token has expired.")
        return caller


def header_of(token: str) -> dict[str, Any]:
    """The header of a token, of which nothing is proved yet.

    Raises:
        Unauthorized: this is no token.
    """
    if len(token) > TOKEN_LENGTH_MAX:
        raise InvalidToken
    try:
        return jwt.get_unverified_header(token)
    except Exception:  # noqa: BLE001  whatever a stranger sends, it is an invalid token and no error of ours
        raise InvalidToken from None


def expiry_of(value: object) -> int:
    """The claim `exp`, in seconds since 1970.

    Raises:
        ValueError: this is no instant.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= EXPIRY_MAX:
        raise ValueError("exp must be an instant")
    return int(value)


def caller_of(request: Request) -> Caller:
    """The caller of a request, as `limits` has read the token.

    Raises:
        Unauthorized: there is no token, or the token is invalid or has expired.
        Unavailable: an access key can't be checked now.
    """
    caller = getattr(request.state, "caller", None)
    if isinstance(caller, Caller):
        return caller
    raise (
        caller
        if isinstance(caller, Unauthorized | Unavailable)
        else Unauthorized("This needs a token: Authorization: Bearer …")
    )
