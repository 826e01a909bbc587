"""The ledger has two sides, shares, gifts and refunds."""

from __future__ import annotations

from talktime.database.revision import apply_sql, refuse_downgrade

revision = "0003"
down_revision = "0002"

downgrade = refuse_downgrade


def upgrade() -> None:
    apply_sql(__file__)
