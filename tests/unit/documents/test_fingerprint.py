"""The fingerprint of a document: the same for the same content, another one for every change."""

from __future__ import annotations

from typing import Any

import pytest

from talktime.documents.fingerprint import fingerprint

DOCUMENT: dict[str, Any] = {"b": [1, {"c": "ä"}], "a": None}


def test_the_order_of_fields_and_an_earlier_fingerprint_change_nothing() -> None:
    same = {"a": None, "b": [1, {"c": "ä"}], "fingerprint": "anything"}
    assert fingerprint(same) == fingerprint(DOCUMENT)


def test_the_fingerprint_is_the_sha_256_of_the_shortest_json() -> None:
    # printf '{"a":null,"b":[1,{"c":"ä"}]}' | sha256sum
    assert fingerprint(DOCUMENT) == "da290e0b095197753661a42060b0947ead17d81174b461e274dc6edf64295fee"


@pytest.mark.parametrize(
    "change", [{"a": 0}, {"a": False}, {"b": [1, {"c": "a"}]}, {"b": [{"c": "ä"}, 1]}, {"d": None}, {"b": []}]
)
def test_every_change_gives_another_fingerprint(change: dict[str, Any]) -> None:
    assert fingerprint({**DOCUMENT, **change}) != fingerprint(DOCUMENT)


def test_half_of_a_surrogate_pair_has_a_fingerprint() -> None:
    assert len(fingerprint({"a": "\ud800"})) == 64
