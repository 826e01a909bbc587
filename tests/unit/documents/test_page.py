"""A record in a list: its own fields beside those of its people and its snapshot."""

from __future__ import annotations

from talktime.documents.chat import Pair
from talktime.documents.page import RecordWithSnapshot
from tests.unit.documents.samples import RECORD, SNAPSHOT, TEN


def test_a_record_in_a_list_has_its_people_its_snapshot_and_when_it_stopped() -> None:
    listed = RecordWithSnapshot(RECORD, Pair("Alice", "Maya", ()), SNAPSHOT, TEN, {"topic": "work"})
    document = listed.document()
    assert document == {
        **RECORD.document(),
        "user_name": "Alice",
        "advisor_name": "Maya",
        "connected": [],
        "snapshot": SNAPSHOT.document(),
        "stopped_at": "2026-01-05T10:00:00.000Z",
        "metadata": {"topic": "work"},
    }
