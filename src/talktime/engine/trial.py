"""A trial: a command is decided on the payer as stored, its answer is built, and then everything is rolled back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

from talktime.core.errors import NotFound
from talktime.engine.idempotency import load_answers, refuse_repeat
from talktime.engine.transaction import Needs

if TYPE_CHECKING:
    from talktime.database.pool import Connection
    from talktime.engine.command import Answer, Command
    from talktime.engine.transaction import Loaded

T = TypeVar("T")


class RolledBack(Exception):
    """The end of a trial: the transaction must not commit."""


@dataclass(slots=True)
class Trial(Generic[T]):
    """The work of a transaction that tries one command. It ends with `RolledBack`, and `answer` is there."""

    command: Command[T]
    answer: Answer[T] | None = field(default=None, init=False)

    @property
    def needs(self) -> Needs:
        """The rows to load for the command, besides the payer."""
        command = self.command
        return Needs(
            chat_ids=command.chat_ids,
            pairs=() if command.advisor_to_load is None else ((command.user_id, command.advisor_to_load),),
            records_to_sum=() if command.record_to_sum is None else (command.record_to_sum,),
        )

    async def decide(self, connection: Connection, loaded: Loaded) -> None:
        """Decide the command.

        Raises:
            TalktimeError, Repeated: as the command itself.
        """
        command = self.command
        if command.repeat is not None:
            kept = await load_answers(connection, [command.repeat])
            refuse_repeat(command.repeat, kept.get(command.repeat.name))
        payer = loaded.payers.get(command.user_id)
        if payer is None:
            raise NotFound("user")
        advisor = None if command.advisor_to_load is None else loaded.advisors.get(command.advisor_to_load)
        command.decide(payer, advisor)

    async def conclude(self, connection: Connection, loaded: Loaded) -> None:
        """Build the answer, and take everything back.

        Raises:
            RolledBack: always.
        """
        self.answer = self.command.answer(loaded.payers[self.command.user_id])
        raise RolledBack
