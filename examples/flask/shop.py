"""A shop with Flask that has paid chats. The pages of the chats come from `talktime serve`, which runs beside it.

    pip install 'talktime[service,webhooks]' flask
    export TALKTIME_DATABASE_URL=postgresql://… TALKTIME_SECRET=… TALKTIME_ADDRESS=https://talk.shop.example
    talktime migrate
    export WEBHOOK_SECRET=$(talktime webhook create https://shop.example/events)  # once, too
    talktime serve &
    flask --app shop run

The how-to page about FastAPI, Django and Flask says why the program looks like this.
"""

from __future__ import annotations

from html import escape
from os import environ
from urllib.parse import quote

from flask import Flask, Response, abort, redirect, request
from flask.typing import ResponseReturnValue
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

app = Flask(__name__)
# Each worker connects with its first call. `talktime serve` does the work of a node.
talktime = Talktime.blocking(work=False)
tokens = Tokens.of_service()  # with the secret of `talktime serve`
webhook = Webhook(environ["WEBHOOK_SECRET"])
bills: dict[str, str] = {}  # in a real shop a table, whose key is the id of the record


@app.errorhandler(TalktimeError)
def refused(error: TalktimeError) -> ResponseReturnValue:
    """Answer a refusal of talktime with its status and its reason."""
    return error.problem(), error.status


@app.errorhandler(DatabaseProblem)
def not_connected(error: DatabaseProblem) -> ResponseReturnValue:
    """The first call of a worker connects. The message of the error is for the person who runs the shop."""
    app.logger.error("%s", error)
    return refused(Unavailable("The database of talktime can't be used right now. The log says why."))


def signed_in() -> str:
    """The user. The cookie stands for the shop's own sign-in."""
    if "user" not in request.cookies:
        raise Unauthorized("Please sign in.")
    return request.cookies["user"]


def sign_up(user: str) -> None:
    """Make the user, whom credit and chats need. A real shop does so once, at its sign-up, with the person's name."""
    talktime.put_user(user, user.title())


@app.post("/paid")
def paid() -> tuple[str, int]:
    """Credit an order. Providers report an order more than once, and the key makes it one credit.

    A real shop checks the provider's signature first.
    """
    order = request.get_json()
    try:
        amount = parse_credits(order["amount"])
    except ValueError as error:
        raise InvalidRequest(("amount", str(error))) from None
    sign_up(order["user"])
    talktime.add_credit(order["user"], amount, reference=order["order"], key=f"order {order['order']}")
    return "", 204


@app.get("/price/<advisor_id>")
def price(advisor_id: str) -> str:
    """Say what a talk costs, with the button that starts it. The version makes sure that nobody pays another price."""
    user = signed_in()
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
    return f'<form method="post" action="{action}">{escape(text)} <button>Talk</button></form>'


@app.post("/talk/<advisor_id>")
def talk(advisor_id: str) -> ResponseReturnValue:
    """Start a chat, and send the user to its page, signed in."""
    user = signed_in()
    sign_up(user)
    chat_id = f"{user}:{advisor_id}"  # the chat of the pair, in which a second press of the button goes on
    try:
        talktime.create_chat(user, advisor_id, chat_id, offer_version=request.args.get("offer_version"))
    except InsufficientCredit as error:
        return Response(f"Please buy credit: {error}", 402)
    link = talktime.create_link("user", user, page=f"/chat/{quote(chat_id, safe='')}")
    return redirect(link.address, 303)


@app.get("/my-token")
def my_token() -> Response:
    """A token for `<talk-time>` or `<talk-chat>` in a page of the shop."""
    return Response(tokens.make(Role.USER, signed_in(), ttl_seconds=3600), mimetype="text/plain")


@app.post("/events")
def receive() -> tuple[str, int]:
    """Learn what happened. An event may come twice, and what is done here may be done twice."""
    try:
        event = webhook.verify(request.get_data(), dict(request.headers))
    except WebhookVerificationError:
        abort(400)
    if event["type"] == "record.ended":
        bills[event["record_id"]] = event["data"]["cost"]
    return "", 204
