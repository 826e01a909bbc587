"""The reference of the library: everything public is there, with what a caller has to know."""

from __future__ import annotations

import ast
import importlib
import inspect
import re

import pytest

import talktime
from scripts.docsite.library_reference import MODULES, library, methods, public_names
from talktime import Talktime

PAGE = library()
METHODS = {name: function for _, name, function in methods(Talktime)}


def test_every_public_name_has_a_section() -> None:
    for module in MODULES:
        for name in public_names(module):
            assert f"### `{name}`" in PAGE, name


def test_the_names_are_all_that_the_package_exports() -> None:
    assert set(public_names("talktime")) == set(talktime.__all__)
    for module in MODULES[1:]:
        for name in public_names(module):
            assert hasattr(importlib.import_module(module), name), name


def test_every_public_method_has_a_section_with_its_signature() -> None:
    public = {name for name, member in inspect.getmembers(Talktime, callable) if not name.startswith("_")}
    assert public == set(METHODS)
    for name in METHODS:
        section = PAGE.partition(f"#### `{name}` ")[2].partition("\n#### ")[0]
        assert re.search(rf"^(?:async )?def {name}\(", section, re.MULTILINE), name


@pytest.mark.parametrize("name", METHODS)
def test_every_public_method_says_what_it_does(name: str) -> None:
    assert len((inspect.getdoc(METHODS[name]) or "").split()) >= 3


@pytest.mark.parametrize("name", METHODS)
def test_a_unit_is_in_the_name_or_in_words(name: str) -> None:
    """A duration ends in `_ms`; an instant or an amount is explained, here or on top of the page."""
    for parameter in inspect.signature(METHODS[name]).parameters:
        assert not re.search(r"(seconds|duration|time)$", parameter), parameter


def test_every_signature_is_python() -> None:
    signatures = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert len(signatures) > len(METHODS)
    for signature in signatures:
        ast.parse(f"{signature.rstrip()}: ...")
    assert 'kind: str = "purchase"' in PAGE.replace("'", '"')
    assert "by: Party = Party.USER" in PAGE


def test_sections_of_docstrings_become_lists() -> None:
    assert "*Raises:*\n\n- `DatabaseProblem`:" in PAGE
    assert not re.search(r"^(Args|Raises|Returns|Attributes):$", PAGE, re.MULTILINE)
