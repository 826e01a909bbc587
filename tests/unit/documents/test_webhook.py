"""What a host is shown of a webhook: its secret only where it is given."""

from __future__ import annotations

from talktime.documents.event import EventType
from talktime.documents.webhook import Webhook

HOOK = Webhook("1", "https://shop.example", (EventType.RECORD_ENDED,), True, None, None, 0)


def test_a_webhook_shows_its_types_and_no_secret() -> None:
    shown = HOOK.document()
    assert (shown["types"], shown["enabled"], shown["secret"]) == (["record.ended"], True, None)
