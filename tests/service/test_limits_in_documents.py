"""The page of limits lists every bound that the code has, and the code has every bound that the page lists."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import talktime
from talktime.core import durations, gifts, ids, metadata, money, pages, starts, tariff, writing
from talktime.core.errors import AllowedCall
from talktime.core.record import State
from talktime.database.queries import SQL
from talktime.engine import accounts, links, requests, tracking, webhooks
from talktime.node import key_ring, webhook_sender
from talktime.node import webhooks as sending
from talktime.reading import statements
from talktime.service import budgets, identity, serving, tokens
from talktime.service.connections import http as http_connection
from talktime.service.connections import live as live_connection
from talktime.service.http import events, json_bodies, limits, parameters, problems
from talktime.service.live import message_limit, screen, send_queue, sign_in, typing_signs, watches
from talktime.settings import PREFIX, Settings
from talktime.talktime import MESSAGE_PAGE_BYTES

REFERENCE: Final = Path(__file__).parents[2] / "docs" / "reference"
ERRORS: Final = (REFERENCE / "errors.md").read_text(encoding="utf-8")
DEFAULT: Final = Settings.model_fields


def kib(size: int) -> str:
    return f"{size // 1024} KiB" if size < 1024 * 1024 else f"{size // 1024 // 1024} MiB"


def rate(burst: float, per_second: float) -> str:
    return f"{burst:g} at once, then {per_second:g} a second"


def default(name: str) -> int:
    return int(DEFAULT[name].default)


def last_message_length() -> str:
    (length,) = re.findall(r"left\(text, (\d+)\)", SQL["chats_of"])
    return str(length)


BOUNDS: Final = {
    "Connections of a node": (str(default("connections")), "connections"),
    "Connections of one address, before anybody has signed in on them": (
        str(default("connections_per_address")),
        "connections_per_address",
    ),
    "Time to send the head of a request, and time to send its body": (
        f"{default('request_seconds')} s",
        "request_seconds",
    ),
    "The head of a request: its first line and all headers": (kib(http_connection.HEAD_BYTES_MAX), None),
    "Headers of a request": (str(http_connection.HEADERS_MAX), None),
    "Chunks of a body": (str(http_connection.CHUNKS_MAX), None),
    "Requests of one connection that are answered at once": ("1", None),
    "Time without a request on a connection that has had one": (f"{serving.IDLE_SECONDS} s", None),
    "Time in which a client takes nothing of an answer": (f"{http_connection.STALL_SECONDS:g} s", None),
    "Requests and messages of one caller": (
        rate(default("requests_per_second") * budgets.BURST_SECONDS, default("requests_per_second")),
        "requests_per_second",
    ),
    "An answer that counts as one more request, and so does each further part of this size": (
        kib(budgets.ANSWER_BYTES),
        None,
    ),
    "Requests of one person with an idempotency key": (f"{budgets.KEYS_PER_HOUR} an hour", None),
    "How long after a request its repeat with the same key gets the same answer": (
        f"{default('keep_keys_days')} days",
        "keep_keys_days",
    ),
    "Items of a list": (str(parameters.ITEMS_MAX), None),
    "The texts of a page of messages": (kib(MESSAGE_PAGE_BYTES), None),
    "The last message of a chat in a list": (f"{last_message_length()} characters", None),
    "Lines of a statement or a report": (str(parameters.LINES_MAX), None),
    "The period of a statement": (f"{statements._PERIOD_MAX_MS // 86_400_000} days", None),
    "Chats of one record": (str(tracking.CHATS_MAX), None),
    "Active records of an advisor (`max_active`) that a host may allow": (str(starts.MAX_ACTIVE_MAX), None),
    "How long a request rings (`ring_seconds`)": (f"{starts.RING_SECONDS_MAX} s", None),
    "How long a call for events waits (`wait`)": (f"{events.WAIT_SECONDS_MAX} s", None),
    "Webhooks": (str(webhooks.WEBHOOKS_MAX), None),
    "The address of a webhook": (f"{webhook_sender.URL_LENGTH_MAX} characters", None),
    "Attempts of one node for one webhook at once": (str(sending.AT_ONCE), None),
    "How long a receiver may take to answer": (f"{webhook_sender.SECONDS_MAX:g} s", None),
    "How long records wait for a payment (`POST /v1/users/{user_id}/paying`)": (
        f"{accounts.PAYING_MS_MAX // 1000} s",
        None,
    ),
    "Callers that a node remembers": (str(budgets.CALLERS_MAX), None),
    "A body": (kib(limits.BODY_BYTES_MAX), None),
    "A body that is read and thrown away, so that the 413 arrives": (kib(limits.DISCARD_BYTES_MAX), None),
    "Levels of JSON inside each other": (str(json_bodies.DEPTH_MAX), None),
    "Fields of one JSON document": (str(json_bodies.FIELDS_MAX), None),
    "Errors that one answer lists": (str(problems.ERRORS_MAX), None),
    "Tiers of a tariff": (str(tariff.TIERS_MAX), None),
    "A token": (f"{tokens.TOKEN_LENGTH_MAX} characters", None),
    "The keys of a host's own identity": (kib(identity.KEYS_BYTES_MAX), None),
    "How many of these keys are used": (str(identity.PUBLIC_KEYS_MAX), None),
    "How long reading these keys may take": (f"{identity.READ_SECONDS:g} s", None),
    "How long a link signs in": (f"{links.LINK_SECONDS} s", None),
    "The page of a link": (f"{pages.PAGE_LENGTH_MAX} characters", None),
    "The code of a link": (f"{links.CODE_LENGTH_MAX} characters", None),
    "How long a node may still accept an access key that was revoked, if the node hears nothing": (
        f"{key_ring.CHECK_SECONDS:g} s",
        None,
    ),
    "How old the stored last use of an access key may be": (f"{key_ring.USES_SECONDS:g} s", None),
    "Access keys that a node remembers": (str(key_ring.KEYS_MAX), None),
    "How far the clock that made a token may be ahead": (f"{tokens.CLOCK_LEEWAY_SECONDS} s", None),
    "An id": (f"{ids.ID_LENGTH_MAX} characters", None),
    "A name": (f"{ids.NAME_LENGTH_MAX} characters", None),
    "A reference": (f"{ids.REFERENCE_LENGTH_MAX} characters", None),
    "Keys of `metadata`": (str(metadata.PAIRS_MAX), None),
    "A key of `metadata`": (f"{metadata.KEY_LENGTH_MAX} characters", None),
    "A value of `metadata`": (f"{metadata.VALUE_LENGTH_MAX} characters", None),
    "The reason for a refund": (f"{ids.EXPLANATION_LENGTH_MAX} characters", None),
    "A message": (f"{ids.MESSAGE_LENGTH_MAX} characters", None),
    "The note before the first segment of a record": (f"{writing.NOTE_LENGTH_MAX} characters", None),
    "An idempotency key": (f"{requests.KEY_LENGTH_MAX} characters", None),
    "One amount": (f"{money.AMOUNT_MAX // money.MICRO} credits", None),
    "The balance of an account": (f"{money.BALANCE_MAX // money.MICRO} credits", None),
    "The cost of one record": (f"{money.CHARGED_MAX // money.MICRO} credits", None),
    "Gifts of an account that expire at different instants": (str(gifts.GIFTS_MAX), None),
    "A duration": (f"{durations.SECONDS_MAX} s", None),
    "Live sockets of one person on a node": (str(default("sockets_per_person")), "sockets_per_person"),
    "Time until a socket must have signed in": (f"{sign_in.HELLO_SECONDS:g} s", None),
    "One message": (kib(screen.FRAME_BYTES_MAX), None),
    "Fragments of one message": (str(live_connection.FRAGMENTS_MAX), None),
    "Pings and pongs of the protocol": (
        rate(live_connection.CONTROL_BURST, live_connection.CONTROL_PER_SECOND),
        None,
    ),
    "Messages of one socket": (rate(message_limit.MESSAGES_BURST, message_limit.MESSAGES_PER_SECOND), None),
    "Refused messages of one socket": (str(message_limit.REFUSALS_MAX), None),
    "Messages of one socket that wait for those before": (str(screen.WAITING_MAX), None),
    "Chats that one socket watches": (str(watches.WATCHES_MAX), None),
    "Answers that wait for one socket": (str(send_queue.ANSWERS_MAX), None),
    "Changes of a chat that are read together, each told under its number": (str(watches.NUMBERS_MAX), None),
    "Messages of others that wait for one socket": (str(send_queue.SHARED_MAX), None),
    "Time between two signs of typing of one party in one chat": (f"{typing_signs.INTERVAL_SECONDS:g} s", None),
    "Time in which a socket takes nothing": (f"{http_connection.STALL_SECONDS:g} s", None),
}


def test_the_page_of_limits_lists_the_bounds_of_the_code() -> None:
    rows = re.findall(
        r"^\| ([A-Z][^|]*) \| ([^|]*) \|([^|]*)\| [^|]+ \|$",
        (REFERENCE / "limits.md").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    listed = {what: (bound, setting.strip(" `").removeprefix(PREFIX).lower() or None) for what, bound, setting in rows}
    assert listed == BOUNDS


NO_BOUNDS: Final = {
    "core.decimals._TEXT_LENGTH_MAX": "a longer number is no number of seconds or percent",
    "core.instants.INSTANT_MAX": "the last instant that can be written",
    "engine.batching.BATCH_MAX": "a longer batch becomes two",
    "engine.batching.LOCK_WAITS_MAX": "commands that wait for a lock wait for their turn as well",
    "engine.parties._CHATS_KEPT_MAX": "what is forgotten is read again",
    "service.connections.live.LATE_BYTES_MAX": "what comes after the close frame is thrown away in any case",
    "service.http.bodies.POSITION_MAX": "no chat has so long a list of messages",
    "service.http.bodies.TOPUP_MAX": "the demo's",
    "core.money.PLACES_MAX": "the decimals of an amount, which each amount in the documents shows",
    "service.http.query.NAME_LENGTH_MAX": "how much of a name an error shows",
    "service.http.query.REFUSED_MAX": "as many errors as any answer lists",
    "service.http.json_bodies.NAME_LENGTH_MAX": "how much of a name an error shows",
    "service.http.problems.FIELD_LENGTH_MAX": "how much of a name an error shows",
    "service.live.message_handler.C0_MAX": "a larger number is no reading of a clock",
    "service.live.typing_signs.CHATS_MAX": "a forgotten chat may send a sign at once",
    "service.serving.DRAIN_SECONDS_MAX": "how long a stop takes, which no client decides",
    "service.tokens.EXPIRY_MAX": "the last instant that can be written",
    "core.durations.TTL_SECONDS_MAX": "only backends make tokens",
}
"""Constants with the name of a bound that no client can notice, each with what it is instead."""


def test_every_bound_of_the_code_is_on_the_page() -> None:
    source = Path(talktime.__file__).parent
    listed = Path(__file__).read_text(encoding="utf-8").partition("NO_BOUNDS: Final")[0]
    unlisted = {
        f"{path.relative_to(source).with_suffix('').as_posix().replace('/', '.')}.{name}"
        for layer in ("core", "engine", "reading", "service")
        for path in (source / layer).rglob("*.py")
        for name in re.findall(r"^(\w+_MAX)\b[^=\n]* = ", path.read_text(encoding="utf-8"), re.MULTILINE)
        if not re.search(rf"\b{path.stem}(?:_connection)?\.{name}\b|\b(?:http|live)_connection\.{name}\b", listed)
    }
    assert unlisted == NO_BOUNDS.keys()


def test_the_client_knows_the_same_lengths_of_messages_and_notes() -> None:
    client = Path(__file__).parents[2] / "client" / "src" / "talk" / "writing.ts"
    found = dict(re.findall(r"^const (\w+_LENGTH_MAX) = (\d+);$", client.read_text(encoding="utf-8"), re.MULTILINE))
    assert found == {
        "MESSAGE_LENGTH_MAX": str(ids.MESSAGE_LENGTH_MAX),
        "NOTE_LENGTH_MAX": str(writing.NOTE_LENGTH_MAX),
    }


def test_the_reference_names_the_calls_and_the_states_of_conflicts() -> None:
    section = ERRORS.partition("## Conflicts\n")[2].partition("\n## ")[0]
    named = set(re.findall(r"`([a-z]+)`", section))
    assert set(AllowedCall) <= named
    assert set(State) <= named
    rows = re.findall(r"^\|[^|]*\|[^|]*\| ([^|]*)\|$", section, re.MULTILINE)
    allowed = {name for cell in rows for name in re.findall(r"`(\w+)`", cell)} - {"allowed"}
    assert allowed <= set(AllowedCall)
