"""What the pages are told about where they run."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody to be in the demo.

    ``id`` is the subject of the person's token, ``line`` one short sentence about them.
    """

    id: str
    name: str
    role: Literal["user", "advisor", "operator"]
    line: str


@dataclass(frozen=True, slots=True)
class Pages:
    """Where pages run: with the demo's people, or ``None`` under ``serve``; where a host takes top-ups."""

    people: Sequence[Person] | None = None
    topup_url: str | None = None

    @property
    def demo(self) -> bool:
        """Whether there are people to be, advisors to talk to and credit for the asking."""
        return self.people is not None
