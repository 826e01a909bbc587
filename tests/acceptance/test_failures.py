"""Lost screens and killed services: the bill follows the lease, and the screens come back by themselves."""

from __future__ import annotations

import asyncio
import contextlib
import time
from datetime import datetime
from typing import TYPE_CHECKING, Self

import pytest
from playwright.async_api import Page

from talktime.api.tokens import Role

if TYPE_CHECKING:
    from tests.acceptance.conftest import Stage

pytestmark = pytest.mark.parametrize("server", ["pg18"], indirect=True)

LEASE_MS = 3_000
# A beat is a third of a lease; the rest is what a busy machine may take to notice.
BEAT_MS, SLACK_MS = 1_000, 1_000
SEEN_WITHIN_MS = 1_000


async def test_beyond_the_lease_the_bill_ends_where_the_lease_ended_on_both_screens(stage: Stage) -> None:
    await stage.start(presence_lease_seconds=LEASE_MS / 1000)
    await stage.people()
    opened = await stage.new_chat()
    chat_id, record_id = opened["chat"]["id"], opened["record"]["id"]
    user, advisor = await stage.both_screens(chat_id)
    await asyncio.sleep(1)
    closed_ms = time.time() * 1000
    await user.page.close()
    await advisor.wait_for("paused")
    receipt = await stage.assert_adds_up(record_id)
    # Earlier ones are there if the machine was too busy to open a page within the lease.
    *_, segment = receipt["segments"]
    assert segment["reason"] == "user_away"
    assert -BEAT_MS - SLACK_MS <= ends_ms(segment) - closed_ms - LEASE_MS <= SLACK_MS
    # Nobody had to take anything back: the screen stopped at the same millisecond by itself.
    assert await advisor.elapsed_ms() == receipt["elapsed_ms"]
    await advisor.assert_calm()

    reopened_ms = time.time() * 1000
    user = await stage.screen(Role.USER, "uma")
    await user.open(stage.nodes[-1].address, chat_id)
    await advisor.wait_for("running")
    await stage.assert_agreement(chat_id, user, advisor)
    segments = (await stage.receipt(record_id))["segments"]
    assert len(segments) == len(receipt["segments"]) + 1
    assert milliseconds(segments[-1]["started_at"]) >= reopened_ms - 1


async def test_screens_of_a_killed_service_come_back_and_the_bill_follows_the_lease(stage: Stage) -> None:
    node = await stage.start(presence_lease_seconds=LEASE_MS / 1000)
    await stage.people()
    opened = await stage.new_chat()
    chat_id, record_id = opened["chat"]["id"], opened["record"]["id"]
    user, advisor = await stage.both_screens(chat_id)
    await asyncio.sleep(1)
    killed_ms = time.time() * 1000
    await node.kill()
    await asyncio.sleep(5)
    restarted_ms = time.time() * 1000
    await stage.start(port=node.port, presence_lease_seconds=LEASE_MS / 1000)
    await asyncio.gather(user.wait_for("running", 30), advisor.wait_for("running", 30))
    await asyncio.sleep(1)
    await stage.assert_agreement(chat_id, user, advisor)
    await user.page.locator("#stop").click()
    await asyncio.gather(user.wait_for("ended"), advisor.wait_for("ended"))
    receipt = await stage.assert_adds_up(record_id)
    *_, before, after = receipt["segments"]
    assert before["reason"] in {"user_away", "advisor_away"}
    assert -BEAT_MS - SLACK_MS <= ends_ms(before) - killed_ms - LEASE_MS <= SLACK_MS
    assert milliseconds(after["started_at"]) >= restarted_ms
    for screen in (user, advisor):
        await screen.assert_calm()


async def test_two_nodes_are_one_service(stage: Stage) -> None:
    first = await stage.start("serve")
    second = await stage.start("serve")
    await stage.people()
    opened = await stage.new_chat()
    chat_id, record_id = opened["chat"]["id"], opened["record"]["id"]
    async with Relay(second.port) as relay:
        user, advisor = await stage.screen(Role.USER, "uma"), await stage.screen(Role.ADVISOR, "ada")
        await asyncio.gather(user.open(first.address, chat_id), advisor.open(relay.address, chat_id))
        await stage.assert_agreement(chat_id, user, advisor)

        await user.page.locator("#pause").click()
        await asyncio.gather(user.wait_for("paused"), advisor.wait_for("paused"))
        apart_ms = abs(await paused_at_ms(user.page) - await paused_at_ms(advisor.page))
        assert apart_ms <= SEEN_WITHIN_MS
        await user.page.locator("#resume").click()
        await asyncio.gather(user.wait_for("running"), advisor.wait_for("running"))

        await second.kill()
        stage.nodes.remove(second)
        relay.port = first.port
        await asyncio.sleep(1)
        await advisor.wait_for("running", 30)
        await asyncio.sleep(1)
        await stage.assert_agreement(chat_id, user, advisor)
        await user.page.locator("#stop").click()
        await asyncio.gather(user.wait_for("ended"), advisor.wait_for("ended"))
        receipt = await stage.assert_adds_up(record_id)
        assert [segment["reason"] for segment in receipt["segments"]] == ["paused", "stopped"]
        for screen in (user, advisor):
            await screen.assert_calm()


def ends_ms(segment: dict[str, str]) -> float:
    return milliseconds(segment["ended_at"])


def milliseconds(instant: str) -> float:
    return datetime.fromisoformat(instant).timestamp() * 1000


async def paused_at_ms(page: Page) -> float:
    """When the page was first seen paused, to 50 ms."""
    return float(await page.evaluate("window.samples.find((sample) => sample[2] === 'paused')?.[0] ?? Date.now()"))


class Relay:
    """An address of ours before whichever node lives: what a load balancer is to a page."""

    def __init__(self, port: int) -> None:
        self.port = port

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._join, "127.0.0.1", 0)
        self.address = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            from_node, to_node = await asyncio.open_connection("127.0.0.1", self.port)
            await asyncio.gather(_pour(reader, to_node), _pour(from_node, writer))
        writer.close()


async def _pour(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await source.read(65_536):
            target.write(data)
            await target.drain()
    target.close()
