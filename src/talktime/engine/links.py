"""Links: addresses that sign a browser in, once.

The address ends in a code of 256 random bits, of which only the SHA-256 is stored. The code stands behind `#`, which
browsers do not send: what only fetches an address, such as a preview in a messenger, does not use the link up, and no
log has the code.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from talktime.core.errors import InvalidRequest, NotFound
from talktime.core.roles import Role
from talktime.documents.link import Link

if TYPE_CHECKING:
    from talktime.database.pool import Database

LINK_SECONDS: Final = 300
"""How long a link signs in."""

CODE_LENGTH_MAX: Final = 100

SIGN_IN_PAGE: Final = "/sign-in"

ROLES: Final = (Role.OPERATOR, Role.USER, Role.ADVISOR)
"""The roles that may sign in with a link. A backend is not a browser."""

_CODE_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class LinkTarget:
    """The person who signs in with a link.

    `page` is the page to go on to, if the link names one. `key_id` is the access key that has made the link, if there
    is one.
    """

    role: Role
    subject: str
    page: str | None
    key_id: str | None


def link_role(text: str) -> Role:
    """The role of this name, if people may have it.

    Raises:
        InvalidRequest: people may not have it.
    """
    if text not in set(ROLES):
        raise InvalidRequest(("role", f"must be {', '.join(ROLES)}"))
    return Role(text)


async def create_link(database: Database, target: LinkTarget, address: str) -> Link:
    """Make a link. `address` is where browsers reach the service."""
    code = secrets.token_urlsafe(_CODE_BYTES)
    expires_at: int = await database.fetch_value(
        "insert_link",
        _hash(code),
        target.role.value,
        target.subject,
        target.page,
        target.key_id,
        LINK_SECONDS,
    )
    whole = f"{address.rstrip('/')}{SIGN_IN_PAGE}#{code}"
    return Link(whole, target.role, target.subject, target.page, expires_at)


async def use_link(database: Database, code: str) -> LinkTarget:
    """Use a link up.

    Raises:
        NotFound: there is no such link, or the link was used before, or has expired.
    """
    row = await database.fetch_row("use_link", _hash(code[:CODE_LENGTH_MAX]))
    if row is None or not row["is_valid"]:
        raise NotFound("link: it was used before, or has expired, or never was")
    return LinkTarget(Role(row["role"]), row["subject"], row["page"], row["key_id"])


def _hash(code: str) -> bytes:
    return hashlib.sha256(code.encode(errors="replace")).digest()
