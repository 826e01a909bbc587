"""The types of events, and their fields, are those that the reference lists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from talktime.documents.document import Document, fields_of
from talktime.documents.event import BrokenRuleData, CreditEndData, Event, EventType, PartyData, PostingData, RecordData

REFERENCE = (Path(__file__).parents[3] / "docs/reference/events.md").read_text("utf-8")


def test_the_reference_lists_each_type_once() -> None:
    assert sorted(re.findall(r"^\| `(\w+\.\w+)` \|", REFERENCE, re.MULTILINE)) == sorted(EventType)


@pytest.mark.parametrize("document", [BrokenRuleData, CreditEndData, Event, PartyData, PostingData, RecordData])
def test_the_reference_names_each_field(document: type[Document]) -> None:
    assert [field.name for field in fields_of(document) if f"`{field.name}`" not in REFERENCE] == []
