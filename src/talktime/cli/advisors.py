"""`talktime advisor …`: advisors, their tariffs and their terms."""

from __future__ import annotations

from typing import Annotated

import typer

from talktime.cli.arguments import After, Limit, TariffFile, read_id, read_instant, read_name, read_tariff, read_terms
from talktime.cli.exits import exit_with_usage_error
from talktime.cli.output import AsJson, print_csv, print_document, print_json, print_page, print_table
from talktime.cli.running import run_with_talktime
from talktime.documents.statement import AMOUNTS

app = typer.Typer(no_args_is_help=True, help="Advisors and their tariffs.")


@app.command("list")
def list_advisors(context: typer.Context, after: After = "", limit: Limit = 100, as_json: AsJson = False) -> None:
    """List advisors and their current tariffs, in the order of their ids."""
    advisors = run_with_talktime(context, lambda talktime: talktime.advisors(after=after, limit=limit + 1))
    documents = [advisor.document(with_terms=True) for advisor in advisors]
    print_page("advisors", documents, ("id", "display_name", "tariff_version"), limit, as_json)


@app.command("set")
def set_advisor(
    context: typer.Context,
    advisor_id: str,
    tariff: TariffFile,
    name: Annotated[str | None, typer.Option(help="The name to show.", show_default="the id")] = None,
    share_percent: Annotated[
        str | None,
        typer.Option(help="The advisor's share, after the fees. Without this option the terms stay as they are."),
    ] = None,
    fee_per_minute: Annotated[
        str, typer.Option(help="What the platform takes for each billed minute, before the share.")
    ] = "0",
    fee_per_session: Annotated[
        str, typer.Option(help="What the platform takes for each record, before the share.")
    ] = "0",
    as_json: AsJson = False,
) -> None:
    """Create an advisor, or change one. A changed tariff or share holds for records that start from now on."""
    advisor_id, display_name = read_id(advisor_id), read_name(name, default=advisor_id)
    new_tariff = read_tariff(tariff)
    terms = None if share_percent is None else read_terms(share_percent, fee_per_minute, fee_per_session)
    if terms is None and (fee_per_minute, fee_per_session) != ("0", "0"):
        exit_with_usage_error("A fee needs --share-percent: together they are the advisor's terms.")
    advisor, _ = run_with_talktime(
        context, lambda talktime: talktime.put_advisor(advisor_id, display_name, new_tariff, terms)
    )
    print_document(advisor.document(with_terms=True), as_json)


@app.command("show")
def show_advisor(context: typer.Context, advisor_id: str, as_json: AsJson = False) -> None:
    """Show an advisor and the current tariff."""
    advisor_id = read_id(advisor_id)
    advisor = run_with_talktime(context, lambda talktime: talktime.advisor(advisor_id))
    print_document(advisor.document(with_terms=True), as_json)


@app.command("chats")
def list_chats(context: typer.Context, advisor_id: str, as_json: AsJson = False) -> None:
    """List an advisor's chats."""
    advisor_id = read_id(advisor_id)
    chats = run_with_talktime(context, lambda talktime: talktime.chats_of_advisor(advisor_id))
    documents = [chat.document(with_earned=True) for chat in chats]
    print_table("chats", documents, ("id", "user_name", "duration_ms", "state", "reason", "earned"), as_json)


@app.command("statement")
def show_statement(
    context: typer.Context,
    advisor_id: str,
    begin: Annotated[str, typer.Option("--from", help="The first instant of the period: 2026-01-01T00:00:00Z.")],
    end: Annotated[str, typer.Option("--to", help="The instant just after the period.")],
    as_csv: Annotated[bool, typer.Option("--csv", help="Print a line for each record, separated by commas.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show what the records of a period brought an advisor: time, gross, fees, share, refunds and net."""
    advisor_id = read_id(advisor_id)
    period = read_instant("--from", begin), read_instant("--to", end)
    document = run_with_talktime(context, lambda talktime: talktime.statement(advisor_id, *period)).document()
    sessions = document["sessions"]
    if as_json:
        print_json(document)
    elif as_csv:
        columns = ("record_id", "user_id", "user_name", "started_at", "ended_at", "time_ms", *AMOUNTS)
        print_csv(columns, sessions)
    else:
        total = {"started_at": "in all", "user_name": f"{len(sessions)} sessions", **document["total"]}
        print_table("sessions", [*sessions, total], ("started_at", "user_name", "time_ms", *AMOUNTS), as_json)
