"""`talktime record …`: conversation time records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from talktime.cli.arguments import DryRun, Key, Limit, read_amount, read_explanation, read_id, read_seconds
from talktime.cli.connecting import person_at_the_terminal, run_with_talktime
from talktime.cli.exits import exit_with_usage_error
from talktime.cli.output import AsJson, print_document, print_json, print_table
from talktime.cli.periods import From, Month, Since, To, Zone, read_period
from talktime.core.entries import BorneBy
from talktime.core.money import format_credits
from talktime.core.record import Reason, RecordFilter

if TYPE_CHECKING:
    from talktime.documents.page import Page, RecordWithSnapshot
    from talktime.talktime import Talktime

app = typer.Typer(no_args_is_help=True, help="Conversation time records.")


@app.command("list")
def list_records(
    context: typer.Context,
    state: Annotated[RecordFilter | None, typer.Option(help="Only these records; active is all but ended.")] = None,
    reason: Annotated[
        Reason | None,
        typer.Option(
            help="Only records whose time stopped for this reason in the period, also if they went on later. "
            "out_of_credit: those that were cut."
        ),
    ] = None,
    user: Annotated[str | None, typer.Option(help="Only records of this user.")] = None,
    advisor: Annotated[str | None, typer.Option(help="Only records of this advisor.")] = None,
    query: Annotated[
        str | None, typer.Option(help="The id of a record, or of the chat, user or advisor of records.")
    ] = None,
    month: Month = None,
    tz: Zone = "UTC",
    begin: From = None,
    end: To = None,
    since: Since = None,
    after: Annotated[str | None, typer.Option(help="Only what follows: the `next` of the page before.")] = None,
    limit: Limit = 200,
    as_json: AsJson = False,
) -> None:
    """List records, the newest first.

    The period is about when records started. With --reason it is about when their time stopped for this reason, and the
    latest stop comes first.
    """
    period_at = read_period(month, tz, begin, end, since)
    user_id, advisor_id, searched, place = (
        None if text is None else read_id(text) for text in (user, advisor, query, after)
    )

    async def find_records(talktime: Talktime) -> Page[RecordWithSnapshot]:
        period = period_at(await talktime.now())
        return await talktime.record_page(
            state,
            query=searched,
            user_id=user_id,
            advisor_id=advisor_id,
            reason=reason,
            begin=period.begin,
            end=period.end,
            after=place,
            limit=limit,
        )

    page = run_with_talktime(context, find_records)
    documents = [_listed(found) for found in page.items]
    if as_json:
        print_json({"records": documents, "next": page.next})
        return
    columns = ("id", "user_name", "advisor_name", "state", "reason", "started_at", "elapsed_ms", "cost")
    print_table("records", documents, columns if reason is None else (*columns, "stopped_at"), as_json)
    if page.next is not None:
        print(f"More follow {page.next}.")


def _listed(found: RecordWithSnapshot) -> dict[str, Any]:
    document = found.document()
    document.pop("snapshot")
    return {**document, "elapsed_ms": found.snapshot.elapsed_ms, "cost": format_credits(found.snapshot.cost)}


@app.command("show")
def show_record(context: typer.Context, record_id: str, as_json: AsJson = False) -> None:
    """Show a record as it stands."""
    record_id = read_id(record_id)
    record = run_with_talktime(context, lambda talktime: talktime.record(record_id))
    print_document({**record.document(), "metadata": dict(record.metadata)}, as_json)


@app.command("stop")
def stop_record(context: typer.Context, record_id: str, dry_run: DryRun = False, as_json: AsJson = False) -> None:
    """End this record and no other. A record that has ended stays as it is."""
    record_id = read_id(record_id)
    actor = person_at_the_terminal()
    record, changed = run_with_talktime(
        context, lambda talktime: talktime.stop_record(record_id, by="operator", actor=actor), dry_run=dry_run
    )
    if as_json:
        print_json({**record.document(), "metadata": dict(record.metadata), "changed": changed})
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
    key: Key = None,
    dry_run: DryRun = False,
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
            record_id,
            reason=reason,
            borne_by=borne_by,
            amount=micro_credits,
            duration_ms=duration_ms,
            key=key,
            actor=person_at_the_terminal(),
        ),
        dry_run=dry_run,
    )
    print_document(refund.document(), as_json)
