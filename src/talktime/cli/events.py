"""`talktime events`: what happened, once or as it happens."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Annotated

import typer

from talktime.cli.arguments import read_id
from talktime.cli.connecting import run_with_talktime
from talktime.cli.exits import exit_with_failure
from talktime.cli.output import stdout

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from talktime.documents.event import Event
    from talktime.talktime import Talktime


def _id_option(help_text: str) -> typer.models.OptionInfo:
    option: typer.models.OptionInfo = typer.Option(help=help_text)
    return option


def events(
    context: typer.Context,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what happens, until Ctrl-C.")] = False,
    after: Annotated[
        str | None,
        typer.Option(help="Only events after the event of this id.", show_default="with --follow the latest event"),
    ] = None,
    types: Annotated[str | None, typer.Option(help="Only these types, such as record.ended,charge.posted.")] = None,
    user: Annotated[str | None, _id_option("Only events of this user.")] = None,
    advisor: Annotated[str | None, _id_option("Only events of this advisor.")] = None,
    chat: Annotated[str | None, _id_option("Only events in this chat.")] = None,
    record: Annotated[str | None, _id_option("Only events of this record.")] = None,
    forward: Annotated[
        str | None, typer.Option(metavar="URL", help="Also send each event to this address, as a webhook does.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document in each line.")] = False,
) -> None:
    """Show what happened to records, credit and books, the oldest event first.

    An archive of all events: talktime events --json > events.jsonl

    Try a receiver of webhooks: talktime events --follow --forward http://localhost:8000/events
    """
    about = {
        name: None if text is None else read_id(text)
        for name, text in (("user_id", user), ("advisor_id", advisor), ("chat_id", chat), ("record_id", record))
    }
    wanted = None if types is None else types.split(",")
    begin = "latest" if follow and after is None else after

    async def show(talktime: Talktime) -> int:
        failed = 0
        send = None if forward is None else _forwarding(forward)
        async for event in talktime.events(types=wanted, **about, after=begin, follow=follow):
            _print_event(event, as_json)
            if send is not None and not await send(event):
                failed += 1
        return failed

    try:
        failed = run_with_talktime(context, show)
    except (KeyboardInterrupt, asyncio.CancelledError):
        raise typer.Exit from None
    if failed:
        exit_with_failure(f"the receiver did not take {failed} of the events")


def _forwarding(url: str) -> Callable[[Event], Awaitable[bool]]:
    """Sends an event to a receiver of the person at the terminal, whose address may be private.

    Returns:
        What sends an event, and tells whether the receiver took the event.

    Raises:
        MissingExtra: a package that the sender needs is not installed.
        InvalidRequest: the address is not allowed.
    """
    from talktime import extras  # noqa: PLC0415  `talktime --help` starts faster without it

    extras.require("webhooks")
    from talktime.engine.webhooks import new_secret  # noqa: PLC0415  for the same reason
    from talktime.node.webhook_sender import WebhookSender  # noqa: PLC0415  for the same reason

    sender, secret = WebhookSender(may_be_private=True), new_secret()
    sender.require_url(url)
    typer.echo(f"The secret of this run: {secret}", err=True)

    async def send(event: Event) -> bool:
        outcome = await sender.send(url, [secret], event.id, event.document())
        typer.echo(f"{event.id} {outcome.error or outcome.status}, {outcome.took_ms} ms", err=True)
        return outcome.error is None

    return send


def _print_event(event: Event, as_json: bool) -> None:
    document = event.document()
    if as_json:
        print(json.dumps(document, ensure_ascii=False), flush=True)
        return
    ids = (event.user_id, event.advisor_id, event.chat_id)
    data = {name: value for name, value in document["data"].items() if value is not None}
    stdout().print(
        event.id,
        document["occurred_at"],
        event.type,
        *(text for text in ids if text is not None),
        " ".join(f"{name}={value}" for name, value in data.items()),
    )
