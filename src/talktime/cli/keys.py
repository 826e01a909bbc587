"""`talktime key …`: access keys, the named credentials of backends."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from talktime.cli.arguments import read_id
from talktime.cli.connecting import run_with_talktime
from talktime.cli.output import AsJson, print_document, print_table
from talktime.core.instants import format_instant
from talktime.core.scopes import Scope

if TYPE_CHECKING:
    from talktime.documents.access_key import AccessKey
    from talktime.talktime import Talktime

app = typer.Typer(no_args_is_help=True, help="Access keys: named credentials of backends.")


@app.command("create")
def create_key(
    context: typer.Context,
    name: Annotated[str, typer.Option(help="The name that is kept with everything that the key does.")],
    scope: Annotated[Scope, typer.Option(help="Which calls the key may make.")] = Scope.SERVICE,
) -> None:
    """Make a key and print its secret and nothing else. The secret can't be shown again."""
    name = read_id(name, "--name")
    key, secret = run_with_talktime(context, lambda talktime: talktime.create_key(name, scope))
    print(f"talktime: key {key.id} of the scope {key.scope}, valid until you revoke it", file=sys.stderr)
    print(secret)


@app.command("list")
def list_keys(context: typer.Context, as_json: AsJson = False) -> None:
    """List all keys, the oldest first, also those that are revoked."""
    keys = run_with_talktime(context, lambda talktime: talktime.keys())
    columns = ("id", "name", "scope", "created_at", "used_at", "revoked_at")
    print_table("keys", [key.document() for key in keys], columns, as_json)


@app.command("revoke")
def revoke_key(
    context: typer.Context,
    name_or_id: Annotated[str, typer.Argument(metavar="NAME_OR_ID")],
    as_json: AsJson = False,
) -> None:
    """Revoke a key, and with it every token that the key has made. A key that is revoked already stays as it is."""
    name_or_id = read_id(name_or_id)

    async def revoke(talktime: Talktime) -> tuple[AccessKey, bool]:
        revoked_ids = {key.id for key in await talktime.keys() if key.revoked_at is not None}
        key = await talktime.revoke_key(name_or_id)
        return key, key.id not in revoked_ids

    key, changed = run_with_talktime(context, revoke)
    if not changed and key.revoked_at is not None:
        print(f"talktime: this key was revoked already, at {format_instant(key.revoked_at)}", file=sys.stderr)
    print_document(key.document(), as_json)
