"""`talktime token …`: tokens for programs and browsers."""

from __future__ import annotations

import sys
import time
from typing import Annotated

import typer

from talktime.cli.arguments import read_id
from talktime.cli.connecting import read_settings
from talktime.core.durations import TTL_SECONDS_DEFAULT, TTL_SECONDS_MAX, duration_words
from talktime.core.instants import format_instant
from talktime.core.roles import Role

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
    """Print a token and nothing else. Standard error says how long the token is valid."""
    from talktime.service.tokens import Tokens  # noqa: PLC0415  `talktime --help` starts faster without it

    token = Tokens(read_settings(context).signing_secret()).make(role, read_id(subject), ttl)
    until = format_instant((int(time.time()) + ttl) * 1000)
    print(f"talktime: valid for {duration_words(ttl * 1000)}, until {until}", file=sys.stderr)
    print(token)
