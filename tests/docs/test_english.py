"""Plain English: a few turns of phrase that a reader whose second language is English stumbles over.

`CONTRIBUTING.md` has the rule; a test can only look for the words that break the rule again and again.
"""

from __future__ import annotations

import re
from typing import Final

import pytest

from scripts.docsite.pages import ROOT, prose, sources

RATHER: Final = {
    "anew": "again",
    "by now": "now, or nothing",
    "nobody's": "of nobody, or say what is missing",
    "of old": "earlier",
    "so many": "a number of, or the number",
    "so-manieth": "every 50th",
    "thereof": "of it",
    "unasked": "by itself",
    "whence": "from where",
    "whoever": "the person who, the program that",
    "won't do": "is not allowed",
    "the bill": "the charge, the cost or the receipt",
    "a bill": "a charge, a cost or a receipt",
}
"""What is not to be written, and what is."""


@pytest.mark.parametrize("document", sorted(sources()))
def test_documents_say_it_plainly(document: str) -> None:
    text = re.sub(r"`[^`]*`|\"[^\"]*\"", "", prose((ROOT / document).read_text(encoding="utf-8")))
    if document == "CONTRIBUTING.md":
        text = re.sub(r"^\| not \|.*?\n\n", "", text, flags=re.MULTILINE | re.DOTALL)
    found = [phrase for phrase in RATHER if re.search(rf"\b{phrase}\b", text, re.IGNORECASE)]
    assert {phrase: RATHER[phrase] for phrase in found} == {}
