"""Facts stay as they are, also where triggers are off."""

from __future__ import annotations

from talktime.database.revision import apply_sql, refuse_downgrade

revision = "0010"
down_revision = "0009"

downgrade = refuse_downgrade


def upgrade() -> None:
    apply_sql(__file__)
