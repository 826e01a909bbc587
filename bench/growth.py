"""How many bytes a conversation leaves in the database.

    talktime bench growth [--conversations N] [--minutes M] [--messages N] [--json]

Every conversation is played through the library, with an idempotency key for each command, as a host's backend sends
them: a credit, a start, messages of both parties in turn, a pause, a resume and a stop. The test clock moves the time
between them. The bytes are what each table and its indexes grew by, after `vacuum full`, divided by the conversations.

Both `chats` and `records` are updated as long as a conversation runs, and every update leaves a dead row until vacuum
comes by. How much room such dead rows take at most depends on the settings of autovacuum, so they are not counted.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from typing import Annotated, Any, Final

import asyncpg
import typer
from rich.console import Console
from rich.table import Table

from _server import temporary_server
from talktime import Party, Talktime
from talktime.cli.output import progress_bar
from talktime.core.money import parse_credits
from talktime.core.tariff import Tariff
from talktime.database.migrate import migrate
from talktime.engine.idempotency import Repeat
from talktime.settings import load_settings

PER_DAY: Final = 100_000
DAYS: Final = 365
PAIRS: Final = 100
"""How many users talk, each with an advisor of its own. Accounts and advisors do not grow with conversations."""

TEXT: Final = "I see what you mean, and I would like to know more about the second point that you made."
_SIZES: Final = """
select c.relname as name, pg_relation_size(c.oid) as heap, pg_total_relation_size(c.oid) as total
from pg_class c where c.relnamespace = 'talktime'::regnamespace and c.relkind = 'r'
"""


class _Conversations:
    """Conversations, each command with a key of its own."""

    def __init__(self, talktime: Talktime, minutes: float, messages: int) -> None:
        self._talktime = talktime
        self._step_ms = int(minutes * 60_000 / max(1, messages + 2))
        self._messages = messages
        self._keys = 0

    async def prepare(self) -> None:
        """The people, who are there before the first conversation."""
        tariff = Tariff.parse({"tiers": [{"rate": "0.60"}]})
        for number in range(PAIRS):
            await self._talktime.put_user(f"user {number}", "User")
            await self._talktime.put_advisor(f"advisor {number}", "Advisor", tariff, starts="at_once")

    async def play(self, first: int, count: int) -> None:
        """Play conversations of different pairs side by side, so that one advance of the clock serves all of them."""
        chats = await asyncio.gather(*(self._start(first, pair) for pair in range(count)))
        for number in range(self._messages):
            await self._advance()
            party = (Party.USER, Party.ADVISOR)[number % 2]
            await asyncio.gather(
                *(self._talktime.send_message(chat, party, TEXT, f"message {number}") for chat in chats)
            )
        for act in (self._talktime.pause, self._talktime.resume, self._talktime.stop):
            await asyncio.gather(*(act(chat, repeat=self._key(f"/v1/chats/{chat}/{act.__name__}")) for chat in chats))
            await self._advance()

    async def _start(self, first: int, pair: int) -> str:
        user = f"user {pair}"
        key = self._key(f"/v1/users/{user}/credits")
        await self._talktime.add_credit(user, parse_credits("20"), reference=f"order {first}", repeat=key)
        snapshot, _ = await self._talktime.create_chat(user, f"advisor {pair}", repeat=self._key("/v1/chats"))
        return snapshot.chat_id

    async def _advance(self) -> None:
        """Let a step of the conversation pass."""
        await self._talktime.advance_clock(self._step_ms)

    def _key(self, path: str) -> Repeat:
        self._keys += 1
        key = hashlib.sha256(str(self._keys).encode()).digest()
        return Repeat("service", "POST", path, key.hex()[:36], key)


async def _sizes(connection: asyncpg.Connection[Any]) -> dict[str, tuple[int, int]]:
    await connection.execute("vacuum full")
    return {row["name"]: (row["heap"], row["total"]) for row in await connection.fetch(_SIZES)}


async def _measure(url: str, conversations: int, minutes: float, messages: int) -> dict[str, tuple[int, int]]:
    await migrate(url)
    # The parties are present all the time, without a socket.
    settings = load_settings(database_url=url, presence_lease_seconds=900_000)
    show = progress_bar("conversations")
    connection = await asyncpg.connect(url)
    async with Talktime.connect(url, settings=settings, work=False) as talktime:
        played = _Conversations(talktime, minutes, messages)
        await played.prepare()
        before = await _sizes(connection)
        for done in range(0, conversations, PAIRS):
            show(done, conversations)
            await played.play(done, min(PAIRS, conversations - done))
        show(conversations, conversations)
        if broken := await talktime.broken_rules():
            raise SystemExit(f"The doctor has found something: {broken}")
        after = await _sizes(connection)
    await connection.close()
    return {name: (after[name][0] - before[name][0], after[name][1] - before[name][1]) for name in after}


def _documents(grown: dict[str, tuple[int, int]], conversations: int) -> list[dict[str, Any]]:
    """A line for each table that grew: bytes for each conversation, and gigabytes in a year."""
    return [
        {
            "table": name,
            "bytes": round(total / conversations),
            "bytes_of_indexes": round((total - heap) / conversations),
            "year_gb": round(total / conversations * PER_DAY * DAYS / 1e9, 1),
        }
        for name, (heap, total) in sorted(grown.items(), key=lambda item: -item[1][1])
        if total > conversations
    ]


def _show(lines: list[dict[str, Any]], title: str) -> None:
    table = Table(box=None, title=title, title_justify="left")
    for name in ("table", "bytes each", "of that indexes", "GB in a year"):
        table.add_column(name, justify="left" if name == "table" else "right")
    everything = {"table": "together"} | {
        name: sum(line[name] for line in lines) for name in ("bytes", "bytes_of_indexes", "year_gb")
    }
    for line in [*lines, everything]:
        table.add_row(line["table"], f"{line['bytes']:,}", f"{line['bytes_of_indexes']:,}", f"{line['year_gb']:,.0f}")
    Console(highlight=False).print(table)


def growth(
    conversations: Annotated[int, typer.Option(min=1, help="How many conversations are played.")] = 1_000,
    minutes: Annotated[float, typer.Option(min=0, help="How long each lasts.")] = 10,
    messages: Annotated[int, typer.Option(min=0, help="How many messages each has.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """How many bytes a conversation leaves in the database, and what comes together in a year."""
    with temporary_server() as (_, url):
        grown = asyncio.run(_measure(url, conversations, minutes, messages))
    lines = _documents(grown, conversations)
    if as_json:
        figures = {"conversations": conversations, "per_day": PER_DAY, "days": DAYS, "tables": lines}
        print(json.dumps(figures, indent=2))
    else:
        _show(lines, f"{conversations:,} conversations of {minutes:g} minutes, {messages} messages each")
        print(f"The last column is for {PER_DAY:,} conversations a day.")


if __name__ == "__main__":
    typer.run(growth)
