"""`talktime record …`: conversation time records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from talktime.cli.arguments import Limit, read_amount, read_explanation, read_id, read_seconds
from talktime.cli.exits import exit_with_usage_error
from talktime.cli.output import AsJson, print_document, print_json, print_table
from talktime.cli.running import run_with_talktime
from talktime.core.money import format_credits
from talktime.core.record import RecordFilter
from talktime.core.refunds import BorneBy

if TYPE_CHECKING:
    from talktime.talktime import Talktime

app = typer.Typer(no_args_is_help=True, help="Conversation time records.")


@app.command("list")
def list_records(
    context: typer.Context,
    state: Annotated[
        str | None, typer.Option(help="running, paused, ended, or active, which is running or paused")
    ] = None,
    limit: Limit = 200,
    as_json: AsJson = False,
) -> None:
    """List records, the newest first."""
    if state not in {None, *RecordFilter}:
        exit_with_usage_error("--state must be running, paused, ended or active")

    async def read_records(talktime: Talktime) -> list[dict[str, Any]]:
        snapshots = await talktime.records(state, limit=limit)
        pairs = await talktime.pairs_of(snapshots)
        return [
            {
                **snapshot.record.document(),
                **pairs[snapshot.record.id].document(),
                "elapsed_ms": snapshot.elapsed_ms,
                "cost": format_credits(snapshot.cost),
            }
            for snapshot in snapshots
        ]

    documents = run_with_talktime(context, read_records)
    columns = ("id", "user_name", "advisor_name", "state", "reason", "started_at", "elapsed_ms", "cost")
    print_table("records", documents, columns, as_json)


@app.command("show")
def show_record(context: typer.Context, record_id: str, as_json: AsJson = False) -> None:
    """Show a record as it stands."""
    record_id = read_id(record_id)
    record = run_with_talktime(context, lambda talktime: talktime.record(record_id))
    print_document(record.document(), as_json)


@app.command("stop")
def stop_record(context: typer.Context, record_id: str, as_json: AsJson = False) -> None:
    """End this record and no other. A record that has ended stays as it is."""
    record_id = read_id(record_id)
    record, changed = run_with_talktime(context, lambda talktime: talktime.stop_record(record_id, by="operator"))
    if as_json:
        print_json({**record.document(), "changed": changed})
    elif changed:
        print(f"{record.id} stopped")
    else:
        print(f"{record.id} unchanged: it had ended already ({record.reason})")


@app.command("refund")
def refund_record(
    context: typer.Context,
    record_id: str,
    reason: Annotated[str, typer.Option(help="Why. The receipt shows the reason.")],
    borne_by: Annotated[
        BorneBy,
        typer.Option(help="Who bears the refund; shared is in the proportion in which the cost was earned."),
    ],
    amount: Annotated[str | None, typer.Option(help="How much to give back.")] = None,
    duration: Annotated[
        str | None,
        typer.Option("--seconds", help="Instead of an amount: give back the price of this many last billed seconds."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Give back what a record has cost, in whole or in part, by amount or by time."""
    if (amount is None) == (duration is None):
        exit_with_usage_error("Use either --amount or --seconds.")
    record_id, reason = read_id(record_id), read_explanation(reason)
    micro_credits = None if amount is None else read_amount(amount)
    duration_ms = None if duration is None else read_seconds(duration)
    refund = run_with_talktime(
        context,
        lambda talktime: talktime.refund(
            record_id, reason=reason, borne_by=borne_by, amount=micro_credits, duration_ms=duration_ms
        ),
    )
    print_document(refund.document(), as_json)
