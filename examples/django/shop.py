"""A shop with Django that has paid chats. The pages of the chats come from `talktime serve`, which runs beside it.

    pip install 'talktime[service,webhooks]' django gunicorn
    export TALKTIME_DATABASE_URL=postgresql://… TALKTIME_SECRET=… TALKTIME_ADDRESS=https://talk.shop.example
    talktime migrate
    export WEBHOOK_SECRET=$(talktime webhook create https://shop.example/events)  # once, too
    talktime serve &
    gunicorn shop:application

Everything is in one file here. In a project, `talktime` is made in a module of its own, such as `shop/meter.py`.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable
from html import escape
from urllib.parse import quote

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST
from standardwebhooks import Webhook, WebhookVerificationError

from talktime import Role, Talktime, format_credits, parse_credits
from talktime.asgi import Tokens
from talktime.errors import (
    Conflict,
    DatabaseProblem,
    InsufficientCredit,
    InvalidRequest,
    TalktimeError,
    Unauthorized,
    Unavailable,
)

# Each worker connects with its first call. `talktime serve` does the work of a node.
talktime = Talktime.blocking(work=False)
tokens = Tokens.of_service()  # with the secret of `talktime serve`
webhook = Webhook(os.environ["WEBHOOK_SECRET"])
bills: dict[str, str] = {}  # in a real shop a model, whose key is the id of the record
log = logging.getLogger(__name__)


class Refusals:
    """Middleware that answers a refusal of talktime with its status and its reason."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, _request: HttpRequest, error: Exception) -> HttpResponse | None:
        if isinstance(error, DatabaseProblem):  # the first call of a worker connects
            log.error("%s", error)  # what to do, for the person who runs the shop
            error = Unavailable("The database of talktime can't be used right now. The log says why.")
        return JsonResponse(error.problem(), status=error.status) if isinstance(error, TalktimeError) else None


def signed_in(request: HttpRequest) -> str:
    """The user. The cookie stands for `request.user`."""
    if "user" not in request.COOKIES:
        raise Unauthorized("Please sign in.")
    return request.COOKIES["user"]


def sign_up(user: str) -> None:
    """Make the user, whom credit and chats need. A real shop does so once, at its sign-up, with the person's name."""
    talktime.put_user(user, user.title())


@csrf_exempt
@require_POST
def paid(request: HttpRequest) -> HttpResponse:
    """Credit an order. Providers report an order more than once, and the key makes it one credit.

    A real shop checks the provider's signature first.
    """
    order = json.loads(request.body)
    try:
        amount = parse_credits(order["amount"])
    except ValueError as error:
        raise InvalidRequest(("amount", str(error))) from None
    sign_up(order["user"])
    talktime.add_credit(order["user"], amount, reference=order["order"], key=f"order {order['order']}")
    return HttpResponse(status=204)


@require_GET
def price(request: HttpRequest, advisor_id: str) -> HttpResponse:
    """Say what a talk costs, with the button that starts it. The version makes sure that nobody pays another price."""
    user = signed_in(request)
    sign_up(user)
    action = f"/talk/{quote(advisor_id, safe='')}"
    try:
        offer = talktime.offer(user, advisor_id)
    except Conflict:
        text = "Your talk goes on."
    else:
        tier = offer.tariff.tiers[0]
        text = f"{offer.display_name}: {format_credits(tier.rate)} for each {tier.per_ms // 1000} seconds."
        action += f"?offer_version={offer.version}"
    return HttpResponse(f'<form method="post" action="{action}">{escape(text)} <button>Talk</button></form>')


@require_POST
def talk(request: HttpRequest, advisor_id: str) -> HttpResponse:
    """Start a chat, and send the user to its page, signed in."""
    user = signed_in(request)
    sign_up(user)
    chat_id = f"{user}:{advisor_id}"  # the chat of the pair, in which a second press of the button goes on
    try:
        talktime.create_chat(user, advisor_id, chat_id, offer_version=request.GET.get("offer_version"))
    except InsufficientCredit as error:
        return HttpResponse(f"Please buy credit: {error}", status=402)
    link = talktime.create_link("user", user, page=f"/chat/{quote(chat_id, safe='')}")
    return HttpResponseRedirect(link.address, status=303)


@require_GET
def my_token(request: HttpRequest) -> HttpResponse:
    """A token for `<talk-time>` or `<talk-chat>` in a page of the shop."""
    return HttpResponse(tokens.make(Role.USER, signed_in(request), ttl_seconds=3600), content_type="text/plain")


@csrf_exempt
@require_POST
def receive(request: HttpRequest) -> HttpResponse:
    """Learn what happened. An event may come twice, and what is done here may be done twice."""
    try:
        event = webhook.verify(request.body, dict(request.headers))
    except WebhookVerificationError:
        return HttpResponse("This is not signed by talktime.", status=400)
    if event["type"] == "record.ended":
        bills[event["record_id"]] = event["data"]["cost"]
    return HttpResponse(status=204)


urlpatterns = [
    path("paid", paid),
    path("price/<str:advisor_id>", price),
    path("talk/<str:advisor_id>", talk),
    path("my-token", my_token),
    path("events", receive),
]
# Without `DEBUG`, Django would show errors to nobody.
console = {"handlers": {"console": {"class": "logging.StreamHandler"}}, "root": {"handlers": ["console"]}}
settings.configure(
    ROOT_URLCONF=__name__,
    SECRET_KEY=os.environ.get("DJANGO_SECRET", "for trying"),
    ALLOWED_HOSTS=["*"],
    MIDDLEWARE=[f"{__name__}.Refusals"],
    LOGGING={"version": 1, "disable_existing_loggers": False, **console},
)
application = get_wsgi_application()
