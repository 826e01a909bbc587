"""A record says who paused it."""

from __future__ import annotations

from talktime.database.revision import apply_sql, refuse_downgrade

revision = "0006"
down_revision = "0005"

downgrade = refuse_downgrade


def upgrade() -> None:
    apply_sql(__file__)
