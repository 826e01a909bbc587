"""How the demo runs on the machine of a person: once on a data folder, with its log in a file, and in the browser."""

from __future__ import annotations

import fcntl
import os
import sys
import threading
import webbrowser
from contextlib import suppress
from typing import TYPE_CHECKING, Final, TextIO

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

LOG: Final = "demo.log"
LOG_BYTES_MAX: Final = 10_000_000
ADDRESS: Final = "demo.address"
"""The file with the address of the demo. The demo that runs holds a lock on it."""


class DemoFolder:
    """The data folder of a demo that runs. The folder stays taken until the process ends.

    Attributes:
        running: the address of the demo that runs on the folder already; None if this one may run. The address is empty
            while the other demo starts.
    """

    def __init__(self, data_dir: Path) -> None:
        data_dir.mkdir(parents=True, exist_ok=True)
        self._file = _open(data_dir / ADDRESS, os.O_RDWR)
        self.running: str | None = None
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.running = self._file.read().strip()
        else:
            self._file.truncate(0)

    def tell(self, address: str) -> None:
        """Write down where the demo is."""
        self._file.seek(0)
        self._file.write(f"{address}\n")
        self._file.flush()


def open_log(data_dir: Path) -> TextIO:
    """The log of the demo, to add to. A long log is put aside first."""
    path = data_dir / LOG
    with suppress(FileNotFoundError):
        if path.stat().st_size > LOG_BYTES_MAX:
            path.rename(path.with_name(f"{LOG}.old"))
    return _open(path, os.O_WRONLY | os.O_APPEND)


def has_display(environment: Mapping[str, str]) -> bool:
    """Whether a browser would have a screen to open on. A browser in the terminal would hide what the demo prints."""
    return sys.platform == "darwin" or any(environment.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))


def open_browser(address: str) -> None:
    """Open the address in the person's browser, beside everything else: some browsers end only when they are closed."""
    threading.Thread(target=webbrowser.open, args=(address,), name="browser", daemon=True).start()


def _open(path: Path, flags: int) -> TextIO:
    # No link is followed, because nobody may choose for root which file is written.
    descriptor = os.open(path, flags | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    return os.fdopen(descriptor, "a" if flags & os.O_APPEND else "r+", encoding="utf-8")
