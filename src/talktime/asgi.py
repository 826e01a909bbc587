"""The service as an ASGI application: `talktime.asgi:app`, for any server or for mounting into a host's application.

`app` reads its settings from the environment when it is first used; `create_app` takes settings as an argument.
Without the packages of `talktime[service]`, the import raises `talktime.errors.MissingExtra`.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from importlib.metadata import version
from pathlib import Path

import structlog

from talktime import extras, logs

extras.require("service")

from fastapi import FastAPI
from starlette.staticfiles import StaticFiles

from talktime.core.arguments import checked
from talktime.core.errors import Unavailable
from talktime.database.addresses import DatabaseUnfit
from talktime.service import pages
from talktime.service.budgets import Budgets
from talktime.service.connections.doors import Doors
from talktime.service.connector import Connector, ServiceState, TalktimeLifespan
from talktime.service.credentials import Credentials
from talktime.service.http import (
    chats,
    clock,
    docs,
    events,
    health,
    history,
    ledger,
    links,
    openapi,
    people,
    prices,
    records,
    webhooks,
)
from talktime.service.http import tokens as token_routes
from talktime.service.http.disconnects import Disconnects
from talktime.service.http.envelope import Envelope
from talktime.service.http.hosts import Hosts
from talktime.service.http.limits import RequestLimits
from talktime.service.http.origins import allow_origins
from talktime.service.http.problems import add_handlers
from talktime.service.http.slashed_ids import EncodedSlashes
from talktime.service.identity import Identity
from talktime.service.live import routes as live
from talktime.service.live.typing_signs import TypingSigns
from talktime.service.metrics import Metrics
from talktime.service.telemetry import telemetry_options
from talktime.service.tokens import Tokens as Tokens  # noqa: PLC0414  hosts import it from here
from talktime.settings import Settings, SettingsError, load_settings, misspelt_variables

log = structlog.get_logger()

OnScreens = Callable[[str], None]

STATIC = Path(pages.__file__).parent / "static"


@checked
def create_app(
    settings: Settings | None = None,
    while_open: TalktimeLifespan | None = None,
    on_screens: OnScreens | None = None,
    tokens: Tokens | None = None,
) -> FastAPI:
    """The service.

    For a host that mounts the service, `app.state.talktime` is the library, and `app.state.tokens` makes tokens. While
    the service is not connected to its database, to read `app.state.talktime` raises `Unavailable`.

    Args:
        settings: the settings; None for those of the environment and `talktime.toml`.
        while_open: a function that takes the `Talktime` and returns an async context manager, such as a function with
            `@asynccontextmanager`. The service enters it when it has connected, and leaves it before it disconnects.
        tokens: what makes and reads tokens; None for the signing secret of the settings.
        on_screens: called with the id of a chat when a screen begins or stops to watch the chat.

    Raises:
        SettingsError: a setting, the signing secret or the identity is not allowed.
        InvalidRequest: an argument has the wrong type.
        TypeError: `while_open` is a coroutine or a generator, and lacks `@asynccontextmanager`.
    """
    logs.configure_by_default()
    if inspect.iscoroutinefunction(while_open) or inspect.isasyncgenfunction(while_open):
        raise TypeError("while_open must return an async context manager: write @asynccontextmanager above it")
    settings = settings or load_settings()
    for name, intended in misspelt_variables().items():
        log.warning("settings.misspelt_variable", variable=name, did_you_mean=intended)
    connector = Connector(settings, while_open)
    tokens = tokens or Tokens.of_service(settings)
    identity = settings.identity()
    credentials = Credentials(tokens, connector, None if identity is None else Identity(identity))
    metrics = Metrics()
    doors = Doors(
        metrics,
        connections_max=settings.connections,
        address_max=settings.connections_per_address,
        proxies=settings.proxies,
    )
    budgets = Budgets(per_second=settings.requests_per_second, sockets_max=settings.sockets_per_person)

    app = FastAPI(
        title="talktime",
        version=version("talktime"),
        description="The meter for paid conversations.",
        lifespan=lambda _app: _connected(connector, settings),
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        **telemetry_options(settings.telemetry),
    )
    app.state = ServiceState(connector)
    app.state.tokens = tokens
    app.state.credentials = credentials
    app.state.metrics = metrics
    app.state.doors = doors
    app.state.budgets = budgets
    app.state.docs_pages, app.state.looks = {}, {}
    app.state.typing = TypingSigns()
    app.state.on_screens = on_screens
    app.state.pages = pages.Pages.of(settings)
    add_handlers(app)
    app.add_exception_handler(HTTPStatus.NOT_FOUND, pages.answer_missing)
    app.add_middleware(Disconnects)
    app.add_middleware(EncodedSlashes)
    app.add_middleware(RequestLimits, credentials=credentials, budgets=budgets)
    if settings.hosts:
        app.add_middleware(Hosts, names=settings.hosts, any_address=True)
    app.add_middleware(Envelope, metrics=metrics)
    allow_origins(app, settings.origins)
    _include_routes(app, settings)
    # The built browser client is not in version control: a checkout may not have it yet.
    app.mount("/static", StaticFiles(directory=STATIC, check_dir=False), name="static")
    app.openapi = lambda: openapi.describe(app)  # type: ignore[method-assign]  # FastAPI's documented way
    return app


@asynccontextmanager
async def _connected(connector: Connector, settings: Settings) -> AsyncIterator[None]:
    """Connect at the start of the server. A start that can't succeed later ends here with its error."""
    connector.has_lifespan = True
    if settings.database_url is None:
        # A host's database may come back or be migrated. The embedded one would have started if it could.
        await connector.try_once()
    else:
        with suppress(Unavailable):
            await connector.talktime()
    failure = connector.failure
    if failure is not None and (settings.database_url is None or isinstance(failure, SettingsError | DatabaseUnfit)):
        await connector.close()
        raise failure
    try:
        yield
    finally:
        await connector.close()


def _include_routes(app: FastAPI, settings: Settings) -> None:
    # `include_router` would analyse each route once more at the first request of each app, and would ask each router in
    # turn for the route of each request.
    for part in (
        people,
        chats,
        records,
        history,
        ledger,
        events,
        webhooks,
        token_routes,
        links,
        health,
        docs,
        live,
        pages,
        prices,
        clock,
    ):
        app.router.routes.extend(part.router.routes)
    app.router.routes.extend(chats.beacons.routes)
    app.router.routes.extend(links.open_router.routes)
    if settings.test_clock:
        app.router.routes.extend(clock.test_clock_router.routes)


def __getattr__(name: str) -> FastAPI:
    if name == "app":
        application = globals()["app"] = create_app()
        return application
    raise AttributeError(name)
