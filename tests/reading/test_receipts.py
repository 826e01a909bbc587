"""Receipts prove themselves: what is stored follows from the facts, and whatever is changed in one is found."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from talktime import Talktime
from talktime.database.pool import Pool
from talktime.documents.fingerprint import fingerprint
from talktime.documents.receipt import Receipt
from talktime.documents.verification import NotAReceiptError, verify
from tests.databases import STANDING_CLOCK
from tests.nodes import add_alice_and_maya, node_on
from tests.vectors.receipts import STORIES, a_story, an_absence

pytestmark = pytest.mark.both_servers


async def told(talktime: Talktime, database: Pool) -> Receipt:
    """The receipt of the fullest story."""
    await database.execute(STANDING_CLOCK)
    return await a_story(talktime)


def wrong(document: dict[str, Any]) -> list[str]:
    """Where a receipt differs from its facts."""
    return [check.path for check in verify(document) if not check.holds]


async def test_a_receipt_follows_from_its_facts(talktime: Talktime, database: Pool) -> None:
    receipt = await told(talktime, database)
    document = receipt.document()
    assert wrong(document) == []
    assert wrong(receipt.document(with_shares=False)) == []
    assert "shares" not in receipt.document(with_shares=False)
    assert [(gap["duration_ms"], gap["reason"], gap["caused_by"]) for gap in document["gaps"]] == [
        (20_000, "paused", "advisor")
    ]
    assert [(s["duration_ms"], s["reason"], s["caused_by"]) for s in document["segments"]][-1][1:] == (
        "stopped",
        "user",
    )
    # 182.5 s less 30 s free: a minute of the first tier, 93 seconds of the second.
    assert (document["elapsed_ms"], document["cost"]) == (182_500, "0.755")
    assert document["totals"] == {
        "charged": "0.755",
        "refunded": "0.00",
        "paid": "0.755",
        "gift": "0.50",
        "bought": "0.255",
    }
    assert len(document["entries"]) > 1
    # 153 billed seconds bear a fee of 0.102.
    assert (document["shares"]["fees"], document["shares"]["advisor"]) == ("0.102", "0.31997")


async def test_every_change_is_found(talktime: Talktime, database: Pool) -> None:
    document = (await told(talktime, database)).document()
    leaves = list(paths(document))
    assert len(leaves) > 100
    for path in leaves:
        changed = tampered(document, path)
        try:
            assert "fingerprint" in wrong(changed) or path == ("fingerprint",), path
        except NotAReceiptError:
            continue


# Fields that can't be computed from the rest of the receipt: names, and the host's own texts; rules of the tariff that
# made no difference; a millisecond more or less of free time within an increment.
UNPROVABLE: Final = """
    server_time record.user_id record.advisor_id record.current_chat_id user_name advisor_name
    tariff.grace_seconds tariff.minimum_charge tariff_version free_ms_before seller currency
    segments.0.chat_id segments.0.caused_by segments.1.chat_id segments.2.chat_id segments.2.caused_by
    lines.0.text lines.1.text lines.2.text lines.3.text
    entries.0.reference entries.1.reference entries.2.reference how_to_recompute fingerprint
