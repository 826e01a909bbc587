"""The reference of errors names the limits that the service has, and the calls and states of conflicts."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from talktime.core.errors import AllowedCall
from talktime.core.record import State
from talktime.service.http.limits import BODY_BYTES_MAX, REQUESTS_BURST, REQUESTS_PER_SECOND
from talktime.service.live.message_limit import MESSAGES_BURST, MESSAGES_PER_SECOND
from talktime.service.live.screen import FRAME_BYTES_MAX
from talktime.service.live.watches import WATCHES_MAX

ERRORS = (Path(__file__).parents[2] / "docs" / "reference" / "errors.md").read_text(encoding="utf-8")
REQUESTS = f"{REQUESTS_BURST:.0f} at once, then {REQUESTS_PER_SECOND:.0f} a second"


def section(heading: str) -> str:
    return ERRORS.partition(f"## {heading}\n")[2].partition("\n## ")[0]


@pytest.mark.parametrize(
    ("what", "limit"),
    [
        ("Calls with a token of a user or an advisor", REQUESTS),
        ("Calls without a token", REQUESTS),
        ("A body", f"{BODY_BYTES_MAX // 1024} KiB"),
        ("Messages of one live socket", f"{MESSAGES_BURST:.0f} at once, then {MESSAGES_PER_SECOND:.0f} a second"),
        ("One message of a live socket", f"{FRAME_BYTES_MAX // 1024} KiB"),
        ("Chats that one live socket watches", str(WATCHES_MAX)),
    ],
)
def test_the_reference_names_the_limit_that_the_service_has(what: str, limit: str) -> None:
    (named,) = re.findall(rf"^\| {what}[^|]*\| ([^|]*) \|", section("Limits"), re.MULTILINE)
    assert named == limit


def test_the_reference_names_the_calls_and_the_states_of_conflicts() -> None:
    named = set(re.findall(r"`([a-z]+)`", section("Conflicts")))
    assert set(AllowedCall) <= named
    assert set(State) <= named
    rows = re.findall(r"^\|[^|]*\|[^|]*\| ([^|]*)\|$", section("Conflicts"), re.MULTILINE)
    allowed = {name for cell in rows for name in re.findall(r"`(\w+)`", cell)} - {"allowed"}
    assert allowed <= set(AllowedCall)
