"""The pages for people: templates, rendered without any data of a person.

A page is the same for everybody. Its script loads what belongs to a person through `/v1`, with the token of the browser
tab, so nothing private is in the HTML and any cache may keep the page.

The application sets `app.state.pages` before the first request.

context   what the templates are told about the application
language  the language of a page, and its words
routes    the addresses
"""

from talktime.service.pages.context import Pages, Person
from talktime.service.pages.routes import answer_missing, demo_router, router

__all__ = ["Pages", "Person", "answer_missing", "demo_router", "router"]
