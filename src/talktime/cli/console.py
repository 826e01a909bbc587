"""How the command line reads settings, reaches the engine, prints, and fails."""

from __future__ import annotations

import asyncio
import csv
import json
import os
import runpy
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, NoReturn, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from talktime.core.durations import clock_text
from talktime.core.errors import Conflict, DatabaseProblem, InvalidRequest, NotFound, TalktimeError
from talktime.core.money import format_credits
from talktime.documents.audit import Audit
from talktime.documents.receipt import Receipt
from talktime.extras import MissingExtra

if TYPE_CHECKING:
    from talktime.settings import Settings
    from talktime.talktime import Talktime

FAILED: Final = 1
USAGE: Final = 2
NOT_FOUND: Final = 3
CONFLICT: Final = 4

PIPED_WIDTH: Final = 10_000

BENCH: Final = Path(__file__).parents[3] / "bench"

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]

_Result = TypeVar("_Result")
_debugging = False


def settings_of(context: typer.Context, **given: Any) -> Settings:
    """The settings, with what the command line says first. Also starts the logs.

    Raises:
        SettingsError: a setting that won't do.
    """
    global _debugging  # noqa: PLW0603  one process, one command line
    from talktime import logs  # noqa: PLC0415  `talktime --help` starts quicker without it
    from talktime.settings import load_settings  # noqa: PLC0415  the same

    said = dict(context.obj)
    _debugging = said.pop("debug")
    logs.configure(debug=_debugging)
    return load_settings(**said, **given)


def run(context: typer.Context, work: Callable[[Talktime], Awaitable[_Result]]) -> _Result:
    """What `work` gives, with the engine open but no background workers of its own."""
    from talktime.talktime import Talktime  # noqa: PLC0415  `talktime --help` starts quicker without it

    settings = settings_of(context)

    async def working() -> _Result:
        async with Talktime.connect(settings=settings, work=False) as talktime:
            return await work(talktime)

    return asyncio.run(working())


def printed(document: Mapping[str, Any], as_json: bool) -> bool:
    """Print `document` if JSON is asked for; False if it is for people, so that the caller says it in words."""
    if as_json:
        print(json.dumps(document, indent=2, ensure_ascii=False))
    return as_json


def show(document: Mapping[str, Any], as_json: bool) -> None:
    """Print one thing."""
    if printed(document, as_json):
        return
    grid = Table(show_header=False, box=None)
    for name, value in document.items():
        grid.add_row(name, json.dumps(value) if isinstance(value, dict | list) else _text(value))
    _out().print(grid)


def table(name: str, documents: Sequence[Mapping[str, Any]], columns: Sequence[str], as_json: bool) -> None:
    """Print many things: all of them as JSON, or their `columns` as a table."""
    if printed({name: list(documents)}, as_json):
        return
    shown = Table(box=None)
    for column in columns:
        # An id is there to be copied, so a narrow terminal breaks it rather than cutting it off.
        shown.add_column(column, overflow="fold")
    for document in documents:
        shown.add_row(*(_text(document[column]) for column in columns))
    _out().print(shown if documents else f"No {name}.")


def page(name: str, documents: Sequence[Mapping[str, Any]], columns: Sequence[str], limit: int, as_json: bool) -> None:
    """Print a page of at most `limit` of `documents`; one more than that says that there is another page."""
    shown, more = documents[:limit], len(documents) > limit
    following = (shown[-1].get("id") or shown[-1]["user_id"]) if more else None
    if printed({name: list(shown), "next": following}, as_json):
        return
    table(name, shown, columns, as_json)
    if more:
        print(f"More follow {following}.")


def show_receipt(receipt: Receipt, as_json: bool) -> None:
    """Print a bill."""
    document = receipt.document()
    if printed(document, as_json):
        return
    out = _out()
    out.print(f"Record {receipt.record.id}: {receipt.user_name} with {receipt.advisor_name}, {receipt.record.state}")
    segments = Table(box=None)
    for column in ("from (UTC)", "to", "chat", "time", "ended by"):
        # An id is there to be copied, so a narrow terminal breaks it; an instant stays whole.
        segments.add_column(column, no_wrap=column != "chat", overflow="fold")
    for segment, said in zip(receipt.segments, document["segments"], strict=True):
        segments.add_row(*_span(said), segment.chat_id, clock_text(segment.duration_ms), _text(said["reason"]))
    out.print(segments)
    for gap in document["gaps"]:
        through = "" if gap["caused_by"] is None else f", by {gap['caused_by']}"
        until = gap["ended_at"] or "not over"
        out.print(
            f"not billed: {gap['started_at']} to {until}, {clock_text(gap['duration_ms'])}, {gap['reason']}{through}"
        )
    lines = Table(box=None, show_header=False)
    lines.add_column()
    lines.add_column(justify="right")
    for line in receipt.lines:
        lines.add_row(line.text, format_credits(line.amount))
    lines.add_row(f"{clock_text(receipt.elapsed_ms)} in all", format_credits(receipt.cost), style="bold")
    for name in ("refunded", "gift", "bought"):
        if document["totals"][name] != "0.00":
            lines.add_row(
                {"gift": "paid with gifts", "bought": "paid with bought credit"}.get(name, name),
                document["totals"][name],
            )
    shares = document["shares"]
    lines.add_row("of it the advisor's", shares["advisor"])
    lines.add_row("of it the platform's", shares["platform"])
    out.print(lines)


