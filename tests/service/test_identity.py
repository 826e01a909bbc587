"""Tokens that a host's own identity has signed: who is let in, who is not, and what happens while its keys are away."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from structlog.testing import capture_logs

from talktime.asgi import create_app
from talktime.core.errors import Unauthorized, Unavailable
from talktime.core.roles import Role
from talktime.service import identity as module
from talktime.service.identity import (
    FAILURE_SECONDS,
    KEPT_SECONDS,
    KEYS_BYTES_MAX,
    KEYS_SECONDS,
    PUBLIC_KEYS_MAX,
    REASONS,
    UNKNOWN_KEY_SECONDS,
    Identity,
)
from talktime.service.tokens import CLOCK_LEEWAY_SECONDS
from talktime.settings import IdentitySettings, Settings
from tests.docs.blocks import text_of

ISSUER: Final = "https://id.example/"
AUDIENCE: Final = "talktime"
KEYS: Final[dict[str, Any]] = {
    "RS256": rsa.generate_private_key(65_537, 2_048),
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
}
ANOTHER: Final = ec.generate_private_key(ec.SECP256R1())


def public(name: str, algorithm: str, key: Any) -> dict[str, Any]:
    """A key as a JWKS lists it."""
    document = jwt.get_algorithm_by_name(algorithm).to_jwk(key.public_key(), as_dict=True)
    return {**document, "kid": name, "use": "sig"}


def jwks(**keys: tuple[str, Any]) -> dict[str, Any]:
    return {"keys": [public(name, algorithm, key) for name, (algorithm, key) in keys.items()]}


ALL: Final = jwks(**{algorithm: (algorithm, key) for algorithm, key in KEYS.items()})


def token(algorithm: str = "ES256", key: Any = None, headers: dict[str, Any] | None = None, **claims: Any) -> str:
    """A token of the identity; a claim of None is left out."""
    now = int(time.time())
    given = {"iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "iat": now, "exp": now + 60, **claims}
    return jwt.encode(
        {name: value for name, value in given.items() if value is not None},
        key or KEYS[algorithm],
        algorithm=algorithm,
        headers={"kid": algorithm} if headers is None else headers,
    )


class Provider:
    """Serves a JWKS, counts how often, and can fail, or wait at its gate."""

    def __init__(self) -> None:
        self.document: dict[str, Any] = ALL
        self.status = 200
        self.asked = 0
        self.gate = threading.Event()
        self.gate.set()
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                provider.asked += 1
                provider.gate.wait(30)
                self.send_response(provider.status)
                if provider.status == 302:
                    self.send_header("Location", "/elsewhere")
                    provider.status = 200
                self.end_headers()
                self.wfile.write(json.dumps(provider.document).encode())

            def log_message(self, *_arguments: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_address[1]}/jwks.json"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def provider() -> Iterator[Provider]:
    provider = Provider()
    yield provider
    provider.server.shutdown()
    provider.server.server_close()


class Clock:
    """The clock by which keys grow old."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def identity_at(keys: str, clock: Clock | None = None) -> Identity:
    identity = Identity(IdentitySettings(ISSUER, AUDIENCE, keys, "talktime_role", "sub"))
    identity.monotonic = clock or Clock()
    return identity


@pytest.mark.parametrize("algorithm", KEYS)
async def test_a_token_of_the_identity_signs_in(provider: Provider, algorithm: str) -> None:
    identity = identity_at(provider.address)
    caller = await identity.read(token(algorithm))
    assert (caller.role, caller.subject, caller.scope, caller.key_id) == (Role.USER, "alice", None, None)
    named = await identity.read(token(algorithm, sub="maya", talktime_role="advisor"))
    assert named.name == "advisor:maya"
    # A token need not name its key, and may be for several programs.
    assert (await identity.read(token(algorithm, headers={}, aud=["shop", AUDIENCE]))).name == "user:alice"
    assert provider.asked == 1


async def test_other_claims_may_name_the_person_and_the_role(provider: Provider) -> None:
    identity = Identity(IdentitySettings(ISSUER, AUDIENCE, provider.address, "https://shop/role", "shop_id"))
    claims: dict[str, Any] = {"https://shop/role": "operator", "shop_id": "ann"}
    caller = await identity.read(token(**claims))
    assert caller.name == "operator:ann"


def expired(seconds: int) -> int:
    return int(time.time()) + seconds


