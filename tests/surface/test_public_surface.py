"""The public surface is the one that is written down: nothing that hosts name disappears or appears unnoticed."""

from __future__ import annotations

import pytest

from tests.surface.lists import FOLDER, LISTS

_WHAT_TO_DO = """
tests/surface/{name}.txt is not what the code has.
{changes}
If you did not mean to change it, undo the change. Otherwise
1. read in docs/reference/stability.md whether the change breaks programs of hosts;
2. describe it in CHANGELOG.md in the words of those who use it, and in the reference in docs/reference;
3. write the list again: .venv/bin/python -m tests.surface.lists
"""


@pytest.mark.parametrize("name", LISTS)
def test_the_public_surface_is_the_one_that_is_written_down(name: str) -> None:
    written = set((FOLDER / f"{name}.txt").read_text("utf-8").splitlines())
    present = set(LISTS[name]())
    assert present, "nothing was found"
    changes = [f"- {line}" for line in sorted(written - present)] + [f"+ {line}" for line in sorted(present - written)]
    assert not changes, _WHAT_TO_DO.format(name=name, changes="\n".join(changes))
