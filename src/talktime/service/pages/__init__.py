"""What people look at: thin HTML around the page scripts.

A route here renders a template and nothing else.
Every page is the same for everybody: what belongs to a person it loads through ``/v1`` with the token of its
tab, so nothing private is ever in the HTML and any cache may keep it.

The service says once what the pages need to know, before the first request::

    app.state.pages = Pages(people=demo_people, topup_url=settings.topup_url)
    app.include_router(router)          # and demo_router, in the demo alone
"""

from talktime.service.pages.context import Pages, Person
from talktime.service.pages.routes import demo_router, router

__all__ = ["Pages", "Person", "demo_router", "router"]
