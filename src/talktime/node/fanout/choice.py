"""The fan-out that the settings name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from talktime.node.fanout.polling import PollingFanout
from talktime.node.fanout.postgres import PostgresFanout
from talktime.settings import SettingsError

if TYPE_CHECKING:
    from talktime.database.pool import Database
    from talktime.node.fanout.interface import Fanout
    from talktime.settings import Settings


def fanout_of(settings: Settings, url: str, database: Database) -> Fanout:
    """The fan-out of the settings. `url` is the address of the database.

    Raises:
        SettingsError: the address of the fan-out can't be read.
    """
    connect_seconds = float(settings.connect_seconds)
    if settings.fanout == "polling":
        return PollingFanout(database)
    if settings.fanout != "postgres":
        from talktime.node.fanout.redis import RedisFanout  # noqa: PLC0415  an extra, which may not be installed

        try:
            return RedisFanout(settings.fanout, database, connect_seconds=connect_seconds)
        except ValueError:
            # Its message may quote the part with the password.
            raise SettingsError("TALKTIME_FANOUT can't be read as an address.") from None
    return PostgresFanout(url, database, connect_seconds=connect_seconds)
