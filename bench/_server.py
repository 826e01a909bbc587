"""The server that a benchmark measures on."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from talktime import logs
from talktime.postgres.embedded import EmbeddedServer
from talktime.settings import load_settings


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
