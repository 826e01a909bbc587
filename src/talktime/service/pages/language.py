"""The language of a page and its words.

Each dictionary is a file in `words`, and all have the same names. The words that only the pages for operators need are
in `words/operator`: they are not sent to the phones of users.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Final

from fastapi import Request

LANGUAGES: Final = ("en", "de", "es")
"""The languages of the pages. The first one is for all other readers."""

PARAMETER: Final = "lang"
COOKIE: Final = "talktime_lang"
"""Keeps the language that a reader has chosen with the parameter."""

_FOLDER: Final = Path(__file__).parent / "words"


@cache
def words_text(language: str, *, for_operators: bool = False) -> str:
    """The words of a language as JSON, for the scripts of a page."""
    return json.dumps(words(language, for_operators=for_operators), ensure_ascii=False, separators=(",", ":"))


@cache
def words(language: str, *, for_operators: bool = False) -> dict[str, str]:
    """The words of a language by their names, with the words that only the pages for operators need or without them."""
    loaded: dict[str, str] = json.loads((_FOLDER / f"{language}.json").read_text("utf-8"))
    if for_operators:
        loaded |= json.loads((_FOLDER / "operator" / f"{language}.json").read_text("utf-8"))
    return loaded


def chosen_language(request: Request) -> str | None:
    """The language that the address asks for, if there are pages in this language."""
    chosen = request.query_params.get(PARAMETER, "").lower().split("-")[0]
    return chosen if chosen in LANGUAGES else None


def language_of(request: Request) -> str:
    """The language for the reader: as chosen in the address, as chosen before, or as the browser prefers."""
    chosen = chosen_language(request) or request.cookies.get(COOKIE)
    if chosen in LANGUAGES:
        return chosen
    return _preferred(request.headers.get("accept-language", ""))


def _preferred(accepted: str) -> str:
    """The best of the languages that a browser accepts, such as `de-AT,de;q=0.9,en;q=0.5`."""
    ranked: list[tuple[float, str]] = []
    for part in accepted.split(","):
        name, _, quality = part.strip().partition(";q=")
        try:
            ranked.append((float(quality or 1), name.lower().split("-")[0]))
        except ValueError:
            continue
    ranked.sort(key=lambda choice: -choice[0])
    return next((name for quality, name in ranked if quality > 0 and name in LANGUAGES), LANGUAGES[0])
