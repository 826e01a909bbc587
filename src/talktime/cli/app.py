"""What people type.

    talktime serve | demo | migrate | doctor | token create | price | user … | advisor … | record … | receipt
    | report | replay | bench

Data is printed for people, or with `--json` as one JSON document; logs go to stderr.
Exit codes: 0 done, 1 failed, 2 usage, 3 not found, 4 conflict.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from talktime.cli import advisors, console, receipts, records, reports, users
from talktime.cli.arguments import TariffFile, read_id, read_tariff
from talktime.cli.console import Json, fail, printed, run, settings_of, usage
from talktime.core.durations import parse_seconds, seconds
from talktime.core.money import format_credits
from talktime.core.price import price
from talktime.documents.audit import Audit
from talktime.service.tokens import TTL_SECONDS_DEFAULT, TTL_SECONDS_MAX, Role, Tokens

if TYPE_CHECKING:
    from talktime.settings import Settings
    from talktime.talktime import Talktime

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help="The meter for paid conversations."
)
token_app = typer.Typer(no_args_is_help=True, help="Tokens for programs and browsers.")
app.add_typer(token_app, name="token")
app.add_typer(users.app, name="user")
app.add_typer(advisors.app, name="advisor")
app.add_typer(records.app, name="record")
app.command()(receipts.receipt)
app.command()(reports.report)
app.command()(reports.replay)

Host = Annotated[str | None, typer.Option(help="Where to listen.", show_default="127.0.0.1")]
Port = Annotated[int | None, typer.Option(help="The port; 0 is any free one.", show_default="8700")]


@app.callback()
def options(
    context: typer.Context,
    database_url: Annotated[
        str | None, typer.Option(help="The PostgreSQL to use.", show_default="the embedded one")
    ] = None,
    data_dir: Annotated[Path | None, typer.Option(help="Where the embedded database and the secret live.")] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Log more, and show where errors come from.")] = False,
) -> None:
    """Options of every command go before its name."""
    context.obj = {"database_url": database_url, "data_dir": data_dir, "debug": debug}


@app.command()
def serve(context: typer.Context, host: Host = None, port: Port = None) -> None:
    """Run the service."""
    from talktime.asgi import create_app  # noqa: PLC0415  other commands start quicker without it
    from talktime.service.serving import serve as run_server  # noqa: PLC0415  uvicorn, for the same reason

    settings = settings_of(context, host=host, port=port)
    started = run_server(
        create_app(settings),
        settings,
        lambda address: print(
            f"talktime is at {address} (its interface: {address}/docs). Ctrl-C stops it.", flush=True
        ),
    )
    if not started:
        _say_not_started(settings)


@app.command()
def demo(
    context: typer.Context,
    host: Host = None,
    port: Port = None,
    allow_remote: Annotated[
        bool, typer.Option("--allow-remote", help="Listen beyond this machine, though anyone can then become anyone.")
    ] = False,
) -> None:
    """Run the service with people to be, and an automatic advisor who answers."""
    from talktime.demo.people import PEOPLE, create_demo, is_loopback  # noqa: PLC0415  only the demo needs it
    from talktime.service.serving import serve as run_server  # noqa: PLC0415  uvicorn, for the same reason

    settings = settings_of(context, host=host, port=port)
    if not allow_remote and not is_loopback(settings.host):
        usage(
            f"In the demo anyone can become anyone, and {settings.host} is open to other machines. "
            "Listen on 127.0.0.1, or say --allow-remote."
        )

    def announce(address: str) -> None:
        print(f"talktime is at {address}   Ctrl-C stops it.\n\nOpen two of these side by side:")
        for person in PEOPLE.values():
            print(f"  {person.name + ',':<7} {person.role:<9} {address}/demo/as/{person.id}")
        sys.stdout.flush()

    if not run_server(create_demo(settings), settings, announce):
        _say_not_started(settings)


@app.command()
def migrate(context: typer.Context, as_json: Json = False) -> None:
    """Bring the database's schema up to date."""
    from talktime.database.migrate import migrate as bring_up_to_date  # noqa: PLC0415  only this command migrates

    settings = settings_of(context)

    async def work() -> list[str]:
        if settings.database_url is not None:
            return await bring_up_to_date(settings.database_url)
        from talktime.postgres.embedded import embedded_database  # noqa: PLC0415  not for those who have a database

        async with embedded_database(settings.data_dir) as url:
            return await bring_up_to_date(url)

    applied = asyncio.run(work())
    if not printed({"applied": applied}, as_json):
        print("\n".join(f"applied {revision}" for revision in applied) or "Nothing to do: the schema is current.")


@app.command()
def doctor(
    context: typer.Context,
    repair: Annotated[
        bool, typer.Option("--repair", help="First make the totals of broken accounts anew from the facts.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Check every rule that must always hold; exit code 1 if one is broken."""

    async def work(talktime: Talktime) -> Audit:
        audit = await talktime.audit(console.progress("accounts"))
        if repair and audit.counts:
            await talktime.repair(audit)
            audit = await talktime.audit(console.progress("accounts"))
        return audit

    audit = run(context, work)
    console.show_audit(audit, as_json)
    if audit.counts:
        raise typer.Exit(1)


@token_app.command("create")
def create_token(
    context: typer.Context,
    role: Annotated[Role, typer.Option(help="What the token may do.")],
    subject: Annotated[str, typer.Option(help="Whom it speaks for.")],
    ttl: Annotated[
        int, typer.Option(min=1, max=TTL_SECONDS_MAX, help="How long it holds, in seconds.")
    ] = TTL_SECONDS_DEFAULT,
) -> None:
    """Print a token, alone."""
    print(Tokens(settings_of(context).signing_secret()).make(role, read_id(subject), ttl))


@app.command("price")
def quote(
    tariff: TariffFile,
    elapsed: Annotated[str, typer.Option("--seconds", help="How long, with at most 3 decimals.")],
    as_json: Json = False,
) -> None:
    """What some seconds cost by a tariff."""
    try:
        quoted = price(read_tariff(tariff), parse_seconds(elapsed))
    except ValueError as error:
        usage(f"--seconds {error}")
    document = {"cost": format_credits(quoted.cost), "billed_seconds": seconds(quoted.billed_ms)}
    if not printed(document, as_json):
        print(f"{document['cost']} for {document['billed_seconds']} billed seconds")


@app.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
def bench(
    context: typer.Context,
    arguments: Annotated[list[str] | None, typer.Argument(metavar="NAME [ARGUMENTS]…")] = None,
) -> None:
    """Measure; the benchmarks are in the repository, not in the installed package. Without a name: which there are."""
    console.run_bench(context, arguments or [])


def main() -> None:
    """The command `talktime`."""
    try:
        app()
    except Exception as error:  # noqa: BLE001  the one place that turns failures into exit codes
        fail(error)


def _say_not_started(settings: Settings) -> NoReturn:
    print(
        f"talktime: the service could not start on {settings.host}, port {settings.port}: the log above says why."
        " Another --host (TALKTIME_HOST) or --port (TALKTIME_PORT; 0 is any free one) may do.",
        file=sys.stderr,
    )
    raise typer.Exit(1)
