"""The browser finds on a receipt what the program finds: the same checks, in the same order, with the same figures.

The receipts are of random lives, some of them changed in random places. A seed that fails is printed;
`pytest tests/twins/test_receipt.py --seed N` runs the life of that seed alone.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any, Final, NamedTuple

import pytest

from talktime.core.instants import format_instant, parse_instant
from talktime.documents.receipt import gaps
from talktime.documents.verification import NotAReceiptError, verify
from tests.twins.browser import answers
from tests.twins.lives import receipts
from tests.twins.mutations import changed, field, paths, renewed

VECTORS: Final = Path(__file__).parents[1] / "vectors" / "receipts.json"
LIVES: Final = 50
CHANGED: Final = 4
"""How many changed copies of each receipt are compared."""


class Case(NamedTuple):
    """A document, the seed of its life, and the places of its changes."""

    seed: int
    document: dict[str, Any]
    places: list[str]


def cases(seed: int) -> list[Case]:
    """The receipts of a life, as the advisor and as the user sees them, and changed copies of each."""
    random = Random(seed)
    drawn = []
    for receipt in receipts(random):
        document = receipt.document(with_shares=random.random() < 0.8)
        drawn.append(Case(seed, document, []))
        drawn += [Case(seed, *changed(document, random)) for _ in range(CHANGED)]
    return drawn


def checks(document: dict[str, Any]) -> list[dict[str, Any]] | str:
    """The checks of the program, or the reason why the document is not a receipt."""
    try:
        return [check.document() for check in verify(document)]
    except NotAReceiptError as error:
        return str(error)


@pytest.mark.parametrize("first_seed", range(0, 3 * LIVES, LIVES))
def test_browser_and_program_find_the_same(first_seed: int, seed: int | None) -> None:
    seeds = range(first_seed, first_seed + LIVES) if seed is None else [seed]
    drawn = [case for life in seeds for case in cases(life)]
    outcomes: Counter[str] = Counter()
    for case, browser in zip(drawn, answers("receipt", [case.document for case in drawn]), strict=True):
        program = checks(case.document)
        message = f"seed {case.seed}, changed at {case.places}"
        outcome = "not a receipt"
        if isinstance(program, str) or isinstance(browser, str):
            assert isinstance(program, str), f"{message}: the browser alone says {browser}"
            assert isinstance(browser, str), f"{message}: the program alone says {program}"
        else:
            assert browser == program, message
            outcome = "right" if all(check["holds"] for check in program) else "wrong"
        assert case.places or outcome == "right", f"{message}: {program}"
        outcomes[outcome] += 1
    if seed is None:
        assert min(outcomes.values()) > LIVES, outcomes
        unchanged = {field(path) for case in drawn if not case.places for path in paths(case.document)}
        assert unchanged - {place for case in drawn for place in case.places} == set(), "fields that were never changed"


def test_browser_and_program_find_the_same_where_chance_seldom_leads() -> None:
    """A charge that gives credit makes a shared refund negative; the names of fields are halves of surrogate pairs."""
    documents: list[dict[str, Any]] = json.loads(VECTORS.read_text("utf-8"))
    for document in documents:
        for entry in document["shares"]["entries"]:
            if entry["kind"] == "charge":
                entry["amount"] = "7.00"
            elif entry["kind"] == "refund":
                entry["advisor_amount"] = "1.00"
        document |= {"\U0001f600": 1, "\uffff": 2, "\ud800": 3, "a": "\udfff"}
        document["fingerprint"] = renewed(document)
    program = [checks(document) for document in documents]
    assert answers("receipt", documents) == program
    assert not any(isinstance(found, str) for found in program)


def test_browser_and_program_accept_a_receipt_without_a_field_that_may_be_absent() -> None:
    """A field that a later version added is absent from older receipts, as `shares` is from a user's receipt."""
    absent, newer, empty, partial = (json.loads(VECTORS.read_text("utf-8"))[0] for _ in range(4))
    del absent["shares"]
    newer["added"] = {"by": "a later version"}
    empty["shares"] = None
    del partial["shares"]["fees"]
    documents = [absent, newer, empty, partial]
    for document in documents:
        document["fingerprint"] = renewed(document)
    program = [checks(document) for document in documents]
    browser = answers("receipt", documents)
    assert browser[:2] == program[:2]
    for found in program[:2]:
        assert not isinstance(found, str)
        assert all(check["holds"] for check in found)
    for found in (*program[2:], *browser[2:]):
        assert isinstance(found, str)
        assert found.startswith("This is not a receipt: shares")


def test_browser_and_program_know_a_request_that_rang_from_this_version_and_from_an_earlier_one() -> None:
    """An earlier version said that the advisor was the cause of the ringing. Nobody is."""
    documents = []
    for cause in (None, "advisor", "user"):
        document = json.loads(VECTORS.read_text("utf-8"))[0]
        record = document["record"]
        record["starts"] = "accepted"
        record["started_at"] = format_instant(parse_instant(record["started_at"]) - 5_000)
        document["gaps"] = gaps(record, document["segments"], document["server_time"])
        document["gaps"][0]["caused_by"] = cause
        document["fingerprint"] = renewed(document)
        documents.append(document)
    program = [checks(document) for document in documents]
    assert answers("receipt", documents) == program
    holds = [[check["holds"] for check in found if check["path"] == "gaps[0]"] for found in program]  # type: ignore[index]
    assert holds == [[True], [True], [False]]
