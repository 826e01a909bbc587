"""The values that the application gives to all templates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from talktime.settings import Settings


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
    """The values that are the same on every page.

    `people` are the people of the demo, or None under `serve`. `topup_url` is where users buy credit, `seller` is who
    sells the time, and `currency` is the code of the currency of one credit; each may be None.
    `writes_when_stopped` tells whether users and advisors may write while no time runs.
    """

    people: Sequence[Person] | None = None
    topup_url: str | None = None
    seller: str | None = None
    currency: str | None = None
    writes_when_stopped: bool = False

    @classmethod
    def of(cls, settings: Settings, people: Sequence[Person] | None = None) -> Pages:
        """The values from the settings, with the people of the demo."""
        writes_when_stopped = settings.messages_when_stopped == "allow"
        return cls(
            people,
            settings.topup_url,
            settings.name,
            settings.currency,
            writes_when_stopped,
        )

    @property
    def demo(self) -> bool:
        """Whether this is the demo, with people to play and free credit."""
        return self.people is not None
