"""The names that the embedded PostgreSQL has on a machine.

Existing data folders use these names, so a change would need a way to rename them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

SUPERUSER: Final = "talktime"
DATABASE: Final = "talktime"

SYSTEM_USER: Final = "talktime-postgres"
"""As root, PostgreSQL's processes run as this user."""

PROGRAMS_DIR: Final = Path("/var/lib/talktime")
"""As root, PostgreSQL's programs are copied into this folder."""

SHORT_SOCKETS_PREFIX: Final = "/tmp/talktime-"  # noqa: S108  the folder is made private
"""Begins the path of the folder for sockets, where the path of the data folder is too long."""

DATA_DIR_SETTING: Final = "TALKTIME_DATA_DIR"
"""The setting that messages name, so that a person can choose another data folder."""
