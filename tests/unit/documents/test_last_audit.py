"""What is told of the auditor's last turn."""

from __future__ import annotations

from talktime.documents.last_audit import AuditedRule, LastAudit


def test_a_turn_is_told_with_its_end_and_its_breaches() -> None:
    rule = AuditedRule(5, "a balance is the sum of its entries", 2, "talktime doctor --repair")
    assert LastAudit(1_767_607_200_000, 120, (rule,)).document() == {
        "ended_at": "2026-01-05T10:00:00.000Z",
        "accounts": 120,
        "rules": [
            {
                "rule": 5,
                "says": "a balance is the sum of its entries",
                "breaches": 2,
                "repair": "talktime doctor --repair",
            }
        ],
    }


def test_before_the_end_of_the_first_turn_no_instant_is_told() -> None:
    assert LastAudit(None, 0, ()).document() == {"ended_at": None, "accounts": 0, "rules": []}
