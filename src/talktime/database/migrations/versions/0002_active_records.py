"""One payer's active records are found by the payer."""

from __future__ import annotations

from talktime.database.revision import apply_sql, refuse_downgrade

revision = "0002"
down_revision = "0001"

downgrade = refuse_downgrade


def upgrade() -> None:
    apply_sql(__file__)
