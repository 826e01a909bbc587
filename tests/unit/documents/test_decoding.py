"""A document is read again from its JSON, with every field that JSON shows."""

from __future__ import annotations

from dataclasses import replace

import pytest

from talktime.core.entries import BorneBy
from talktime.documents.account import Refund
from talktime.documents.decoding import decoded
from talktime.documents.document import Document
from talktime.documents.snapshot import Snapshot
from tests.unit.documents import samples

REFUND = Refund("r", 500_000, 100_000, 1_500, "Late", BorneBy.SHARED, 200_000, samples.TEN, 600_000, 100_000)
_INSIDE = ("chat_id", "user_id", "advisor_id", "chat_duration_ms")


@pytest.mark.parametrize("document", [samples.RECORD, samples.ENDED, REFUND, replace(REFUND, refunded_ms=None)])
def test_json_gives_the_document_again(document: Document) -> None:
    assert decoded(type(document), document.document()) == document


def test_a_snapshot_needs_what_json_does_not_show() -> None:
    snapshot = samples.SNAPSHOT
    inside = {name: getattr(snapshot, name) for name in _INSIDE}
    assert decoded(Snapshot, snapshot.document(), **inside) == snapshot
    bare = replace(snapshot, presence=None, terms=None, balance=None, earned=None, grace_used_at=None)
    assert decoded(Snapshot, bare.document(), **inside) == bare


def test_the_json_of_an_older_version_may_lack_a_field() -> None:
    json = REFUND.document()
    del json["refundable"]
    with pytest.raises(KeyError, match="refundable"):
        decoded(type(REFUND), json)


def test_a_refund_that_an_older_version_kept_is_no_dry_run() -> None:
    json = REFUND.document()
    del json["dry_run"]
    assert decoded(type(REFUND), json) == REFUND


def test_a_field_with_a_default_has_it_where_an_older_version_wrote_none() -> None:
    snapshot = samples.SNAPSHOT
    json = snapshot.document()
    del json["also_running"], json["timer"]["abandon_until"], json["record"]["ended_by"]
    inside = {name: getattr(snapshot, name) for name in _INSIDE}
    assert decoded(Snapshot, json, **inside) == replace(snapshot, also_running=())
