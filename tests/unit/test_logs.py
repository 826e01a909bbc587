"""No secret reaches a log, however deep it is or whatever it is called."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable

import pytest
import structlog

from talktime import logs
from talktime.core.roles import Role
from talktime.service.tokens import Tokens

TOKEN = Tokens("a secret for tests, long enough to sign").make(Role.USER, "alice")
ADDRESS = "postgresql://somebody:hush@host/db"


@pytest.mark.parametrize(
    "event",
    [
        {"token": "hush"},
        {"Authorization": "hush"},
        {"database_password": "hush"},
        {"TALKTIME_SECRET": "hush"},
        {"settings": {"secret": "hush", "deep": [{"access_token": "hush"}]}},
        {"url": "postgresql://somebody:hush@host/db"},
        {"header": "Bearer hush-hush"},
        {"header": "bearer.hush"},
        {"said": "https://talk.example/sign-in#hush"},
    ],
)
def test_secrets_are_redacted(event: dict[str, object]) -> None:
    said = json.dumps(logs.redact(None, "info", event))
    assert "hush" not in said
    assert logs.REDACTED in said


def test_an_access_key_is_redacted() -> None:
    said = json.dumps(
        logs.redact(None, "info", {"said": f"it was tt_{'0a' * 32}.", "deep": [{"x": "tt_0123456789ab"}]})
    )
    assert said == json.dumps({"said": f"it was {logs.REDACTED}.", "deep": [{"x": logs.REDACTED}]})


def test_what_is_no_secret_stays() -> None:
    event = {"event": "timer_manager.start_timer", "user_id": "alice", "url": "postgresql://host/db", "n": 7}
    assert logs.redact(None, "info", dict(event)) == event


def test_a_token_in_a_sentence_or_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    before = logging.getLogger().handlers[:]
    try:
        logs.configure()
        try:
            int(f"bad token {TOKEN}")
        except ValueError:
            structlog.get_logger("talktime").exception("service.failed", said=f"it was {TOKEN}")
        logging.getLogger("library").warning("saw %s", TOKEN)
        # The address of a webhook may hold a secret of the host, and httpx logs each request with the address.
        logging.getLogger("httpx").info('HTTP Request: POST https://shop.example/events?key=hush "HTTP/1.1 204"')
    finally:
        logging.getLogger().handlers[:] = before
        structlog.reset_defaults()
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line["event"].split()[0] for line in lines] == ["service.failed", "saw"]
    assert TOKEN not in stream.getvalue()
    assert lines[0]["level"] == "error"
    assert "ValueError" in lines[0]["exception"]


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("stream", [_Terminal(), io.StringIO()], ids=["terminal", "file"])
@pytest.mark.parametrize("begin", [logs.configure, logs.configure_by_default])
def test_an_error_shows_no_local_variables(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], stream: io.StringIO, begin: Callable[[], None]
) -> None:
    monkeypatch.setattr("sys.stderr", stream)
    before = logging.getLogger().handlers[:]
    structlog.reset_defaults()
    try:
        begin()
        fail(ADDRESS)
    finally:
        logging.getLogger().handlers[:] = before
        structlog.reset_defaults()
    said = stream.getvalue()
    assert "ZeroDivisionError" in said
    assert "hush" not in said
    assert capsys.readouterr().out == ""


def test_the_level_of_the_logger_talktime_decides_what_a_host_hears(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    logger = logging.getLogger("talktime")
    structlog.reset_defaults()
    try:
        logs.configure_by_default()
        for level in (logging.NOTSET, logging.WARNING, logging.DEBUG):
            logger.setLevel(level)
            for method in ("debug", "info", "warning", "error"):
                getattr(structlog.get_logger("talktime"), method)(f"{method} at {level}")
    finally:
        logger.setLevel(logging.NOTSET)
        structlog.reset_defaults()
    events = [json.loads(line)["event"] for line in stream.getvalue().splitlines()]
    assert events == [
        *(f"{method} at 0" for method in ("info", "warning", "error")),
        *(f"{method} at 30" for method in ("warning", "error")),
        *(f"{method} at 10" for method in ("debug", "info", "warning", "error")),
    ]


def fail(address: str) -> None:
    """Log an error. Its message contains the address, and so does a local variable."""
    try:
        1 / 0  # noqa: B018  it is there to fail
    except ZeroDivisionError:
        structlog.get_logger("talktime").exception("service.failed", said=f"it was {address}")


def test_a_program_s_own_way_with_logs_stays() -> None:
    structlog.reset_defaults()
    try:
        structlog.configure(processors=[structlog.processors.JSONRenderer()])
        logs.configure_by_default()
        assert len(structlog.get_config()["processors"]) == 1
    finally:
        structlog.reset_defaults()
