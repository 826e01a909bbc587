"""`talktime advisor …`: advisors and their tariffs."""

from __future__ import annotations

from typing import Annotated

import typer

from talktime import console
from talktime.commands.arguments import After, Limit, TariffFile, read_id, read_name, read_tariff
from talktime.console import Json, run

app = typer.Typer(no_args_is_help=True, help="Advisors and their tariffs.")


@app.command("list")
def list_advisors(context: typer.Context, after: After = "", limit: Limit = 100, as_json: Json = False) -> None:
    """Advisors and their tariffs of today, in order of their ids."""
    found = run(context, lambda talktime: talktime.advisors(after=after, limit=limit + 1))
    console.page(
        "advisors",
        [advisor.document() for advisor in found],
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
    as_json: Json = False,
) -> None:
    """Create an advisor, or change one; a changed tariff holds for records that start from now on."""
    parsed, shown = read_tariff(tariff), read_name(name, advisor_id)
    advisor, _ = run(context, lambda talktime: talktime.put_advisor(read_id(advisor_id), shown, parsed))
    console.show(advisor.document(), as_json)


@app.command("show")
def show_advisor(context: typer.Context, advisor_id: str, as_json: Json = False) -> None:
    """An advisor and the tariff of today."""
    console.show(run(context, lambda talktime: talktime.advisor(read_id(advisor_id))).document(), as_json)


@app.command("chats")
def show_chats(context: typer.Context, advisor_id: str, as_json: Json = False) -> None:
    """An advisor's chats."""
    found = run(context, lambda talktime: talktime.chats_of_advisor(read_id(advisor_id)))
    console.table(
        "chats", [c.document() for c in found], ("id", "user_name", "duration_ms", "state", "reason"), as_json
    )
