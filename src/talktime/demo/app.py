"""The service with the people of the demo, as an ASGI application.

Anybody can become anybody in it, so by default it listens on this machine alone.
"""

from __future__ import annotations

import ipaddress
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from talktime.asgi import create_app
from talktime.demo import routes
from talktime.demo.automatic import AutomaticAdvisors
from talktime.demo.people import ADVISORS, PEOPLE, create_people
from talktime.service import pages
from talktime.settings import Settings
from talktime.talktime import Talktime


def create_demo(settings: Settings) -> FastAPI:
    """The service with the people of the demo and an automatic advisor.

    Raises:
        SettingsError: a setting or the signing secret is not allowed.
    """
    connected: list[AutomaticAdvisors] = []  # one element while the library is connected

    @asynccontextmanager
    async def lifespan(talktime: Talktime) -> AsyncIterator[None]:
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

    app = create_app(settings, lifespan, on_screens)
    app.state.pages = pages.Pages(people=tuple(PEOPLE.values()), topup_url=settings.topup_url)
    for router in (routes.open_router, routes.router, pages.demo_router):
        app.include_router(router)
    return app


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server that listens on `host`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
