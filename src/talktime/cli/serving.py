"""`talktime serve` and `talktime demo`: run the service."""

from __future__ import annotations

import os
import webbrowser
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from talktime.cli.connecting import log_to_file, read_settings
from talktime.cli.exits import exit_with_failure, exit_with_usage_error
from talktime.core.errors import DatabaseProblem

if TYPE_CHECKING:
    from fastapi import FastAPI

    from talktime.settings import Settings

Host = Annotated[str | None, typer.Option(help="Where to listen.", show_default="127.0.0.1")]
Port = Annotated[int | None, typer.Option(help="The port; 0 takes any free port.", show_default="8700")]
RootPath = Annotated[
    str | None,
    typer.Option(help="The path below which a proxy shows the service, such as /talktime.", show_default="no path"),
]


def serve(
    context: typer.Context,
    host: Host = None,
    port: Port = None,
    root_path: RootPath = None,
    workers: Annotated[
        int, typer.Option(min=1, max=64, help="How many processes serve; each one is a node of its own.")
    ] = 1,
) -> None:
    """Run the service."""
    from talktime.asgi import create_app  # noqa: PLC0415  other commands start faster without it
    from talktime.service.serving import serve as serve_app  # noqa: PLC0415  for the same reason

    def announce(address: str) -> None:
        print(f"talktime is at {address} (its interface: {address}/docs). Ctrl-C stops it.", flush=True)

    settings = read_settings(context, host=host, port=port, root_path=root_path)
    if workers > 1:
        _serve_with_workers(settings, announce, workers)
        return
    app = create_app(settings)
    if not serve_app(app, settings, announce):
        _exit_not_started(app, settings)


def _serve_with_workers(settings: Settings, announce: Callable[[str], None], count: int) -> None:
    from talktime.asgi import create_app  # noqa: PLC0415  as above
    from talktime.service.workers import Workers  # noqa: PLC0415  only several workers need it

    settings.signing_secret()  # made once, if it is missing
    with ExitStack() as stack:
        if settings.database_url is None:
            from talktime.postgres.embedded import EmbeddedServer  # noqa: PLC0415  an extra, which may be missing

            # The workers find the database that runs. The first one also migrates it, and the others wait.
            server = EmbeddedServer(settings.data_dir)
            server.start()
            stack.callback(server.stop)
        if not Workers(partial(create_app, settings), settings, announce, count).run():
            exit_with_failure("A worker could not start; the log above says why.")


def demo(
    context: typer.Context,
    host: Host = None,
    port: Annotated[
        int | None,
        typer.Option(help="The port; 0 takes any free port.", show_default="8700, or the next one that is free"),
    ] = None,
    root_path: RootPath = None,
    allow_remote: Annotated[
        bool,
        typer.Option("--allow-remote", help="Listen beyond this machine, although anybody can become anybody."),
    ] = False,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Do not open the browser.")] = False,
) -> None:
    """Run the service with people to play and an automatic advisor."""
    from talktime.demo import running  # noqa: PLC0415  only the demo needs it
    from talktime.demo.app import create_demo, is_loopback  # noqa: PLC0415  for the same reason
    from talktime.service.serving import serve as serve_app  # noqa: PLC0415  other commands start faster without it
    from talktime.service.sockets import TRIES, bind  # noqa: PLC0415  for the same reason

    settings = read_settings(context, host=host, port=port, root_path=root_path)
    if not allow_remote and not is_loopback(settings.host):
        exit_with_usage_error(
            f"In the demo anybody can become anybody, and {settings.host} is open to other machines. "
            "Listen on 127.0.0.1, or add --allow-remote."
        )
    opens_browser = not no_browser and running.has_display(os.environ)
    folder = running.DemoFolder(settings.data_dir) if settings.database_url is None else None
    if folder is not None and folder.running is not None:
        print(f"The demo runs already on {settings.data_dir}: {folder.running or 'it is starting'}")
        if opens_browser and folder.running:
            webbrowser.open(folder.running)
        return
    log_to_file(context, running.open_log(settings.data_dir))

    def announce(address: str) -> None:
        print(f"talktime is at {address}   Ctrl-C stops it.", flush=True)
        print(f"Its log is in {settings.data_dir / running.LOG}", flush=True)
        if folder is not None:
            folder.tell(address)
        if opens_browser:
            running.open_browser(address)

    sockets = bind(settings, tries=1 if "port" in settings.model_fields_set else TRIES)
    app = create_demo(settings)
    if not serve_app(app, settings, announce, sockets):
        _exit_not_started(app, settings)


def _exit_not_started(app: FastAPI, settings: Settings) -> NoReturn:
    from talktime.settings import SettingsError  # noqa: PLC0415  other commands start faster without it

    failure = app.state.connector.failure
    if isinstance(failure, SettingsError | DatabaseProblem):
        raise failure
    exit_with_failure(
        f"The service could not start on {settings.host}, port {settings.port}; the log above says why. You can choose"
        " another --host (TALKTIME_HOST) or --port (TALKTIME_PORT; 0 takes any free port)."
    )
