"""JSON that others send is read in a time that grows with its length, whatever it says."""

from __future__ import annotations

import contextlib
import gc
import json
import time
from collections.abc import Callable

import pytest

from talktime.core.errors import InvalidRequest
from talktime.service.http.bodies import PriceQuestion
from talktime.service.http.json_bodies import DEPTH_MAX, FIELDS_MAX, read_json
from talktime.service.http.limits import BODY_BYTES_MAX
from talktime.service.http.problems import invalid_request

TIER = {"from_seconds": 0, "rate": "1.00", "per_seconds": 60, "increment_seconds": 60}


def fields(count: int) -> str:
    return "{" + ",".join(f'"f{number}":1' for number in range(count)) + "}"


def deep(levels: int, begin: str = "[", end: str = "]") -> str:
    return begin * levels + end * levels


def filled(length: int, part: str, before: str = "", after: str = "") -> str:
    """A body of at most `length` characters."""
    return before + part * ((length - len(before) - len(after)) // len(part)) + after


HARD: dict[str, Callable[[int], str]] = {
    "many fields, one of them twice": lambda length: fields(length // 10)[:-1] + ',"f0":1}',
    "the same field again and again": lambda length: filled(length, '"a":1,', "{", '"a":1}'),
    "fields in fields": lambda length: filled(length, '{"a":', after="1" + "}" * 10),
    "an open string of quotes": lambda length: filled(length, '\\"', before='[[[[[[[[[[[[[[[[["'),
    "quotes": lambda length: filled(length, '"', before="[" * 20),
    "backslashes": lambda length: filled(length, "\\", before="[" * 20 + '"'),
    "brackets": lambda length: filled(length, "["),
    "braces beside each other": lambda length: filled(length, "{},", "[", "{}]"),
    "a long number": lambda length: filled(length, "9"),
    "lists beside each other": lambda length: filled(length, "[],", "[", "[]]"),
}


def seconds_to_read(text: str) -> float:
    """The quickest of five: what else runs here only adds."""
    took = []
    for _ in range(5):
        began = time.thread_time()
        with contextlib.suppress(InvalidRequest, ValueError):
            read_json(text)
        took.append(time.thread_time() - began)
    return min(took)


@pytest.mark.parametrize("body", HARD.values(), ids=HARD)
def test_the_hardest_bodies_take_a_time_that_grows_with_their_length(body: Callable[[int], str]) -> None:
    """A body of eight times the length takes about eight times as long, where a square would take 64 times as long.

    A body that is refused at its beginning takes no time that could be compared.
    """
    short, long = body(BODY_BYTES_MAX // 8), body(BODY_BYTES_MAX)
    assert len(long) <= BODY_BYTES_MAX
    gc.disable()  # the time of a garbage collection grows with the size of the process
    try:
        assert seconds_to_read(long) < 24 * max(seconds_to_read(short), 0.001)
    finally:
        gc.enable()


def test_a_field_that_is_named_twice_is_refused() -> None:
    with pytest.raises(InvalidRequest, match=r"^b must not be named more than once$"):
        read_json('{"a": [{"b": 1, "c": 2, "b": 1}], "a2": 3}')
    assert read_json('[{"b": 1}, {"b": 2}]') == [{"b": 1}, {"b": 2}]


def test_fields_are_counted_in_all_objects_together() -> None:
    half = FIELDS_MAX // 2
    assert len(read_json(fields(FIELDS_MAX))) == FIELDS_MAX
    assert len(read_json(f"[{fields(half)},{fields(half)}]")) == 2
    for text in (fields(FIELDS_MAX + 1), f"[{fields(half)},{fields(half + 1)}]"):
        with pytest.raises(InvalidRequest, match=f"at most {FIELDS_MAX} fields"):
            read_json(text)


def test_depth_is_counted_outside_of_strings() -> None:
    read_json(deep(DEPTH_MAX))
    read_json(deep(DEPTH_MAX // 2, '{"a":[', "]}"))
    read_json(json.dumps({"text": "[{" * 100 + '\\"[['}))
    read_json("[" + ",".join(["[]"] * 1_000) + "]")
    for text in (deep(DEPTH_MAX + 1), deep(DEPTH_MAX // 2 + 1, '{"a":[', "]}"), "[" * 30_000):
        with pytest.raises(InvalidRequest, match=f"deeper than {DEPTH_MAX} levels"):
            read_json(text)


def test_the_largest_honest_body_is_read() -> None:
    tiers = [{**TIER, "from_seconds": 60 * number} for number in range(50)]
    body = {"tariff": {"tiers": tiers, "rounding": {"places": 2, "mode": "up"}}, "seconds": 60}
    assert PriceQuestion.model_validate(read_json(json.dumps(body))).tariff.tiers[-1].from_ms == 49 * 60_000


def test_an_answer_lists_few_errors() -> None:
    errors = [{"loc": ("body", f"f{number}"), "type": "missing", "msg": ""} for number in range(1_000)]
    assert len(invalid_request(errors).members["errors"]) == 20
