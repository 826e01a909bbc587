"""What the documents show of a program's output is what the program prints."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from pathlib import Path

import asyncpg
import pytest

from scripts.docsite.pages import DOCS
from talktime import Talktime, parse_credits
from talktime.settings import Settings
from tests.docs.blocks import blocks


async def run(folder: Path, url: str, *arguments: str) -> tuple[int, str]:
    """The exit code and the standard output of `talktime`."""
    process = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).with_name("talktime")),
        *arguments,
        cwd=folder,
        env=os.environ | {"TALKTIME_DATABASE_URL": url, "COLUMNS": "500"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    output, _ = await process.communicate()
    return process.returncode or 0, output.decode()


def without_figures(output: str) -> str:
    """The output with the same letter for each number."""
    return re.sub(r"[+-]?\d+", "N", output)


def shown(document: str, beginning: str) -> str:
    """The block of output that begins like this."""
    (code,) = [b.code for b in blocks("text") if b.document == f"docs/{document}" and b.code.startswith(beginning)]
    return code


@pytest.mark.breaks_rules
async def test_the_doctor_prints_what_its_page_shows(database_url: str, tmp_path: Path) -> None:
    settings = Settings(database_url=database_url, data_dir=tmp_path, secret="x" * 32)
    async with Talktime.connect(database_url, settings=settings, work=False) as talktime:
        await talktime.put_user("alice", "Alice")
        await talktime.add_credit("alice", parse_credits("5.00"))
    code, output = await run(tmp_path, database_url, "doctor")
    assert code == 0
    assert without_figures(output) == without_figures(shown("how-to/use-the-doctor.md", "Every rule"))
    connection = await asyncpg.connect(database_url)
    await connection.execute("update talktime.accounts set balance = 7000000")
    await connection.close()
    code, output = await run(tmp_path, database_url, "doctor")
    assert code == 1
    printed, page = output.splitlines(), shown("how-to/use-the-doctor.md", "Rule 5").splitlines()
    # How engine time was corrected, and whether there was an outage, is another matter in each run.
    assert printed[:-2] == page[:-2]
    assert [*map(without_figures, printed[-2:])] == [*map(without_figures, page[-2:])]


async def test_the_price_is_printed_as_its_page_says(tmp_path: Path) -> None:
    text = (DOCS / "explanation" / "how-a-charge-is-computed.md").read_text(encoding="utf-8")
    (command, printed), *_ = re.findall(r"`talktime (price [^`]+)` prints `([^`]+)`", text)
    (document, *_) = re.findall(r"^```json\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    (tmp_path / "tariff.json").write_text(document)
    assert await run(tmp_path, "", *command.split()) == (0, f"{printed}\n")