def pem() -> bytes:
    encoded: bytes = KEYS["RS256"].public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return encoded


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"iss": "https://evil.example/"}, "issuer"),
        ({"iss": None}, "issuer"),
        ({"aud": "another program"}, "audience"),
        ({"aud": None}, "audience"),
        ({"exp": None}, "expiry"),
        ({"exp": "tomorrow"}, "expiry"),
        ({"exp": 10**400}, "expiry"),
        ({"iat": expired(86_400)}, "not_yet_valid"),
        ({"nbf": expired(86_400)}, "not_yet_valid"),
        ({"nbf": "tomorrow"}, "unreadable"),
        ({"sub": None}, "subject"),
        ({"sub": ""}, "subject"),
        ({"sub": ["alice"]}, "unreadable"),
        ({"sub": "a\0b"}, "subject"),
        ({"talktime_role": "service"}, "role"),
        ({"talktime_role": "king"}, "role"),
        ({"talktime_role": ["user"]}, "role"),
        ({"talktime_role": {}}, "role"),
    ],
    ids="".join,  # an instant would be another one in each process
)
async def test_claims_that_do_not_fit_are_an_invalid_token(
    provider: Provider, claims: dict[str, Any], reason: str
) -> None:
    with capture_logs() as logs, pytest.raises(Unauthorized, match=r"^This token is invalid\.$"):
        await identity_at(provider.address).read(token_of(claims))
    assert logs == [refused(reason)]


def refused(reason: str, times: int = 1) -> dict[str, Any]:
    """The line of the log about a refused token: nothing else stands in the line."""
    level = "info" if reason == "expired" else "warning"
    why = {**REASONS, "expired": "exp has passed"}[reason]
    return {"event": "identity.token_refused", "log_level": level, "reason": reason, "why": why, "times": times}


async def test_no_reason_hides_another_one_and_none_fills_the_log(
    provider: Provider, settings: Settings, start: Any
) -> None:
    """The whole service, which asks the identity more than once for one request."""
    texts = [token(iss="https://evil.example/"), token(aud="another program"), token(exp=expired(-1))]
    texts += [token("RS256", headers={"kid": "nothing"}), token(key=ANOTHER), token("RS512", KEYS["RS256"])]
    async with start(create_app, with_identity(settings, provider.address)) as service:
        with capture_logs() as logs:
            for text in texts * 3:
                headers = {"Authorization": f"Bearer {text}"}
                assert (await service.call("GET", "/v1/users/alice/account", headers=headers)).status_code == 401
    reasons = [line for line in logs if line["event"] == "identity.token_refused"]
    assert reasons == [refused(each) for each in ("issuer", "audience", "expired", "key", "signature", "algorithm")]


def test_the_documents_name_every_reason() -> None:
    section = text_of("docs/how-to/sign-people-in.md").partition("### When a token is refused")[2].partition("\n## ")[0]
    named = re.findall(r"`([a-z_]+)`", "".join(re.findall(r"^\| (`[^|]*) \|", section, re.MULTILINE)))
    assert set(named) - {"reason"} == {*REASONS, "expired"}


def token_of(claims: dict[str, Any]) -> str:
    """A token whose claims PyJWT would refuse to write."""
    now = int(time.time())
    given = {"iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "iat": now, "exp": now + 60, **claims}
    content = json.dumps({name: value for name, value in given.items() if value is not None}).encode()
    return jwt.PyJWS().encode(content, KEYS["ES256"], algorithm="ES256", headers={"kid": "ES256"})


async def test_a_clock_may_be_ahead_and_an_expired_token_is_expired(provider: Provider) -> None:
    identity = identity_at(provider.address)
    ahead = expired(CLOCK_LEEWAY_SECONDS - 10)
    assert (await identity.read(token(iat=ahead, nbf=ahead))).subject == "alice"
    with pytest.raises(Unauthorized, match="expired"):
        await identity.read(token(exp=expired(-1)))


async def test_a_signature_of_another_key_is_an_invalid_token(provider: Provider) -> None:
    identity = identity_at(provider.address)
    forged = [
        token(key=ANOTHER),
        token(key=ANOTHER, headers={}),
        token("RS256", headers={"kid": "ES256"}),  # a key of another kind
        token("RS256", headers={"kid": "nothing"}),
        token()[:-6] + "AAAAAA",
    ]
    for text in forged:
        with pytest.raises(Unauthorized, match="invalid"):
            await identity.read(text)


async def test_no_public_key_is_a_secret(provider: Provider, settings: Settings, start: Any) -> None:
    """HS256 and none never reach the identity, and with the public key as the secret they sign nobody in."""
    now = int(time.time())
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "role": "service", "iat": now, "exp": now + 60}
    by_public_key = jwt.PyJWS().encode(
        json.dumps(claims).encode(), "x" * 32, algorithm="HS256", headers={"kid": "RS256"}
    )
    header, content, _ = by_public_key.split(".")
    forged_by_hand = jwt.utils.base64url_encode(
        hmac.new(pem(), f"{header}.{content}".encode(), hashlib.sha256).digest()
    )
    texts = (
        f"{header}.{content}.{forged_by_hand.decode()}",
        jwt.encode(claims, None, algorithm="none", headers={"kid": "RS256"}),  # type: ignore[arg-type]
        jwt.encode(claims, "x" * 64, algorithm="HS512", headers={"kid": "RS256"}),
    )
    async with start(create_app, with_identity(settings, provider.address)) as service:
        for text in texts:
            assert not Identity.signs(text)
            answer = await service.call("GET", "/v1/users/alice/account", headers={"Authorization": f"Bearer {text}"})
            assert answer.status_code == 401
    with pytest.raises(Unauthorized):
        await identity_at(provider.address).read(texts[0])


