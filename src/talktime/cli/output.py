"""The output of commands: JSON for programs, tables for people, CSV for spreadsheets, progress on a terminal."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.table import Table

from talktime.documents.csv_lines import csv_heading, csv_lines

PIPED_WIDTH: Final = 10_000
"""The width in characters where standard output is not a terminal: no line is broken."""

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


def print_json(document: Mapping[str, Any]) -> None:
    """Print one JSON document."""
    print(json.dumps(document, indent=2, ensure_ascii=False))


def print_document(document: Mapping[str, Any], as_json: bool) -> None:
    """Print one document: as JSON, or a line for each field."""
    if as_json:
        print_json(document)
        return
    grid = Table(show_header=False, box=None)
    for name, value in document.items():
        grid.add_row(name, json.dumps(value) if isinstance(value, dict | list) else text_of(value))
    stdout().print(grid)


def print_table(name: str, documents: Sequence[Mapping[str, Any]], columns: Sequence[str], as_json: bool) -> None:
    """Print a list of documents: all their fields as JSON, or some `columns` as a table."""
    if as_json:
        print_json({name: list(documents)})
        return
    table = Table(box=None)
    for column in columns:
        # People copy ids, so a narrow terminal breaks an id into lines instead of cutting it off.
        table.add_column(column, overflow="fold")
    for document in documents:
        table.add_row(*(text_of(document[column]) for column in columns))
    stdout().print(table if documents else f"No {name}.")


def print_page(
    name: str, documents: Sequence[Mapping[str, Any]], columns: Sequence[str], limit: int, as_json: bool
) -> None:
    """Print the first `limit` documents. If there is one more document, there is another page."""
    page, has_next = documents[:limit], len(documents) > limit
    last_id = (page[-1].get("id") or page[-1]["user_id"]) if has_next else None
    if as_json:
        print_json({name: list(page), "next": last_id})
        return
    print_table(name, page, columns, as_json)
    if has_next:
        print(f"More follow {last_id}.")


def print_csv(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
    """Print rows for a spreadsheet. A text that looks like a formula is marked, so that it stays a text."""
    sys.stdout.write(csv_heading(columns) + csv_lines(columns, rows))


def stdout() -> Console:
    """Standard output for people. Names may contain anything, so no text is read as markup."""
    width = None if sys.stdout.isatty() else PIPED_WIDTH
    return Console(highlight=False, markup=False, emoji=False, width=width)


def text_of(value: object) -> str:
    """A value in a table; nothing for None."""
    return "" if value is None else str(value)


def progress_bar(unit: str) -> Callable[[int, int], None]:
    """A function that takes how many units are done and how many there are. Shows a bar, on a terminal only."""
    if not sys.stderr.isatty():
        return lambda _done, _total: None
    from rich.progress import Progress  # noqa: PLC0415  few commands show progress

    bar = Progress(*Progress.get_default_columns(), console=Console(stderr=True), transient=True)
    task = bar.add_task(unit, total=None)

    def update(done: int, total: int) -> None:
        if not bar.finished:
            bar.start()
        bar.update(task, completed=done, total=total)
        if done >= total:
            bar.stop()

    return update