def _out() -> Console:
    """Standard output for people. What somebody is called is no markup, and only a terminal has an edge to break at."""
    width = None if sys.stdout.isatty() else PIPED_WIDTH
    return Console(highlight=False, markup=False, emoji=False, width=width)


def _span(segment: Mapping[str, Any]) -> tuple[str, str]:
    """Both ends; the day is said once if it is the same."""
    began = segment["started_at"].removesuffix("Z").replace("T", " ")
    ended = _text(segment["ended_at"]).removesuffix("Z").replace("T", " ")
    return began, ended.removeprefix(f"{began.split()[0]} ")


def show_audit(audit: Audit, as_json: bool) -> None:
    """Print what the auditor found, in words, and what to do about it."""
    if audit.counts:
        print(f"talktime: rules are broken: {', '.join(map(str, sorted(audit.counts)))}", file=sys.stderr)
    if printed(audit.document(), as_json):
        return
    checked = f"{audit.accounts} accounts, {audit.records} records, {audit.entries} entries"
    for rule in audit.broken():
        times = "once" if rule["count"] == 1 else f"{rule['count']} times"
        print(f"Rule {rule['rule']} is broken {times}: {rule['says']}.")
        for found in rule["examples"]:
            print(f"  {found['what']}: {found['id']} of {found['user_id']}")
            print(f"    stored: {found['stored']}; from the facts: {found['follows']}")
        print(f"  To do: {rule['repair']}")
    print(f"Checked: {checked}." if audit.counts else f"Every rule holds: {checked}.")


def print_csv(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
    """Print rows for a spreadsheet, in which a name that begins like a formula must stay a name."""
    writer = csv.DictWriter(sys.stdout, columns, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({column: f"'{value}" if _is_formula(column, value) else value for column, value in row.items()})


def _is_formula(column: str, value: Any) -> bool:
    return column in {"name", "user_name"} and str(value).startswith(("=", "+", "-", "@"))


def progress(unit: str) -> Callable[[int, int], None]:
    """Something to tell how much is done, of how much; a bar on a terminal, and nothing elsewhere."""
    from rich.progress import Progress  # noqa: PLC0415  few commands take long

    bar = Progress(
        *Progress.get_default_columns(), console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()
    )
    task = bar.add_task(unit, total=None)

    def tell(done: int, total: int) -> None:
        if not bar.finished:
            bar.start()
        bar.update(task, completed=done, total=total)
        if done >= total:
            bar.stop()

    return tell


def run_bench(context: typer.Context, arguments: list[str]) -> None:
    """Run the script `bench/NAME.py` of the repository with the rest of the arguments."""
    names = sorted(path.stem for path in BENCH.glob("[!_]*.py"))
    if not names:
        usage("The benchmarks are in talktime's repository: run this from a checkout, as .venv/bin/talktime bench.")
    if not arguments or arguments[0] not in names:
        print(f"talktime bench {' | '.join(names)}", file=sys.stderr if arguments else sys.stdout)
        raise typer.Exit(USAGE if arguments else 0)
    # A script reads settings like any other program; what was said before its name comes first.
    for name in ("database_url", "data_dir"):
        if context.obj[name] is not None:
            os.environ[f"TALKTIME_{name.upper()}"] = str(context.obj[name])
    script = BENCH / f"{arguments[0]}.py"
    sys.argv = [f"talktime bench {arguments[0]}", *arguments[1:]]
    # What a script measures with may be what the tests judge with.
    sys.path[:0] = [str(BENCH), str(BENCH.parent)]
    runpy.run_path(str(script), run_name="__main__")


def usage(message: str) -> NoReturn:
    """Say what is wrong with what was typed, and exit 2."""
    print(f"talktime: {message}", file=sys.stderr)
    raise typer.Exit(USAGE)


def failed(message: str) -> NoReturn:
    """Say what is not so, and exit 1."""
    print(f"talktime: {message}", file=sys.stderr)
    raise typer.Exit(FAILED)


def fail(error: Exception) -> NoReturn:
    """Say in one line what went wrong, and exit with the code that fits."""
    from talktime.settings import SettingsError  # noqa: PLC0415  `talktime --help` starts quicker without it

    if _debugging:
        raise error
    codes = {InvalidRequest: USAGE, NotFound: NOT_FOUND, Conflict: CONFLICT}
    if isinstance(error, TalktimeError):
        message = error.detail
    elif isinstance(error, SettingsError | DatabaseProblem | OSError | MissingExtra):
        message = str(error)
    else:
        message = f"{type(error).__name__}: {error} (talktime --debug … shows where)"
    print(f"talktime: {message}", file=sys.stderr)
    sys.exit(USAGE if isinstance(error, SettingsError) else codes.get(type(error), FAILED))


def _text(value: object) -> str:
    return "" if value is None else str(value)
