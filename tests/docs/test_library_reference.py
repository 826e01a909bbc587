"""The reference of the library: everything public is there, with what a caller has to know."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import inspect
import re
from pathlib import Path

import pytest

import talktime
from scripts.docsite.library_reference import MODULES, library, methods, public_names, value_types
from talktime import Talktime
from talktime.asgi import Tokens
from talktime.engine.timers import ChatTimerManager
from tests.docs.blocks import text_of

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


def test_the_reference_names_no_module_that_a_host_may_not_import() -> None:
    package = Path(talktime.__file__).parent
    named = {
        f"talktime.{name}"
        for name in re.findall(r"\btalktime\.(\w+)", PAGE)
        if (package / name).is_dir() or (package / f"{name}.py").exists()
    }
    assert "talktime.errors" in named
    assert named <= set(MODULES)


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


def test_a_signature_says_whether_a_function_makes_a_context_manager() -> None:
    decorated = set(re.findall(r"^@(\w+)\n(?:async )?def (\w+)", PAGE, re.MULTILINE))
    assert decorated >= {
        ("asynccontextmanager", "connect"),
        ("asynccontextmanager", "disposable_talktime"),
        ("contextmanager", "disposable_blocking_talktime"),
    }
    assert "\nasync def events(" in PAGE
    assert not {"events", "all_entries"} & {name for _, name in decorated}  # these are read by `async for`


def test_every_type_that_a_method_returns_is_described_with_its_fields() -> None:
    returned = {
        name
        for owner in (Talktime, ChatTimerManager, Tokens)
        for _, _, function in methods(owner)
        for name in re.findall(r"\b[A-Z]\w+", str(function.__annotations__["return"]))
    }
    assert {"AccessKey", "Events", "Replay", "Caller"} < returned
    for name in returned - {"Any", "AsyncIterator", "None", "Self"}:
        assert f"\n### `{name}`\n" in PAGE, name
    for cls in value_types():
        section = PAGE.partition(f"\n### `{cls.__name__}`\n")[2].partition("\n### ")[0]
        assert section, cls
        names = [field.name for field in dataclasses.fields(cls) if field.init] if dataclasses.is_dataclass(cls) else []
        for name in (*names, *getattr(cls, "_fields", ())):
            assert f"\n| `{name}` | `" in section, (cls, name)


def test_types_are_described_as_a_reader_writes_them() -> None:
    assert "| `used_at` | `Instant | None` | the last use, to about a minute;" in PAGE
    assert "`platform_amount`, `Credits`: " in PAGE
    assert "Annotated" not in PAGE
    assert "ForwardRef" not in PAGE
    assert "`TariffDocument" not in PAGE


def test_a_table_of_the_site_shows_a_type_without_a_backslash(site: Path) -> None:
    page = (site / "reference" / "library.html").read_text("utf-8")
    assert "<td><code>Instant | None</code></td>" in page
    assert "\\|" not in page


def test_a_document_says_with_which_arguments_it_has_more() -> None:
    assert "def document(*, with_metadata: bool = False) -> dict[str, Any]" in PAGE
    section = text_of("docs/reference/library.md").partition("`document()`")[2].partition("\n")[0]
    for argument in re.findall(r"def document\((.*)\)", PAGE):
        for name in re.findall(r"(\w+): bool", argument):
            assert f"{name}=" in section, name


def test_sections_of_docstrings_become_lists() -> None:
    assert "*Raises:*\n\n- `DatabaseProblem`:" in PAGE
    assert not re.search(r"^(Args|Raises|Returns|Attributes):$", PAGE, re.MULTILINE)
