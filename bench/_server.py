"""The servers that a benchmark measures on: an empty PostgreSQL, and a service."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Final

import psutil

from talktime import logs
from talktime.postgres.embedded import EmbeddedServer
from talktime.settings import load_settings

SECRET: Final = "a secret for a benchmark, long enough"  # noqa: S105  it signs nothing else
KEPT_SECONDS: Final = 3.0
"""After this time, what a service still keeps of a load is memory that stays."""


@contextmanager
def temporary_server() -> Iterator[tuple[Path, str]]:
    """A folder, and the address of an empty PostgreSQL in it.

    The folder is on the disk of the data folder, and commits wait for that disk as in real use. Logs go to a file in
    the folder.
    """
    data_dir = load_settings().data_dir
    data_dir.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(dir=data_dir, prefix="bench-") as name,
        (Path(name) / "log").open("w", encoding="utf-8") as log,
    ):
        logs.configure(to=log)
        server = EmbeddedServer(Path(name))
        server.start()
        try:
            yield Path(name), server.url
        finally:
            server.stop()


@contextmanager
def service(
    folder: Path, url: str, others: Mapping[str, object] = MappingProxyType({})
) -> Iterator[tuple[int, psutil.Process]]:
    """`talktime serve` on this database, with other settings by their names: its port and its process."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TALKTIME_")}
    settings = {"DATABASE_URL": url, "DATA_DIR": folder, "SECRET": SECRET, "PORT": 0, "PROXIES": "192.0.2.1", **others}
    environment = kept | {f"TALKTIME_{name}": str(value) for name, value in settings.items()}
    command = [str(Path(sys.executable).with_name("talktime")), "serve"]
    with (
        (folder / "service.log").open("w") as log,
        subprocess.Popen(  # noqa: S603  a program of our own
            command, env=environment, cwd=folder, stdout=subprocess.PIPE, stderr=log, text=True
        ) as process,
    ):
        try:
            assert process.stdout is not None  # noqa: S101  a pipe was asked for
            line = process.stdout.readline()
            yield int(line.split("127.0.0.1:")[1].split()[0]), psutil.Process(process.pid)
        finally:
            process.terminate()
