"""The snapshots of one watched chat, in the order of their numbers, whichever numbers the feed leaves out."""

from __future__ import annotations

from dataclasses import replace

from talktime import Talktime
from talktime.documents.snapshot import Snapshot
from talktime.service.live.watches import NUMBERS_MAX, Watches
from tests.nodes import Screen


async def test_a_screen_receives_each_number_once_although_changes_are_read_together(talktime: Talktime) -> None:
    """The feed reads changes that follow each other quickly together, also those soon after the screen has come."""
    await talktime.initialize_time_tracking_for_chat("alice", "maya", "first")
    sent: list[Snapshot] = []
    watches = Watches(talktime, Screen(talktime), sent.append, None)
    await watches.add("first", None)
    [first] = sent
    changed = replace(await talktime.pause("first"), sequence=first.sequence + 3)
    watches.send_change(changed)
    watches.send_change(replace(changed, sequence=first.sequence + 2))  # an older one, which comes late
    assert [snapshot.sequence - first.sequence for snapshot in sent] == [0, 1, 2, 3]
    assert {snapshot.timer.running for snapshot in sent[1:]} == {False}


async def test_a_screen_that_is_far_behind_receives_a_gap(talktime: Talktime) -> None:
    await talktime.initialize_time_tracking_for_chat("alice", "maya", "first")
    sent: list[Snapshot] = []
    watches = Watches(talktime, Screen(talktime), sent.append, None)
    await watches.add("first", None)
    last = sent[0].sequence + 1_000
    watches.send_change(replace(sent[0], sequence=last))
    assert [snapshot.sequence for snapshot in sent[1:]] == list(range(last - NUMBERS_MAX + 1, last + 1))
