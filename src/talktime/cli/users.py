"""`talktime user …`: users and their credits."""

from __future__ import annotations

from typing import Annotated

import typer

from talktime.cli import console
from talktime.cli.arguments import (
    After,
    At,
    Before,
    Limit,
    read_amount,
    read_at,
    read_id,
    read_instant,
    read_name,
    read_reference,
)
from talktime.cli.console import Json, printed, run, usage

app = typer.Typer(no_args_is_help=True, help="Users and their credits.")

Reference = Annotated[str | None, typer.Option(help="Your own number for it.")]


@app.command("list")
def list_users(context: typer.Context, after: After = "", limit: Limit = 100, as_json: Json = False) -> None:
    """Users and their accounts, in order of their ids."""
    found = run(context, lambda talktime: talktime.users(after=after, limit=limit + 1))
    console.page(
        "users",
        [account.document() for account in found],
        ("user_id", "display_name", "balance", "committed", "available"),
        limit,
        as_json,
    )


@app.command("add")
def add_user(
    context: typer.Context,
    user_id: str,
    name: Annotated[str | None, typer.Option(help="The name to show.", show_default="the id")] = None,
    as_json: Json = False,
) -> None:
    """Create a user, or rename one."""
    shown = read_name(name, user_id)
    created = run(context, lambda talktime: talktime.put_user(read_id(user_id), shown))
    if not printed({"id": user_id, "display_name": shown, "created": created}, as_json):
        print(f"{user_id} {'created' if created else 'changed'}")


@app.command("show")
def show_user(context: typer.Context, user_id: str, at: At = None, as_json: Json = False) -> None:
    """A user's account."""
    instant = read_at(at)
    console.show(run(context, lambda talktime: talktime.account(read_id(user_id), at=instant)).document(), as_json)


@app.command("credit")
def credit_user(
    context: typer.Context,
    user_id: str,
    amount: str,
    kind: Annotated[str, typer.Option(help="purchase, gift or refund")] = "purchase",
    reference: Reference = None,
    expires_at: Annotated[str | None, typer.Option(help="When a gift expires: 2026-01-31T23:59:59Z.")] = None,
    as_json: Json = False,
) -> None:
    """Add credit to a user's account."""
    if kind not in {"purchase", "gift", "refund"}:
        usage("--kind must be purchase, gift or refund")
    micro, noted = read_amount(amount), read_reference(reference)
    until = None if expires_at is None else read_instant("--expires-at", expires_at)
    account = run(
        context,
        lambda talktime: talktime.add_credit(read_id(user_id), micro, kind, reference=noted, expires_at=until),
    )
    console.show(account.document(), as_json)


@app.command("debit")
def debit_user(
    context: typer.Context, user_id: str, amount: str, reference: Reference = None, as_json: Json = False
) -> None:
    """Spend a user's credit elsewhere, gifts first."""
    micro, noted = read_amount(amount), read_reference(reference)
    account = run(context, lambda talktime: talktime.debit(read_id(user_id), micro, reference=noted))
    console.show(account.document(), as_json)


@app.command("entries")
def show_entries(
    context: typer.Context, user_id: str, before: Before = None, limit: Limit = 100, as_json: Json = False
) -> None:
    """A user's ledger, newest first."""
    found = run(context, lambda talktime: talktime.entries(read_id(user_id), limit=limit + 1, before=before))
    console.page(
        "entries", [entry.document() for entry in found], ("at", "kind", "amount", "gift", "reference"), limit, as_json
    )


@app.command("chats")
def show_chats(context: typer.Context, user_id: str, as_json: Json = False) -> None:
    """A user's chats."""
    found = run(context, lambda talktime: talktime.chats_of_user(read_id(user_id)))
    console.table(
        "chats", [c.document() for c in found], ("id", "advisor_name", "duration_ms", "state", "reason"), as_json
    )
