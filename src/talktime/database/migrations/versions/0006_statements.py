"""An advisor's records are found by the advisor."""

from __future__ import annotations

from talktime.database.revision import apply_sql, refuse_downgrade

revision = "0006"
down_revision = "0005"

downgrade = refuse_downgrade


def upgrade() -> None:
    apply_sql(__file__)
