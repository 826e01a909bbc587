"""The auditor sees more."""

from __future__ import annotations

from talktime.database.revision import apply_sql, refuse_downgrade

revision = "0009"
down_revision = "0008"

downgrade = refuse_downgrade


def upgrade() -> None:
    apply_sql(__file__)
