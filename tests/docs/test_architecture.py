"""The architecture page: every path exists, every layer is there in its order, and every name is in its file."""

from __future__ import annotations

import re
import tomllib

import pytest

from scripts.docsite.pages import DOCS, ROOT

TEXT = (DOCS / "explanation" / "architecture.md").read_text(encoding="utf-8")
PACKAGE = ROOT / "src" / "talktime"
PATHS = sorted(set(re.findall(r"\b(?:src|client|tests|docs)/[\w./-]*\w", TEXT)))


@pytest.mark.parametrize("path", PATHS)
def test_every_path_exists(path: str) -> None:
    assert (ROOT / path).exists()


def test_the_layers_are_those_of_the_import_contract() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (layers,) = [contract["layers"] for contract in contracts if contract["type"] == "layers"]
    table = TEXT.partition("| layer | what | where |")[2].partition("\n\n")[0]
    drawn = [sorted(re.findall(r"`(\w+)`", row)) for row in re.findall(r"^\| (`.+?`) \|", table, re.MULTILINE)]
    assert drawn == [sorted(re.split(r"\s*[|:]\s*", layer)) for layer in layers]


def test_every_file_of_a_layer_lies_in_the_layer() -> None:
    """In the section of a layer, `name.py` is a file of this layer."""
    sections = re.split(r"^### ", TEXT.partition("## One request")[0], flags=re.MULTILINE)[1:]
    checked = 0
    for section in sections:
        layer = section.partition("\n")[0]
        for name in re.findall(r"`([\w/]+\.(?:py|sql))`", section):
            if not name.startswith("src/"):
                places = [PACKAGE / layer / name, PACKAGE / name]
                assert any(place.exists() for place in places), (layer, name)
                checked += 1
    assert checked > 40


def test_every_module_of_the_pure_layers_the_engine_and_the_node_is_named() -> None:
    """So that a new module is put on the map. Small modules that hold what their names say need no words."""
    plain = {
        "__init__",
        "durations",
        "errors",
        "ids",
        "instants",
        "money",
        "new_ids",
        "parties",
        "advisor",
        "fingerprint",
    }
    for layer in ("core", "documents", "database", "engine", "node", "reading"):
        for path in (PACKAGE / layer).glob("*.py"):
            assert path.stem in plain or f"`{path.name}`" in TEXT, f"{layer}/{path.name}"


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("def settle(", "core/meter.py"),
        ("def start(", "core/meter.py"),
        ("def track(", "core/meter.py"),
        ("class Reason", "core/record.py"),
        ("class Durations", "core/payer.py"),
        ("def pause_record(", "core/transitions.py"),
        ("def explain(", "core/price.py"),
        ("CAUSES", "documents/receipt.py"),
        ("class StartChat", "engine/tracking.py"),
        ("class Transactions", "engine/transaction.py"),
        ("def settle_due_accounts(", "engine/engine.py"),
        ("def run_deadlines(", "node/deadlines.py"),
        ("def settle_due(", "node/deadlines.py"),
        ("def start_chat(", "service/http/chats.py"),
        ("def create_chat(", "talktime.py"),
        ("-- name: claim_due_accounts", "database/sql/queries.sql"),
        ("-- columns: record", "database/sql/queries.sql"),
        ("-- name: lock_accounts", "database/sql/queries.sql"),
        ("-- name: load_accounts", "database/sql/queries.sql"),
        ("-- name: unhealthy_payers", "database/sql/queries.sql"),
        ("-- name: present_through", "database/sql/queries.sql"),
        ("class _BatchWork", "engine/batching.py"),
        ("class Settlement", "engine/transaction.py"),
        ("class Listener", "node/feed.py"),
        ("class Screen", "service/live/screen.py"),
        ("REPAIRED_REASONS", "engine/tracking.py"),
        ("def repair(", "node/auditor.py"),
        ("class Proofs", "core/proofs.py"),
        ("class IfPresent", "documents/receipt_form.py"),
    ],
)
def test_what_the_walk_through_names_is_in_that_file(name: str, path: str) -> None:
    assert name in (PACKAGE / path).read_text(encoding="utf-8")
    word = re.findall(r"\w+", name.replace("def ", "").replace("class ", "").replace("-- name: ", ""))[0]
    assert word in TEXT


SECTIONS = re.split(r"^### ", TEXT.partition("## To change something")[2].partition("\n## ")[0], flags=re.MULTILINE)[1:]
COUNTED = [section for section in SECTIONS if re.search(r"\n\n(?:Up to )?\d+ files(?:\.|, in)", section)]


@pytest.mark.parametrize("section", COUNTED, ids=lambda section: section.partition("\n")[0])
def test_a_section_counts_the_files_that_it_lists(section: str) -> None:
    (number,) = re.findall(r"^(?:Up to )?(\d+) files", section, re.MULTILINE)
    listed = "\n".join(line for line in section.splitlines() if not line.startswith("- Tests that tell you: "))
    assert int(number) == len(re.findall(r"`(?:src|client|tests|docs)/[\w./-]*\w`", listed))


def test_every_section_names_the_tests_that_tell() -> None:
    assert len(SECTIONS) > 12
    assert len(COUNTED) > 7
    assert [section for section in SECTIONS if "\n- Tests that tell you: " not in section] == []
