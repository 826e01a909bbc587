"""Arguments of a wrong type are refused in words by every method of the library."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, cast, get_type_hints

import pytest

from scripts.docsite.library_reference import methods
from talktime import Actor, Party, Talktime, Tariff
from talktime.core.arguments import checks_arguments
from talktime.core.errors import InvalidRequest
from talktime.engine.timers import ChatTimerManager


@checks_arguments
class Library:
    """Methods with arguments of each kind."""

    def say(
        self,
        text: str = "",
        *,
        number: int | None = None,
        amount: int = 0,
        share: float = 0,
        party: Party = Party.USER,
        tariff: Tariff | None = None,
        texts: Mapping[str, str] | None = None,
        types: Collection[str] = (),
        anything: Any = None,
        limit: int = 1,
        begin: int | None = None,
        ttl_seconds: int = 1,
        actor: Actor | None = None,
    ) -> str:
        said = (text, number, amount, share, party, tariff, texts, types, anything, limit, begin, ttl_seconds, actor)
        return "".join(map(str, said))

    async def wait(self, text: str) -> str:
        return text


@pytest.mark.parametrize(
    ("arguments", "refusal"),
    [
        ({"text": 7}, "text must be a text, not of the type int: pass str(…)"),
        ({"text": None}, "text must be a text, not of the type NoneType"),
        ({"number": "7"}, "number must be a whole number or None, not of the type str: pass int(…)"),
        ({"number": True}, "number must be a whole number or None, not of the type bool"),
        ({"number": 7.0}, "number must be a whole number or None, not of the type float: pass round(…)"),
        (
            {"number": timedelta(minutes=5)},
            (
                "number must be a whole number or None, not of the type timedelta: pass its milliseconds,"
                " round(….total_seconds() * 1000)"
            ),
        ),
        (
            {"ttl_seconds": timedelta(hours=1)},
            (
                "ttl_seconds must be a whole number, not of the type timedelta: pass its seconds,"
                " round(….total_seconds())"
            ),
        ),
        ({"actor": "Olga"}, "actor must be an Actor or None, not of the type str"),
        (
            {"number": datetime(2026, 1, 1, tzinfo=UTC)},
            (
                "number must be a whole number or None, not of the type datetime: pass its milliseconds since 1970,"
                " round(….timestamp() * 1000)"
            ),
        ),
        (
            {"begin": "2026-10"},
            (
                "begin must be a whole number or None, not of the type str: pass the milliseconds since 1970,"
                " round(datetime(…).timestamp() * 1000)"
            ),
        ),
        ({"share": "7"}, "share must be a number, not of the type str"),
        ({"party": "nobody"}, "party must be one of user, advisor, not 'nobody'"),
        (
            {"amount": "10.00"},
            'amount must be a whole number, not of the type str: in micro-credits, parse_credits("10.00")',
        ),
        (
            {"tariff": {"tiers": []}},
            "tariff must be a Tariff or None, not of the type dict: Tariff.parse makes one of a document",
        ),
        ({"texts": ["a"]}, "texts must be a mapping or None, not of the type list"),
        ({"types": "record.ended"}, "types must be a collection, not of the type str: pass ['record.ended']"),
    ],
)
def test_an_argument_of_a_wrong_type_is_refused_in_words(arguments: dict[str, Any], refusal: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        Library().say(**arguments)
    assert str(refused.value) == refusal


@pytest.mark.parametrize(
    ("begin", "refusal"),
    [
        (1_790_000_000, "begin must be in milliseconds, and 1790000000 looks like seconds: pass 1790000000_000"),
        (-1, "begin must be an instant from 1970 to 9999, in milliseconds"),
        (10**30, "begin must be an instant from 1970 to 9999, in milliseconds"),
    ],
)
def test_an_instant_that_cannot_be_meant_is_refused(begin: int, refusal: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        Library().say(begin=begin)
    assert str(refused.value) == refusal
    assert Library().say(begin=0)
    assert Library().say(begin=1_790_000_000_000)


@pytest.mark.parametrize("limit", [0, -1])
def test_a_page_has_a_length(limit: int) -> None:
    with pytest.raises(InvalidRequest, match="limit must be at least 1"):
        Library().say(limit=limit)


def test_arguments_of_the_right_types_pass() -> None:
    said = Library().say("a", number=7, share=1, party=Party.ADVISOR, texts={"a": "b"}, types=["c"], anything=object)
    assert said.startswith("a701advisor")
    assert "user" in Library().say(party=cast("Party", "user"))  # the text of a member is taken


async def test_a_coroutine_refuses_when_it_is_awaited() -> None:
    assert await Library().wait("a") == "a"
    answer = Library().wait(cast("str", 7))
    with pytest.raises(InvalidRequest):
        await answer


def test_an_argument_that_does_not_exist_is_refused_by_python() -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument"):
        Library().say(**cast("dict[str, Any]", {"nothing": 1}))


def test_the_types_of_every_method_of_the_library_can_be_read() -> None:
    for cls in (Talktime, ChatTimerManager):
        for _, _, method in methods(cls):
            get_type_hints(method)
