"""The errors that `Talktime` raises, for hosts: `from talktime.errors import InsufficientCredit`."""

from __future__ import annotations

# The docstring of `talktime.core.errors` draws the tree.
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
from talktime.extras import MissingExtra

__all__ = [
    "AdvisorBusy",
    "Conflict",
    "DatabaseProblem",
    "Forbidden",
    "Gone",
    "InsufficientCredit",
    "InvalidRequest",
    "MissingExtra",
    "NotFound",
    "NotRunning",
    "RateLimited",
    "Repeated",
    "TalktimeError",
    "TooLarge",
    "Unauthorized",
    "Unavailable",
]
