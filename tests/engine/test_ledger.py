"""The ledger in the database: every row has two sides, and none is ever changed."""

from __future__ import annotations

from typing import Any, Final

import asyncpg
import pytest

from talktime import Talktime, Tariff, parse_credits
from talktime.core.errors import Conflict, InvalidRequest
from talktime.core.price import price
from talktime.core.terms import Terms
from talktime.database.pool import Pool
from talktime.documents.report import KINDS
from talktime.documents.verification import verify
from tests.nodes import LONG_SECONDS, add_alice_and_maya, node_on

pytestmark = pytest.mark.both_servers

TERMS = Terms.parse({"share_percent": 49, "fee_per_minute": "0.40"})
MINUTES = Tariff.parse({"tiers": [{"rate": "2.00", "increment_seconds": 60}]})


async def rows(database: Pool, sql: str) -> list[Any]:
    """The rows of a statement."""
    return [dict(row) for row in await database.fetch(sql)]


async def test_a_charge_is_shared_in_one_row(talktime: Talktime, database: Pool) -> None:
    await talktime.put_advisor("vera", "Vera", MINUTES, TERMS, starts="at_once")
    started = await talktime.initialize_time_tracking_for_chat("alice", "vera", "first")
    # What is agreed later is for later records.
    await talktime.put_advisor("vera", "Vera", MINUTES, Terms(0), starts="at_once")
    for _ in range(4):
        await talktime.advance_clock(145_000)
        await talktime.engine.post_charges()
    stopped = await talktime.stop("first")
    assert stopped.cost == parse_credits("20.00")
    (sums,) = await rows(
        database,
        "select count(*) > 1 as several, sum(amount)::bigint as paid, sum(advisor_amount)::bigint as earned,"
        " sum(platform_amount)::bigint as kept, sum(fees)::bigint as fees, min(advisor_id) as who"
        f" from entries where record_id = '{started.record.id}'",
    )
    assert sums == {
        "several": True,
        "paid": -parse_credits("20.00"),
        "earned": parse_credits("7.84"),
        "kept": parse_credits("12.16"),
        "fees": parse_credits("4.00"),
        "who": "vera",
    }


FACTS: Final = ("accounts", "chats", "records", "segments", "entries", "acts", "repeats", "watches")


async def versions(database: Pool) -> dict[str, list[Any]]:
    """Which version of each row is stored: an update makes another, even if it changes nothing."""
    return {name: await rows(database, f"select ctid::text, xmin::text from {name} order by ctid") for name in FACTS}


async def test_an_hour_without_a_pause_writes_nothing_and_is_one_charge(database_url: str, database: Pool) -> None:
    async with node_on(
        database_url, presence_lease_seconds=LONG_SECONDS, health_seconds=0.05, audit_seconds=0.05
    ) as node:
        await add_alice_and_maya(node)
        started = await node.initialize_time_tracking_for_chat("alice", "maya", "first")
        stored = await versions(database)
        for _ in range(12):
            await node.advance_clock(300_000)
            await node.node.deadlines.settle_due()
            shown = await node.snapshot("first")
            receipt = await node.receipt(started.record.id)
            assert receipt.entries == ()
            assert receipt.unposted == receipt.cost >= shown.cost > 0
            assert all(check.holds for check in verify(receipt.document()))
            assert await node.broken_rules() == []
        assert await versions(database) == stored
        stopped = await node.stop("first")
    (charge,) = await rows(database, "select kind, amount, at from entries where kind <> 'purchase'")
    assert charge == {"kind": "charge", "amount": -stopped.cost, "at": stopped.record.ended_at}
    assert stopped.cost >= parse_credits("36")


async def test_update_chat_time_posts_what_has_run(talktime: Talktime, database: Pool) -> None:
    started = await talktime.initialize_time_tracking_for_chat("alice", "maya", "first")
    await talktime.advance_clock(60_000)
    assert await talktime.timers.update_chat_time("first", started.record.id)
    (stored,) = await rows(database, "select r.elapsed_ms, c.duration_ms from records r join chats c using (chat_id)")
    assert stored["elapsed_ms"] == stored["duration_ms"] >= 60_000
    (charge,) = (await talktime.receipt(started.record.id)).entries
    assert charge.amount == -price(started.tariff, stored["elapsed_ms"]).cost


