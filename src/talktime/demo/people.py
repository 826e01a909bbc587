"""The people of the demo: a user with a little credit, two advisors with their tariffs, and an operator."""

from __future__ import annotations

from typing import Final

from talktime.core.errors import NotFound
from talktime.core.money import parse_credits
from talktime.core.starts import Starts
from talktime.core.tariff import Tariff
from talktime.core.terms import Terms
from talktime.service.pages import Person
from talktime.settings import Settings, SettingsError
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
    Person(
        "ben", "Ben", "advisor", "accepts each call; 0.20 to connect, then 0.60 a minute, by the second"
    ): Tariff.parse(
        {
            "connect_fee": "0.20",
            "tiers": [{"from_seconds": 0, "rate": "0.60", "per_seconds": 60, "increment_seconds": 1}],
        }
    ),
}
STARTS: Final = {"ben": Starts.ACCEPTED}
"""The advisors with another start rule than `present`."""

TERMS: Final = Terms.parse({"share_percent": 60})
OPERATOR: Final = Person("olga", "Olga", "operator", "sees what is running now, and can stop it")
MARK: Final = "demo"
"""The file in the data folder that says that the demo made the embedded database there."""

PEOPLE: Final = {person.id: person for person in (USER, *ADVISORS, OPERATOR)}


async def require_no_other_people(talktime: Talktime, settings: Settings) -> None:
    """Refuse a database with people whom the demo did not make.

    An embedded database that the demo has made is accepted with any people, because a host may add people to play with.

    Raises:
        SettingsError: there are other people.
    """
    is_marked = settings.database_url is None and (settings.data_dir / MARK).exists()
    if is_marked:
        return
    users = {account.user_id: account.display_name for account in await talktime.users(limit=len(PEOPLE) + 1)}
    advisors = {one.advisor_id: one.display_name for one in await talktime.advisors(limit=len(PEOPLE) + 1)}
    own_advisors = {person.id: person.name for person in ADVISORS}
    others = users.items() - {(USER.id, USER.name)} | advisors.items() - own_advisors.items()
    if others:
        where = "TALKTIME_DATABASE_URL" if settings.database_url else f"The database in {settings.data_dir}"
        raise SettingsError(
            f"{where} has people that the demo did not make, such as {min(others)[0]!r}. In the demo anybody can become"
            " anybody: run talktime serve, or give the demo a database of its own."
        )
    if settings.database_url is None:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        (settings.data_dir / MARK).touch(mode=0o600)


async def create_people(talktime: Talktime) -> None:
    """Create the people who do not exist yet. People who exist keep their credit, their tariffs and their chats."""
    await talktime.put_user(USER.id, USER.name)
    if not await talktime.entries(USER.id, limit=1):
        await talktime.add_credit(USER.id, FIRST_CREDIT, "gift", reference="a little credit to try it")
    for person, tariff in ADVISORS.items():
        try:
            await talktime.advisor(person.id)
        except NotFound:
            await talktime.put_advisor(person.id, person.name, tariff, TERMS, starts=STARTS.get(person.id))
