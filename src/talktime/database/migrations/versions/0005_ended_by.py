"""A segment says whose act ended it."""

from __future__ import annotations

from talktime.database.revision import apply_sql, refuse_downgrade

revision = "0005"
down_revision = "0004"

downgrade = refuse_downgrade


def upgrade() -> None:
    apply_sql(__file__)
