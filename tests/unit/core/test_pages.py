"""Which texts are pages of the service. A link must never lead to another site."""

from __future__ import annotations

import pytest

from talktime.core.errors import InvalidRequest
from talktime.core.pages import PAGE_LENGTH_MAX, is_page, require_page


@pytest.mark.parametrize(
    "page",
    [
        "/",
        "/operator",
        "/chat/c1",
        "/chat/a%2Fb",
        "/chat/%EF%B7%90..",
        "/chat/...",
        "/chat/a.b",
        "/chat/%C3%A4",
        "/receipts/01a2?x=//evil",
        "/user?",
    ],
)
def test_a_path_of_this_service_is_a_page(page: str) -> None:
    assert is_page(page)
    require_page("page", page)


@pytest.mark.parametrize(
    "page",
    [
        "",
        "user",
        "//evil.example",
        "///evil.example",
        "/.//evil.example",
        "/..//evil.example",
        "/%2e//evil.example",
        "/%2E%2E/evil.example",
        "/./user",
        "/chat/..",
        "/chat/.?x",
        "/chat/%2e",
        "/chat/",
        "/\\evil.example",
        "\\\\evil.example",
        "/chat\\..\\..",
        "/chat/%",
        "/chat/%5",
        "/ user",
        "/user\n",
        "\t/user",
        "/\t/evil.example",
        "/chat/ä",
        "/user#x",
        "https://evil.example/",
        "https:/user",
        "javascript:alert(1)",
        "data:text/html,x",
        "/" + "x" * PAGE_LENGTH_MAX,
    ],
)
def test_everything_else_is_refused(page: str) -> None:
    assert not is_page(page)
    with pytest.raises(InvalidRequest, match="page must be a path"):
        require_page("page", page)


def test_no_page_is_allowed() -> None:
    require_page("page", None)
