"""Two public generators make clients of the OpenAPI document without a warning; each client starts and stops a chat.

The types of our own client are made by one of them (`make types`).
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from scripts.openapi import document
from tests.services import Service
from tests.twins.browser import NODE

ROOT = Path(__file__).parents[2]
GENERATED = ROOT / "client" / "src" / "core" / "generated.ts"
PROGRAMS = Path(sys.executable).parent


def run(*command: str | Path, folder: Path = ROOT) -> str:
    """The output of a program, which must succeed."""
    path = f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}"  # the Python generator calls ruff
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture
def openapi(tmp_path: Path) -> Path:
    """The file that the generators read."""
    file = tmp_path / "openapi.json"
    file.write_text(json.dumps(document()), encoding="utf-8")
    return file


def test_the_types_of_the_client_are_those_of_the_document(tmp_path: Path) -> None:
    made = tmp_path / "generated.ts"
    run("scripts/client-types", made)
    assert made.read_text(encoding="utf-8") == GENERATED.read_text(encoding="utf-8"), "run: make types"


def test_the_typescript_generator_warns_of_nothing(openapi: Path, tmp_path: Path) -> None:
    generator = ("scripts/npm", "--prefix", "generator", "exec", "--", "openapi-typescript")
    printed = run(*generator, openapi, "--output", tmp_path / "types.ts")
    assert [line for line in printed.splitlines() if line and line[0] not in "✨🚀"] == []


async def test_the_typed_client_starts_and_stops_a_chat(service: Service) -> None:
    await service.people()
    session = ROOT / "client" / "generator" / "session.ts"
    printed = await asyncio.to_thread(run, NODE, session, service.address, service.token("service"))
    assert printed.split() == ["running", "true", "ended", "false"]


async def test_the_python_client_starts_and_stops_a_chat(
    service: Service, openapi: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await service.people()
    package = tmp_path / "generated_client"
    generator = ("openapi-python-client", "generate", "--fail-on-warning", "--meta", "none")
    printed = await asyncio.to_thread(run, *generator, "--path", openapi, "--output-path", package, folder=tmp_path)
    assert printed.split() == ["Generating", str(package)]
    monkeypatch.syspath_prepend(str(tmp_path))
    chats, models = (importlib.import_module(f"generated_client.{name}") for name in ("api.chats", "models"))
    start, stop = (importlib.import_module(f"{chats.__name__}.{name}") for name in ("start_chat", "stop_chat"))
    client_type: Any = importlib.import_module("generated_client").AuthenticatedClient
    async with client_type(service.address, service.token("service")) as client:
        started = await start.asyncio(client=client, body=models.CreateChat("alice", "maya", chat_id="typed"))
        assert (started.record.state, started.timer.running, started.tariff.tiers[0].rate) == ("running", True, "1.00")
        stopped = await stop.asyncio("typed", client=client)
        assert (stopped.record.state, stopped.timer.running) == ("ended", False)
        refused = await start.asyncio(client=client, body=models.CreateChat("nobody", "maya"))
        assert (refused.code, refused.status) == ("not_found", 404)
