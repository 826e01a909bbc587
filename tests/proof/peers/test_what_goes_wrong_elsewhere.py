"""Mistakes of other systems, each with its source, and that talktime does not make them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.proof.peers.conftest import Talk
from tests.services import BY_THE_MINUTE

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
]

SECOND = {"tiers": [{"rate": "0.60", "per_seconds": 60, "increment_seconds": 1}]}
CGRATES = {
    "connect_fee": "0.4",
    "tiers": [
        {"from_seconds": 0, "rate": "0.2", "per_seconds": 60, "increment_seconds": 60},
        {"from_seconds": 60, "rate": "0.1", "per_seconds": 60, "increment_seconds": 1},
    ],
    "rounding": {"places": 4, "mode": "up"},
}
CNXCC = {
    "connect_fee": "3",
    "tiers": [
        {"from_seconds": 0, "rate": "0.5", "per_seconds": 1, "increment_seconds": 30},
        {"from_seconds": 30, "rate": "0.5", "per_seconds": 1, "increment_seconds": 6},
    ],
}


@asynccontextmanager
async def no_entries(talk: Talk) -> AsyncIterator[None]:
    """In this block no entry can be added for this user."""
    await talk.database.execute(
        "create function fail() returns trigger language plpgsql as $$ begin raise exception 'no'; end $$;"
        "create trigger fail before insert on entries for each row"
        f" when (new.user_id = '{talk.user}') execute function fail()"
    )
    with capture_logs():  # a fault of the program is logged at length
        yield
    await talk.database.execute("drop trigger fail on entries; drop function fail")


@pytest.mark.parametrize(("seconds", "cost"), [(120, "0.70"), (130, "0.7167")])
async def test_cgrates_rounds_every_increment_and_here_only_the_sum_is_rounded(
    talk: Talk, seconds: int, cost: str
) -> None:
    await talk.people("9", CGRATES)
    assert (await talk.talked(seconds))["cost"] == cost


async def test_cgrates_answers_the_repeat_of_a_failed_call_with_success_and_here_the_repeat_fails_too(
    talk: Talk,
) -> None:
    await talk.people("1", BY_THE_MINUTE)
    path, body = f"/v1/users/{talk.user}/debits", {"amount": "2"}
    first = await talk.service.call("POST", path, body, by="service", key=talk.name)
    again = await talk.service.call("POST", path, body, by="service", key=talk.name)
    assert first.status_code == again.status_code == 402
    assert again.json() == first.json()
    assert again.headers["idempotency-replayed"] == "true"


async def test_nibblebill_charges_after_the_use_and_here_the_begun_increment_is_held_at_once(talk: Talk) -> None:
    await talk.people("1", BY_THE_MINUTE)
    await talk.begin()
    account = await talk.account()
    assert (account["balance"], account["committed"], account["available"]) == ("1.00", "1.00", "0.00")


async def test_nibblebill_loses_a_charge_that_it_could_not_write_and_here_the_next_stop_posts_it(talk: Talk) -> None:
    await talk.people("9", BY_THE_MINUTE)
    await talk.begin()
    await talk.go_on(90)
    async with no_entries(talk):
        assert (await talk.service.call("POST", f"/v1/chats/{talk.chat}/stop", by="service")).status_code == 500
    assert await talk.charges() == []
    assert (await talk.act("stop"))["cost"] == "2.00"
    assert await talk.charges() == ["-2.00"]


async def test_cnxcc_adds_an_increment_at_exact_boundaries_and_here_36_seconds_are_36(talk: Talk) -> None:
    await talk.people("50", CNXCC)
    receipt = await talk.talked(36)
    assert (receipt["billed_ms"], receipt["cost"]) == (36_000, "21.00")


async def test_magnusbilling_starts_thirty_calls_on_credit_for_one_and_here_only_one_starts(talk: Talk) -> None:
    await talk.people("1", BY_THE_MINUTE)
    advisors = [f"{talk.advisor} {number}" for number in range(30)]
    for advisor in advisors:
        await talk.service.done(
            "PUT", f"/v1/advisors/{advisor}", {"display_name": "Ada", "tariff": BY_THE_MINUTE, "starts": "at_once"}
        )
    answers = await asyncio.gather(
        *(
            talk.service.call("POST", "/v1/chats", {"user_id": talk.user, "advisor_id": advisor}, by="service")
            for advisor in advisors
        )
    )
    assert sorted(answer.status_code for answer in answers) == [201] + [402] * 29


async def test_astpp_lets_credit_be_withdrawn_during_a_call_and_here_held_credit_stays(talk: Talk) -> None:
    await talk.people("5.50", BY_THE_MINUTE)
    await talk.begin()
    await talk.go_on(60.5)
    path = f"/v1/users/{talk.user}/debits"
    refused = await talk.service.call("POST", path, {"amount": "5"}, by="service", key=f"{talk.name} 1")
    assert (refused.status_code, refused.json()["available"]) == (402, "3.50")
    assert (await talk.service.call("POST", path, {"amount": "3.50"}, by="service", key="x")).status_code == 201
    await talk.go_on(3600)
    over = await talk.see()
    assert (over["elapsed_ms"], over["cost"]) == (120_000, "2.00")
    assert (await talk.account())["balance"] == "0.00"


async def test_astpp_takes_half_a_credit_to_minus_one_and_a_half_and_here_the_record_ends_at_zero(talk: Talk) -> None:
    await talk.people("0.50", SECOND)
    await talk.begin()
    await talk.go_on(200)
    over = await talk.see()
    assert (over["elapsed_ms"], over["cost"]) == (50_000, "0.50")
    assert (await talk.account())["balance"] == "0.00"


async def test_ivozprovider_charges_during_the_call_and_again_afterwards_and_here_time_is_charged_once(
    talk: Talk,
) -> None:
    await talk.people("100", BY_THE_MINUTE)
    begun = await talk.begin()
    for _ in range(3):
        await talk.go_on(70)
        await talk.receipt(begun["record"]["id"])
    await talk.act("stop")
    receipt = await talk.receipt(begun["record"]["id"])
    assert receipt["cost"] == "4.00"
    assert (await talk.account())["balance"] == "96.00"


async def test_a2billing_admits_a_first_block_that_cannot_be_paid_and_here_it_is_refused(talk: Talk) -> None:
    await talk.people("0.01", {"tiers": [{"rate": "0.04", "per_seconds": 60, "increment_seconds": 60}]})
    body = {"user_id": talk.user, "advisor_id": talk.advisor}
    assert (await talk.service.call("POST", "/v1/chats", body, by="service")).status_code == 402


@pytest.mark.parametrize("offset", [0.0, 0.5, 59.0])
async def test_a_job_on_the_minute_charges_by_the_wall_clock_and_here_only_the_duration_counts(
    talk: Talk, offset: float
) -> None:
    await talk.people("9", SECOND)
    now = datetime.fromisoformat((await talk.service.done("GET", "/v1/time"))["server_time"])
    await talk.go_on((60 - now.second - now.microsecond / 1_000_000 + offset) % 60)
    assert (await talk.talked(59))["cost"] == "0.59"
    assert (await talk.talked(1))["cost"] == "0.01"


async def test_a_worker_that_waits_sixty_seconds_skips_minutes_and_here_a_late_worker_charges_all_600(
    talk: Talk,
) -> None:
    await talk.people("600", BY_THE_MINUTE)
    begun = await talk.begin()
    for number in range(40):
        await talk.go_on(900 + number % 3)
        await talk.receipt(begun["record"]["id"])
    over = await talk.see()
    assert (over["elapsed_ms"], over["cost"]) == (36_000_000, "600.00")
    assert (await talk.account())["balance"] == "0.00"


async def test_elsewhere_the_browser_sends_the_amount_and_here_no_browser_can(talk: Talk) -> None:
    await talk.people("9", BY_THE_MINUTE)
    by = f"user:{talk.user}"
    await talk.begin()
    for what in ("cost", "duration_ms", "amount"):
        answer = await talk.service.call("POST", f"/v1/chats/{talk.chat}/stop", {what: 1}, by=by)
        assert answer.status_code == 422
    for path in ("credits", "debits"):
        answer = await talk.service.call(
            "POST", f"/v1/users/{talk.user}/{path}", {"amount": "5", "kind": "purchase"}, by=by, key=path
        )
        assert answer.status_code == 403


async def test_elsewhere_an_ended_record_is_charged_again_and_here_never(talk: Talk) -> None:
    await talk.people("9", BY_THE_MINUTE)
    await talk.talked(61)
    for _ in range(3):
        await talk.go_on(600)
        await talk.act("stop")
    assert await talk.charges() == ["-2.00"]


async def test_elsewhere_the_advisor_is_paid_although_the_charge_failed_and_here_both_are_one_entry(talk: Talk) -> None:
    await talk.people("3", BY_THE_MINUTE, terms={"share_percent": 50})
    receipt = await talk.talked(3600)
    rows = await talk.database.fetch(
        "select amount, advisor_amount, platform_amount from entries where record_id = $1", receipt["record"]["id"]
    )
    assert [tuple(row) for row in rows] == [(-3_000_000, 1_500_000, 1_500_000)]


async def test_openmeter_5118_claims_the_key_before_the_write_and_here_a_failed_write_claims_nothing(
    talk: Talk,
) -> None:
    await talk.people("9", BY_THE_MINUTE)
    path, body = f"/v1/users/{talk.user}/credits", {"amount": "5", "kind": "purchase"}
    async with no_entries(talk):
        failed = await talk.service.call("POST", path, body, by="service", key=talk.name)
    again = await talk.service.call("POST", path, body, by="service", key=talk.name)
    assert (failed.status_code, again.status_code, again.json()["balance"]) == (500, 201, "14.00")


async def test_lago_refreshes_balances_every_five_minutes_and_here_they_are_right_at_every_instant(talk: Talk) -> None:
    await talk.people("9", SECOND)
    await talk.begin()
    for seconds, available in ((0, "8.99"), (0.001, "8.99"), (0.999, "8.98"), (1, "8.97")):
        await talk.go_on(seconds)
        assert (await talk.account())["available"] == available


async def test_elsewhere_time_without_a_connection_is_charged_and_here_absence_is_free(
    strict_talk: Talk,
) -> None:
    talk = strict_talk
    await talk.people("9", SECOND)
    await talk.begin()
    await talk.go_on(3600)
    seen = await talk.see()
    assert (seen["record"]["state"], seen["elapsed_ms"], seen["cost"]) == ("ended", 30_000, "0.30")


async def test_a_reconnect_loses_nothing_18_and_24_minutes_are_42(strict_talk: Talk) -> None:
    talk = strict_talk
    await talk.people("99", SECOND)
    begun = await talk.begin()

    async def present(minutes: int) -> None:
        for _ in range(minutes * 60 // 20):
            await talk.go_on(20)
            await both(talk)

    await present(18)
    await talk.go_on(300)
    away = await talk.see()
    assert (away["record"]["reason"], away["elapsed_ms"]) == ("user_away", (18 * 60 + 30) * 1000)
    await both(talk)
    await present(24)
    stopped = await talk.act("stop")
    assert stopped["record"]["id"] == begun["record"]["id"]
    assert stopped["elapsed_ms"] == (18 * 60 + 30 + 24 * 60) * 1000


async def both(talk: Talk) -> None:
    """Both parties prove their presence."""
    for by in (f"user:{talk.user}", f"advisor:{talk.advisor}"):
        await talk.act("heartbeat", by)


async def test_timers_in_memory_forget_everything_at_a_restart_and_here_a_restart_changes_nothing(
    strict_talk: Talk, restarted: Any
) -> None:
    talk = strict_talk
    await talk.people("9", BY_THE_MINUTE)
    begun = await talk.begin()
    await talk.go_on(25)
    async with restarted() as service:
        other = Talk(service, talk.database, talk.name)
        await both(other)
        await other.go_on(25)
        stopped = await other.act("stop")
    assert (stopped["record"]["id"], stopped["elapsed_ms"]) == (begun["record"]["id"], 50_000)
