"""A start is quick if it loads little: what each kind of start must not load. `talktime bench start` measures it."""

from __future__ import annotations

import subprocess
import sys

import pytest

PRICES = "from talktime import Tariff, price; price(Tariff.parse({'tiers': [{'rate': '1.00'}]}), 90_000)"
SCHEMA = (
    "import asyncio; from talktime.database.migrate import ensure_current;"
    "asyncio.run(ensure_current(sys.argv[1], embedded=False))"
)
HELP = "from talktime.cli.app import app; app(['--help'], standalone_mode=False)"


@pytest.mark.parametrize(
    ("program", "unwanted"),
    [
        (PRICES, {"asyncio", "asyncpg", "pydantic", "structlog"}),
        (HELP, {"asyncpg", "fastapi", "pydantic", "structlog", "uvicorn"}),
        (SCHEMA, {"fastapi", "jinja2", "psutil", "starlette", "typer", "uvicorn"}),
    ],
    ids=["prices", "help", "schema"],
)
def test_a_start_loads_only_what_it_needs(database_url: str, program: str, unwanted: set[str]) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", f"import sys; {program}; print(sorted({unwanted} & set(sys.modules)))", database_url],
        check=True,
        capture_output=True,
        text=True,
    )
    assert ended.stdout.splitlines()[-1] == "[]"
