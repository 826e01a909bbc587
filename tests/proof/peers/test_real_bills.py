"""Prices and rules that others have published: a running service computes the same amounts, to the last digit."""

from __future__ import annotations

from typing import Any

import pytest

from tests.proof.peers.conftest import Talk

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
]


def rate(amount: str, increment: float = 60, per: float = 60, **more: Any) -> dict[str, Any]:
    """A tariff of one tier."""
    return {"tiers": [{"rate": amount, "per_seconds": per, "increment_seconds": increment}], **more}


@pytest.mark.parametrize(("seconds", "cost"), [(300, "14.95"), (301, "17.94"), (330, "17.94")])
async def test_kasamba_five_minutes_are_five_and_a_second_more_is_six(talk: Talk, seconds: int, cost: str) -> None:
    await talk.people("50", rate("2.99"))
    assert (await talk.talked(seconds))["cost"] == cost


@pytest.mark.parametrize(("seconds", "cost"), [(239, "12.00"), (240, "15.00"), (299, "15.00")])
async def test_skyprivate_a_minute_is_owed_as_it_begins(talk: Talk, seconds: int, cost: str) -> None:
    await talk.people("50", rate("3.00", boundary="begun"))
    assert (await talk.talked(seconds))["cost"] == cost


async def test_the_much_asked_question_pauses_are_free_and_minutes_begun_count(talk: Talk) -> None:
    await talk.people("10", rate("2", boundary="begun"))
    await talk.begin()
    await talk.go_on(120)
    await talk.act("pause")
    await talk.go_on(180)
    await talk.act("resume")
    await talk.go_on(60)
    stopped = await talk.act("stop")
    assert (stopped["cost"], (await talk.account())["balance"]) == ("8.00", "2.00")


@pytest.mark.parametrize(("minutes", "cost"), [(17, "34.00"), (8, "30.00")])
async def test_jobsessions_thirty_for_the_first_quarter_then_by_the_minute(talk: Talk, minutes: int, cost: str) -> None:
    await talk.people("50", rate("2", minimum_charge="30"))
    assert (await talk.talked(minutes * 60))["cost"] == cost


async def test_unitel_ten_seconds_are_twelve_in_steps_of_six(talk: Talk) -> None:
    await talk.people("50", rate("1", 6))
    assert (await talk.talked(10))["billed_ms"] == 12_000


async def test_rate_o_mat_650_free_seconds_then_steps_of_twenty(talk: Talk) -> None:
    await talk.people("50", rate("0.03", 20, per=1, free_seconds=650))
    assert (await talk.talked(671))["cost"] == "1.20"


async def test_cgrates_ten_thousand_last_9999_seconds_after_a_fee_of_one(talk: Talk) -> None:
    await talk.people("10000", rate("1", 1, per=1, connect_fee="1"))
    await talk.begin()
    await talk.go_on(10_030)
    cut = await talk.see()
    assert (cut["record"]["reason"], cut["elapsed_ms"], cut["balance"]) == ("out_of_credit", 9_999_000, "0.00")


async def test_sigscale_a_reservation_of_which_nothing_is_used_costs_nothing(talk: Talk) -> None:
    await talk.people("100", rate("10"))
    await talk.begin()
    assert (await talk.account())["available"] == "90.00"
    await talk.act("stop")
    assert (await talk.account())["available"] == "100.00"
    assert await talk.charges() == []


async def test_sigscale_with_one_unit_the_second_session_is_refused(talk: Talk) -> None:
    await talk.people("10", rate("10"))
    await talk.begin()
    other = f"second {talk.advisor}"
    await talk.service.done(
        "PUT", f"/v1/advisors/{other}", {"display_name": "Ben", "tariff": rate("10"), "starts": "at_once"}
    )
    refused = await talk.service.call("POST", "/v1/chats", {"user_id": talk.user, "advisor_id": other}, by="service")
    assert (refused.status_code, refused.json()["required"], refused.json()["available"]) == (402, "10.00", "0.00")


async def test_sigscale_a_millionth_short_of_a_unit_is_refused_and_takes_nothing(talk: Talk) -> None:
    await talk.people("9.999999", rate("10"))
    body = {"user_id": talk.user, "advisor_id": talk.advisor}
    assert (await talk.service.call("POST", "/v1/chats", body, by="service")).status_code == 402
    assert (await talk.account())["balance"] == "9.999999"


async def test_sigscale_interim_and_final_reports_round_on_their_sum(talk: Talk) -> None:
    await talk.people("100", rate("10"))
    await talk.begin()
    await talk.go_on(31)
    # A report posts what its period has cost so far.
    await talk.service.done("GET", "/v1/report?from=2030-01-01T00:00:00Z&to=2040-01-01T00:00:00Z")
    await talk.go_on(32)
    assert (await talk.act("stop"))["cost"] == "20.00"
    assert await talk.charges() == ["-10.00", "-10.00"]


async def test_kasamba_and_keen_three_minutes_free_then_paid_without_a_click_and_both_screens_say_so(
    talk: Talk,
) -> None:
    await talk.people("50", rate("2.99", free_seconds=180))
    await talk.begin()
    for seconds, free_ms, cost in ((179, 1_000, "0.00"), (1, 0, "0.00"), (1, 0, "2.99")):
        await talk.go_on(seconds)
        for by in (f"user:{talk.user}", f"advisor:{talk.advisor}"):
            seen = await talk.see(by)
            assert (seen["free_remaining_ms"], seen["cost"], seen["timer"]["running"]) == (free_ms, cost, True)


async def test_keen_the_advisor_is_kept_waiting_for_a_refill_five_minutes_at_most(talk: Talk) -> None:
    await talk.people("5.98", rate("2.99"))
    begun = await talk.begin()
    await talk.go_on(120.5)
    for by in (f"user:{talk.user}", f"advisor:{talk.advisor}"):
        seen = await talk.see(by)
        assert seen["record"]["state"] == "paused"
        assert seen["timer"]["recharge_until"] is not None
    await talk.go_on(119)
    await talk.top_up("2.99")
    again = await talk.see()
    assert (again["record"]["id"], again["timer"]["running"], again["cost"]) == (begun["record"]["id"], True, "5.98")
    await talk.go_on(60 + 300)
    over = await talk.see()
    assert (over["record"]["state"], over["elapsed_ms"], over["cost"]) == ("ended", 180_000, "8.97")


async def test_the_price_seen_is_the_price_paid(talk: Talk) -> None:
    await talk.people("50", rate("1"))
    await talk.begin()
    await talk.set_tariff(rate("9"))
    await talk.go_on(90)
    assert (await talk.act("stop"))["cost"] == "2.00"


@pytest.mark.parametrize(
    ("price", "terms", "minutes", "pay"),
    [
        ("2.00", {"share_percent": 49, "fee_per_minute": "0.40"}, 10, 7_840_000),
        ("4.99", {"share_percent": 36, "fee_per_minute": "0.19"}, 10, 17_280_000),
    ],
)
async def test_published_shares_are_paid_to_the_digit(
    talk: Talk, price: str, terms: dict[str, Any], minutes: int, pay: int
) -> None:
    await talk.people("100", rate(price), terms=terms)
    receipt = await talk.talked(minutes * 60)
    earned = await talk.database.fetchval(
        "select sum(amount)::bigint from postings where book = 'advisor' and record_id = $1", receipt["record"]["id"]
    )
    assert earned == pay
