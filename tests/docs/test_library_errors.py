"""Each method of the library raises the errors that its docstring names, and the reference shows them."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

import pytest

from scripts.docsite.library_reference import methods
from talktime import Party, Talktime, Tariff, errors, parse_credits
from talktime.core import errors as core_errors
from talktime.settings import Settings
from tests.docs.blocks import text_of

NOW = 1_790_000_000_000
LATER = NOW + 1
BY_THE_MINUTE = Tariff.parse({"tiers": [{"rate": "1.00", "increment_seconds": 60}]})

# A call for each error that a docstring names. Alice has 10.00 and a running chat with Maya; Bob has nothing.
STARTS: dict[str, dict[str, Any]] = {
    "InvalidRequest": {"user_id": "alice", "advisor_id": "maya", "chat_id": ""},
    "NotFound": {"user_id": "alice", "advisor_id": "nobody", "chat_id": "new"},
    "InsufficientCredit": {"user_id": "bob", "advisor_id": "maya", "chat_id": "new"},
    "AdvisorBusy": {"user_id": "alice", "advisor_id": "zoe", "chat_id": "new"},
    "Conflict": {"user_id": "bob", "advisor_id": "maya", "chat_id": "running"},
}
CALLS: dict[str, dict[str, dict[str, Any]]] = {
    "create_chat": STARTS,
    "initialize_time_tracking_for_chat": STARTS,
    "put_user": {"InvalidRequest": {"user_id": "", "display_name": "X"}},
    "forget_user": {"NotFound": {"user_id": "nobody"}},
    "put_advisor": {"InvalidRequest": {"advisor_id": "", "display_name": "X", "tariff": BY_THE_MINUTE}},
    "advisor": {"NotFound": {"advisor_id": "nobody"}},
    "create_link": {
        "InvalidRequest": {"role": "service", "subject": "shop"},
        "NotFound": {"role": "user", "subject": "nobody", "address": "http://shop.example"},
    },
    "use_link": {"NotFound": {"code": "nothing"}},
    "create_key": {
        "InvalidRequest": {"name": "shop", "scope": "everything"},
        "Conflict": {"name": "taken"},
    },
    "revoke_key": {"NotFound": {"name_or_id": "nothing"}},
    "use_key": {"Unauthorized": {"secret": "tt_nothing"}},
    "add_credit": {
        "InvalidRequest": {"user_id": "alice", "amount": 0},
        "NotFound": {"user_id": "nobody", "amount": 1},
        "Conflict": {"user_id": "alice", "amount": 10**18},
    },
    "paying": {
        "InvalidRequest": {"user_id": "alice", "duration_ms": 900_001},
        "NotFound": {"user_id": "nobody", "duration_ms": 1},
    },
    "debit": {
        "InvalidRequest": {"user_id": "alice", "amount": 0},
        "NotFound": {"user_id": "nobody", "amount": 1},
        "InsufficientCredit": {"user_id": "alice", "amount": 10**12},
    },
    "refund": {
        "InvalidRequest": {"record_id": "RECORD", "reason": "why", "borne_by": "platform"},
        "NotFound": {"record_id": "nothing", "reason": "why", "borne_by": "platform", "amount": 1},
        "Conflict": {"record_id": "RECORD", "reason": "why", "borne_by": "platform", "amount": 10**12},
    },
    "account": {"NotFound": {"user_id": "nobody"}},
    "offer": {
        "NotFound": {"user_id": "nobody", "advisor_id": "maya"},
        "Conflict": {"user_id": "alice", "advisor_id": "maya"},
    },
    "entries": {"NotFound": {"user_id": "nobody"}, "InvalidRequest": {"user_id": "alice", "before": "no number"}},
    "user_page": {"InvalidRequest": {"query": "x", "after": "nobody"}},
    "advisor_page": {"InvalidRequest": {"query": "x", "after": "nobody"}},
    "record_page": {"InvalidRequest": {"reason": "tired"}},
    "entry_page": {"InvalidRequest": {"after": "no number"}},
    "all_entries": {"InvalidRequest": {"kind": "tip"}},
    "track": {
        "InvalidRequest": {"chat_id": "running", "starts": "soon"},
        "AdvisorBusy": {"chat_id": "ended busy"},
        "NotFound": {"chat_id": "nothing"},
        "InsufficientCredit": {"chat_id": "poor"},
        "Conflict": {"chat_id": "ended", "tariff_version": 99},
    },
    "create_webhook": {"InvalidRequest": {"url": "shop.example"}},
    "webhook": {"NotFound": {"webhook_id": "nothing"}},
    "change_webhook": {
        "InvalidRequest": {"webhook_id": "nothing", "url": "shop.example"},
        "NotFound": {"webhook_id": "nothing"},
    },
    "delete_webhook": {"NotFound": {"webhook_id": "nothing"}},
    "delivery_page": {
        "InvalidRequest": {"webhook_id": "nothing", "state": "lost"},
        "NotFound": {"webhook_id": "nothing"},
    },
    "replay_webhook": {
        "InvalidRequest": {"webhook_id": "nothing", "after": "yesterday"},
        "Gone": {"webhook_id": "nothing", "after": "0"},
        "NotFound": {"webhook_id": "nothing", "after": "1"},
    },
    "ping_webhook": {"NotFound": {"webhook_id": "nothing"}},
    "event_page": {"InvalidRequest": {"after": "yesterday"}, "Gone": {"after": "0"}},
    "accept": {"NotFound": {"chat_id": "nothing"}, "Conflict": {"chat_id": "ended"}},
    "decline": {
        "InvalidRequest": {"chat_id": "running", "reason": ""},
        "NotFound": {"chat_id": "nothing"},
        "Conflict": {"chat_id": "running"},
    },
    "pause": {
        "InvalidRequest": {"chat_id": "running", "by": "nobody"},
        "NotFound": {"chat_id": "nothing"},
        "Conflict": {"chat_id": "ended"},
    },
    "resume": {
        "NotFound": {"chat_id": "nothing"},
        "InsufficientCredit": {"chat_id": "poor"},
        "Conflict": {"chat_id": "ended"},
    },
    "stop": {"InvalidRequest": {"chat_id": "running", "by": "nobody"}, "NotFound": {"chat_id": "nothing"}},
    "stop_record": {"InvalidRequest": {"record_id": "RECORD", "by": "nobody"}, "NotFound": {"record_id": "nothing"}},
    "leave": {"NotFound": {"chat_id": "nothing", "party": Party.USER}},
    "heartbeat": {"NotFound": {"chat_id": "nothing", "party": Party.USER}},
    "snapshot": {"NotFound": {"chat_id": "nothing"}},
    "chats_of_user": {"NotFound": {"user_id": "nobody"}},
    "chats_of_advisor": {"NotFound": {"advisor_id": "nobody"}},
    "chat_duration": {"NotFound": {"chat_id": "nothing"}},
    "chat_parties": {"NotFound": {"chat_id": "nothing"}},
    "send_message": {
        "NotFound": {"chat_id": "nothing", "sender": Party.USER, "text": "Hello", "client_id": "1"},
        "InvalidRequest": {"chat_id": "running", "sender": Party.USER, "text": "a\0b", "client_id": "1"},
        "NotRunning": {"chat_id": "ended", "sender": Party.USER, "text": "Hello", "client_id": "1", "by": "user"},
    },
    "message_page": {"NotFound": {"chat_id": "nothing"}},
    "mark_read": {"NotFound": {"chat_id": "nothing", "party": Party.USER, "position": 1}},
    "records_of_user": {"NotFound": {"user_id": "nobody"}},
    "records_of_chat": {"NotFound": {"chat_id": "nothing"}},
    "messages": {"NotFound": {"chat_id": "nothing"}},
    "record": {"NotFound": {"record_id": "nothing"}},
    "record_snapshot": {"NotFound": {"record_id": "nothing"}},
    "records": {"InvalidRequest": {"state": "no such state"}},
    "record_parties": {"NotFound": {"record_id": "nothing"}},
    "import_rows": {"InvalidRequest": {"sources": {"people": []}, "as_of": 0}},
    "past_sessions": {"InvalidRequest": {"after": "nothing"}},
    "receipt": {"NotFound": {"record_id": "nothing"}, "InvalidRequest": {"record_id": "RECORD", "at": 0}},
    "statement": {
        "InvalidRequest": {"advisor_id": "maya", "begin": LATER, "end": NOW},
        "NotFound": {"advisor_id": "nobody", "begin": NOW, "end": LATER},
    },
    "earnings": {"NotFound": {"advisor_id": "nobody"}},
    "report": {"InvalidRequest": {"begin": LATER, "end": NOW}},
    "replay": {
        "InvalidRequest": {"tariff": BY_THE_MINUTE, "begin": LATER, "end": NOW},
        "NotFound": {"tariff": BY_THE_MINUTE, "begin": NOW, "end": LATER, "advisor_id": "nobody"},
    },
    "advance_clock": {"InvalidRequest": {"duration_ms": -1}},
}


def named_errors(name: str) -> set[str]:
    """The errors that the docstring of a method names."""
    function = {method: member for _, method, member in methods(Talktime)}[name]
    section = (inspect.getdoc(function) or "").partition("Raises:\n")[2]
    return set(re.findall(r"^    (\w+):", section, re.MULTILINE))


def test_a_host_can_import_every_error_that_it_can_meet() -> None:
    refusals = {name for name, member in vars(core_errors).items() if inspect.isclass(member) and _is_refusal(member)}
    table = set(re.findall(r"^\| `\w+` \| \d+ \| `(\w+)` \|", text_of("docs/reference/errors.md"), re.MULTILINE))
    named = set().union(*map(named_errors, (name for _, name, _ in methods(Talktime))))
    assert "AdvisorBusy" in refusals & table & named
    assert refusals - {"TalktimeError"} == table
    assert refusals | named | {"Repeated"} == set(errors.__all__)
    assert all(hasattr(errors, name) for name in errors.__all__)


def _is_refusal(member: type) -> bool:
    return issubclass(member, errors.TalktimeError)


def test_every_error_that_a_docstring_names_is_tried() -> None:
    named = {name: errors for _, name, _ in methods(Talktime) if (errors := named_errors(name))}
    del named["connect"]  # what a database that can't be used says is tested with the migrations
    assert {name: set(calls) for name, calls in CALLS.items()} == named


async def test_each_method_raises_what_its_docstring_names(database_url: str, tmp_path: Path) -> None:
    settings = Settings(database_url=database_url, data_dir=tmp_path, secret="x" * 32, presence_lease_seconds=1000)
    async with Talktime.connect(database_url, settings=settings, work=False) as talktime:
        for user in ("alice", "bob", "carol", "dave"):
            await talktime.put_user(user, user.title())
        for advisor in ("maya", "ben"):
            await talktime.put_advisor(advisor, advisor.title(), BY_THE_MINUTE, starts="at_once")
        await talktime.create_key("taken")
        await talktime.add_credit("alice", parse_credits("10.00"))
        await talktime.add_credit("carol", parse_credits("1.00"))
        await talktime.add_credit("dave", parse_credits("100.00"))
        await talktime.initialize_time_tracking_for_chat("alice", "ben", "ended")
        await talktime.stop("ended")
        # Zoe takes one conversation at once, and Dave has it.
        await talktime.put_advisor("zoe", "Zoe", BY_THE_MINUTE, starts="at_once")
        await talktime.initialize_time_tracking_for_chat("alice", "zoe", "ended busy")
        await talktime.stop("ended busy")
        await talktime.put_advisor("zoe", "Zoe", BY_THE_MINUTE, max_active=1)
        await talktime.initialize_time_tracking_for_chat("dave", "zoe", "busy")
        running = await talktime.initialize_time_tracking_for_chat("alice", "maya", "running")
        await talktime.initialize_time_tracking_for_chat("carol", "maya", "poor")
        async with talktime.node.database.writing() as connection:
            await connection.execute("update events_deleted set through = 1")
        await talktime.advance_clock(61_000)  # carol's credit lasts for 60 seconds
        for name, calls in CALLS.items():
            for error, arguments in calls.items():
                given = {key: running.record.id if value == "RECORD" else value for key, value in arguments.items()}
                with pytest.raises(errors.TalktimeError) as refused:
                    await getattr(talktime, name)(**given)
                assert type(refused.value).__name__ == error, (name, arguments)
