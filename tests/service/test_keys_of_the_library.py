"""The same order by two ways: over HTTP, and with a key in the library or on the command line. It is credited once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from talktime import Party, Talktime
from talktime.core.money import parse_credits
from talktime.errors import Conflict, InsufficientCredit, InvalidRequest, NotFound, TalktimeError
from tests.nodes import node_on

CREDITS = "/v1/users/alice/credits"
TEN = parse_credits("10")


@pytest.fixture
async def library(service: Any, database_url: str) -> AsyncIterator[Talktime]:
    """Another program with the library, on the database of the service."""
    await service.people(credit="1.00")
    async with node_on(database_url, work=False) as node:
        yield node


@pytest.mark.parametrize("amount", ["10", "10.00", "10.000000"])
@pytest.mark.parametrize("kind", [{}, {"kind": "purchase"}])
async def test_an_order_by_both_ways_is_credited_once(
    service: Any, library: Talktime, amount: str, kind: dict[str, str]
) -> None:
    body = {"amount": amount, "reference": "4711", "metadata": {"shop": "north"}, **kind}
    first = await service.call("POST", CREDITS, body, by="service:shop", key="order 4711")
    metadata = {"shop": "north"}
    account = await library.add_credit("alice", TEN, reference="4711", metadata=metadata, key="order 4711")
    assert account.document() == first.json()
    # The other way round.
    account = await library.add_credit("alice", TEN, reference="4711", metadata=metadata, key="order 4712")
    second = await service.call("POST", CREDITS, body, by="service:other", key="order 4712")
    assert (second.headers["idempotency-replayed"], second.json()) == ("true", account.document())
    assert (await library.account("alice")).balance == parse_credits("21")


async def test_another_way_to_write_an_amount_is_the_same_request_over_http(service: Any, library: Talktime) -> None:
    for amount in ("10", "10.0"):
        answer = await service.call("POST", CREDITS, {"amount": amount}, by="service", key="k")
        assert answer.status_code == 201
    assert (await library.account("alice")).balance == parse_credits("11")


async def test_other_arguments_under_a_key_are_refused(service: Any, library: Talktime) -> None:
    await service.call("POST", CREDITS, {"amount": "10"}, by="service", key="k")
    calls: list[dict[str, Any]] = [
        {"amount": TEN + 1},
        {"amount": TEN, "kind": "gift"},
        {"amount": TEN, "reference": "4711"},
        {"amount": TEN, "metadata": {"a": "b"}},
    ]
    for call in calls:
        with pytest.raises(InvalidRequest) as refused:
            await library.add_credit("alice", key="k", **call)
        assert refused.value.members["errors"][0]["field"] == "key"
    await library.add_credit("alice", TEN, key="k")
    assert (await library.account("alice")).balance == parse_credits("11")


async def test_a_key_belongs_to_one_call(library: Talktime) -> None:
    await library.add_credit("alice", TEN, key="k")
    await library.debit("alice", TEN, key="k")
    await library.add_credit("bob", TEN, key="k")
    assert [(await library.account(user)).balance for user in ("alice", "bob")] == [parse_credits("1"), TEN]


@pytest.mark.parametrize("key", ["", "x" * 201, "tab\tbed", "Ümlaut", "a\n"])
async def test_a_key_that_no_header_could_carry_is_refused(library: Talktime, key: str) -> None:
    with pytest.raises(InvalidRequest):
        await library.add_credit("alice", TEN, key=key)
    assert (await library.account("alice")).balance == parse_credits("1")


async def test_every_command_returns_its_first_result_again(service: Any, library: Talktime) -> None:
    slashed = "chat/1 ö"

    async def twice(name: str, *arguments: Any, **options: Any) -> Any:
        first = await getattr(library, name)(*arguments, **options, key=f"{name} once")
        again = await getattr(library, name)(*arguments, **options, key=f"{name} once")
        assert again == first, name
        return first

    await twice("add_credit", "alice", TEN, "gift", expires_at=await library.now() + 86_400_000, metadata={"a": "b"})
    await twice("debit", "alice", parse_credits("1"), reference="tea")
    snapshot, created = await twice("create_chat", "alice", "maya", metadata={"topic": "cats"})
    assert created
    assert snapshot.record.metadata == {"topic": "cats"}
    started = await twice("initialize_time_tracking_for_chat", "alice", "maya", slashed, tariff_version=1)
    await twice("track", slashed)
    await twice("pause", slashed, by="user")
    await twice("resume", slashed)
    # The library's address of a chat is the one of HTTP, whatever its id.
    answer = await service.call("POST", "/v1/chats/chat%2F1%20%C3%B6/pause", by="service", key="pause twice")
    assert (await library.pause(slashed, key="pause twice")).document() == answer.json()
    await service.call("POST", "/v1/chats/chat%2F1%20%C3%B6/resume", by="service")
    await library.advance_clock(61_000)
    await twice("stop", slashed)
    await twice("refund", started.record.id, reason="Late", borne_by="platform", amount=1)
    await twice("paying", "alice", 60_000)
    await library.put_advisor("ring", "R", (await library.advisor("maya")).tariff, starts="accepted")
    await library.create_chat("alice", "ring", "ringing")
    await twice("accept", "ringing")
    await library.stop("ringing")
    await library.create_chat("alice", "ring", "ringing 2")
    await twice("decline", "ringing 2", reason="Not now")


async def test_every_refusal_is_raised_again(service: Any, library: Talktime) -> None:
    async def refused(name: str, *arguments: Any, **options: Any) -> TalktimeError:
        with pytest.raises(TalktimeError) as caught:
            await getattr(library, name)(*arguments, **options)
        return caught.value

    await library.create_chat("alice", "ben", "over")
    await library.stop("over")
    calls: list[tuple[type[TalktimeError], str, tuple[Any, ...]]] = [
        (InsufficientCredit, "debit", ("alice", 10 * TEN)),
        (NotFound, "add_credit", ("nobody", TEN)),
        (NotFound, "stop", ("later",)),
        (Conflict, "pause", ("over",)),
    ]
    first = [await refused(name, *arguments, key="k") for _, name, arguments in calls]
    # Each would be done now.
    await library.add_credit("alice", 20 * TEN)
    await library.put_user("nobody", "Somebody")
    await library.create_chat("alice", "maya", "later")
    await library.create_chat("alice", "ben", "over")
    for (error, name, arguments), before in zip(calls, first, strict=True):
        again = await refused(name, *arguments, key="k")
        assert type(again) is type(before) is error
        assert (again.problem(), str(again), vars(again)) == (before.problem(), str(before), vars(before))
    answer = await service.call("POST", "/v1/users/alice/debits", {"amount": "100"}, by="service", key="k")
    assert (answer.status_code, answer.json()) == (402, first[0].problem())


async def test_who_acts_makes_another_request(library: Talktime) -> None:
    await library.create_chat("alice", "maya", "c")
    await library.heartbeat("c", Party.ADVISOR)
    await library.pause("c", by="advisor", key="k")
    await library.pause("c", by="advisor", key="k")
    with pytest.raises(InvalidRequest):
        await library.pause("c", by="user", key="k")
    with pytest.raises(InvalidRequest):
        await library.pause("c", key="k")


async def test_a_row_of_the_version_before_is_compared_by_its_body(
    service: Any, library: Talktime, database: Any
) -> None:
    await service.call("POST", CREDITS, {"amount": "10.00", "kind": "purchase"}, by="service", key="k")
    await database.execute("update repeats set arguments_hash = null")
    again = await service.call("POST", CREDITS, {"kind": "purchase", "amount": "10.00"}, by="service", key="k")
    assert again.headers["idempotency-replayed"] == "true"
    await library.add_credit("alice", TEN, key="k")
    other = await service.call("POST", CREDITS, {"amount": "10.01", "kind": "purchase"}, by="service", key="k")
    assert other.status_code == 422
    assert (await library.account("alice")).balance == parse_credits("11")
