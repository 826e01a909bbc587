"""The documents are true: their links and paths lead somewhere, their lists are complete, their figures are right."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest
import typer.main

from scripts.docsite.pages import DOCS, ROOT, links, sources
from talktime.cli.app import app
from talktime.core import meter
from talktime.core.durations import parse_seconds
from talktime.core.errors import TalktimeError
from talktime.core.money import format_credits, parse_credits
from talktime.core.price import explain, price
from talktime.core.record import Reason, State
from talktime.core.tariff import Tariff
from talktime.service.http.problems import MethodNotAllowed
from talktime.settings import PREFIX, RETIRED, Settings

REFERENCE = DOCS / "reference"
DOCUMENTS = sorted(ROOT / source for source in sources())
_PATH = re.compile(r"`((?:src|tests|docs|client|scripts|bench|examples|requirements)/[\w./-]*)`")
_FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FIRST_CELL = re.compile(r"^\| `([^`]+)`", re.MULTILINE)


def name_of(document: Path) -> str:
    return str(document.relative_to(ROOT))


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_every_link_leads_somewhere(document: Path) -> None:
    for link in links(document.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, heading = unquote(link).partition("#")
        target = (document.parent / path).resolve() if path else document
        assert target.is_relative_to(ROOT), link
        assert target.exists(), link
        if heading:
            assert heading in set(anchors(target)), link


def anchors(document: Path) -> Iterator[str]:
    """The name of a heading in an address."""
    for heading in re.findall(r"^#+ (.+)$", document.read_text(encoding="utf-8"), re.MULTILINE):
        yield re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_a_webhook_has_another_path_than_the_service(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    receivers = re.findall(r'(?:webhook create |--forward |"url": ")(https?://\w[^\s"`]*)', text)
    assert [receiver for receiver in receivers if receiver.endswith("/talktime")] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_every_path_of_the_repository_exists(document: Path) -> None:
    for path in _PATH.findall(document.read_text(encoding="utf-8")):
        assert (ROOT / path).exists() or "NNNN" in path, path


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_a_file_to_copy_is_a_link(document: Path) -> None:
    """The site carries only the files to which a page links, and a reader may have the site alone."""
    for path in re.findall(r"(?<!\[)`((?:deploy|examples)/[\w./-]+)`", document.read_text(encoding="utf-8")):
        assert not (ROOT / path).is_file(), path


def test_the_page_about_proxies_has_the_configuration_of_nginx_for_a_path() -> None:
    text = (DOCS / "how-to" / "put-behind-a-proxy.md").read_text(encoding="utf-8")
    shown = [code for language, code in _FENCED.findall(text) if language == "text"]
    assert shown == [(ROOT / "deploy" / "nginx" / "talktime-below-a-path.conf").read_text(encoding="utf-8")]


def test_the_settings_are_all_there_and_no_others() -> None:
    listed = _FIRST_CELL.findall((REFERENCE / "settings.md").read_text(encoding="utf-8"))
    assert sorted(listed) == sorted(PREFIX + name.upper() for name in Settings.model_fields)


def test_the_defaults_of_the_settings_are_those_of_the_code() -> None:
    rows = re.findall(
        rf"^\| `{PREFIX}(\w+)` \| .* \| `([\w.]+)` \|$", (REFERENCE / "settings.md").read_text(), re.MULTILINE
    )
    assert len(rows) >= 9
    for name, default in rows:
        given = Settings.model_fields[name.lower()].default
        assert str(int(given) if isinstance(given, bool) else given) == default, name


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_no_document_names_a_setting_that_does_not_exist(document: Path) -> None:
    named = set(re.findall(rf"\b{PREFIX}[A-Z_]+\b", document.read_text(encoding="utf-8")))
    retired = RETIRED if document.name in {"settings.md", "CHANGELOG.md"} else {}
    assert named <= {PREFIX + name.upper() for name in (*Settings.model_fields, *retired)}


def test_the_errors_are_all_there_and_no_others() -> None:
    listed = re.findall(
        r"^\| `([a-z_]+)` \| (\d+) \|", (REFERENCE / "errors.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    errors: set[type[TalktimeError]] = {TalktimeError, MethodNotAllowed}
    while deeper := {below for error in errors for below in error.__subclasses__()} - errors:
        errors |= deeper
    assert set(listed) == {(error.code, str(int(error.status))) for error in errors}
    assert len(listed) == len(set(listed))


def test_the_commands_are_all_there_and_no_others() -> None:
    listed = re.findall(
        r"^\| `talktime ([a-z ]+?)(?= [A-Z\[-]|`)", (REFERENCE / "commands.md").read_text(), re.MULTILINE
    )
    assert sorted(listed) == sorted(commands())


def test_the_commands_of_the_repository_are_all_there_and_no_others() -> None:
    listed = re.findall(r"^\| `make (\w+)` \|", (REFERENCE / "commands.md").read_text(), re.MULTILINE)
    phony = re.findall(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert sorted(listed) == sorted(" ".join(phony).split())


def commands() -> Iterator[str]:
    """Every command of the program, as people type it."""
    for name, command in typer.main.get_group(app).commands.items():
        below = getattr(command, "commands", None)
        yield from [name] if below is None else (f"{name} {inner}" for inner in below)


def test_the_figures_of_a_charge_are_what_the_price_function_gives() -> None:
    text = (ROOT / "docs" / "explanation" / "how-a-charge-is-computed.md").read_text(encoding="utf-8")
    tariffs = [
        Tariff.parse(json.loads(next(code for language, code in _FENCED.findall(text) if language == "json"))),
        Tariff.parse({"free_seconds": 180, "tiers": [{"rate": "1.00", "increment_seconds": 60}]}),
    ]
    tables = re.findall(r"^\| seconds \| cost \|.*\n\|.*\n((?:\|.*\n)+)", text, re.MULTILINE)
    for tariff, table in zip(tariffs, tables, strict=True):
        for elapsed, cost, billed in re.findall(r"^\| ([\d.]+) \| ([\d.]+) \| (\d+) \|", table, re.MULTILINE):
            found = price(tariff, parse_seconds(elapsed))
            assert (format_credits(found.cost), found.billed_ms) == (cost, int(billed) * 1000), elapsed
    posted = re.findall(r"^\| [\d.]+ s \| ([\d.]+) s \| ([\d.]+) \|", text, re.MULTILINE)
    charges = [price(tariffs[0], parse_seconds(total)).cost for total, _ in posted]
    assert [later - before for before, later in itertools.pairwise([0, *charges])] == [
        parse_credits(amount) for _, amount in posted
    ]
    assert re.findall(
        r"^\| (.+) \| ([\d.]+) \|$", text.partition("| step |")[2].partition("\n\n")[0], re.MULTILINE
    ) == [
        *((line.text, format_credits(line.amount)) for line in explain(tariffs[0], 95_500, 0)),
        ("cost", "0.66"),
    ]


def test_the_reference_of_the_element_has_every_reason_and_state() -> None:
    text = (REFERENCE / "element.md").read_text(encoding="utf-8")
    listed = {
        name: re.findall(r"`(\w+)`", cell)
        for name, cell in re.findall(r"^\| attribute `(\w+)` \| (.*) \|$", text, re.MULTILINE)
    }
    # An outage ends a segment, but no record is paused for it.
    assert sorted(listed["reason"]) == sorted(set(Reason) - {Reason.PLATFORM})
    types = (ROOT / "client" / "src" / "core" / "types.ts").read_text(encoding="utf-8")
    (states,) = re.findall(r"^export type TimerState = (.*);$", types, re.MULTILINE)
    assert listed["state"] == re.findall(r'"(\w+)"', states)
    explained = text.partition("| state | means |")[2].partition("\n\n")[0]
    assert _FIRST_CELL.findall(explained) == listed["state"]


def test_the_states_of_a_record_are_drawn_in_the_same_way_in_the_core_and_in_the_documents() -> None:
    page = (ROOT / "docs" / "explanation" / "the-life-of-a-record.md").read_text(encoding="utf-8")
    drawing = page.partition("```text\n")[2].partition("```")[0]
    assert drawing.strip("\n") in (meter.__doc__ or "")
    assert all(state in drawing for state in ("(nothing)", *State))
