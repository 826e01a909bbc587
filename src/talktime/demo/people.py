"""The people of the demo: a user with a little credit, two advisors with their tariffs, and an operator."""

from __future__ import annotations

from typing import Final

from talktime.core.money import parse_credits
from talktime.core.tariff import Tariff
from talktime.core.terms import Terms
from talktime.service.pages import Person
from talktime.talktime import Talktime

USER: Final = Person("alice", "Alice", "user", "has a little credit and questions")
FIRST_CREDIT: Final = parse_credits("10.00")
ADVISORS: Final = {
    Person("maya", "Maya", "advisor", "3 minutes free, then 1.00 for each minute begun"): Tariff.parse(
        {
            "free_seconds": 180,
            "tiers": [{"from_seconds": 0, "rate": "1.00", "per_seconds": 60, "increment_seconds": 60}],
        }
    ),
    Person("ben", "Ben", "advisor", "0.20 to connect, then 0.60 a minute, by the second"): Tariff.parse(
        {
            "connect_fee": "0.20",
            "tiers": [{"from_seconds": 0, "rate": "0.60", "per_seconds": 60, "increment_seconds": 1}],
        }
    ),
}
TERMS: Final = Terms.parse({"share_percent": 60})
OPERATOR: Final = Person("olga", "Olga", "operator", "sees what is running now, and can stop it")
PEOPLE: Final = {person.id: person for person in (USER, *ADVISORS, OPERATOR)}


async def create_people(talktime: Talktime) -> None:
    """Create the people who do not exist yet. People who exist keep their credit and their chats."""
    await talktime.put_user(USER.id, USER.name)
    if not await talktime.entries(USER.id, limit=1):
        await talktime.add_credit(USER.id, FIRST_CREDIT, "gift", reference="a little credit to try it")
    for person, tariff in ADVISORS.items():
        await talktime.put_advisor(person.id, person.name, tariff, TERMS)
