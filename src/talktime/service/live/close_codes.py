"""Why the service closes a live socket.

The AsyncAPI file and the page `/docs` list the same codes in the same words; tests compare them.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Self


class CloseCode(IntEnum):
    """A close code of the live channel. `meaning` is the sentence that documents show for the code.

    Codes below 4000 are those of the WebSocket protocol, the others are talktime's own. Talktime's own
    server sends `RESTARTING` when the service stops.
    """

    meaning: str

    def __new__(cls, code: int, meaning: str) -> Self:
        """A code with its meaning."""
        member = int.__new__(cls, code)
        member._value_ = code
        member.meaning = meaning
        return member

    BROKEN_RULE = 1008, "One message came in more than 16 fragments, or there were too many pings of the protocol."
    MESSAGE_TOO_LARGE = 1009, "One message is larger than 16 KiB."
    RESTARTING = 1012, "The service restarts."
    UNAVAILABLE = 1013, "The database can't be reached, or its schema is not current."
    SIGN_IN = (
        4401,
        "No valid sign-in within 10 seconds, or the token is invalid or has expired, or its access key was revoked.",
    )
    NOT_ALLOWED = (
        4403,
        "A chat of somebody else, a key that may not watch, or a site that `TALKTIME_ORIGINS` does not name.",
    )
    LOST = (
        4408,
        "Only empty frames or nothing was received for one lease, or more than 500 answers waited for this screen.",
    )
    FLOODING = 4429, "Too many messages for too long, or too many sockets of one person."
