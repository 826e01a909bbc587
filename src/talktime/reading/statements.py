"""An advisor's statement of a period."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from talktime.core.errors import InvalidRequest, NotFound
from talktime.documents.statement import Figures, Session, Statement
from talktime.engine.tracking import post_running

if TYPE_CHECKING:
    from talktime.database.pool import Row
    from talktime.engine.engine import Engine

_DAY_MS: Final = 86_400_000
_PERIOD_MAX_MS: Final = 367 * _DAY_MS


async def statement(engine: Engine, advisor_id: str, begin: int, end: int) -> Statement:
    """An advisor's sessions from `begin` until just before `end`. Charges of running sessions are posted first.

    Raises:
        InvalidRequest: the period is empty, or longer than a year and a day.
        NotFound: there is no such advisor.
    """
    if not 0 < end - begin <= _PERIOD_MAX_MS:
        raise InvalidRequest(("to", f"must be after from, by at most {_PERIOD_MAX_MS // _DAY_MS} days"))
    name = await engine.database.fetch_value("advisor_name", advisor_id)
    if name is None:
        raise NotFound("advisor")
    running = await engine.database.fetch("statement_payers", advisor_id)
    await engine.settle_accounts([row["user_id"] for row in running], post_running)
    rows = await engine.database.fetch("statement", advisor_id, begin, end)
    return Statement(advisor_id, name, begin, end, tuple(_read_session(row) for row in rows))


def _read_session(row: Row) -> Session:
    figures = Figures(
        time_ms=row["time_ms"],
        gross=row["gross"],
        fees=row["fees"],
        share=row["share"],
        refunded=row["refunded"],
        refunds=row["refunds"],
    )
    return Session(row["record_id"], row["user_id"], row["user_name"], row["started_at"], row["ended_at"], figures)
