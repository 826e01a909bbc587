"""Tokens that a host's own identity has signed: an OpenID provider, or any program with a key pair.

The public keys come from an address or a file (a JWKS, RFC 7517). They are read again once an hour, and when a token
names a key that nobody knows, but then at most once in half a minute, because strangers can name any key. Reading has
its own thread and a deadline, and never follows a redirect. So a provider that is slow or away holds nobody up: its
tokens are answered with 503 until the keys are there, and keys that were read before stay valid for a day.

Only RS256, ES256 and EdDSA are accepted, each with a key of its own kind. So no public key is ever taken for a secret.

A stranger is told only that a token is invalid. The log has the reason, and nothing that stands in the token.
"""

from __future__ import annotations

import asyncio
import json
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import jwt
import structlog

from talktime.core.errors import Unauthorized, Unavailable
from talktime.core.ids import require_id
from talktime.core.roles import Role
from talktime.service.connections.rare_log import RareLog
from talktime.service.tokens import CLOCK_LEEWAY_SECONDS, Caller, InvalidToken, expiry_of, header_of
from talktime.threads import in_own_thread

if TYPE_CHECKING:
    from collections.abc import Sequence

    from talktime.settings import IdentitySettings

ALGORITHMS: Final = frozenset({"RS256", "ES256", "EdDSA"})

KEYS_SECONDS: Final = 3_600.0
"""How long the keys count before they are read again."""

KEPT_SECONDS: Final = 86_400.0
"""For how long old keys stay valid while new keys can't be read."""

UNKNOWN_KEY_SECONDS: Final = 30.0
"""How often unknown keys may cause the keys to be read."""

FAILURE_SECONDS: Final = 5.0
"""How long after a failure the keys are not read again."""

READ_SECONDS: Final = 5.0
"""How long reading the keys may take."""

KEYS_BYTES_MAX: Final = 256 * 1024
PUBLIC_KEYS_MAX: Final = 50
RSA_BITS_MIN: Final = 2_048

ROLES: Final = frozenset({Role.USER, Role.ADVISOR, Role.OPERATOR})
"""The roles that an identity may give. A backend has a key of talktime's own."""

_SIGNATURES: Final = frozenset({"RS", "ES", "PS", "Ed"})
"""How the names of the algorithms begin that sign with a key pair."""

REASONS: Final = {
    "algorithm": "signed with another algorithm than RS256, ES256 and EdDSA",
    "key": "TALKTIME_IDENTITY_KEYS has no key of this kind with the name in the header of the token (kid)",
    "signature": "no key of TALKTIME_IDENTITY_KEYS has signed it",
    "issuer": "iss is missing, or is not TALKTIME_IDENTITY_ISSUER",
    "audience": "aud is missing, or does not name TALKTIME_IDENTITY_AUDIENCE",
    "expiry": "exp is missing, or is no instant",
    "not_yet_valid": "iat or nbf is more than 60 seconds ahead",
    "role": "the claim TALKTIME_IDENTITY_ROLE_CLAIM is not user, advisor or operator",
    "subject": "the claim TALKTIME_IDENTITY_SUBJECT_CLAIM is missing, or is no id",
    "unreadable": "it can't be read",
}
"""Why a token is invalid, for the log, with what the operator of the service compares."""

_OF_CLAIMS: Final = {"iss": "issuer", "aud": "audience", "exp": "expiry"}

_log = structlog.get_logger(__name__)


class _PublicKey(NamedTuple):
    name: str | None
    algorithm: str
    key: Any


