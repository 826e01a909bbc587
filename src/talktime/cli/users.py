"""`talktime user …`: users and their credit."""

from __future__ import annotations

from typing import Annotated

import typer

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
from talktime.cli.exits import exit_with_usage_error
from talktime.cli.output import AsJson, print_document, print_json, print_page, print_table
from talktime.cli.running import run_with_talktime
from talktime.core.entries import CreditKind

app = typer.Typer(no_args_is_help=True, help="Users and their credit.")

Reference = Annotated[str | None, typer.Option(help="Your own number for the payment.")]


@app.command("list")
def list_users(context: typer.Context, after: After = "", limit: Limit = 100, as_json: AsJson = False) -> None:
    """List users and their accounts, in the order of their ids."""
    accounts = run_with_talktime(context, lambda talktime: talktime.users(after=after, limit=limit + 1))
    documents = [account.document() for account in accounts]
    print_page("users", documents, ("user_id", "display_name", "balance", "committed", "available"), limit, as_json)


@app.command("add")
def add_user(
    context: typer.Context,
    user_id: str,
    name: Annotated[str | None, typer.Option(help="The name to show.", show_default="the id")] = None,
    as_json: AsJson = False,
) -> None:
    """Create a user, or rename one."""
    user_id, display_name = read_id(user_id), read_name(name, default=user_id)
    created = run_with_talktime(context, lambda talktime: talktime.put_user(user_id, display_name))
    if as_json:
        print_json({"id": user_id, "display_name": display_name, "created": created})
    else:
        print(f"{user_id} {'created' if created else 'changed'}")


@app.command("show")
def show_user(context: typer.Context, user_id: str, at: At = None, as_json: AsJson = False) -> None:
    """Show a user's account."""
    user_id, instant = read_id(user_id), read_at(at)
    account = run_with_talktime(context, lambda talktime: talktime.account(user_id, at=instant))
    print_document(account.document(), as_json)


@app.command("credit")
def add_credit(
    context: typer.Context,
    user_id: str,
    amount: str,
    kind: Annotated[str, typer.Option(help="purchase, gift or refund")] = "purchase",
    reference: Reference = None,
    expires_at: Annotated[
        str | None, typer.Option(help="The instant at which a gift expires: 2026-01-31T23:59:59Z.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Add credit to a user's account."""
    if kind not in set(CreditKind):
        exit_with_usage_error("--kind must be purchase, gift or refund")
    user_id, micro_credits, reference = read_id(user_id), read_amount(amount), read_reference(reference)
    expiry = None if expires_at is None else read_instant("--expires-at", expires_at)
    account = run_with_talktime(
        context,
        lambda talktime: talktime.add_credit(user_id, micro_credits, kind, reference=reference, expires_at=expiry),
    )
    print_document(account.document(), as_json)


@app.command("debit")
def debit_user(
    context: typer.Context, user_id: str, amount: str, reference: Reference = None, as_json: AsJson = False
) -> None:
    """Spend a user's credit elsewhere, gifts first."""
    user_id, micro_credits, reference = read_id(user_id), read_amount(amount), read_reference(reference)
    account = run_with_talktime(context, lambda talktime: talktime.debit(user_id, micro_credits, reference=reference))
    print_document(account.document(), as_json)


@app.command("entries")
def list_entries(
    context: typer.Context, user_id: str, before: Before = None, limit: Limit = 100, as_json: AsJson = False
) -> None:
    """List the entries of a user's ledger, the newest first."""
    user_id = read_id(user_id)
    entries = run_with_talktime(context, lambda talktime: talktime.entries(user_id, limit=limit + 1, before=before))
    documents = [entry.document() for entry in entries]
    print_page("entries", documents, ("at", "kind", "amount", "gift", "reference"), limit, as_json)


@app.command("chats")
def list_chats(context: typer.Context, user_id: str, as_json: AsJson = False) -> None:
    """List a user's chats."""
    user_id = read_id(user_id)
    chats = run_with_talktime(context, lambda talktime: talktime.chats_of_user(user_id))
    documents = [chat.document() for chat in chats]
    print_table("chats", documents, ("id", "advisor_name", "duration_ms", "state", "reason"), as_json)
