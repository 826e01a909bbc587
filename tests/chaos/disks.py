"""A disk of its own for a server, which can become full. Only root can mount one."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Final

_SIZE: Final = "2g"
_LEFT_BYTES: Final = 64 * 1024


class Disk:
    """A file system in memory, mounted on a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def fill(self) -> None:
        """Leave nearly no space."""
        usage = os.statvfs(self._folder)
        used = (usage.f_blocks - usage.f_bfree) * usage.f_frsize
        assert self.mount(f"remount,size={used + _LEFT_BYTES}")

    def free(self) -> None:
        """Give the space back."""
        assert self.mount(f"remount,size={_SIZE}")

    def remove(self) -> None:
        """Unmount the disk, with everything on it."""
        subprocess.run(["umount", "--lazy", self._folder], check=True)

    def mount(self, options: str) -> bool:
        """Mount with these options; whether the system allows that."""
        arguments = ["mount", "-t", "tmpfs", "-o", options, "talktime-chaos", str(self._folder)]
        return subprocess.run(arguments, check=False, capture_output=True).returncode == 0


def mounted_disk(folder: Path) -> Disk | None:
    """A new disk on this folder; None if this process may not mount one."""
    disk = Disk(folder)
    return disk if os.geteuid() == 0 and disk.mount(f"size={_SIZE},mode=755") else None
