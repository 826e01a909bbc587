"""The statements of `queries.sql`, by name."""

from __future__ import annotations

import re
from importlib.resources import files

_NAME = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)


def _read() -> dict[str, str]:
    parts = _NAME.split(files("talktime.database").joinpath("sql/queries.sql").read_text("utf-8"))[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


SQL = _read()
"""Each statement by its name."""
