"""Idempotency keys: the first answer to a request is kept, and every repeat of the request gets this answer.

An answer is kept in the transaction that decides the request, so the answer exists exactly if the effect exists. A
repeat that arrives meanwhile waits for the payer's lock, or for the row of the same key.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from talktime.core.errors import InvalidRequest, Repeated, TalktimeError
from talktime.database.queries import SQL, arrays

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from talktime.database.pool import Connection

Key = tuple[str, str, str, str]
"""Caller, method, path and idempotency key: the same key of another caller or address is another key."""

_KEPT_STATUSES: Final = frozenset({402, 404, 409})


@dataclass(frozen=True, slots=True)
class Repeat:
    """An idempotency key, and the request that the key stands for. `body_hash` is the SHA-256 of the body."""

    caller: str
    method: str
    path: str
    key: str
    body_hash: bytes

    @property
    def name(self) -> Key:
        """The key with everything that it belongs to."""
        return (self.caller, self.method, self.path, self.key)


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """The answer that is kept for a key."""

    repeat: Repeat
    status: int
    document: dict[str, Any]


def is_kept(error: Exception | None) -> bool:
    """Whether a refusal stays the answer of its key. Other refusals may be tried again."""
    return isinstance(error, TalktimeError) and error.status in _KEPT_STATUSES


async def load_answers(connection: Connection, repeats: Sequence[Repeat]) -> dict[Key, KeptAnswer]:
    """The answers that are kept for these requests, by key."""
    if not repeats:
        return {}
    keys = arrays("load_repeats", (_key_row(repeat) for repeat in repeats))
    rows = await connection.fetch(SQL["load_repeats"], *keys)
    answers = (
        KeptAnswer(
            Repeat(row["caller"], row["method"], row["path"], row["key"], row["body_hash"]),
            row["status"],
            row["document"],
        )
        for row in rows
    )
    return {answer.repeat.name: answer for answer in answers}


def refuse_repeat(repeat: Repeat, kept: KeptAnswer | None) -> None:
    """Refuse a request that has a kept answer.

    Raises:
        Repeated: with the kept answer.
        InvalidRequest: the key stands for a request with another body.
    """
    if kept is None:
        return
    if kept.repeat.body_hash != repeat.body_hash:
        raise InvalidRequest(
            ("Idempotency-Key", "was used before with another request body: send that one again, or take a new key")
        )
    raise Repeated(kept.status, kept.document)


async def keep_answers(connection: Connection, answers: Iterable[KeptAnswer], at: int | None) -> None:
    """Keep answers, in the transaction that decides them. `at` is engine time; None reads engine time now."""
    answers = list(answers)
    if not answers:
        return
    if at is None:
        at = await connection.fetchval(SQL["engine_now"])
    rows = arrays("save_repeats", (_answer_row(answer, at) for answer in answers))
    await connection.execute(SQL["save_repeats"], *rows)


async def keep_refusal(connection: Connection, repeat: Repeat, error: TalktimeError) -> None:
    """Keep a refusal that was found without a payer to lock, unless another answer came first.

    Raises:
        Repeated, InvalidRequest: another answer came first, as `refuse_repeat`.
    """
    now = await connection.fetchval(SQL["engine_now"])
    is_first = await connection.fetchval(
        SQL["save_refusal"], *repeat.name, repeat.body_hash, int(error.status), error.problem(), now
    )
    if not is_first:
        refuse_repeat(repeat, (await load_answers(connection, [repeat])).get(repeat.name))


def _key_row(repeat: Repeat) -> dict[str, object]:
    return {"caller": repeat.caller, "method": repeat.method, "path": repeat.path, "key": repeat.key}


def _answer_row(answer: KeptAnswer, at: int | None) -> dict[str, object]:
    return {
        **_key_row(answer.repeat),
        "body_hash": answer.repeat.body_hash,
        "status": answer.status,
        "document": answer.document,
        "at": at,
    }
