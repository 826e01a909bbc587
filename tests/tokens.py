"""Tokens that no program of ours makes."""

from __future__ import annotations

import time

import jwt

from talktime.service.tokens import ISSUER
from talktime.settings import secret_name


def expired_token(secret: str) -> str:
    """A token of the user alice that expired a second ago."""
    now = int(time.time())
    claims = {"iss": ISSUER, "role": "user", "sub": "alice", "iat": now - 60, "exp": now - 1}
    return jwt.encode(claims, secret, algorithm="HS256", headers={"kid": secret_name(secret)})
