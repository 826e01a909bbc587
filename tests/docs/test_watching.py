"""The dashboard and the alert rules ask only for metrics that exist, and Prometheus can read them."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any, Final

import yaml

from scripts.docsite.pages import DOCS, ROOT

DASHBOARD: Final = ROOT / "deploy" / "grafana" / "talktime.json"
ALERTS: Final = ROOT / "deploy" / "prometheus" / "alerts.yml"
_DESCRIBED: Final = set(
    re.findall(r"^\| `(talktime_[a-z_]+)", (DOCS / "reference" / "metrics.md").read_text("utf-8"), re.MULTILINE)
)


def panels() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(DASHBOARD.read_text("utf-8"))["panels"]
    return found


def questions() -> list[str]:
    """The questions of the panels to Prometheus, with values in place of Grafana's variables."""
    expressions = [target["expr"] for panel in panels() for target in panel["targets"]]
    return [text.replace("$__rate_interval", "5m").replace("$job", "talktime") for text in expressions]


def alerts() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(ALERTS.read_text("utf-8"))["groups"] for rule in group["rules"]]


def named(text: str) -> set[str]:
    """The metrics in a question; a histogram has its buckets under names of their own."""
    return {re.sub(r"_(bucket|sum|count)$", "", name) for name in re.findall(r"\btalktime_[a-z_]+", text)}


def promtool(*arguments: str | Path) -> str:
    done = subprocess.run(["promtool", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_metric_has_a_place_on_the_dashboard_and_no_other_is_there() -> None:
    assert set().union(*map(named, questions())) == _DESCRIBED


def test_the_questions_of_the_dashboard_are_valid(tmp_path: Path) -> None:
    rules = [{"record": f"question:{number}", "expr": text} for number, text in enumerate(questions())]
    file = tmp_path / "questions.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    assert f"{len(rules)} rules found" in promtool("check", "rules", file)


def test_no_panel_covers_another() -> None:
    places = [panel["gridPos"] for panel in panels()]
    cells = [(p["x"] + x, p["y"] + y) for p in places for x in range(p["w"]) for y in range(p["h"])]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24


def test_every_alert_asks_for_metrics_that_exist_and_says_what_to_do() -> None:
    for rule in alerts():
        assert named(rule["expr"]) <= _DESCRIBED, rule["alert"]
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert rule["annotations"].keys() == {"summary", "description"}


def test_the_alerts_are_valid_and_ring_when_they_should() -> None:
    assert f"{len(alerts())} rules found" in promtool("check", "rules", ALERTS)
    promtool("test", "rules", ALERTS.with_name("alerts-test.yml"))
    promtool("check", "config", ALERTS.with_name("prometheus.yml"))
