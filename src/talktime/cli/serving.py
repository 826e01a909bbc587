"""`talktime serve` and `talktime demo`: run the service."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from talktime.cli.exits import exit_with_failure, exit_with_usage_error
from talktime.cli.running import read_settings

if TYPE_CHECKING:
    from talktime.settings import Settings

Host = Annotated[str | None, typer.Option(help="Where to listen.", show_default="127.0.0.1")]
Port = Annotated[int | None, typer.Option(help="The port; 0 takes any free port.", show_default="8700")]


def serve(context: typer.Context, host: Host = None, port: Port = None) -> None:
    """Run the service."""
    from talktime.asgi import create_app  # noqa: PLC0415  other commands start faster without it
    from talktime.service.serving import serve as serve_app  # noqa: PLC0415  for the same reason

    def announce(address: str) -> None:
        print(f"talktime is at {address} (its interface: {address}/docs). Ctrl-C stops it.", flush=True)

    settings = read_settings(context, host=host, port=port)
    if not serve_app(create_app(settings), settings, announce):
        _exit_not_started(settings)


def demo(
    context: typer.Context,
    host: Host = None,
    port: Port = None,
    allow_remote: Annotated[
        bool,
        typer.Option("--allow-remote", help="Listen beyond this machine, although anybody can become anybody."),
    ] = False,
) -> None:
    """Run the service with people to play and an automatic advisor."""
    from talktime.demo.app import create_demo, is_loopback  # noqa: PLC0415  only the demo needs it
    from talktime.demo.people import PEOPLE  # noqa: PLC0415  for the same reason
    from talktime.service.serving import serve as serve_app  # noqa: PLC0415  other commands start faster without it

    def announce(address: str) -> None:
        print(f"talktime is at {address}   Ctrl-C stops it.\n\nOpen two of these side by side:")
        for person in PEOPLE.values():
            print(f"  {person.name + ',':<7} {person.role:<9} {address}/demo/as/{person.id}")
        sys.stdout.flush()

    settings = read_settings(context, host=host, port=port)
    if not allow_remote and not is_loopback(settings.host):
        exit_with_usage_error(
            f"In the demo anybody can become anybody, and {settings.host} is open to other machines. "
            "Listen on 127.0.0.1, or add --allow-remote."
        )
    if not serve_app(create_demo(settings), settings, announce):
        _exit_not_started(settings)


def _exit_not_started(settings: Settings) -> NoReturn:
    exit_with_failure(
        f"The service could not start on {settings.host}, port {settings.port}; the log above says why. You can choose"
        " another --host (TALKTIME_HOST) or --port (TALKTIME_PORT; 0 takes any free port)."
    )
