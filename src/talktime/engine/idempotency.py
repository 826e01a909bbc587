"""Idempotency keys: the first answer to a request is kept, and every repeat of the request gets this answer.

An answer is kept in the transaction that decides the request, so the answer exists exactly if the effect exists. A
repeat that arrives meanwhile waits for the payer's lock, or for the row of the same key.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from talktime.core.errors import InvalidRequest, Repeated, TalktimeError
from talktime.core.roles import Role
from talktime.database.queries import SQL, arrays

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from talktime.database.pool import Connection

Key = tuple[str, str, str, str]
"""Caller, method, path and idempotency key: the same key of another caller or address is another key.

All backends are one caller, `service`: a backend may change its credential, or be two programs, and still repeats.
"""

LIBRARY: Final = "service:library"
"""The caller of a method of the library: one more backend."""

LIBRARY_PLACE: Final = "key"
"""The argument in which a method of the library takes a key."""

_KEY_COLUMNS: Final = ("caller", "method", "path", "key")
_REQUEST_COLUMNS: Final = (*_KEY_COLUMNS, "body_hash", "arguments_hash")
_KEPT_STATUSES: Final = frozenset({402, 404, 409})


@dataclass(frozen=True, slots=True)
class Repeat:
    """An idempotency key, and the request that the key stands for.

    `caller` is who sends the request, such as `user:alice` or `service:shop`; `body_hash` is the SHA-256 of the body.
    `arguments_hash` is the SHA-256 of what the request asks for, however its body is written; None as long as the body
    is not read. Two requests are the same if one of the two hashes is. `place` is where the caller has put the key.
    """

    caller: str
    method: str
    path: str
    key: str
    body_hash: bytes
    arguments_hash: bytes | None = None
    place: str = field(default="Idempotency-Key", compare=False)

    @property
    def role(self) -> Role | None:
        """The role of the caller; None if the caller is a program that names no role."""
        role = self.caller.partition(":")[0]
        return Role(role) if role in set(Role) else None

    @property
    def is_of_library(self) -> bool:
        """Whether the key was given to a method of the library, and not over HTTP."""
        return self.place == LIBRARY_PLACE

    def is_same_as(self, other: Repeat) -> bool:
        """Whether both requests ask for the same, given that they have the same key."""
        if self.arguments_hash is not None and self.arguments_hash == other.arguments_hash:
            return True
        return self.body_hash == other.body_hash

    @property
    def name(self) -> Key:
        """The key with everything that it belongs to."""
        caller = Role.SERVICE.value if self.role is Role.SERVICE else self.caller
        return (caller, self.method, self.path, self.key)


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
    wanted = (dict(zip(_KEY_COLUMNS, repeat.name, strict=True)) for repeat in repeats)
    rows = await connection.fetch(SQL["load_repeats"], *arrays("load_repeats", wanted))
    answers = (
        KeptAnswer(
            Repeat(*(row[column] for column in _REQUEST_COLUMNS)),
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
    if not repeat.is_same_as(kept.repeat):
        what = "other arguments: use those" if repeat.is_of_library else "another request body: send that one"
        raise InvalidRequest((repeat.place, f"was used before with {what} again, or take a new key"))
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
    # The answer to another backend stands under the name of that backend, where the insert would not find it.
    refuse_repeat(repeat, (await load_answers(connection, [repeat])).get(repeat.name))
    now = await connection.fetchval(SQL["engine_now"])
    is_first = await connection.fetchval(
        SQL["save_refusal"],
        repeat.caller,
        *repeat.name[1:],
        repeat.body_hash,
        repeat.arguments_hash,
        int(error.status),
        error.problem(),
        now,
    )
    if not is_first:
        refuse_repeat(repeat, (await load_answers(connection, [repeat])).get(repeat.name))


def _answer_row(answer: KeptAnswer, at: int | None) -> dict[str, object]:
    repeat = answer.repeat
    return {
        # The caller with its name, as the version before this one looks for the row.
        "caller": repeat.caller,
        "method": repeat.method,
        "path": repeat.path,
        "key": repeat.key,
        "body_hash": repeat.body_hash,
        "arguments_hash": repeat.arguments_hash,
        "status": answer.status,
        "document": answer.document,
        "at": at,
    }
