"""The pages of the service to which a link may lead."""

from __future__ import annotations

import re
from typing import Final

from talktime.core.errors import InvalidRequest

PAGE_LENGTH_MAX: Final = 1_000

# A browser reads `//evil` and `/\evil` as the address of another site, and `/.` and `/%2e` as steps in the path.
_SEGMENT: Final = r"(?!(?:\.|%2e){1,2}(?:[/?]|$))(?:[a-z0-9._~!$&'()*+,;=:@-]|%[0-9a-f]{2})+"
_PAGE: Final = re.compile(rf"/|(?:/{_SEGMENT})+(?:\?(?:[a-z0-9._~!$&'()*+,;=:@/?-]|%[0-9a-f]{{2}})*)?", re.IGNORECASE)


def is_page(text: str) -> bool:
    """Whether `text` is a path of this service, such as `/chat/c1` or `/user?x=1`, percent-encoded.

    No part of the path is empty, `.` or `..`, so a browser can't take the path for the address of another site.
    """
    return len(text) <= PAGE_LENGTH_MAX and _PAGE.fullmatch(text) is not None


def require_page(field: str, text: str | None) -> None:
    """Refuse a text that is not a path of this service. None is allowed. `field` names the argument.

    Raises:
        InvalidRequest: `text` is not a path of this service.
    """
    if text is not None and not is_page(text):
        raise InvalidRequest((field, "must be a path of this service such as /chat/c1, without empty parts, . and .."))
