"""A host may have numbers as ids. A call with such an id is refused in words, and disturbs no other call."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast

import pytest

from talktime import Party, Talktime, Tariff, parse_credits
from talktime.asgi import create_app
from talktime.core.errors import Conflict, InvalidRequest
from talktime.core.record import State
from talktime.core.roles import Role
from talktime.service.connector import TalktimeLifespan
from talktime.service.tokens import Tokens
from talktime.settings import Settings, load_settings
from tests.nodes import add_alice_and_maya

SEVEN = cast("str", 7)
NOW = 1_790_000_000_000
FREE = Tariff.parse({"tiers": [{"rate": "0"}]})
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


REFUSED: dict[str, Callable[[Talktime], Awaitable[Any]]] = {
    "amount or a duration must be given": lambda talktime: talktime.refund("r", reason="r", borne_by="platform"),
    "duration_ms must be more than 0": lambda talktime: talktime.refund(
        "r", reason="r", borne_by="platform", duration_ms=0
    ),
    "duration_ms must be more than 0, and at most 15 minutes": lambda talktime: talktime.paying("alice", 0),
    "ring_ms must be from 1 second to 1 hour": lambda talktime: talktime.put_advisor("maya", "Maya", FREE, ring_ms=0),
    "end must be later than the beginning of the period": lambda talktime: talktime.report(NOW, NOW),
    "end must be later than the beginning of the period, by": lambda talktime: talktime.statement("maya", NOW, NOW),
    "duration_ms must not be negative": lambda talktime: talktime.advance_clock(-1),
}


@pytest.mark.parametrize("words", REFUSED)
async def test_a_refusal_of_the_library_names_its_argument(talktime: Talktime, words: str) -> None:
    await add_alice_and_maya(talktime)
    with pytest.raises(InvalidRequest, match=f"^{words}"):
        await REFUSED[words](talktime)


def test_a_token_is_for_a_text_and_a_role_may_be_one() -> None:
    tokens = Tokens("x" * 32)
    with pytest.raises(InvalidRequest, match="subject"):
        tokens.make(Role.USER, SEVEN)
    assert tokens.read(tokens.make(cast("Role", "user"), "alice")).role is Role.USER
    with pytest.raises(InvalidRequest, match="role must be one of"):
        tokens.make(cast("Role", "customer"), "alice")


OPENED: dict[str, Callable[[Settings], object]] = {
    "settings must be a Settings or None, not of the type str: load_settings(…) of talktime.settings makes one": (
        lambda _: create_app(cast("Settings", "postgresql://shop/talktime"))
    ),
    "settings must be a Settings or None, not of the type dict: load_settings(…) of talktime.settings makes one": (
        lambda _: Tokens.of_service(cast("Settings", {}))
    ),
    "database_url must be a text or None, not of the type Settings: pass settings=…": (
        lambda settings: Talktime.blocking(cast("str", settings))
    ),
    "database_url must be a text or None, not of the type Settings: pass settings=…, also for coroutines": (
        lambda settings: Talktime.connect(cast("str", settings))
    ),
    "while_open must be a function or None, not of the type int": (
        lambda settings: create_app(settings, cast("TalktimeLifespan", 7))
    ),
}


@pytest.mark.parametrize("words", OPENED)
def test_what_opens_talktime_refuses_in_words(words: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        OPENED[words](load_settings(secret="x" * 32))
    assert str(refused.value) == words.removesuffix(", also for coroutines")


async def test_a_party_as_a_text_is_that_party(talktime: Talktime) -> None:
    await add_alice_and_maya(talktime)
    await talktime.create_chat("alice", "maya", "c", starts="present")
    user, advisor = cast("Party", "user"), cast("Party", "advisor")

    assert (await talktime.heartbeat("c", user)).record.state is State.PAUSED  # the advisor has not come
    assert (await talktime.heartbeat("c", advisor)).record.state is State.RUNNING
    assert (await talktime.send_message("c", user, "Hello", "1"))[0].sender is Party.USER
    await talktime.mark_read("c", advisor, 1)
    await talktime.pause("c", by="user")
    with pytest.raises(Conflict):
        await talktime.resume("c", by=advisor)
