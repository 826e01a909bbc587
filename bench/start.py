"""How long talktime takes to start.

    talktime bench start [--rounds N] [--json]

Every round measures each start in turn, so that another load on the machine slows all starts alike. The table shows the
median, the fastest and the slowest of the rounds; `processor` is the median of the processor time that the program
used, which other programs on the machine change less.

    python                    an empty Python program, for comparison: no program in Python starts faster
    talktime --help           the start of the command line alone
    import talktime           what a host loads that only asks for prices
    import Talktime           what a host loads that opens a database
    schema check              `ensure_current` on a migrated database: the part of a start that checks the schema
    serve                     from the command to the open port, with a database that runs already
    serve and database        the same, but the embedded PostgreSQL is started first
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
class Duration:
    """How long a start took, in seconds: by the clock, and in processor time."""

    elapsed: float
    processor: float


def _processor_seconds() -> float:
    """The processor time of this process and of the programs that it ran to their end."""
    return sum(
        usage.ru_utime + usage.ru_stime
        for usage in (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    )


def _timed(work: Callable[[], object]) -> Duration:
    began, used = time.perf_counter(), _processor_seconds()
    work()
    return Duration(time.perf_counter() - began, _processor_seconds() - used)


def _run(*command: str | Path) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)  # noqa: S603  the command is fixed


def _schema_check(url: str) -> Duration:
    """The time of one check, without the start of Python."""

    async def check() -> None:
        for _ in range(CHECKS):
            await ensure_current(url, embedded=False)

    duration = _timed(lambda: asyncio.run(check()))
    return Duration(duration.elapsed / CHECKS, duration.processor / CHECKS)


def _serve(data_dir: Path, database_url: str | None = None) -> Duration:
    """The time from the command to the open port. The service is stopped before this function returns."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TALKTIME_")}
    environment |= {"TALKTIME_DATA_DIR": str(data_dir)}
    if database_url is not None:
        environment["TALKTIME_DATABASE_URL"] = database_url
    began, used = time.perf_counter(), _processor_seconds()
    with subprocess.Popen(  # noqa: S603  the command is fixed
        [TALKTIME, "serve", "--port", "0"], env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None  # noqa: S101  a pipe was asked for
        announced = process.stdout.readline()
        elapsed = time.perf_counter() - began
        process.terminate()
    if not announced:
        raise SystemExit(f"talktime serve did not start: exit code {process.returncode}")
    return Duration(elapsed, _processor_seconds() - used)


@contextmanager
def _folder() -> Iterator[Path]:
    """An empty folder on the disk of the data folder."""
    data_dir = load_settings().data_dir
    data_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=data_dir, prefix="bench-") as name:
        yield Path(name)


def _first_serve() -> Duration:
    with _folder() as folder:
        return _serve(folder)


def _measure(rounds: int) -> dict[str, list[Duration]]:
    with temporary_server() as (folder, url), _folder() as stopped:
        asyncio.run(migrate(url))
        _serve(stopped)
        measures: dict[str, Callable[[], Duration]] = {
            "python": lambda: _timed(lambda: _run(sys.executable, "-c", "pass")),
            "talktime --help": lambda: _timed(lambda: _run(TALKTIME, "--help")),
            "import talktime": lambda: _timed(lambda: _run(sys.executable, "-c", "import talktime")),
            "import Talktime": lambda: _timed(lambda: _run(sys.executable, "-c", "from talktime import Talktime")),
            "schema check": lambda: _schema_check(url),
            "serve": lambda: _serve(folder, url),
            "serve and database": lambda: _serve(stopped),
            "first serve": _first_serve,
        }
        measured: dict[str, list[Duration]] = {name: [] for name in measures}
        for _ in range(rounds):
            for name, measure in measures.items():
                measured[name].append(measure())
        return measured


def _documents(measured: dict[str, list[Duration]]) -> Iterator[dict[str, Any]]:
    """A line for each measure, in milliseconds."""
    for name, durations in measured.items():
        elapsed = [duration.elapsed for duration in durations]
        figures = {
            "median_ms": statistics.median(elapsed),
            "quickest_ms": min(elapsed),
            "slowest_ms": max(elapsed),
            "processor_ms": statistics.median(duration.processor for duration in durations),
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
    rounds: Annotated[int, typer.Option(min=1, help="How often each start is measured.")] = 9,
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
