"""The service as an ASGI application: `talktime.asgi:app`, for any server or for mounting into a host's application.

`app` is made when it is first imported, with settings from the environment. `create_app` takes its settings as an
argument.
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
from talktime.service.http import chats, clock, docs, health, history, openapi, people, prices, records
from talktime.service.http import tokens as token_routes
from talktime.service.http.addresses import EncodedSlashes
from talktime.service.http.envelope import Envelope
from talktime.service.http.limits import RequestLimits
from talktime.service.http.origins import allow_origins
from talktime.service.http.problems import add_handlers
from talktime.service.live import routes as live
from talktime.service.metrics import Metrics
from talktime.service.opening import Opening, WhileOpen
from talktime.service.tokens import Tokens
from talktime.settings import Settings, load_settings, misspelt_variables

log = structlog.get_logger()

OnScreens = Callable[[str], None]

STATIC = Path(pages.__file__).parent / "static"


def create_app(
    settings: Settings | None = None, while_open: WhileOpen | None = None, on_screens: OnScreens | None = None
) -> FastAPI:
    """The service.

    Args:
        settings: None for those of the environment and `talktime.toml`.
        while_open: a context that is entered once the database is open, and left before it is closed.
        on_screens: called with a chat's id when a screen of the chat comes or goes.

    Raises:
        SettingsError: a setting or the signing secret is not allowed.
    """
    settings = settings or load_settings()
    for name, meant in misspelt_variables().items():
        log.warning("settings.misspelt_variable", variable=name, did_you_mean=meant)
    opening = Opening(settings, while_open)
    tokens = Tokens(settings.signing_secret())
    metrics = Metrics()

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        try:
            await opening.talktime()
        except Unavailable:
            # A database elsewhere may come back, or be migrated; our own would have started if it could.
            if settings.database_url is None and opening.failure is not None:
                await opening.close()
                raise opening.failure from None
        try:
            yield
        finally:
            await opening.close()

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
    app.state.opening = opening
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
