"""`talktime token …`: tokens for programs and browsers."""

from __future__ import annotations

from typing import Annotated

import typer

from talktime.cli.arguments import read_id
from talktime.cli.running import read_settings
from talktime.core.roles import Role
from talktime.service.tokens import TTL_SECONDS_DEFAULT, TTL_SECONDS_MAX, Tokens

app = typer.Typer(no_args_is_help=True, help="Tokens for programs and browsers.")


@app.command("create")
def create_token(
    context: typer.Context,
    role: Annotated[Role, typer.Option(help="What the token may do.")],
    subject: Annotated[str, typer.Option(help="The id of the person or program that uses the token.")],
    ttl: Annotated[
        int, typer.Option(min=1, max=TTL_SECONDS_MAX, help="How long the token is valid, in seconds.")
    ] = TTL_SECONDS_DEFAULT,
) -> None:
    """Print a token and nothing else."""
    print(Tokens(read_settings(context).signing_secret()).make(role, read_id(subject), ttl))
