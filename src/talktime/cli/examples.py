"""An example of each command, which its `--help` shows at the end. A test runs the reading of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import typer

EXAMPLES: Final = {
    "serve": "talktime serve --port 8700",
    "demo": "talktime demo",
    "migrate": "talktime migrate --grant-to talktime_service",
    "doctor": "talktime doctor",
    "receipt": "talktime receipt 019b9f5e-0000-7000-8000-000000000001 --verify",
    "entries": "talktime entries --month 2026-10 --tz Europe/Berlin --csv",
    "events": "talktime events --follow --types record.ended",
    "report": "talktime report --month 2026-10 --tz Europe/Berlin",
    "import": "talktime import users.csv balances.csv --as-of 2026-02-01T00:00:00Z --dry-run",
    "shadow": "talktime shadow events.csv --tariff tariff.json",
    "replay": "talktime replay --tariff new.json --month 2026-10",
    "price": "talktime price --tariff tariff.json --seconds 330",
    "open": "talktime open operator",
    "bench": "talktime bench commands",
    "token create": "talktime token create --role user --subject alice --ttl 3600",
    "key create": "talktime key create --name shop",
    "key list": "talktime key list",
    "key revoke": "talktime key revoke shop",
    "user list": "talktime user list --query ali",
    "user add": "talktime user add alice --name Alice",
    "user forget": "talktime user forget alice --yes",
    "user show": "talktime user show alice --at 2026-01-05T10:00:00Z",
    "user credit": "talktime user credit alice 10.00 --reference 'order 4711'",
    "user debit": "talktime user debit alice 2.50 --reference 'a horoscope'",
    "user entries": "talktime user entries alice --since yesterday",
    "user chats": "talktime user chats alice",
    "advisor list": "talktime advisor list",
    "advisor set": "talktime advisor set maya --rate 0.60 --free 3m",
    "advisor show": "talktime advisor show maya",
    "advisor chats": "talktime advisor chats maya",
    "advisor statement": "talktime advisor statement maya --month 2026-10",
    "record list": "talktime record list --reason out_of_credit --since 'last week'",
    "record show": "talktime record show 019b9f5e-0000-7000-8000-000000000001",
    "record stop": "talktime record stop 019b9f5e-0000-7000-8000-000000000001",
    "record refund": "talktime record refund 019b9f5e-0000-7000-8000-000000000001 --amount 1.00"
    " --reason 'The connection was bad.' --borne-by platform",
    "webhook create": "talktime webhook create https://shop.example/events --types record.ended,credit.low",
    "webhook list": "talktime webhook list",
    "webhook show": "talktime webhook show 019b9f5e-0000-7000-8000-000000000001",
    "webhook change": "talktime webhook change 019b9f5e-0000-7000-8000-000000000001 --rotate-secret",
    "webhook deliveries": "talktime webhook deliveries 019b9f5e-0000-7000-8000-000000000001 --state failed",
    "webhook ping": "talktime webhook ping 019b9f5e-0000-7000-8000-000000000001",
    "webhook replay": "talktime webhook replay 019b9f5e-0000-7000-8000-000000000001 --after 4711",
    "webhook delete": "talktime webhook delete 019b9f5e-0000-7000-8000-000000000001",
    "config show": "talktime config show",
}
"""By the words of the command."""


def add_examples(app: typer.Typer, words: str = "") -> None:
    """Show the example of each command at the end of its help."""
    for command in app.registered_commands:
        function = command.callback
        name = command.name or (function.__name__.replace("_", "-") if function is not None else "")
        example = EXAMPLES.get(f"{words} {name}".strip())
        if example is not None:
            command.epilog = f"Example: {example}"
    for group in app.registered_groups:
        if group.typer_instance is not None:
            add_examples(group.typer_instance, f"{words} {group.name}".strip())
