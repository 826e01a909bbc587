"""`talktime bench`: runs a benchmark of the repository."""

from __future__ import annotations

import os
import runpy
import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from talktime.cli.connecting import GlobalOptions
from talktime.cli.exits import ExitCode, exit_with_usage_error

SCRIPTS: Final = Path(__file__).parents[3] / "bench"


def bench(
    context: typer.Context,
    arguments: Annotated[list[str] | None, typer.Argument(metavar="NAME [ARGUMENTS]…")] = None,
) -> None:
    """Run a benchmark. Without a name, list the benchmarks. They are in the repository, not in the package."""
    arguments = arguments or []
    names = sorted(path.stem for path in SCRIPTS.glob("[!_]*.py"))
    if not names:
        exit_with_usage_error(
            "The benchmarks are in talktime's repository: run this in a clone, as .venv/bin/talktime bench."
        )
    if not arguments or arguments[0] not in names:
        print(f"talktime bench {' | '.join(names)}", file=sys.stderr if arguments else sys.stdout)
        raise typer.Exit(ExitCode.USAGE if arguments else ExitCode.DONE)
    _run(context.obj, *arguments)


def _run(options: GlobalOptions, name: str, *arguments: str) -> None:
    from talktime.settings import PREFIX  # noqa: PLC0415  `talktime --help` starts faster without it

    # The script reads its settings from the environment, like any other program.
    for setting, value in (("DATABASE_URL", options.database_url), ("DATA_DIR", options.data_dir)):
        if value is not None:
            os.environ[PREFIX + setting] = str(value)
    sys.argv = [f"talktime bench {name}", *arguments]
    # Some scripts import each other, or parts of the tests.
    sys.path[:0] = [str(SCRIPTS), str(SCRIPTS.parent)]
    runpy.run_path(str(SCRIPTS / f"{name}.py"), run_name="__main__")
