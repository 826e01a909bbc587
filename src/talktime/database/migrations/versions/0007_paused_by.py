"""A record says who paused it."""

from __future__ import annotations

from talktime.database.revision import apply_sql, refuse_downgrade

revision = "0007"
down_revision = "0006"

downgrade = refuse_downgrade


def upgrade() -> None:
    apply_sql(__file__)
