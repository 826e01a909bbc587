"""An access key: a named credential of a backend."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from talktime.core.scopes import Scope
from talktime.documents.document import Document
from talktime.documents.fields import Instant


@dataclass(frozen=True, slots=True)
class AccessKey(Document):
    """An access key, without its secret."""

    id: str
    name: Annotated[str, "the name that is kept with what the key does"]
    scope: Annotated[Scope, "which calls the key may make"]
    created_at: Instant
    used_at: Annotated[Instant | None, "the last use, to about a minute; null before the first one is noted"] = None
    revoked_at: Annotated[Instant | None, "when the key was revoked; null while the key is valid"] = None
