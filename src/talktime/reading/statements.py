"""An advisor's statement of a period."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from talktime.core.durations import DAY_MS
from talktime.core.errors import InvalidRequest, NotFound
from talktime.core.money import PLACES_MAX
from talktime.database.pool import LONG_SECONDS
from talktime.documents.statement import Figures, Session, Statement
from talktime.engine.tracking import post_charges

if TYPE_CHECKING:
    from talktime.database.pool import Row
    from talktime.engine.engine import Engine


_PERIOD_MAX_MS: Final = 367 * DAY_MS


async def statement(
    engine: Engine, advisor_id: str, begin: int, end: int, *, places: int = 2, sessions_max: int | None = None
) -> Statement:
    """An advisor's sessions from `begin` until just before `end`, and what to pay to `places` decimals.

    The charges of running sessions are posted up to the end of the period first.

    Raises:
        InvalidRequest: the period is empty, is longer than 367 days, or has more than `sessions_max` sessions;
            or `places` is not from 0 to 6.
        NotFound: there is no such advisor.
    """
    if not 0 < end - begin <= _PERIOD_MAX_MS:
        days = _PERIOD_MAX_MS // DAY_MS
        raise InvalidRequest(("end", f"must be later than the beginning of the period, by at most {days} days"))
    if not 0 <= places <= PLACES_MAX:
        raise InvalidRequest(("places", f"must be from 0 to {PLACES_MAX}"))
    name = await engine.database.fetch_value("advisor_name", advisor_id)
    if name is None:
        raise NotFound("advisor")
    running = await engine.database.fetch("statement_payers", advisor_id)
    await engine.settle_accounts([row["user_id"] for row in running], partial(post_charges, until=end - 1))
    limit = None if sessions_max is None else sessions_max + 1
    rows = await engine.database.fetch("statement", advisor_id, begin, end, limit, seconds=LONG_SECONDS)
    if sessions_max is not None and len(rows) > sessions_max:
        raise InvalidRequest(("end", f"must be sooner: the period has more than {sessions_max} sessions"))
    before = await engine.database.fetch_value("earned_before", advisor_id, begin, seconds=LONG_SECONDS)
    return Statement(advisor_id, name, begin, end, tuple(_read_session(row) for row in rows), int(before), places)


def _read_session(row: Row) -> Session:
    figures = Figures(
        time_ms=row["time_ms"],
        gross=row["gross"],
        fees=row["fees"],
        share=row["share"],
        refunded=row["refunded"],
        refunds=row["refunds"],
    )
    return Session(
        row["record_id"],
        row["user_id"],
        row["user_name"],
        row["started_at"],
        row["ended_at"],
        row["charged_later"],
        figures,
    )
