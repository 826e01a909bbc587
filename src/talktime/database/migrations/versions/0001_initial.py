"""The schema of the first version."""

from __future__ import annotations

from talktime.database.revision import apply_sql, refuse_downgrade

revision = "0001"
down_revision = None

downgrade = refuse_downgrade


def upgrade() -> None:
    apply_sql(__file__)