"""


async def test_a_change_is_found_by_the_figures_where_the_fingerprint_was_renewed(
    talktime: Talktime, database: Pool
) -> None:
    document = (await told(talktime, database)).document()
    unnoticed = []
    for path in paths(document):
        changed = tampered(document, path)
        changed["fingerprint"] = fingerprint(changed)
        try:
            if not wrong(changed):
                unnoticed.append(".".join(map(str, path)))
        except NotAReceiptError:
            continue
    assert unnoticed == UNPROVABLE.split()


async def test_a_figure_that_is_wrong_is_named(talktime: Talktime, database: Pool) -> None:
    document = (await told(talktime, database)).document()
    for path in ("cost", "elapsed_ms", "billed_ms", "unposted"):
        changed = tampered(document, (path,))
        changed["fingerprint"] = fingerprint(changed)
        assert path in wrong(changed)
    changed = tampered(document, ("entries", 1, "amount"))
    changed["fingerprint"] = fingerprint(changed)
    assert "entries[1].amount" in wrong(changed)
    changed = tampered(document, ("record", "reason"), None)
    assert "record.reason" in wrong(changed)
    changed = tampered(document, ("shares", "entries", 0, "advisor_amount"))
    changed["fingerprint"] = fingerprint(changed)
    assert "shares.entries[0].advisor_amount" in wrong(changed)


async def test_what_is_stored_wrongly_is_found(talktime: Talktime, database: Pool) -> None:
    receipt = await told(talktime, database)
    await database.execute("alter table entries disable trigger user")
    await database.execute("update entries set amount = amount - 1 where kind = 'charge'")
    found = wrong((await talktime.receipt(receipt.record.id)).document())
    assert "entries[0].amount" in found
    assert "unposted" in found
    await database.execute("update entries set amount = amount + 1 where kind = 'charge'")
    await database.execute("update records set elapsed_ms = elapsed_ms + 1000 where advisor_id = 'vera'")
    assert "elapsed_ms" in wrong((await talktime.receipt(receipt.record.id)).document())
    await database.execute("update records set elapsed_ms = elapsed_ms - 1000 where advisor_id = 'vera'")


@pytest.mark.parametrize("after", [0, 1, 30_000, 61_500, 100_000, 106_750, 120_000, 126_750, 150_000, 10**9])
async def test_it_is_right_as_of_any_instant(talktime: Talktime, database: Pool, after: int) -> None:
    receipt = await told(talktime, database)
    then = await talktime.receipt(receipt.record.id, at=receipt.record.started_at + after)
    document = then.document()
    assert wrong(document) == []
    ran = min(after, 106_750) + max(0, min(after, 202_500) - 126_750)
    assert document["elapsed_ms"] == ran
    runs = after < 106_750 or 126_750 <= after < 202_500
    assert document["record"]["state"] == ("running" if runs else "paused" if after < 202_500 else "ended")
    assert then == receipt or after < 202_500


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
async def test_every_story_is_proved(talktime: Talktime, database: Pool, story: Any) -> None:
    await database.execute(STANDING_CLOCK)
    assert wrong((await story(talktime)).document()) == []


async def test_whose_lease_ended_and_when(talktime: Talktime, database: Pool) -> None:
    await database.execute(STANDING_CLOCK)
    document = (await an_absence(talktime)).document()
    first = document["segments"][0]
    assert (first["reason"], first["caused_by"]) == ("advisor_away", "advisor")
    assert document["leases"] == [{"party": "advisor", "ended_at": first["ended_at"]}]
    assert [(gap["reason"], gap["caused_by"], gap["duration_ms"]) for gap in document["gaps"]] == [
        ("advisor_away", "advisor", 7_000)
    ]


def test_every_story_is_a_receipt_that_the_browser_is_tested_with() -> None:
    vectors = json.loads((Path(__file__).parents[1] / "vectors" / "receipts.json").read_text("utf-8"))
    assert len(vectors) == len(STORIES)


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where every figure and word of a document stands."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from paths(inner, (*path, name))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from paths(inner, (*path, index))
    else:
        yield path


def tampered(document: dict[str, Any], path: tuple[Any, ...], value: Any = ...) -> dict[str, Any]:
    """A copy with something else at `path`: this value, or one of the same kind."""
    changed = copy.deepcopy(document)
    at: Any = changed
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = other(at[path[-1]]) if value is ... else value
    return changed


def other(value: Any) -> Any:
    """A value of the same kind: another figure, time or word."""
    if isinstance(value, bool) or value is None:
        return "0.01"
    if isinstance(value, int | float):
        return value + 1
    text = str(value)
    digits = [index for index, character in enumerate(text) if character.isdigit()]
    # A credit's or an instant's last figure; the date's own, for an instant, so that it makes a difference.
    place = digits[-1] if digits else len(text) - 1
    figure = str((int(text[place]) + 1) % 10) if digits else "x"
    return text[:place] + figure + text[place + 1 :]


async def test_a_receipt_names_the_seller_and_the_currency_of_its_start(database_url: str, database: Pool) -> None:
    """The seller and the currency stay, whatever the settings say later. A record of an earlier version has none."""
    async with node_on(database_url, work=False, name="Stars & Co", currency="EUR") as node:
        await add_alice_and_maya(node)
        sold = (await node.initialize_time_tracking_for_chat("alice", "maya", "first")).record.id
        await node.stop("first")
    async with node_on(database_url, work=False, name="Moon Ltd", currency="USD") as node:
        first = (await node.receipt(sold)).document()
        assert (first["seller"], first["currency"]) == ("Stars & Co", "EUR")
        assert all(check.holds for check in verify(first))
        later = (await node.initialize_time_tracking_for_chat("alice", "maya", "first")).record.id
        second = await node.receipt(later)
        assert (second.seller, second.currency) == ("Moon Ltd", "USD")
        await database.execute("update records set seller = null, currency = null where record_id = $1", later)
        old = await node.receipt(later)
        assert (old.seller, old.currency) == (None, None)
    async with node_on(database_url, work=False) as node:
        await node.stop("first")
        nobody = (await node.initialize_time_tracking_for_chat("alice", "maya", "first")).record.id
        third = await node.receipt(nobody)
        assert (third.seller, third.currency) == ("", "")