class Identity:
    """Reads the tokens of a host's own identity."""

    def __init__(self, settings: IdentitySettings) -> None:
        self._settings = settings
        self._keys: Sequence[_PublicKey] = ()
        self._read_at = self._tried_at = -KEPT_SECONDS
        self._has_failed = False
        self._reading: asyncio.Task[None] | None = None
        # One for each reason: tokens that expire all the time must not hide another reason.
        self._refusals = {reason: RareLog() for reason in (*REASONS, "expired")}
        self.monotonic = time.monotonic

    @staticmethod
    def signs(token: str) -> bool:
        """Whether a token says that a key pair has signed it, and not a secret of talktime.

        Raises:
            Unauthorized: this is no token.
        """
        return str(header_of(token).get("alg"))[:2] in _SIGNATURES

    async def read(self, token: str) -> Caller:
        """The caller who uses this token.

        Raises:
            Unauthorized: the token is invalid or has expired.
            Unavailable: the keys of the identity can't be read now.
        """
        header = header_of(token)
        if header.get("alg") not in ALGORITHMS:
            raise self._refusal("algorithm")
        keys = await self._keys_for(header.get("kid"), header.get("alg"))
        for key in keys:
            try:
                claims = self._claims(token, key)
            except jwt.InvalidSignatureError:
                continue
            except Exception as error:  # noqa: BLE001  whatever a stranger sends, it is an invalid token and no error of ours
                raise self._refusal(_reason_of(error)) from None
            return self._caller(claims)
        raise self._refusal("signature" if keys else "key")

    def _refusal(self, reason: str) -> InvalidToken:
        """The error of an invalid token, whose reason is in the log."""
        self._refusals[reason].warning("identity.token_refused", reason=reason, why=REASONS[reason])
        return InvalidToken()

    def _claims(self, token: str, key: _PublicKey) -> dict[str, Any]:
        return jwt.decode(
            token,
            key.key,
            algorithms=[key.algorithm],
            issuer=self._settings.issuer,
            audience=self._settings.audience,
            leeway=CLOCK_LEEWAY_SECONDS,
            options={"require": ["exp", "iss", "aud"], "verify_exp": False},
        )

    def _caller(self, claims: dict[str, Any]) -> Caller:
        reason = "role"
        try:
            role = Role(claims.get(self._settings.role_claim, Role.USER))
            reason = "subject"
            subject = require_id("sub", claims[self._settings.subject_claim])
            reason = "expiry"
            expires_at = expiry_of(claims["exp"])
        except Exception:  # noqa: BLE001  as in `Tokens`
            raise self._refusal(reason) from None
        if role not in ROLES:
            raise self._refusal("role")
        if expires_at <= time.time():
            self._refusals["expired"].info("identity.token_refused", reason="expired", why="exp has passed")
            raise Unauthorized("This token has expired.")
        return Caller(role, subject, expires_at)

    async def _keys_for(self, name: object, algorithm: object) -> list[_PublicKey]:
        """The keys that may have signed a token; all of the right kind, if the token names none."""
        now = self.monotonic()
        since_read, since_tried = now - self._read_at, now - self._tried_at
        if since_read >= KEPT_SECONDS:
            self._keys = ()
        if since_read >= KEYS_SECONDS and since_tried >= FAILURE_SECONDS:
            self._start_reading()
        found = self._find(name, algorithm)
        pause = FAILURE_SECONDS if self._has_failed else UNKNOWN_KEY_SECONDS
        if not found and (self._reading is not None or since_tried >= pause):
            # A caller who goes away must not cancel what others wait for.
            await asyncio.shield(self._start_reading())
            found = self._find(name, algorithm)
        if not found and self._has_failed:
            raise Unavailable("The keys of your sign-in can't be read right now, so your token can't be checked.")
        return found

    def _find(self, name: object, algorithm: object) -> list[_PublicKey]:
        return [key for key in self._keys if key.algorithm == algorithm and (name is None or key.name == name)]

    def _start_reading(self) -> asyncio.Task[None]:
        """Read the keys in a task of its own. Tokens that come meanwhile wait for the same task."""
        if self._reading is None:
            self._reading = asyncio.create_task(self._read_keys(), name="talktime identity")
            self._reading.add_done_callback(self._forget_reading)
        return self._reading

    def _forget_reading(self, _task: asyncio.Task[None]) -> None:
        self._reading = None

    async def _read_keys(self) -> None:
        self._tried_at = self.monotonic()
        try:
            async with asyncio.timeout(READ_SECONDS):
                self._keys = parse_keys(await in_own_thread(lambda: _load(self._settings.keys), "identity"))
        except Exception as error:  # noqa: BLE001  whatever fails, the tokens of the identity can't be checked
            if not self._has_failed:
                _log.warning("identity.keys_unreadable", cause=repr(error))
            self._has_failed = True
        else:
            self._has_failed = False
            self._read_at = self.monotonic()


def _reason_of(error: Exception) -> str:
    """Why a token is invalid whose signature is valid."""
    if isinstance(error, jwt.MissingRequiredClaimError):
        return _OF_CLAIMS.get(error.claim, "unreadable")
    if isinstance(error, jwt.InvalidIssuerError):
        return "issuer"
    if isinstance(error, jwt.InvalidAudienceError):
        return "audience"
    if isinstance(error, jwt.ImmatureSignatureError | jwt.InvalidIssuedAtError):
        return "not_yet_valid"
    return "unreadable"


def parse_keys(document: bytes) -> list[_PublicKey]:
    """The keys of a JWKS with which tokens may be signed. Keys of other kinds are left out.

    Raises:
        ValueError: this is no JWKS, or no key in it can be used.
    """
    listed = json.loads(document)["keys"]
    keys = [key for each in listed[:PUBLIC_KEYS_MAX] if (key := _parse_key(each)) is not None]
    if not keys:
        msg = "no key can be used: RS256 with 2048 bits or more, ES256 or EdDSA"
        raise ValueError(msg)
    return keys


def _parse_key(document: dict[str, Any]) -> _PublicKey | None:
    kinds = {("RSA", None): "RS256", ("EC", "P-256"): "ES256", ("OKP", "Ed25519"): "EdDSA"}
    algorithm = kinds.get((str(document.get("kty")), document.get("crv")))
    if algorithm is None or document.get("use", "sig") != "sig" or document.get("alg", algorithm) != algorithm:
        return None
    try:
        public = {name: value for name, value in document.items() if name in {"kty", "crv", "n", "e", "x", "y"}}
        key = jwt.PyJWK(public, algorithm).key
    except (jwt.PyJWTError, ValueError, TypeError):
        return None
    if algorithm == "RS256" and key.key_size < RSA_BITS_MIN:
        return None
    return _PublicKey(document.get("kid"), algorithm, key)


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_arguments: Any) -> None:
        """An address that leads elsewhere is an error: the settings name where the keys are."""


def _load(place: str) -> bytes:
    """The JWKS at an address or in a file. Runs in a thread."""
    if not place.startswith(("http://", "https://")):
        with Path(place).open("rb") as file:
            return file.read(KEYS_BYTES_MAX)
    request = urllib.request.Request(place, headers={"Accept": "application/json"})  # noqa: S310  checked by the settings
    with urllib.request.build_opener(_NoRedirects).open(request, timeout=READ_SECONDS) as answer:
        until, content = time.monotonic() + READ_SECONDS, b""
        while len(content) < KEYS_BYTES_MAX and time.monotonic() < until and (part := answer.read1(KEYS_BYTES_MAX)):
            content += part
    return content
