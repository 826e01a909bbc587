"""`talktime record …`: conversation time records."""

from __future__ import annotations

from typing import Annotated

import typer

from talktime import console
from talktime.commands.arguments import Limit, read_id
from talktime.console import Json, printed, run, usage
from talktime.money import format_credits

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
    found = run(context, lambda talktime: talktime.records(state, limit=limit))
    rows = [
        {**snapshot.record.document(), "elapsed_ms": snapshot.elapsed_ms, "cost": format_credits(snapshot.cost)}
        for snapshot in found
    ]
    console.table("records", rows, ("id", "user_id", "advisor_id", "state", "reason", "elapsed_ms", "cost"), as_json)


@app.command("show")
def show_record(context: typer.Context, record_id: str, as_json: Json = False) -> None:
    """A record as it stands."""
    console.show(run(context, lambda talktime: talktime.record(read_id(record_id))).document(), as_json)


@app.command("stop")
def stop_record(context: typer.Context, record_id: str, as_json: Json = False) -> None:
    """End a record. One that has ended stays as it is, and so does whatever its chat has gone on with."""
    record, stopped = run(context, lambda talktime: talktime.stop_record(read_id(record_id)))
    if not printed({**record.document(), "changed": stopped}, as_json):
        print(f"{record.id} {'stopped' if stopped else f'unchanged: it had ended already ({record.reason})'}")