async def test_terms_stay_until_others_are_given(talktime: Talktime) -> None:
    await talktime.put_advisor("vera", "Vera", MINUTES, TERMS, starts="at_once")
    await talktime.put_advisor("vera", "Vera K.", MINUTES, starts="at_once")
    assert (await talktime.advisor("vera")).terms == TERMS
    assert (await talktime.advisor("maya")).terms == Terms(0)


async def test_every_entry_balances_and_names_its_books(talktime: Talktime, database: Pool) -> None:
    await talktime.put_advisor("vera", "Vera", MINUTES, TERMS, starts="at_once")
    await talktime.add_credit("alice", parse_credits("5"), "gift")
    await talktime.add_credit("alice", parse_credits("1"), "refund")
    await talktime.debit("alice", parse_credits("2"))
    await talktime.initialize_time_tracking_for_chat("alice", "vera", "first")
    await talktime.advance_clock(30_000)
    await talktime.stop("first")
    unbalanced = "select entry_id from postings group by entry_id having sum(amount) <> 0"
    assert await rows(database, unbalanced) == []
    books = await rows(database, "select kind, book, sum(amount)::bigint as amount from postings group by 1, 2")
    found = {(row["kind"], row["book"]): row["amount"] for row in books}
    assert found == {
        ("purchase", "user"): parse_credits("100"),
        ("purchase", "outside"): -parse_credits("100"),
        ("gift", "user"): parse_credits("5"),
        ("gift", "promotion"): -parse_credits("5"),
        ("refund", "user"): parse_credits("1"),
        ("refund", "outside"): -parse_credits("1"),
        ("debit", "user"): -parse_credits("2"),
        ("debit", "outside"): parse_credits("2"),
        ("charge", "user"): -parse_credits("2"),
        ("charge", "advisor"): parse_credits("0.784"),
        ("charge", "revenue"): parse_credits("1.216"),
    }


async def test_a_report_is_the_sum_of_the_lines_of_its_books(talktime: Talktime, database: Pool) -> None:
    """The statement of the report names the books as the view `postings` does, for every kind of entry."""
    await talktime.put_advisor("vera", "Vera", MINUTES, TERMS, starts="at_once")
    await talktime.add_credit("alice", parse_credits("5"), "gift", expires_at=await talktime.now() + 10_000_000)
    await talktime.add_credit("alice", parse_credits("1"), "refund")
    await talktime.debit("alice", parse_credits("2"))
    started = await talktime.initialize_time_tracking_for_chat("alice", "vera", "first")
    await talktime.advance_clock(30_000)
    await talktime.stop("first")
    await talktime.refund(started.record.id, reason="a fault", borne_by="shared", amount=parse_credits("0.50"))
    middle = await talktime.now()
    await talktime.advance_clock(20_000_000)  # the gift expires
    await talktime.debit("alice", parse_credits("1"))
    end = await talktime.now() + 1
    lines = await rows(
        database,
        "select book, owner, at, kind, amount from postings",
    )
    report = await talktime.report(middle, end)
    books = {(book.book.value, book.owner): book for book in report.books}
    assert set(books) == {(line["book"], line["owner"]) for line in lines}
    for key, book in books.items():
        own = [line for line in lines if (line["book"], line["owner"]) == key]
        assert book.opening == sum(line["amount"] for line in own if line["at"] < middle)
        assert dict(zip(KINDS, book.amounts, strict=True)) == {
            kind: sum(line["amount"] for line in own if line["at"] >= middle and line["kind"] == kind) for kind in KINDS
        }
    together = await talktime.report(middle, end, by_person=False)
    assert [(book.book, book.closing) for book in together.books] == [
        (kind.book, kind.closing) for kind in report.totals() if any(book.book is kind.book for book in report.books)
    ]


