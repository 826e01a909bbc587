"""Commands: each changes one payer, in one transaction.

A command is a small class with two methods. `decide` sees the payer settled to now, and either changes the payer or
refuses. `answer` builds the result after everything is stored. `transaction` shows where in a transaction each of them
runs. The commands themselves are in `tracking`, `presence` and `accounts`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

if TYPE_CHECKING:
    from talktime.core.actors import Actor
    from talktime.core.roles import Role
    from talktime.database.payer_transaction import PayerTransaction, StoredAdvisor
    from talktime.documents.document import Document
    from talktime.engine.idempotency import Repeat

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Answer(Generic[T_co]):
    """The result of a command, and the answer that is kept.

    `result` goes to the caller. `status` and the JSON of `document` are kept for repeats of the request.
    """

    result: T_co
    document: Document | None = None
    status: int = 200


@dataclass
class Command(ABC, Generic[T_co]):
    """A change of the payer `user_id`.

    `repeat` is the request's idempotency key, if there is one. `actor` is who asks for the change, if the host says so.

    A failed transaction is tried again, so `decide` may run more than once. Each run sets all its attributes again.
    """

    name: ClassVar[str]
    """The name of the command in metrics and logs."""

    has_effect_each_time: ClassVar[bool] = False
    """Whether a second run would change more than the first. Without a key, such a command is not tried again after its
    commit was sent, because the commit may have succeeded."""

    user_id: str
    repeat: Repeat | None = field(default=None, kw_only=True)
    actor: Actor | None = field(default=None, kw_only=True)

    @property
    def viewer(self) -> Role | None:
        """The role that sees the kept answer: that of the caller; None without an idempotency key."""
        return None if self.repeat is None else self.repeat.role

    @property
    def chat_ids(self) -> tuple[str, ...]:
        """The chats that `decide` looks at."""
        return ()

    @property
    def advisor_to_load(self) -> str | None:
        """The advisor whose tariff, terms and used free time `decide` needs, because a record may start."""
        return None

    @property
    def record_to_sum(self) -> str | None:
        """The record whose entries are summed for `decide`."""
        return None

    @abstractmethod
    def decide(self, payer: PayerTransaction, advisor: StoredAdvisor | None) -> None:
        """Change the payer, or refuse before anything has changed.

        Args:
            payer: the payer, settled to `payer.now`.
            advisor: the advisor that `advisor_to_load` names; None if there is no such advisor.

        Raises:
            TalktimeError: the command is refused.
        """

    @abstractmethod
    def answer(self, payer: PayerTransaction) -> Answer[T_co]:
        """The answer, after everything is stored."""
