"""Random changes to a JSON document, from a seed. They reach every field and every kind of value."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterator
from random import Random
from typing import Any, Final

from talktime.core.instants import format_instant, parse_instant
from talktime.core.money import format_credits, parse_formatted
from talktime.documents.fingerprint import fingerprint

Path = tuple[str | int, ...]

ANYTHING: Final[tuple[Any, ...]] = (
    *(None, True, False, 0, 1, -1, 0.5, 2**53, 1e300, 0.00001),
    *("", "x", "0.00", "1.00", "user", "charge", "refund", "paused", "\ud800", "2026-01-05T10:00:00.000Z"),
    *([], {}, [None], {"x": 1}),
)
"""Values for any place. Most of them are wrong in most places."""

WORDS: Final = (
    *("stopped", "paused", "user_away", "advisor_away", "out_of_credit", "switched", "timer_failed", "max_cost"),
    *("running", "ended", "user", "advisor", "operator", "service", "platform", "shared", "charge", "refund", "share"),
)
"""Words that stand on receipts."""


def changed(document: dict[str, Any], random: Random) -> tuple[dict[str, Any], list[str]]:
    """A copy with one to three changes, and the places of the changes. Most copies have a right fingerprint."""
    copied = copy.deepcopy(document)
    places = []
    for _ in range(random.choice([1, 1, 1, 2, 3])):
        same = _same_places(copied, random)
        path, other = random.choice(same), random.choice(same)
        if path != other and random.random() < 0.3:
            _exchange(copied, path, other)
        else:
            _change(copied, path, random)
        places.append(field(path))
    if random.random() < 0.95:
        copied["fingerprint"] = renewed(copied)
    return copied, places


def _same_places(document: dict[str, Any], random: Random) -> list[Path]:
    """The places of one field. Half of the time each field is as likely as another, else each place is."""
    by_field: dict[str, list[Path]] = {}
    for path in paths(document):
        by_field.setdefault(field(path), []).append(path)
    fields = list(by_field.values())
    weights = [len(same) for same in fields] if random.random() < 0.5 else None
    return random.choices(fields, weights)[0]


def paths(value: Any, path: Path = ()) -> Iterator[Path]:
    """The place of each value in a document, also of each object and list."""
    if path:
        yield path
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from paths(inner, (*path, name))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from paths(inner, (*path, index))


def field(path: Path) -> str:
    """A place without the numbers in it: `entries.*.amount`."""
    return ".".join("*" if isinstance(step, int) else step for step in path)


def renewed(document: dict[str, Any]) -> str:
    """The fingerprint of a document. A whole number counts as whole, also if it is written as 60.0."""

    def read(text: str) -> float:
        number = float(text)
        return int(number) if number.is_integer() else number

    return fingerprint(json.loads(json.dumps(document), parse_float=read))


def _holder(document: dict[str, Any], path: Path) -> Any:
    holder: Any = document
    for step in path[:-1]:
        holder = holder[step]
    return holder


def _exchange(document: dict[str, Any], path: Path, other: Path) -> None:
    """Exchange the same field of two entries, so that the sums stay right."""
    one, two = _holder(document, path), _holder(document, other)
    one[path[-1]], two[other[-1]] = two[other[-1]], one[path[-1]]


def _change(document: dict[str, Any], path: Path, random: Random) -> None:
    holder, last = _holder(document, path), path[-1]
    value = holder[last]
    if random.random() < 0.08:
        del holder[last]
    elif random.random() < 0.06 or isinstance(value, bool) or value is None:
        holder[last] = copy.deepcopy(random.choice(ANYTHING))
    elif isinstance(value, int | float):
        holder[last] = _other_number(value, random)
    elif isinstance(value, str):
        holder[last] = _other_text(value, random)
    elif isinstance(value, list):
        _rearrange(value, random)
    elif isinstance(value, dict):
        value[random.choice(["added", "borne_by", "__proto__", *value])] = copy.deepcopy(random.choice(ANYTHING))


def _other_number(number: float, random: Random) -> Any:
    if random.random() < 0.5:
        return number + random.choice([1, -1, 1000, -1000, random.randrange(-(10**6), 10**6)])
    others = [-number, 0, number * 1000, float(number), number + 0.5, number + 0.0001, 10**16, str(number), True]
    return random.choice(others)


def _other_text(text: str, random: Random) -> Any:
    for read, others in ((parse_formatted, _other_amount), (parse_instant, _other_instant)):
        try:
            value = read(text)
        except ValueError:
            continue
        return others(text, value, random)
    if random.random() < 0.6:
        return random.choice(WORDS)
    return random.choice([f"{text}x", text[:-1], text.upper(), f" {text}", 0, None])


def _other_amount(text: str, amount: int, random: Random) -> Any:
    shift = random.choice([1, -1, 10_000, -10_000, 1_000_000, random.randrange(-3_000_000, 3_000_000)])
    spellings = [f"{text}0", text.rstrip("0"), f"0{text}", f"+{text}", f" {text}", f"{text}\n", text.replace(".", ",")]
    return random.choice(
        [
            *[format_credits(amount + shift)] * 8,
            *(format_credits(-amount), "0.00", "-0.00", "99999999999999999999.00", amount / 1_000_000),
            random.choice(spellings),
        ]
    )


def _other_instant(text: str, at: int, random: Random) -> Any:
    shift = random.choice([1, -1, 1000, -1000, 60_000, random.randrange(-600_000, 600_000)])
    spellings: list[Callable[[str], str]] = [
        lambda text: text.replace("Z", "+00:00"),
        str.lower,
        lambda text: text.replace(".000", ""),
        lambda text: f"{text[:-1]}000Z",
        lambda text: re.sub(r"T..", "T24", text),
        lambda text: re.sub(r"-\d\d-\d\dT", "-02-30T", text),
        lambda text: f"1969{text[4:]}",
        lambda text: f"0000{text[4:]}",
        lambda text: f"+01{text}",
    ]
    return random.choice([*[format_instant(at + shift)] * 6, at, random.choice(spellings)(text)])


def _rearrange(items: list[Any], random: Random) -> None:
    match random.choice(["add", "double", "swap", "reverse", "remove"]):
        case "add":
            items.insert(random.randrange(len(items) + 1), copy.deepcopy(random.choice(ANYTHING)))
        case "double" if items:
            items.insert(random.randrange(len(items) + 1), copy.deepcopy(random.choice(items)))
        case "swap" if items:
            one, other = random.randrange(len(items)), random.randrange(len(items))
            items[one], items[other] = items[other], items[one]
        case "remove" if items:
            items.pop(random.randrange(len(items)))
        case _:
            items.reverse()