async def test_a_gift_expires_by_itself(talktime: Talktime, database: Pool) -> None:
    now = await talktime.now()
    account = await talktime.add_credit("alice", parse_credits("5"), "gift", expires_at=now + 3_600_000)
    assert (account.gift, account.next_expiry) == (parse_credits("5"), (parse_credits("5"), now + 3_600_000))
    await talktime.initialize_time_tracking_for_chat("alice", "maya", "first")
    await talktime.advance_clock(90_000)
    await talktime.stop("first")
    await talktime.advance_clock(3_600_000)
    account = await talktime.account("alice")
    assert (account.balance, account.gift, account.next_expiry) == (parse_credits("100"), 0, None)
    newest_first = [(entry.kind, entry.amount, entry.gift) for entry in await talktime.entries("alice")]
    spent = -newest_first[1][1]
    assert newest_first == [
        ("expiry", spent - parse_credits("5"), spent - parse_credits("5")),
        ("charge", -spent, -spent),
        ("gift", parse_credits("5"), parse_credits("5")),
        ("purchase", parse_credits("100"), 0),
    ]
    assert (await rows(database, "select at from entries where kind = 'expiry'"))[0]["at"] == now + 3_600_000


async def test_a_statement_ties_to_the_entries(talktime: Talktime, database: Pool) -> None:
    free = Tariff.parse({"tiers": [{"rate": "0"}]})
    await talktime.put_advisor("vera", "Vera", MINUTES, TERMS, starts="at_once")
    await talktime.put_advisor("zoe", "Zoe", free, TERMS, starts="at_once")
    begin = await talktime.now()
    first = await talktime.initialize_time_tracking_for_chat("alice", "vera", "first")
    await talktime.advance_clock(590_000)
    await talktime.stop("first")
    await talktime.refund(first.record.id, reason="why", borne_by="advisor", amount=parse_credits("2"))
    middle = await talktime.advance_clock(60_000)
    await talktime.refund(first.record.id, reason="why", borne_by="platform", amount=parse_credits("1"))
    second = await talktime.initialize_time_tracking_for_chat("alice", "vera", "second")
    await talktime.initialize_time_tracking_for_chat("alice", "zoe", "for nothing")
    end = await talktime.advance_clock(90_000) + 1_000
    early = await talktime.statement("vera", begin, middle)
    (session,) = early.sessions
    assert (session.record_id, session.user_name) == (first.record.id, "Alice")
    assert 590_000 <= session.figures.time_ms < 600_000
    assert session.figures == early.total
    assert early.total.document() == {
        "time_ms": session.figures.time_ms, "gross": "20.00", "fees": "4.00", "share": "7.84", "refunded": "2.00",
        "refunds": "2.00", "net": "5.84",
    }  # fmt: skip
    late = await talktime.statement("vera", middle, end)
    assert [session.record_id for session in late.sessions] == [first.record.id, second.record.id]
    assert [session.figures.time_ms > 0 for session in late.sessions] == [False, True]
    assert (late.total.gross, late.total.refunded, late.total.refunds) == (parse_credits("4"), parse_credits("1"), 0)
    (sums,) = await rows(database, "select sum(advisor_amount)::bigint as net from entries where advisor_id = 'vera'")
    assert sums["net"] == early.total.net + late.total.net
    assert [session.figures.gross for session in (await talktime.statement("zoe", begin, end)).sessions] == [0]
    assert (await talktime.statement("zoe", end, end + 1)).sessions == ()
    for period in ((begin, begin), (end, begin), (begin, begin + 400 * 86_400_000)):
        with pytest.raises(InvalidRequest):
            await talktime.statement("vera", *period)


async def test_an_account_holds_a_hundred_gifts(talktime: Talktime) -> None:
    now = await talktime.now()
    for number in range(100):
        await talktime.add_credit("alice", 1, "gift", expires_at=now + 10**7 + number)
    with pytest.raises(Conflict, match="100 gifts"):
        await talktime.add_credit("alice", 1, "gift", expires_at=now + 10**8)
    await talktime.add_credit("alice", 1)
    assert (await talktime.account("alice")).gift == 100


