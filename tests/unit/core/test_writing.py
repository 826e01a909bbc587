"""Who may write while no time runs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from talktime.core import meter
from talktime.core.errors import NotRunning
from talktime.core.record import Party, Reason, State
from talktime.core.writing import NOTE_LENGTH_MAX, check_message
from tests.unit.builders import START, only_record, payer_with, start

RUNS = only_record(start(payer_with(10)))
WAITS = replace(RUNS, state=State.PAUSED, reason=Reason.ADVISOR_AWAY, running_since=None)
LONG_TEXT = "x" * (NOTE_LENGTH_MAX + 1)


@pytest.mark.parametrize("sender", list(Party))
def test_both_parties_write_while_time_runs(sender: Party) -> None:
    assert check_message(RUNS, sender, LONG_TEXT) is False


def test_a_user_sends_a_short_note_before_the_first_second() -> None:
    for record in (WAITS, replace(WAITS, state=State.REQUESTED, reason=None)):
        assert check_message(record, Party.USER, LONG_TEXT[1:]) is True
        for sender, text in ((Party.USER, LONG_TEXT), (Party.ADVISOR, "Hello")):
            with pytest.raises(NotRunning):
                check_message(record, sender, text)


@pytest.mark.parametrize("sender", list(Party))
def test_nobody_writes_after_the_first_second_while_no_time_runs(sender: Party) -> None:
    paused = only_record(meter.pause(start(payer_with(10)), RUNS, START + 1_000))
    ended = replace(paused, state=State.ENDED, reason=Reason.STOPPED, ended_at=START + 1_000)
    cut = replace(paused, reason=Reason.OUT_OF_CREDIT)
    for record, allowed in (
        (paused, ["resume", "stop"]),
        (cut, ["stop"]),
        (ended, ["tracking"]),
        (None, ["tracking"]),
    ):
        with pytest.raises(NotRunning) as caught:
            check_message(record, sender, "Hello")
        assert caught.value.members == {"state": record and record.state.value, "allowed": allowed}
