"""`talktime webhook` and `talktime events`, with a real receiver and a service that sends."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
from collections.abc import AsyncIterator

import pytest

from talktime import Talktime, parse_credits
from tests.cli.conftest import Cli
from tests.node.receivers import Receiver, receiver
from tests.nodes import node_on
from tests.services import PROGRAM


@pytest.fixture
async def shop() -> AsyncIterator[Receiver]:
    async with receiver() as found:
        yield found


@pytest.fixture
async def node(database_url: str) -> AsyncIterator[Talktime]:
    """The node that sends the events, as `talktime serve` does."""
    async with node_on(database_url, webhook_private=True) as node:
        await node.put_user("alice", "Alice")
        yield node


def ids(shop: Receiver) -> list[str]:
    """The events that the receiver has taken, without the pings."""
    return [event["id"] for event in shop.taken if event["type"] != "ping"]


async def test_a_webhook_is_made_tried_looked_at_and_deleted(cli: Cli, node: Talktime, shop: Receiver) -> None:
    cli.environment["TALKTIME_WEBHOOK_PRIVATE"] = "1"
    made = await asyncio.to_thread(cli.run, "webhook", "create", shop.url, "--types", "credit.added,record.ended")
    shop.secret = made.out.removesuffix("\n")
    assert re.fullmatch(r"whsec_[A-Za-z0-9+/=]{44}", shop.secret)
    assert "for events of credit.added, record.ended" in made.err
    (hook,) = (await asyncio.to_thread(cli.document, "webhook", "list"))["webhooks"]
    assert hook["id"] in made.err
    assert (hook["url"], hook["types"]) == (shop.url, ["credit.added", "record.ended"])
    shown = await asyncio.to_thread(cli, "webhook", "show", hook["id"])
    assert shop.secret not in shown + str(hook)

    assert (await asyncio.to_thread(cli.document, "webhook", "ping", hook["id"]))["status"] == 204
    assert shop.refused == 0  # the secret that was printed is the one that signs
    shop.answers = [500]
    failed = await asyncio.to_thread(cli.run, "webhook", "ping", hook["id"])
    assert (failed.code, failed.out) == (1, "")
    what = f"talktime webhook ping {hook['id']}"
    assert failed.err == f"{what}: the message was not delivered: the receiver answered 500\n"

    await node.add_credit("alice", parse_credits("1.00"))
    await node.add_credit("alice", parse_credits("2.00"))
    async with asyncio.timeout(30):
        while len(ids(shop)) < 2:
            await asyncio.sleep(0.02)
    first, second = ids(shop)
    listed = await asyncio.to_thread(cli.document, "webhook", "deliveries", hook["id"], "--limit", "1")
    assert ([row["event_id"] for row in listed["deliveries"]], listed["next"]) == ([second], second)
    rest = await asyncio.to_thread(cli, "webhook", "deliveries", hook["id"], "--after", listed["next"])
    assert f"{first} " in rest
    assert f"{second} " not in rest

    await asyncio.to_thread(cli, "webhook", "replay", hook["id"], "--after", first)
    async with asyncio.timeout(30):
        while len(ids(shop)) < 3:
            await asyncio.sleep(0.02)
    assert ids(shop) == [first, second, second]

    changed = await asyncio.to_thread(cli.document, "webhook", "change", hook["id"], "--disable", "--types", "")
    assert (changed["enabled"], changed["types"], changed["secret"]) == (False, None, None)
    renewed = await asyncio.to_thread(cli.run, "webhook", "change", hook["id"], "--enable", "--rotate-secret")
    assert re.fullmatch(r"whsec_[A-Za-z0-9+/=]{44}\n", renewed.out)
    shop.secret = renewed.out.removesuffix("\n")
    assert (await asyncio.to_thread(cli.document, "webhook", "ping", hook["id"]))["status"] == 204
    assert (await node.webhook(hook["id"])).enabled
    await asyncio.to_thread(cli, "webhook", "delete", hook["id"])
    assert await node.webhooks() == []


async def test_a_command_whose_receiver_does_not_take_an_event_fails(cli: Cli, node: Talktime, shop: Receiver) -> None:
    for _ in range(2):
        await node.add_credit("alice", parse_credits("1.00"))
    command = ("events", "--types", "credit.added", "--forward", shop.url)
    shop.answers = [500]
    ended = await asyncio.to_thread(cli.run, *command)
    assert (ended.code, len(ended.out.splitlines()), len(shop.taken)) == (1, 2, 1)
    assert ended.err.endswith("talktime events: the receiver did not take 1 of the events\n")
    assert (await asyncio.to_thread(cli.run, *command)).code == 0


async def test_a_terminal_follows_events_and_forwards_them(cli: Cli, node: Talktime, shop: Receiver) -> None:
    """A developer sees what happens, and a receiver on the same machine gets it, signed."""
    await node.add_credit("alice", parse_credits("1.00"))  # before the command begins: not shown
    command = [*PROGRAM, "events", "--follow", "--json", "--types", "credit.added", "--forward", shop.url]
    with subprocess.Popen(
        command, cwd=cli.folder, env=cli.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as program:
        assert program.stdout is not None
        assert program.stderr is not None
        try:
            said = await asyncio.to_thread(program.stderr.readline)
            shop.secret = said.removeprefix("The secret of this run: ").removesuffix("\n")
            line = asyncio.create_task(asyncio.to_thread(program.stdout.readline))
            while not line.done():  # the command begins to follow at an instant that nobody is told
                await node.add_credit("alice", parse_credits("2.00"), reference="later")
                await asyncio.wait([line], timeout=0.5)
            event = json.loads(line.result())
            assert event["data"]["reference"] == "later"
            assert re.match(rf"{event['id']} 204, \d+ ms\n", await asyncio.to_thread(program.stderr.readline))
            assert shop.taken[0] == event
        finally:
            program.terminate()
