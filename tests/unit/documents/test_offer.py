"""An offer says before a start what the start would do: what it needs, and when the credit would end."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from talktime.core import meter
from talktime.core.cuts import find_cuts
from talktime.core.errors import InsufficientCredit
from talktime.core.payer import Payer
from talktime.core.record import Reason, Record
from talktime.documents.offer import Offer, OfferVersion, offer
from tests.twins.tariffs import random_tariff
from tests.unit.builders import LONG_LEASES, MINUTE, START, add_credit, minute_tariff, new_record, payer_with, start


def offered(payer: Payer, record: Record) -> Offer:
    return offer(payer, record, "Maya", payer.settled_at)


@pytest.mark.parametrize(
    ("credit", "fields", "lasts_ms"),
    [
        (0.02, {"increment_seconds": 1}, 1_000),
        (0.02, {"increment_seconds": 1, "boundary": "begun"}, 999),
        (0.02, {}, 0),
        (1.99, {}, 60_000),
        (1.98, {"increment_seconds": 1}, 118_000),
        (2.00, {}, 120_000),
        (0.50, {"increment_seconds": 1, "connect_fee": "0.40"}, 6_000),
        (0.02, {"increment_seconds": 1, "grace_seconds": 600}, 600_000),
        (1.00, {"max_cost": "1.00"}, None),
        (9.00, {"max_cost": "1.00", "at_max_cost": "stop"}, None),
        (0.00, {"free_seconds": 60}, 60_000),
    ],
)
def test_how_long_a_credit_lasts(credit: float, fields: dict[str, Any], lasts_ms: int | None) -> None:
    found = offered(payer_with(credit), new_record(tariff=minute_tariff(**fields)))
    assert (found.lasts_ms, found.display_name) == (lasts_ms, "Maya")


def test_another_running_record_and_a_gift_that_expires_count() -> None:
    record = new_record("second", minute_tariff(increment_seconds=1))
    assert offered(payer_with(2), record).lasts_ms == 2 * MINUTE
    beside = start(payer_with(2), minute_tariff(increment_seconds=1))
    assert offered(beside, record).lasts_ms == MINUTE
    gift = add_credit(payer_with(0), 2, "gift", expires_at=START + 30_000)
    assert offered(gift, record).lasts_ms == 31_000  # the second in progress at the expiry is held


def test_free_time_and_grace_that_are_used_up_are_not_offered() -> None:
    tariff = minute_tariff(free_seconds=60, grace_seconds=20)
    whole = offered(payer_with(2), new_record(tariff=tariff))
    assert (whole.free_remaining_ms, whole.required) == (60_000, 0)
    used = offered(payer_with(2), new_record(tariff=tariff, free_ms_before=50_000))
    assert used.free_remaining_ms == 10_000


def test_a_start_does_what_was_offered(seed: int | None) -> None:
    random = Random(1 if seed is None else seed)
    refused = started = cut = 0
    for _ in range(400):
        payer = payer_with(random.choice([0, 0.5, 3, 12]))
        if random.randrange(2):
            try:
                payer = start(payer, random_tariff(random), "first")
            except InsufficientCredit:
                continue
            payer = meter.settle(payer, payer.settled_at + random.randrange(50_000), LONG_LEASES)
        record = new_record("second", random_tariff(random), at=payer.settled_at)
        said = offered(payer, record)
        if said.required > said.available:
            with pytest.raises(InsufficientCredit) as caught:
                meter.start(payer, record, payer.settled_at, LONG_LEASES)
            refusal = caught.value
            assert (said.lasts_ms, said.required, said.available) == (0, refusal.required, refusal.available)
            refused += 1
            continue
        after = meter.start(payer, record, payer.settled_at, LONG_LEASES)
        end = find_cuts(after).get("second")
        by_credit = end is not None and end.reason is Reason.OUT_OF_CREDIT
        assert said.lasts_ms == (end.at - payer.settled_at if end is not None and by_credit else None)
        started, cut = started + 1, cut + by_credit
    assert min(refused, started, cut) > 20, "what is drawn says little"


@pytest.mark.parametrize(
    ("text", "version"),
    [("7-240000", OfferVersion(7, 240_000, False)), ("1-0-grace", OfferVersion(1, 0, True))],
)
def test_the_version_of_an_offer_is_read_as_it_is_written(text: str, version: OfferVersion) -> None:
    assert (OfferVersion.parse(text), str(version)) == (version, text)


@pytest.mark.parametrize(
    ("shown", "now", "is_kept"),
    [
        ("2-5-grace", "2-5-grace", True),
        ("2-5", "2-5-grace", True),
        ("2-5", "2-6", True),
        ("2-5-grace", "2-5", False),
        ("2-5", "2-4-grace", False),
        ("1-5", "2-5", False),
        ("3-5", "2-5", False),
    ],
)
def test_an_offer_is_kept_if_the_price_is_the_same_and_no_less_is_free(shown: str, now: str, is_kept: bool) -> None:
    assert OfferVersion.parse(now).keeps(OfferVersion.parse(shown)) == is_kept
