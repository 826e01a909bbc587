"""No log line has the text of a message, also when something fails with the message in its hands."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from typing import Any

import asyncpg
import pytest
import structlog

from talktime import logs

TEXT = "Meine Schwester heißt Ottilie"


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    logs.configure(debug=True, to=stream)
    yield stream
    # A configuration of before, configured again, would count as a host's own.
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


async def test_no_log_has_the_text_of_a_message(stream: io.StringIO, service: Any, database_url: str) -> None:
    await service.people()
    await service.chat()
    body = {"text": TEXT, "client_id": "1", "party": "user"}
    path = "/v1/chats/chat 1/messages"
    assert (await service.call("POST", path, body, by="service")).status_code == 201
    for wrong in ({**body, "party": TEXT}, {**body, "text": [TEXT]}, {**body, TEXT: 1}, {"text": TEXT * 1_000}, TEXT):
        assert (await service.call("POST", path, wrong, by="service")).status_code == 422
    async with service.live("user:alice") as live:
        await live.say("watch", chat_id="chat 1")
        await live.say("message", chat_id="chat 1", client_id="2", text=TEXT)
        await live.hear("message")
        await live.say("message", chat_id="chat 1", client_id=TEXT * 10, text=TEXT)
        await live.hear("problem")
        # The database refuses the row, and says which row.
        connection = await asyncpg.connect(database_url)
        await connection.execute(
            "alter table talktime.messages add constraint short check (length(text) < 5) not valid"
        )
        await live.say("message", chat_id="chat 1", client_id="3", text=TEXT)
        assert (await live.hear("problem"))["problem"]["code"] == "internal_error"
        failed = await service.call("POST", path, {**body, "client_id": "4"}, by="service")
        assert failed.status_code == 500
        await connection.execute("alter table talktime.messages drop constraint short")
        await connection.close()
    written = stream.getvalue()
    assert "service.message_failed" in written
    assert "service.request_failed" in written
    assert "Ottilie" not in written
    assert "short" in written  # the name of the rule stays, for the person who has to mend it
