"""Tokens: the clocks of the programs that make them may differ, and nothing in them is more than an invalid token."""

from __future__ import annotations

import base64
import json
import time
from pathlib import Path
from typing import Any

import jwt
import pytest

from talktime.core.durations import TTL_SECONDS_MAX
from talktime.core.errors import InvalidRequest, Unauthorized
from talktime.core.roles import Role
from talktime.service.tokens import CLOCK_LEEWAY_SECONDS, EXPIRY_MAX, TOKEN_LENGTH_MAX, Tokens
from talktime.settings import load_settings, secret_name
from tests.tokens import expired_token

SECRET = "a secret for tests, long enough to sign"
TOKENS = Tokens(SECRET)


def token(**claims: Any) -> str:
    now = int(time.time())
    given = {"iss": "talktime", "role": "user", "sub": "alice", "iat": now, "exp": now + 60, **claims}
    return jwt.encode({name: value for name, value in given.items() if value != "missing"}, SECRET, algorithm="HS256")


def seconds_from_now(seconds: float) -> int:
    return int(time.time() + seconds)


@pytest.mark.parametrize("claim", ["iat", "nbf"])
def test_the_clock_that_made_a_token_may_be_a_minute_ahead(claim: str) -> None:
    assert TOKENS.read(token(**{claim: seconds_from_now(1)})).name == "user:alice"
    assert TOKENS.read(token(**{claim: seconds_from_now(CLOCK_LEEWAY_SECONDS - 2)})).role is Role.USER
    with pytest.raises(Unauthorized, match="invalid"):
        TOKENS.read(token(**{claim: seconds_from_now(CLOCK_LEEWAY_SECONDS + 5)}))


def test_an_expired_token_gets_no_leeway() -> None:
    assert TOKENS.read(token(exp=seconds_from_now(2))).expires_at == pytest.approx(time.time() + 2, abs=2)
    with pytest.raises(Unauthorized, match="expired"):
        TOKENS.read(token(exp=seconds_from_now(-1)))


def test_a_token_may_be_valid_until_the_year_9999() -> None:
    assert TOKENS.read(token(exp=EXPIRY_MAX)).expires_at == EXPIRY_MAX


HUGE = 10**400


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": HUGE},
        {"exp": EXPIRY_MAX + 1},
        {"exp": 1e308},
        {"exp": float("inf")},
        {"exp": float("nan")},
        {"exp": -1},
        {"exp": "tomorrow"},
        {"exp": True},
        {"exp": None},
        {"exp": []},
        {"exp": "missing"},
        {"iat": HUGE},
        {"iat": float("nan")},
        {"iat": {}},
        {"iat": "missing"},
        {"nbf": HUGE},
        {"nbf": []},
        {"sub": "a\0b"},
        {"sub": ""},
        {"sub": "x" * 129},
        {"sub": "\ud800"},
        {"sub": 7},
        {"sub": None},
        {"sub": ["alice"]},
        {"sub": "missing"},
        {"role": "king"},
        {"role": None},
        {"role": ["user"]},
        {"role": {}},
        {"iss": "somebody"},
    ],
    ids=str,
)
def test_claims_that_make_no_sense_are_an_invalid_token(claims: dict[str, Any]) -> None:
    with pytest.raises(Unauthorized, match="invalid"):
        TOKENS.read(token(**claims))


def encoded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "..",
        "a.b.c",
        "é.é.é",
        "\0.\0.\0",
        "x" * TOKEN_LENGTH_MAX * 1_000,
        f"{encoded(b'[' * 2_000)}.e30.e30",
        encoded(b'{"a":' * 500) + ".e30.e30",
        f"{encoded(json.dumps({'alg': ['HS256']}).encode())}.e30.e30",
        f"{encoded(json.dumps({'alg': None}).encode())}.e30.e30",
        f"{encoded(json.dumps({'alg': 'none'}).encode())}.e30.",
        f"{encoded(json.dumps({'alg': 'HS256', 'crit': 7}).encode())}.e30.e30",
        f"{encoded(b'7')}.e30.e30",
        token()[:-2],
    ],
    ids=lambda text: text[:20],
)
def test_what_is_no_token_is_an_invalid_token(text: str) -> None:
    with pytest.raises(Unauthorized, match="invalid"):
        TOKENS.read(text)


