"""A link: an address that signs a browser in, once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from talktime.core.roles import Role
from talktime.documents.document import Document
from talktime.documents.fields import Instant


@dataclass(frozen=True, slots=True)
class Link(Document):
    """An address that signs a browser in, once. The code in the address is not a token."""

    address: Annotated[str, "what to open in the browser"]
    role: Role
    subject: Annotated[str, "the id of the user or the advisor, or the name of the operator"]
    page: Annotated[str | None, "the page to go on to; null for the first page of the role"]
    expires_at: Annotated[Instant, "until when the address signs in"]
