"""What the templates are told about the application."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Person:
    """A person to play in the demo.

    `id` is the subject of the person's token. `line` is one short sentence about the person.
    """

    id: str
    name: str
    role: Literal["user", "advisor", "operator"]
    line: str


@dataclass(frozen=True, slots=True)
class Pages:
    """The people of the demo, or None under `serve`; and the address at which users buy credit, if the host has one."""

    people: Sequence[Person] | None = None
    topup_url: str | None = None

    @property
    def demo(self) -> bool:
        """Whether this is the demo, with people to play and free credit."""
        return self.people is not None
