"""A mapping names the tables and columns of another system."""

from __future__ import annotations

import pytest

from talktime.documents.mapping import parse_mapping

MAPPING = """
[users]
table = "Users"
schema = "old"
columns = { id = "id", name = "fullName" }

[[balances]]
query = "select id as user_id, credits as amount from users"

[[balances]]
query = "select 1"
values = { kind = "gift" }
"""


def test_each_section_is_a_source_in_the_order_of_an_import() -> None:
    users, bought, gifts = parse_mapping(MAPPING)
    assert (users.name, users.table, users.schema, users.query) == ("users (Users)", "Users", "old", None)
    assert (bought.name, bought.table, bought.query is not None) == ("balances (query)", None, True)
    rows = [(2, {"id": "a", "fullName": "Alice", "more": "x"})]
    assert list(users.cells(rows)) == [(1, {"id": "a", "name": "Alice"})]
    assert list(gifts.cells([(2, {"user_id": "a"})])) == [(1, {"user_id": "a", "kind": "gift"})]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has no section"),
        ("[users", "Expected"),
        ("[people]", r"\[people\] is not one of: users"),
        ("users = 1", r"\[users\] has table and schema, or query"),
        ("[users]\ntable = 1", r"\[users\] has table and schema, or query"),
        ("[users]\nlimit = '1'", r"\[users\] has table and schema, or query"),
        ("[users]", "needs table or query"),
        ("[users]\ntable = 'u'\nquery = 'q'", "needs table or query"),
        ("[users]\ntable = 'u'", "needs columns"),
        ("[users]\nquery = 'q'\ncolumns = {id = 'id'}", "needs columns"),
        ("[users]\ntable = 'u'\ncolumns = {id = 1}", "needs columns"),
        ("[users]\ntable = 'u'\ncolumns = {email = 'e'}", "email is not one of the columns id, name"),
        ("[users]\nquery = 'q'\nvalues = {email = 'e'}", "email is not one of the columns id, name"),
    ],
)
def test_what_is_no_mapping_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_mapping(text)