def with_identity(settings: Settings, keys: str) -> Settings:
    return settings.model_copy(update={"identity_issuer": ISSUER, "identity_audience": AUDIENCE, "identity_keys": keys})


async def test_the_service_takes_both_kinds_of_tokens(provider: Provider, settings: Settings, start: Any) -> None:
    async with start(create_app, with_identity(settings, provider.address)) as service:
        await service.people()
        await service.chat()
        headers = {"Authorization": f"Bearer {token()}"}
        assert (await service.call("GET", "/v1/users/alice/account", headers=headers)).status_code == 200
        assert (await service.call("GET", "/v1/users/bob/account", headers=headers)).status_code == 404
        assert (await service.call("GET", "/v1/users/alice/account", by="user:alice")).status_code == 200
        async with service.live() as live:
            await live.say("hello", token=token())
            await live.say("watch", chat_id="chat 1")
            assert (await live.hear("snapshot"))["chat_id"] == "chat 1"
    async with start(create_app, settings) as service:
        answer = await service.call("GET", "/v1/users/alice/account", headers=headers)
        assert answer.status_code == 401


async def test_a_new_key_is_read_when_a_token_names_it(provider: Provider) -> None:
    clock = Clock()
    identity = identity_at(provider.address, clock)
    await identity.read(token())
    provider.document = jwks(new=("ES256", ANOTHER))
    fresh = token(key=ANOTHER, headers={"kid": "new"})
    with pytest.raises(Unauthorized):  # the keys were read a moment ago
        await identity.read(fresh)
    assert provider.asked == 1
    clock.now += UNKNOWN_KEY_SECONDS
    assert (await identity.read(fresh)).subject == "alice"
    with pytest.raises(Unauthorized):  # the old key is gone
        await identity.read(token())
    assert provider.asked == 2


async def test_strangers_cannot_make_the_service_read_the_keys_without_end(provider: Provider) -> None:
    clock = Clock()
    identity = identity_at(provider.address, clock)
    for _ in range(5):
        for number in range(20):
            with pytest.raises(Unauthorized):
                await identity.read(token(headers={"kid": f"made up {number}"}))
        clock.now += UNKNOWN_KEY_SECONDS
    assert provider.asked <= 6


async def test_tokens_that_come_together_read_the_keys_once(provider: Provider) -> None:
    identity = identity_at(provider.address)
    callers = await asyncio.gather(*(identity.read(token()) for _ in range(20)))
    assert {caller.subject for caller in callers} == {"alice"}
    assert provider.asked == 1


async def test_a_token_that_comes_while_the_keys_are_read_waits_for_them(provider: Provider) -> None:
    identity = identity_at(provider.address)
    provider.gate.clear()
    first = asyncio.create_task(identity.read(token()))
    async with asyncio.timeout(10):
        while not provider.asked:
            await asyncio.sleep(0.01)
    second = asyncio.create_task(identity.read(token()))
    await asyncio.sleep(0)  # the second has begun
    provider.gate.set()
    assert [(await task).subject for task in (first, second)] == ["alice", "alice"]
    assert provider.asked == 1


