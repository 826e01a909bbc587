"""`talktime record …`: conversation time records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from talktime.cli import console
from talktime.cli.arguments import Limit, read_amount, read_explanation, read_id, read_seconds
from talktime.cli.console import Json, printed, run, usage
from talktime.core.money import format_credits
from talktime.core.refunds import Bearer
from talktime.documents.account import Refund

if TYPE_CHECKING:
    from talktime.talktime import Talktime

app = typer.Typer(no_args_is_help=True, help="Conversation time records.")


@app.command("list")
def list_records(
    context: typer.Context,
    state: Annotated[str | None, typer.Option(help="running, paused, ended, or active: not ended")] = None,
    limit: Limit = 200,
    as_json: Json = False,
) -> None:
    """Records, the newest first."""
    if state not in {None, "running", "paused", "ended", "active"}:
        usage("--state must be running, paused, ended or active")

    async def work(talktime: Talktime) -> list[dict[str, Any]]:
        found = await talktime.records(state, limit=limit)
        pairs = await talktime.pairs_of(found)
        return [
            {
                **snapshot.record.document(),
                **pairs[snapshot.record.id].document(),
                "elapsed_ms": snapshot.elapsed_ms,
                "cost": format_credits(snapshot.cost),
            }
            for snapshot in found
        ]

    rows = run(context, work)
    columns = ("id", "user_name", "advisor_name", "state", "reason", "started_at", "elapsed_ms", "cost")
    console.table("records", rows, columns, as_json)


@app.command("show")
def show_record(context: typer.Context, record_id: str, as_json: Json = False) -> None:
    """A record as it stands."""
    console.show(run(context, lambda talktime: talktime.record(read_id(record_id))).document(), as_json)


@app.command("stop")
def stop_record(context: typer.Context, record_id: str, as_json: Json = False) -> None:
    """End a record. One that has ended stays as it is, and so does whatever its chat has gone on with."""
    record, stopped = run(context, lambda talktime: talktime.stop_record(read_id(record_id), by="operator"))
    if not printed({**record.document(), "changed": stopped}, as_json):
        print(f"{record.id} {'stopped' if stopped else f'unchanged: it had ended already ({record.reason})'}")


@app.command("refund")
def refund_record(
    context: typer.Context,
    record_id: str,
    reason: Annotated[str, typer.Option(help="Why, for the receipt.")],
    borne_by: Annotated[Bearer, typer.Option(help="Who bears it; shared: in the proportion in which it was earned.")],
    amount: Annotated[str | None, typer.Option(help="How much.")] = None,
    duration: Annotated[str | None, typer.Option("--seconds", help="Or the price of the last so many.")] = None,
    as_json: Json = False,
) -> None:
    """Give back what a record has cost, in whole or in part, by amount or by time."""
    if (amount is None) == (duration is None):
        usage("Say either --amount or --seconds.")
    micro = None if amount is None else read_amount(amount)
    duration_ms = None if duration is None else read_seconds(duration)
    why = read_explanation(reason)

    async def work(talktime: Talktime) -> Refund:
        return await talktime.refund(
            read_id(record_id), reason=why, borne_by=borne_by, amount=micro, duration_ms=duration_ms
        )

    console.show(run(context, work).document(), as_json)
