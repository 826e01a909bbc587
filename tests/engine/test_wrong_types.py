"""A host may have numbers as ids. A call with such an id is refused in words, and disturbs no other call."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast

import pytest

from talktime import Talktime, parse_credits
from talktime.core.errors import InvalidRequest
from talktime.core.roles import Role
from talktime.service.tokens import Tokens
from tests.nodes import add_alice_and_maya

SEVEN = cast("str", 7)
CALLS: dict[str, Callable[[Talktime], Awaitable[Any]]] = {
    "put_user": lambda talktime: talktime.put_user(SEVEN, "Alice"),
    "put_user name": lambda talktime: talktime.put_user("alice", SEVEN),
    "account": lambda talktime: talktime.account(SEVEN),
    "add_credit": lambda talktime: talktime.add_credit(SEVEN, parse_credits("1.00")),
    "create_chat": lambda talktime: talktime.create_chat(SEVEN, "maya"),
    "create_chat advisor": lambda talktime: talktime.create_chat("alice", SEVEN),
    "create_chat chat": lambda talktime: talktime.create_chat("alice", "maya", SEVEN),
    "snapshot": lambda talktime: talktime.snapshot(SEVEN),
    "stop": lambda talktime: talktime.stop(SEVEN),
    "receipt": lambda talktime: talktime.receipt(SEVEN),
    "offer": lambda talktime: talktime.offer("alice", SEVEN),
    "chats_of_user": lambda talktime: talktime.chats_of_user(SEVEN),
}


@pytest.mark.parametrize("name", CALLS)
async def test_a_number_is_no_id(talktime: Talktime, name: str) -> None:
    await add_alice_and_maya(talktime)

    async def refused() -> None:
        with pytest.raises(InvalidRequest, match="str"):
            await CALLS[name](talktime)

    await asyncio.gather(refused(), talktime.add_credit("alice", parse_credits("1.00")))


def test_a_token_is_for_a_text_and_a_role_may_be_one() -> None:
    tokens = Tokens("x" * 32)
    with pytest.raises(InvalidRequest, match="subject"):
        tokens.make(Role.USER, SEVEN)
    assert tokens.read(tokens.make(cast("Role", "user"), "alice")).role is Role.USER
    with pytest.raises(InvalidRequest, match="role must be one of"):
        tokens.make(cast("Role", "customer"), "alice")