async def test_keys_that_were_removed_count_an_hour_at_most(provider: Provider) -> None:
    clock = Clock()
    identity = identity_at(provider.address, clock)
    await identity.read(token())
    provider.document = jwks(new=("ES256", ANOTHER))
    clock.now += KEYS_SECONDS
    await identity.read(token())  # this begins to read, and waits for nobody
    async with asyncio.timeout(10):
        while provider.asked < 2:
            await asyncio.sleep(0.01)
        while await is_accepted(identity, token()):
            await asyncio.sleep(0.01)


async def is_accepted(identity: Identity, text: str) -> bool:
    try:
        await identity.read(text)
    except Unauthorized:
        return False
    return True


async def test_a_provider_that_is_away_is_no_wrong_token(provider: Provider) -> None:
    clock = Clock()
    identity = identity_at(provider.address, clock)
    provider.status = 500
    for _ in range(3):  # asked once, and then not again for a while
        with pytest.raises(Unavailable, match="can't be read"):
            await identity.read(token())
    assert provider.asked == 1
    provider.status = 200
    clock.now += FAILURE_SECONDS
    assert (await identity.read(token())).subject == "alice"
    provider.status = 500
    clock.now += KEYS_SECONDS
    assert (await identity.read(token())).subject == "alice"  # the keys that were read before
    clock.now += KEPT_SECONDS
    with pytest.raises(Unavailable):
        await identity.read(token())


async def test_a_redirect_is_not_followed(provider: Provider) -> None:
    provider.status = 302
    with pytest.raises(Unavailable):
        await identity_at(provider.address).read(token())
    assert provider.asked == 1


async def test_a_provider_that_says_nothing_holds_nobody_up(
    settings: Settings, start: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "READ_SECONDS", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/jwks.json"
        async with start(create_app, with_identity(settings, address)) as service:
            await service.people()
            headers = {"Authorization": f"Bearer {token()}"}
            waiting = asyncio.create_task(service.call("GET", "/v1/users/alice/account", headers=headers))
            silent.settimeout(10)
            connection, _ = await asyncio.to_thread(silent.accept)  # the service asks now, and gets no answer
            assert (await service.call("GET", "/v1/users/alice/account", by="user:alice")).status_code == 200
            assert not waiting.done()
            answer = await waiting
            assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
            connection.close()


async def test_the_keys_may_be_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "jwks.json"
    clock = Clock()
    identity = identity_at(str(file), clock)
    for content in (None, "", "[]", "{}", '{"keys": []}', '{"keys": [7]}', "x" * 300_000):
        if content is not None:
            file.write_text(content)
        with pytest.raises(Unavailable):
            await identity.read(token())
        clock.now += FAILURE_SECONDS
    file.write_text(json.dumps(ALL))
    assert (await identity.read(token("EdDSA"))).subject == "alice"


async def test_the_keys_have_a_size_and_a_number(tmp_path: Path) -> None:
    file = tmp_path / "jwks.json"
    clock = Clock()
    identity = identity_at(str(file), clock)
    filled = {**ALL, "filler": ""}
    filler = "x" * (KEYS_BYTES_MAX - len(json.dumps(filled)))
    file.write_text(json.dumps(filled | {"filler": filler + "x"}))
    with pytest.raises(Unavailable):
        await identity.read(token())
    clock.now += FAILURE_SECONDS
    file.write_text(json.dumps(filled | {"filler": filler}))
    assert (await identity.read(token())).subject == "alice"

    keys = [{"kty": "oct"}] * (PUBLIC_KEYS_MAX - 1) + [
        public("last", "ES256", ANOTHER),
        public("left", "ES256", ANOTHER),
    ]
    assert [key.name for key in module.parse_keys(json.dumps({"keys": keys}).encode())] == ["last"]


def test_keys_that_must_not_be_used_are_left_out() -> None:
    weak = rsa.generate_private_key(65_537, 1_024)
    good = public("good", "ES256", KEYS["ES256"])
    unusable = [
        public("weak", "RS256", weak),
        {**good, "use": "enc"},
        {**good, "alg": "ES512"},
        {**good, "x": "AAAA"},
        {"kty": "oct", "k": "c2VjcmV0", "kid": "secret", "alg": "HS256"},
        {"kty": "RSA", "kid": "no numbers"},
    ]
    document = json.dumps({"keys": [*unusable, good]}).encode()
    assert [key.name for key in module.parse_keys(document)] == ["good"]
    with pytest.raises(ValueError, match="no key can be used"):
        module.parse_keys(json.dumps({"keys": unusable}).encode())
