"""`talktime webhook …`: the addresses of the host to which events are sent."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from talktime.cli.arguments import Limit, read_id
from talktime.cli.connecting import run_with_talktime
from talktime.cli.exits import exit_with_failure
from talktime.cli.output import AsJson, print_document, print_json, print_table
from talktime.documents.webhook import DeliveryState

app = typer.Typer(no_args_is_help=True, help="Webhooks: addresses of the host to which events are sent.")

WebhookId = Annotated[str, typer.Argument(metavar="WEBHOOK_ID")]


@app.command("create")
def create_webhook(
    context: typer.Context,
    url: Annotated[str, typer.Argument(metavar="URL")],
    types: Annotated[
        str | None,
        typer.Option(help="Only these types, such as record.ended,credit.low.", show_default="all"),
    ] = None,
) -> None:
    """Send the events from now on to an address. Prints the secret and nothing else; it can't be shown again."""
    webhook = run_with_talktime(
        context, lambda talktime: talktime.create_webhook(url, None if types is None else types.split(","))
    )
    wanted = "all types" if webhook.types is None else ", ".join(webhook.types)
    print(f"talktime: webhook {webhook.id} for events of {wanted}", file=sys.stderr)
    print(webhook.secret)


@app.command("list")
def list_webhooks(context: typer.Context, as_json: AsJson = False) -> None:
    """List all webhooks, the oldest first."""
    webhooks = run_with_talktime(context, lambda talktime: talktime.webhooks())
    columns = ("id", "url", "enabled", "disabled_reason", "failing_since", "created_at")
    print_table("webhooks", [webhook.document() for webhook in webhooks], columns, as_json)


@app.command("show")
def show_webhook(context: typer.Context, webhook_id: WebhookId, as_json: AsJson = False) -> None:
    """Show a webhook."""
    webhook_id = read_id(webhook_id)
    webhook = run_with_talktime(context, lambda talktime: talktime.webhook(webhook_id))
    print_document(webhook.document(), as_json)


@app.command("change")
def change_webhook(
    context: typer.Context,
    webhook_id: WebhookId,
    url: Annotated[str | None, typer.Option(help="The new address.", show_default="as it is")] = None,
    types: Annotated[
        str | None, typer.Option(help="The types of events; an empty text for all.", show_default="as they are")
    ] = None,
    enabled: Annotated[
        bool | None,
        typer.Option("--enable/--disable", help="Whether events are sent.", show_default="as it is"),
    ] = None,
    rotate_secret: Annotated[
        bool, typer.Option("--rotate-secret", help="Make another secret, and print it and nothing else.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Change a webhook. For a day after another secret is made, the old one signs as well.

    A webhook that is enabled again gets the events of the time between.
    """
    webhook_id = read_id(webhook_id)
    wanted = None if types is None else [name for name in types.split(",") if name]
    webhook = run_with_talktime(
        context,
        lambda talktime: talktime.change_webhook(
            webhook_id, url=url, types=wanted, enabled=enabled, rotate_secret=rotate_secret
        ),
    )
    if rotate_secret and not as_json:
        print(webhook.secret)
    else:
        print_document(webhook.document(), as_json)


@app.command("deliveries")
def list_deliveries(
    context: typer.Context,
    webhook_id: WebhookId,
    state: Annotated[DeliveryState | None, typer.Option(help="Only deliveries in this state.")] = None,
    after: Annotated[str | None, typer.Option(help="Go on after this event: the `next` of the page before.")] = None,
    limit: Limit = 100,
    as_json: AsJson = False,
) -> None:
    """List the deliveries of a webhook, those of the newest events first."""
    webhook_id = read_id(webhook_id)
    page = run_with_talktime(
        context, lambda talktime: talktime.delivery_page(webhook_id, state=state, after=after, limit=limit)
    )
    documents = [delivery.document() for delivery in page.items]
    if as_json:
        print_json({"deliveries": documents, "next": page.next})
        return
    print_table("deliveries", documents, ("event_id", "type", "state", "attempts", "next_at", "status", "error"), False)
    if page.next is not None:
        print(f"More follow {page.next}.")


@app.command("ping")
def ping_webhook(context: typer.Context, webhook_id: WebhookId, as_json: AsJson = False) -> None:
    """Send a message of the type `ping`, and show the receiver's answer. Fails if the message was not delivered."""
    webhook_id = read_id(webhook_id)
    ping = run_with_talktime(context, lambda talktime: talktime.ping_webhook(webhook_id))
    if ping.delivered or as_json:
        print_document(ping.document(), as_json)
    if not ping.delivered:
        exit_with_failure(f"the message was not delivered: {ping.error}")


@app.command("replay")
def replay_webhook(
    context: typer.Context,
    webhook_id: WebhookId,
    after: Annotated[str, typer.Option(help="The id of the event after which all are sent again.")],
) -> None:
    """Send the events after an event again, in order, also those that were delivered. A running service sends them."""
    webhook_id = read_id(webhook_id)
    run_with_talktime(context, lambda talktime: talktime.replay_webhook(webhook_id, after))
    print(f"The events after {after} are sent again.")


@app.command("delete")
def delete_webhook(context: typer.Context, webhook_id: WebhookId) -> None:
    """Delete a webhook, with its deliveries."""
    webhook_id = read_id(webhook_id)
    run_with_talktime(context, lambda talktime: talktime.delete_webhook(webhook_id))
    print(f"Webhook {webhook_id} is deleted.")
