"""The auditor: the rules that must always hold, as views that must be empty."""

from __future__ import annotations

from talktime.database.revision import apply_sql, refuse_downgrade

revision = "0004"
down_revision = "0003"

downgrade = refuse_downgrade


def upgrade() -> None:
    apply_sql(__file__)
