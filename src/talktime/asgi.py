"""The service as an ASGI application: `talktime.asgi:app`, for any server or for mounting into a host's application.

`app` reads its settings from the environment when it is first used; `create_app` takes settings as an argument.
Without the packages of `talktime[service]`, the import raises `talktime.extras.MissingExtra`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path

import structlog

from talktime import extras

extras.require("service")

from fastapi import FastAPI
from starlette.staticfiles import StaticFiles

from talktime.core.errors import Unavailable
from talktime.service import pages
from talktime.service.connector import Connector, TalktimeLifespan
from talktime.service.http import chats, clock, docs, health, history, openapi, people, prices, records
from talktime.service.http import tokens as token_routes
from talktime.service.http.addresses import EncodedSlashes
from talktime.service.http.envelope import Envelope
from talktime.service.http.limits import RequestLimits
from talktime.service.http.origins import allow_origins
from talktime.service.http.problems import add_handlers
from talktime.service.live import routes as live
from talktime.service.metrics import Metrics
from talktime.service.tokens import Tokens
from talktime.settings import Settings, load_settings, misspelt_variables

log = structlog.get_logger()

OnScreens = Callable[[str], None]

STATIC = Path(pages.__file__).parent / "static"


def create_app(
    settings: Settings | None = None, while_open: TalktimeLifespan | None = None, on_screens: OnScreens | None = None
) -> FastAPI:
    """The service.

    Args:
        settings: the settings; None for those of the environment and `talktime.toml`.
        while_open: entered with the `Talktime` when it is connected, and left before it is disconnected.
        on_screens: called with the id of a chat when a screen begins or stops to watch the chat.

    Raises:
        SettingsError: a setting or the signing secret is not allowed.
    """
    settings = settings or load_settings()
    for name, intended in misspelt_variables().items():
        log.warning("settings.misspelt_variable", variable=name, did_you_mean=intended)
    connector = Connector(settings, while_open)
    tokens = Tokens(settings.signing_secret())
    metrics = Metrics()

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        try:
            await connector.talktime()
        except Unavailable:
            # A host's database may come back or be migrated. The embedded one would have started if it could.
            if settings.database_url is None and connector.failure is not None:
                await connector.close()
                raise connector.failure from None
        try:
            yield
        finally:
            await connector.close()

    app = FastAPI(
        title="talktime",
        version=version("talktime"),
        description="The meter for paid conversations.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=openapi.operation_id,
    )
    app.state.connector = connector
    app.state.tokens = tokens
    app.state.metrics = metrics
    app.state.on_screens = on_screens
    app.state.pages = pages.Pages(topup_url=settings.topup_url)
    add_handlers(app)
    app.add_middleware(EncodedSlashes)
    app.add_middleware(RequestLimits, tokens=tokens)
    app.add_middleware(Envelope, metrics=metrics)
    allow_origins(app, settings.origins)
    for part in (people, chats, records, history, token_routes, health, docs, live, pages, prices, clock):
        app.include_router(part.router)
    if settings.test_clock:
        app.include_router(clock.test_clock_router)
    # The built browser client is not in version control: a checkout may not have it yet.
    app.mount("/static", StaticFiles(directory=STATIC, check_dir=False), name="static")
    app.openapi = lambda: openapi.describe(app)  # type: ignore[method-assign]  # FastAPI's documented way
    return app


def __getattr__(name: str) -> FastAPI:
    if name == "app":
        application = globals()["app"] = create_app()
        return application
    raise AttributeError(name)
