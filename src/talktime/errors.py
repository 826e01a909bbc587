"""The errors that `Talktime` raises, for hosts: `from talktime.errors import InsufficientCredit`.

`talktime.core.errors` draws the tree.
"""

from __future__ import annotations

from talktime.core.errors import (
    AdvisorBusy,
    Conflict,
    DatabaseProblem,
    Forbidden,
    Gone,
    InsufficientCredit,
    InvalidRequest,
    NotFound,
    NotRunning,
    RateLimited,
    Repeated,
    TalktimeError,
    TooLarge,
    Unauthorized,
    Unavailable,
)

__all__ = [
    "AdvisorBusy",
    "Conflict",
    "DatabaseProblem",
    "Forbidden",
    "Gone",
    "InsufficientCredit",
    "InvalidRequest",
    "NotFound",
    "NotRunning",
    "RateLimited",
    "Repeated",
    "TalktimeError",
    "TooLarge",
    "Unauthorized",
    "Unavailable",
]
