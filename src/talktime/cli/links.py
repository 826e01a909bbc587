"""`talktime open`: an address that signs a browser in, once."""

from __future__ import annotations

import os
import re
import sys
import webbrowser
from typing import TYPE_CHECKING, Annotated

import typer

from talktime.cli.arguments import read_id
from talktime.cli.connecting import person_at_the_terminal, read_settings, run_with_talktime
from talktime.cli.exits import exit_with_usage_error
from talktime.cli.output import AsJson, print_json
from talktime.core.roles import Role

if TYPE_CHECKING:
    from talktime.settings import Settings


def open_page(
    context: typer.Context,
    role: Annotated[str, typer.Argument(metavar="ROLE", help="operator, user or advisor.")],
    subject: Annotated[
        str | None,
        typer.Argument(
            metavar="[ID]",
            help="The user or the advisor; a name for an operator.",
            show_default="who types the command",
        ),
    ] = None,
    page: Annotated[
        str | None, typer.Option(help="The page to open, such as /chat/c1.", show_default="the first page of the role")
    ] = None,
    address: Annotated[
        str | None,
        typer.Option(help="Where browsers reach the service.", show_default="TALKTIME_ADDRESS, or host and port"),
    ] = None,
    print_only: Annotated[bool, typer.Option("--print", help="Open no browser.")] = False,
    as_json: AsJson = False,
) -> None:
    """Print an address that signs a browser in, once, within five minutes; open it if there is a browser here."""
    from talktime.engine.links import ROLES  # noqa: PLC0415  `talktime --help` starts faster without it
    from talktime.settings import ADDRESS_PATTERN  # noqa: PLC0415  for the same reason

    if role not in ROLES:
        exit_with_usage_error(f"ROLE must be one of: {', '.join(ROLES)}")
    if address is not None and re.match(ADDRESS_PATTERN, address) is None:
        exit_with_usage_error("--address must be an address such as https://talk.example or http://127.0.0.1:8700")
    if subject is None and role != Role.OPERATOR:
        exit_with_usage_error("Say which user or advisor: talktime open user ID, talktime open advisor ID")
    name = person_at_the_terminal().subject if subject is None else read_id(subject)
    base = address or _own_address(read_settings(context))
    link = run_with_talktime(context, lambda talktime: talktime.create_link(role, name, page=page, address=base))
    if as_json:
        print_json(link.document())
    else:
        print(link.address, flush=True)
    if not print_only and not as_json and _has_browser():
        webbrowser.open(link.address)


def _own_address(settings: Settings) -> str:
    from talktime.service.serving import address  # noqa: PLC0415  other commands start faster without it

    if settings.address is not None:
        return settings.address
    if settings.port == 0:
        exit_with_usage_error("The service takes any free port, so say where it is: --address http://127.0.0.1:PORT")
    return address(settings.host, settings.port)


def _has_browser() -> bool:
    """Whether a window can be opened here: on a server, a browser of the terminal would be in the way."""
    return sys.platform == "darwin" or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))
