"""The service with the people of the demo, as an ASGI application.

Anybody can become anybody in it. So by default it listens on this machine alone. It answers only under the names of
this machine, it refuses a database with people that it did not make, and its tokens are worth nothing elsewhere.
"""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from talktime.asgi import create_app
from talktime.demo import routes
from talktime.demo.automatic import AutomaticAdvisors
from talktime.demo.people import ADVISORS, PEOPLE, create_people, require_no_other_people
from talktime.service import pages
from talktime.service.http.hosts import LOOPBACK, Hosts
from talktime.service.tokens import Tokens
from talktime.settings import Settings
from talktime.talktime import Talktime


def create_demo(settings: Settings) -> FastAPI:
    """The service with the people of the demo and an automatic advisor.

    Raises:
        SettingsError: a setting or the signing secret is not allowed.
    """
    # Tokens of the settings' secret are accepted too: who has that secret may do everything anyway.
    secret = settings.signing_secret()
    tokens = Tokens(
        hmac.new(secret.encode(), b"talktime demo", "sha256").hexdigest(), accepted=(secret, *settings.other_secrets())
    )
    names = (*LOOPBACK, *settings.hosts, settings.host)
    connected: list[AutomaticAdvisors] = []  # one element while the library is connected

    @asynccontextmanager
    async def lifespan(talktime: Talktime) -> AsyncIterator[None]:
        await require_no_other_people(talktime, settings)
        await create_people(talktime)
        advisors = AutomaticAdvisors(talktime, {person.id: person.name for person in ADVISORS})
        connected.append(advisors)
        try:
            yield
        finally:
            connected.remove(advisors)
            await advisors.close()

    def on_screens(chat_id: str) -> None:
        for advisors in connected:
            advisors.update(chat_id)

    app = create_app(settings.model_copy(update={"hosts": ()}), lifespan, on_screens, tokens)
    app.add_middleware(Hosts, names=names, any_address=not is_loopback(settings.host))
    app.state.pages = pages.Pages.of(settings, tuple(PEOPLE.values()))
    for router in (routes.open_router, routes.router, pages.demo_router):
        app.router.routes.extend(router.routes)
    return app


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server that listens on `host`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
