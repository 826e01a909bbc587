"""What an address says: the ids in its path, and what it asks for."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query
from pydantic import BeforeValidator

from talktime.service.http.addresses import decode_id
from talktime.service.http.bodies import Id, Instant

AsOf = Annotated[Instant | None, Query(description="as of this instant, not of now")]
PathId = Annotated[Id, BeforeValidator(decode_id), Path()]
