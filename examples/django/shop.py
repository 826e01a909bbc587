"""A shop with Django that has paid chats. The pages of the chats come from `talktime serve`, which runs beside it.

    pip install 'talktime[service,webhooks]' django gunicorn
    export TALKTIME_DATABASE_URL=postgresql://… TALKTIME_SECRET=… TALKTIME_ADDRESS=https://talk.shop.example
    talktime migrate
    export WEBHOOK_SECRET=$(talktime webhook create https://shop.example/events)
    talktime serve &
    gunicorn shop:application

Everything is in one file here. In a project, `talktime` is made in a module of its own, such as `shop/meter.py`.
"""

from __future__ import annotations

import json
import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST
from standardwebhooks import Webhook, WebhookVerificationError

from talktime import Role, Talktime, parse_credits
from talktime.asgi import Tokens
from talktime.errors import InsufficientCredit

talktime = Talktime.blocking(
    work=False
)  # each worker connects with its first call; `talktime serve` does a node's work
tokens = Tokens(os.environ["TALKTIME_SECRET"])  # the secret of `talktime serve`
webhook = Webhook(os.environ["WEBHOOK_SECRET"])
bills: dict[str, str] = {}  # in a real shop a model, whose key is the id of the record


@csrf_exempt
@require_POST
def paid(request: HttpRequest) -> HttpResponse:
    """Credit an order. Providers report an order more than once, and the key makes it one credit.

    A real shop checks the provider's signature first.
    """
    order = json.loads(request.body)
    talktime.put_user(order["user"], order["user"].title())
    talktime.add_credit(
        order["user"], parse_credits(order["amount"]), reference=order["order"], key=f"order {order['order']}"
    )
    return HttpResponse(status=204)


@require_GET
def talk(request: HttpRequest, advisor_id: str) -> HttpResponse:
    """Start a chat, and send the user to its page, signed in. The cookie stands for `request.user`."""
    user = request.COOKIES["user"]
    try:
        snapshot, _ = talktime.create_chat(user, advisor_id)
    except InsufficientCredit as error:
        return HttpResponse(f"Please buy credit: {error}", status=402)
    link = talktime.create_link("user", user, page=f"/chat/{snapshot.chat_id}")
    return HttpResponseRedirect(link.address)


@require_GET
def my_token(request: HttpRequest) -> HttpResponse:
    """A token for `<talk-time>` or `<talk-chat>` in a page of the shop."""
    return HttpResponse(tokens.make(Role.USER, request.COOKIES["user"], ttl_seconds=3600), content_type="text/plain")


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
    path("talk/<str:advisor_id>", talk),
    path("my-token", my_token),
    path("events", receive),
]
settings.configure(ROOT_URLCONF=__name__, SECRET_KEY=os.environ.get("DJANGO_SECRET", "for trying"), ALLOWED_HOSTS=["*"])
application = get_wsgi_application()
