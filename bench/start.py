"""How long talktime takes to start.

    talktime bench start [--rounds N] [--json]

Every round measures everything in turn, so that a machine that is busy for a while is busy for all of them. The figures
are the median of the rounds, the quickest and the slowest; `processor` is the median of the processor time that the
program itself used, which other programs on the machine change less.

    python                    an empty Python program, for comparison: no program in Python starts quicker
    talktime --help           what a person waits for after a typing error
    import talktime           what the library adds to a host's own start
    schema check              `ensure_current` on a migrated database: the part of a start that looks at the schema
    serve                     from the command to the open port; the database runs already
    serve and database        the same, and the embedded PostgreSQL is started first
    first serve               the same on an empty folder: the database is made and migrated first
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.table import Table

from _server import temporary_server
from talktime.database.migrate import ensure_current, migrate
from talktime.settings import load_settings

TALKTIME: Final = Path(sys.executable).with_name("talktime")
CHECKS: Final = 20  # schema checks in one round: a single one takes milliseconds


@dataclass(frozen=True, slots=True)
class Took:
    """Seconds that a start took: by the clock, and of the processor."""

    elapsed: float
    processor: float


def _processor_seconds() -> float:
    """What this process and the programs that it ran to their end have used so far."""
    return sum(
        usage.ru_utime + usage.ru_stime
        for usage in (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    )


def _timed(work: Callable[[], object]) -> Took:
    began, used = time.perf_counter(), _processor_seconds()
    work()
    return Took(time.perf_counter() - began, _processor_seconds() - used)


def _run(*command: str | Path) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)  # noqa: S603  our own programs


def _schema_check(url: str) -> Took:
    """One check, without Python's own start and imports."""

    async def check() -> None:
        for _ in range(CHECKS):
            await ensure_current(url, embedded=False)

    took = _timed(lambda: asyncio.run(check()))
    return Took(took.elapsed / CHECKS, took.processor / CHECKS)


def _serve(data_dir: Path, database_url: str | None = None) -> Took:
    """From the command to the open port. The service is stopped before this returns."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TALKTIME_")}
    environment |= {"TALKTIME_DATA_DIR": str(data_dir)}
    if database_url is not None:
        environment["TALKTIME_DATABASE_URL"] = database_url
    began, used = time.perf_counter(), _processor_seconds()
    with subprocess.Popen(  # noqa: S603  our own program
        [TALKTIME, "serve", "--port", "0"], env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None  # noqa: S101  it was asked for
        announced = process.stdout.readline()
        elapsed = time.perf_counter() - began
        process.terminate()
    if not announced:
        raise SystemExit(f"talktime serve did not start: exit code {process.returncode}")
    return Took(elapsed, _processor_seconds() - used)


@contextmanager
def _folder() -> Iterator[Path]:
    """An empty folder on the disk of the data folder."""
    data_dir = load_settings().data_dir
    data_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=data_dir, prefix="bench-") as name:
        yield Path(name)


def _first_serve() -> Took:
    with _folder() as folder:
        return _serve(folder)


def _measure(rounds: int) -> dict[str, list[Took]]:
    with temporary_server() as (folder, url), _folder() as stopped:
        asyncio.run(migrate(url))
        _serve(stopped)
        measures: dict[str, Callable[[], Took]] = {
            "python": lambda: _timed(lambda: _run(sys.executable, "-c", "pass")),
            "talktime --help": lambda: _timed(lambda: _run(TALKTIME, "--help")),
            "import talktime": lambda: _timed(lambda: _run(sys.executable, "-c", "import talktime")),
            "schema check": lambda: _schema_check(url),
            "serve": lambda: _serve(folder, url),
            "serve and database": lambda: _serve(stopped),
            "first serve": _first_serve,
        }
        measured: dict[str, list[Took]] = {name: [] for name in measures}
        for _ in range(rounds):
            for name, measure in measures.items():
                measured[name].append(measure())
        return measured


def _documents(measured: dict[str, list[Took]]) -> Iterator[dict[str, Any]]:
    """A line for each measure, in milliseconds."""
    for name, took in measured.items():
        elapsed = [one.elapsed for one in took]
        figures = {
            "median_ms": statistics.median(elapsed),
            "quickest_ms": min(elapsed),
            "slowest_ms": max(elapsed),
            "processor_ms": statistics.median(one.processor for one in took),
        }
        yield {"what": name, **{key: round(seconds * 1000, 1) for key, seconds in figures.items()}}


def _show(documents: list[dict[str, Any]], rounds: int) -> None:
    table = Table(box=None, title=f"milliseconds, the median of {rounds} rounds", title_justify="left")
    table.add_column("what")
    names = ("median", "quickest", "slowest", "processor")
    for name in names:
        table.add_column(name, justify="right")
    for line in documents:
        table.add_row(line["what"], *(f"{line[f'{name}_ms']:,.1f}" for name in names))
    Console(highlight=False).print(table)


def start(
    rounds: Annotated[int, typer.Option(min=1, help="How often everything is measured.")] = 9,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """How long talktime takes to start."""
    documents = list(_documents(_measure(rounds)))
    if as_json:
        print(json.dumps({"rounds": rounds, "measures": documents}, indent=2))
    else:
        _show(documents, rounds)


if __name__ == "__main__":
    typer.run(start)