OLD, NEW = f"{SECRET} 1", f"{SECRET} 2"


def test_a_secret_is_replaced_without_signing_anybody_out() -> None:
    old = Tokens(OLD)
    in_between, after, at_last = Tokens(OLD, [NEW]), Tokens(NEW, [OLD]), Tokens(NEW)
    made = {tokens: tokens.make(Role.USER, "alice") for tokens in (old, in_between, after, at_last)}
    for first, second in ((old, in_between), (in_between, after), (after, at_last)):
        # While the nodes restart one after the other, each reads what the other makes.
        if second is not at_last:
            assert second.read(made[first]).subject == "alice"
        if first is not old:
            assert first.read(made[second]).subject == "alice"
    with pytest.raises(Unauthorized, match="invalid"):
        at_last.read(made[old])
    with pytest.raises(Unauthorized, match="invalid"):
        old.read(made[after])


def test_the_tokens_of_a_service_are_those_of_its_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(f"{NEW}\n")
    monkeypatch.setenv("TALKTIME_SECRET_FILE", str(file))
    (tmp_path / "accepted").write_text(OLD)
    monkeypatch.setenv("TALKTIME_ACCEPTED_SECRETS_FILE", str(tmp_path / "accepted"))
    token = Tokens.of_service().make(Role.USER, "alice")
    assert Tokens(NEW).read(token).subject == "alice"
    assert Tokens(f"{NEW}\n").make(Role.USER, "alice") == Tokens(NEW).make(Role.USER, "alice")
    assert Tokens.of_service(load_settings()).read(Tokens(OLD).make(Role.USER, "alice")).subject == "alice"


def test_a_token_names_its_secret_but_need_not() -> None:
    tokens = Tokens(NEW, [OLD])
    header = jwt.get_unverified_header(tokens.make(Role.USER, "alice"))
    assert header["kid"] == secret_name(NEW) != secret_name(OLD)
    assert NEW not in header["kid"]
    now = int(time.time())
    claims = {"iss": "talktime", "role": "user", "sub": "alice", "iat": now, "exp": now + 60}
    for secret in (OLD, NEW):
        for headers in (None, {"kid": secret_name(secret)}, {"kid": "a name of the host's own"}):
            text = jwt.encode(claims, secret, algorithm="HS256", headers=headers)
            assert tokens.read(text).subject == "alice"
    # A token that names another secret than its own is not tried with the others.
    with pytest.raises(Unauthorized, match="invalid"):
        tokens.read(jwt.encode(claims, OLD, algorithm="HS256", headers={"kid": secret_name(NEW)}))


def test_an_expired_token_of_an_accepted_secret_is_expired_and_not_invalid() -> None:
    with pytest.raises(Unauthorized, match="expired"):
        Tokens(NEW, [OLD]).read(expired_token(OLD))
    with pytest.raises(Unauthorized, match="expired"):
        Tokens(NEW, [OLD]).read(expired_token(NEW))


@pytest.mark.parametrize("seconds", [-1, 0, TTL_SECONDS_MAX + 1])
def test_no_token_is_made_that_is_valid_for_no_time_or_for_ever(seconds: int) -> None:
    with pytest.raises(InvalidRequest, match="ttl_seconds must be from 1 to 315360000"):
        Tokens(NEW).make(Role.USER, "alice", seconds)


def test_a_secret_that_is_too_short_is_refused_in_a_host_as_well() -> None:
    with pytest.raises(ValueError, match="at least 32 characters"):
        Tokens("short")
    with pytest.raises(ValueError, match="at least 32 characters"):
        Tokens(NEW, ["short"])
