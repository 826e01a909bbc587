"""`talktime user …`: users and their credit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from talktime.cli.arguments import (
    NEGATIVE_AMOUNT,
    After,
    At,
    Before,
    DryRun,
    Key,
    Limit,
    Query,
    read_amount,
    read_at,
    read_id,
    read_instant,
    read_name,
    read_reference,
)
from talktime.cli.connecting import person_at_the_terminal, run_with_talktime
from talktime.cli.exits import exit_with_usage_error
from talktime.cli.output import AsJson, print_document, print_json, print_page, print_table
from talktime.cli.periods import From, Month, Since, To, Zone, read_period
from talktime.core.entries import CreditKind
from talktime.core.errors import NotFound

if TYPE_CHECKING:
    from talktime.documents.account import Entry
    from talktime.talktime import Talktime

app = typer.Typer(no_args_is_help=True, help="Users and their credit.")

Reference = Annotated[str | None, typer.Option(help="Your own number for the payment.")]


@app.command("list")
def list_users(
    context: typer.Context, query: Query = None, after: After = "", limit: Limit = 100, as_json: AsJson = False
) -> None:
    """List users and their accounts, in the order of their ids."""
    page = run_with_talktime(
        context, lambda talktime: talktime.user_page(query or None, after=after or None, limit=limit + 1)
    )
    documents = [account.document(with_metadata=True) for account in page.items]
    print_page("users", documents, ("user_id", "display_name", "balance", "committed", "available"), limit, as_json)


@app.command("add")
def add_user(
    context: typer.Context,
    user_id: str,
    name: Annotated[str | None, typer.Option(help="The name to show.", show_default="the id, at first")] = None,
    as_json: AsJson = False,
) -> None:
    """Create a user, or rename one. Without a name an existing user stays as before."""
    user_id = read_id(user_id)
    new_name = read_name(name)

    async def put(talktime: Talktime) -> tuple[str, bool]:
        kept_name = new_name
        if kept_name is None:
            try:
                kept_name = (await talktime.account(user_id)).display_name
            except NotFound:
                kept_name = user_id
        return kept_name, await talktime.put_user(user_id, kept_name)

    display_name, created = run_with_talktime(context, put)
    if as_json:
        print_json({"id": user_id, "display_name": display_name, "created": created})
    else:
        print(f"{user_id} {'created' if created else 'changed'}")


@app.command("forget")
def forget_user(
    context: typer.Context,
    user_id: str,
    yes: Annotated[bool, typer.Option("--yes", help="I know that nothing brings the messages back.")] = False,
    as_json: AsJson = False,
) -> None:
    """Forget who a user was, for good: the name, the metadata, and the messages of the user's chats."""
    user_id = read_id(user_id)
    if not yes:
        exit_with_usage_error(f"This deletes the messages of {user_id} for good. Repeat the command with --yes.")
    messages = run_with_talktime(context, lambda talktime: talktime.forget_user(user_id))
    if as_json:
        print_json({"id": user_id, "messages": messages})
    else:
        print(f"{user_id} forgotten, {messages} messages deleted")


@app.command("show")
def show_user(context: typer.Context, user_id: str, at: At = None, as_json: AsJson = False) -> None:
    """Show a user's account."""
    user_id, instant = read_id(user_id), read_at(at)
    account = run_with_talktime(context, lambda talktime: talktime.account(user_id, at=instant))
    print_document(account.document(with_metadata=True), as_json)


@app.command("credit", context_settings=NEGATIVE_AMOUNT)
def add_credit(
    context: typer.Context,
    user_id: str,
    amount: str,
    kind: Annotated[CreditKind, typer.Option(help="Why the credit is added.")] = CreditKind.PURCHASE,
    reference: Reference = None,
    expires_at: Annotated[
        str | None, typer.Option(help="The instant at which a gift expires: 2026-01-31T23:59:59Z.")
    ] = None,
    key: Key = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Add credit to a user's account."""
    user_id, micro_credits, reference = read_id(user_id), read_amount(amount), read_reference(reference)
    expiry = None if expires_at is None else read_instant("--expires-at", expires_at)
    account = run_with_talktime(
        context,
        lambda talktime: talktime.add_credit(
            user_id,
            micro_credits,
            kind,
            reference=reference,
            expires_at=expiry,
            key=key,
            actor=person_at_the_terminal(),
        ),
        dry_run=dry_run,
    )
    print_document(account.document(), as_json)


@app.command("debit", context_settings=NEGATIVE_AMOUNT)
def debit_user(
    context: typer.Context,
    user_id: str,
    amount: str,
    reference: Reference = None,
    key: Key = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Spend a user's credit elsewhere, gifts first."""
    user_id, micro_credits, reference = read_id(user_id), read_amount(amount), read_reference(reference)
    actor = person_at_the_terminal()
    account = run_with_talktime(
        context,
        lambda talktime: talktime.debit(user_id, micro_credits, reference=reference, key=key, actor=actor),
        dry_run=dry_run,
    )
    print_document(account.document(), as_json)


@app.command("entries")
def list_entries(
    context: typer.Context,
    user_id: str,
    month: Month = None,
    tz: Zone = "UTC",
    begin: From = None,
    end: To = None,
    since: Since = None,
    before: Before = None,
    limit: Limit = 100,
    as_json: AsJson = False,
) -> None:
    """List the entries of a user's ledger, the newest first. `talktime receipt RECORD_ID` explains a charge."""
    user_id = read_id(user_id)
    period_at = read_period(month, tz, begin, end, since)

    async def read_entries(talktime: Talktime) -> list[Entry]:
        period = period_at(await talktime.now())
        return await talktime.entries(user_id, limit=limit + 1, before=before, begin=period.begin, end=period.end)

    documents = [entry.document() for entry in run_with_talktime(context, read_entries)]
    print_page("entries", documents, ("at", "kind", "amount", "gift", "record_id", "reference"), limit, as_json)


@app.command("chats")
def list_chats(context: typer.Context, user_id: str, as_json: AsJson = False) -> None:
    """List a user's chats."""
    user_id = read_id(user_id)
    chats = run_with_talktime(context, lambda talktime: talktime.chats_of_user(user_id))
    documents = [chat.document() for chat in chats]
    print_table("chats", documents, ("id", "advisor_name", "duration_ms", "state", "reason"), as_json)
