"""The rule that segments never overlap is held on a number."""

from __future__ import annotations

from talktime.database.revision import apply_sql, refuse_downgrade

revision = "0008"
down_revision = "0007"

downgrade = refuse_downgrade


def upgrade() -> None:
    apply_sql(__file__)