async def test_gifts_and_the_program_before(talktime: Talktime, database: Pool) -> None:
    await talktime.add_credit("alice", parse_credits("5"), "gift")
    # It knows balances and nothing of gifts.
    await database.execute("update accounts set balance = 3000000 where user_id = 'alice'")
    account = await talktime.account("alice")
    assert (account.balance, account.gift) == (parse_credits("3"), parse_credits("3"))
    await database.execute("update accounts set balance = 105000000 where user_id = 'alice'")


async def test_the_program_before_still_writes_entries(talktime: Talktime, database: Pool) -> None:
    started = await talktime.initialize_time_tracking_for_chat("alice", "maya", "first")
    await database.execute(
        "insert into entries (user_id, amount, kind, at, record_id, reference)"
        " values ('alice', 5, 'purchase', engine_now(), null, 'old'), ('alice', -5, 'charge', engine_now(), $1, 'old')",
        started.record.id,
    )
    found = await rows(database, "select amount, advisor_amount, platform_amount from entries where reference = 'old'")
    assert found == [
        {"amount": 5, "advisor_amount": 0, "platform_amount": -5},
        {"amount": -5, "advisor_amount": 0, "platform_amount": 5},
    ]
    # They fit no balance, so the auditor at the end of each test would mind them.
    await database.execute("alter table entries disable trigger user")
    await database.execute("delete from entries where reference = 'old'")


@pytest.mark.parametrize(
    "bad",
    [
        "(user_id, amount, kind, at) values ('alice', 5, 'charge', engine_now())",
        "(user_id, amount, kind, at) values ('alice', 0, 'purchase', engine_now())",
        "(user_id, amount, kind, at) values ('alice', -5, 'gift', engine_now())",
        "(user_id, amount, kind, at) values ('alice', 5, 'bribe', engine_now())",
        "(user_id, amount, kind, at, advisor_amount) values ('alice', 5, 'purchase', engine_now(), -5)",
        "(user_id, amount, kind, at, gift_amount) values ('alice', 5, 'gift', engine_now(), 6)",
        "(user_id, amount, kind, at, gift_amount) values ('alice', -5, 'expiry', engine_now(), 0)",
        "(user_id, amount, kind, at, platform_amount) values ('alice', 5, 'purchase', engine_now(), 0)",
    ],
)
async def test_the_database_refuses_what_makes_no_sense(talktime: Talktime, database: Pool, bad: str) -> None:
    with pytest.raises((asyncpg.CheckViolationError, asyncpg.GeneratedAlwaysError)):
        await database.execute(f"insert into entries {bad}")


@pytest.mark.parametrize(
    "change", ["update entries set amount = 1", "delete from entries", "truncate entries, records cascade"]
)
async def test_the_database_refuses_changes(talktime: Talktime, database: Pool, change: str) -> None:
    with pytest.raises(asyncpg.RaiseError, match="facts"):
        await database.execute(change)


@pytest.mark.parametrize(
    ("amount", "advice"),
    [
        ("10.00", "micro-credits, parse_credits"),
        (10.0, "micro-credits, parse_credits"),
        (None, "micro-credits, parse_credits"),
        (True, "must be a whole number, not of the type bool$"),
    ],
)
async def test_an_amount_that_is_no_whole_number_is_refused_with_what_to_do(
    talktime: Talktime, amount: Any, advice: str
) -> None:
    await talktime.put_user("alice", "Alice")
    for call in (talktime.add_credit, talktime.debit):
        with pytest.raises(InvalidRequest, match=advice):
            await call("alice", amount, reference="order 1", key="order 1")
    document: Any = {"tiers": [{"rate": "1.00"}]}
    with pytest.raises(InvalidRequest, match=r"Tariff\.parse"):
        await talktime.put_advisor("maya", "Maya", document)
