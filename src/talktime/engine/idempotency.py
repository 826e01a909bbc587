"""Idempotency keys: the first answer is kept, and repeats of the request get it again.

An answer is kept in the transaction that decides it, so it is there exactly if what it tells has happened. A repeat in
flight waits: for the payer's lock, or for the row of the same key.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from talktime.core.errors import InvalidRequest, Repeated, TalktimeError
from talktime.database.queries import SQL

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Name = tuple[str, str, str, str]

_KEPT_STATUSES: Final = frozenset({402, 404, 409})


@dataclass(frozen=True, slots=True)
class Repeat:
    """An idempotency key, and the request it stands for."""

    caller: str
    method: str
    path: str
    key: str
    body_hash: bytes

    @property
    def name(self) -> Name:
        """What a key belongs to: caller, method, path, and the key itself."""
        return (self.caller, self.method, self.path, self.key)


@dataclass(frozen=True, slots=True)
class Kept:
    """The answer that is kept for a key."""

    repeat: Repeat
    status: int
    document: dict[str, Any]


def is_kept(error: Exception | None) -> bool:
    """Whether a refusal stays the answer of its key; others may be tried again."""
    return isinstance(error, TalktimeError) and error.status in _KEPT_STATUSES


async def load_answered(connection: Any, repeats: Sequence[Repeat]) -> dict[Name, Kept]:
    """What was answered before to these requests."""
    if not repeats:
        return {}
    rows = await connection.fetch(SQL["load_repeats"], *map(list, zip(*(r.name for r in repeats), strict=True)))
    kept = (
        Kept(
            Repeat(row["caller"], row["method"], row["path"], row["key"], row["body_hash"]),
            row["status"],
            row["document"],
        )
        for row in rows
    )
    return {answer.repeat.name: answer for answer in kept}


def refuse_repeat(repeat: Repeat, before: Kept | None) -> None:
    """What was answered before is not done again.

    Raises:
        Repeated: with the first answer.
        InvalidRequest: the key stands for another request.
    """
    if before is None:
        return
    if before.repeat.body_hash != repeat.body_hash:
        raise InvalidRequest(
            ("Idempotency-Key", "was used before with another request body: send that one again, or take a new key")
        )
    raise Repeated(before.status, before.document)


async def keep_answers(connection: Any, answers: Iterable[Kept], at: int | None) -> None:
    """Store answers, in the transaction they belong to; `at` is engine time, read now when not given."""
    rows = [(*answer.repeat.name, answer.repeat.body_hash, answer.status, answer.document) for answer in answers]
    if rows:
        now = await connection.fetchval(SQL["engine_now"]) if at is None else at
        columns = map(list, zip(*((*row, now) for row in rows), strict=True))
        await connection.execute(SQL["save_repeats"], *columns)


async def keep_refusal(connection: Any, repeat: Repeat, error: TalktimeError) -> None:
    """Keep a refusal that was found without a payer to lock, unless another answer came first; then raise that one.

    Raises:
        Repeated, InvalidRequest: as `refuse_repeat`.
    """
    now = await connection.fetchval(SQL["engine_now"])
    is_first = await connection.fetchval(
        SQL["save_refusal"], *repeat.name, repeat.body_hash, int(error.status), error.problem(), now
    )
    if not is_first:
        refuse_repeat(repeat, (await load_answered(connection, [repeat])).get(repeat.name))
