"""Schemathesis makes requests from the OpenAPI document, and every answer must fit its description."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

PROGRAM = Path(sys.executable).with_name("schemathesis")
SECONDS_MAX = 30


async def test_answers_fit_their_description(service: Any, tmp_path: Path) -> None:
    await service.people()
    await service.chat()
    process = await asyncio.create_subprocess_exec(
        PROGRAM,
        "run",
        f"{service.address}/openapi.json",
        f"--header=Authorization: Bearer {service.token('service')}",
        f"--max-time={SECONDS_MAX}",
        "--max-examples=5",
        "--request-timeout=40",  # a call may wait for events for 30 s
        "--phases=examples,coverage,fuzzing",
        # Schemathesis knows no ids: many of its valid requests find nothing.
        "--exclude-checks=positive_data_acceptance",
        "--generation-deterministic",
        "--no-color",
        cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()[-5000:]
    assert (await service.call("GET", "/readyz")).status_code == 200
