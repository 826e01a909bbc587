"""`talktime advisor …`: advisors and their tariffs."""

from __future__ import annotations

from typing import Annotated

import typer

from talktime.cli import console
from talktime.cli.arguments import After, Limit, TariffFile, read_id, read_instant, read_name, read_tariff, read_terms
from talktime.cli.console import Json, printed, run
from talktime.documents.statement import AMOUNTS

app = typer.Typer(no_args_is_help=True, help="Advisors and their tariffs.")


@app.command("list")
def list_advisors(context: typer.Context, after: After = "", limit: Limit = 100, as_json: Json = False) -> None:
    """Advisors and their tariffs of today, in order of their ids."""
    found = run(context, lambda talktime: talktime.advisors(after=after, limit=limit + 1))
    console.page(
        "advisors",
        [advisor.document(with_terms=True) for advisor in found],
        ("id", "display_name", "tariff_version"),
        limit,
        as_json,
    )


@app.command("set")
def set_advisor(
    context: typer.Context,
    advisor_id: str,
    tariff: TariffFile,
    name: Annotated[str | None, typer.Option(help="The name to show.", show_default="the id")] = None,
    share_percent: Annotated[
        str | None,
        typer.Option(help="The advisor's share, after the fees. Without it the terms stay as they are."),
    ] = None,
    fee_per_minute: Annotated[str, typer.Option(help="Taken for each billed minute, before the share.")] = "0",
    fee_per_session: Annotated[str, typer.Option(help="Taken for each session, before the share.")] = "0",
    as_json: Json = False,
) -> None:
    """Create an advisor, or change one; a changed tariff or share holds for records that start from now on."""
    parsed, shown = read_tariff(tariff), read_name(name, advisor_id)
    terms = None if share_percent is None else read_terms(share_percent, fee_per_minute, fee_per_session)
    if terms is None and (fee_per_minute, fee_per_session) != ("0", "0"):
        console.usage("A fee needs --share-percent: together they are the advisor's terms.")
    advisor, _ = run(context, lambda talktime: talktime.put_advisor(read_id(advisor_id), shown, parsed, terms))
    console.show(advisor.document(with_terms=True), as_json)


@app.command("show")
def show_advisor(context: typer.Context, advisor_id: str, as_json: Json = False) -> None:
    """An advisor and the tariff of today."""
    console.show(
        run(context, lambda talktime: talktime.advisor(read_id(advisor_id))).document(with_terms=True), as_json
    )


@app.command("chats")
def show_chats(context: typer.Context, advisor_id: str, as_json: Json = False) -> None:
    """An advisor's chats."""
    found = run(context, lambda talktime: talktime.chats_of_advisor(read_id(advisor_id)))
    console.table(
        "chats",
        [chat.document(with_earned=True) for chat in found],
        ("id", "user_name", "duration_ms", "state", "reason", "earned"),
        as_json,
    )


@app.command("statement")
def show_statement(
    context: typer.Context,
    advisor_id: str,
    begin: Annotated[str, typer.Option("--from", help="From this instant on: 2026-01-01T00:00:00Z.")],
    end: Annotated[str, typer.Option("--to", help="Until just before this one.")],
    as_csv: Annotated[bool, typer.Option("--csv", help="Print a line for each session, separated by commas.")] = False,
    as_json: Json = False,
) -> None:
    """What an advisor's sessions of a period brought: time, gross, fees, share, refunds and net."""
    period = read_instant("--from", begin), read_instant("--to", end)
    statement = run(context, lambda talktime: talktime.statement(read_id(advisor_id), *period))
    document = statement.document()
    sessions = document["sessions"]
    if as_csv and not as_json:
        columns = ("record_id", "user_id", "user_name", "started_at", "ended_at", "time_ms", *AMOUNTS)
        console.print_csv(columns, sessions)
    elif not printed(document, as_json):
        total = {"started_at": "in all", "user_name": f"{len(sessions)} sessions", **document["total"]}
        console.table("sessions", [*sessions, total], ("started_at", "user_name", "time_ms", *AMOUNTS), as_json)
