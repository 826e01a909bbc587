"""What is in `deploy` for systemd and for containers fits the program. No container runs here: the files are read."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import typer.main
import yaml

from scripts.docsite.pages import ROOT
from talktime.cli.app import app
from talktime.settings import Settings

DEPLOY: Final = ROOT / "deploy"
UNIT: Final = DEPLOY / "systemd" / "talktime.service"
EXPOSURE_MAX: Final = 20
"""Of 100, as systemd counts what a service may do that it need not do."""


def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
    return found


def containerfile() -> list[list[str]]:
    """The instructions, each with its words."""
    text = re.sub(r"\\\n\s*", " ", (DEPLOY / "Containerfile").read_text("utf-8"))
    return [line.split(None, 1) for line in text.splitlines() if line and not line.startswith("#")]


def require_command(words: list[str]) -> None:
    """That `talktime` takes these words."""
    command = typer.main.get_command(app)
    command.commands[words[0]].make_context(words[0], words[1:], resilient_parsing=False)  # type: ignore[attr-defined]


def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    text = UNIT.read_text("utf-8")
    program = re.search(r"^ExecStart=(\S+) (.*)$", text, re.MULTILINE)
    assert program is not None
    require_command(shlex.split(program[2]))
    installed = Path(sys.executable).with_name("talktime")
    (tmp_path / UNIT.name).write_text(text.replace(program[1], str(installed)))
    verified = subprocess.run(
        ["systemd-analyze", "verify", tmp_path / UNIT.name], capture_output=True, text=True, check=False
    )
    assert (verified.returncode, verified.stdout, verified.stderr) == (0, "", "")
    judged = subprocess.run(
        ["systemd-analyze", "security", "--offline=yes", f"--threshold={EXPOSURE_MAX}", tmp_path / UNIT.name],
        capture_output=True,
        text=True,
        check=False,
    )
    assert judged.returncode == 0, judged.stdout


def test_the_settings_of_containers_and_units_exist() -> None:
    known = {f"TALKTIME_{name.upper()}" for name in Settings.model_fields}
    for file in (UNIT, DEPLOY / "compose.yaml", DEPLOY / "Containerfile"):
        assert set(re.findall(r"\bTALKTIME_[A-Z_]+\b", file.read_text("utf-8"))) <= known, file


def test_what_the_containers_refer_to_is_there() -> None:
    file = compose()
    services = file["services"]
    for name, service in services.items():
        assert set(service.get("depends_on", [])) <= services.keys(), name
        if "build" in service:
            context = DEPLOY / service["build"]["context"]
            assert (context / service["build"]["dockerfile"]).resolve() == DEPLOY / "Containerfile"
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert (DEPLOY / source).is_file() if source.startswith("./") else source in file["volumes"], volume
        if service.get("image") == "talktime":
            require_command(service["command"])
            assert service["read_only"]
            assert service["cap_drop"] == ["ALL"]
    proxy = (DEPLOY / "caddy" / "compose.Caddyfile").read_text("utf-8")
    nodes = set(re.findall(r"\b([\w-]+):8700", proxy))
    assert nodes == {name for name, service in services.items() if service.get("command") == ["serve"]}


def test_a_node_keeps_its_command_and_waits_for_the_schema() -> None:
    services = compose()["services"]
    for name in ("node-1", "node-2"):
        assert services[name]["depends_on"] == {"migrate": {"condition": "service_completed_successfully"}}
    assert services["migrate"]["restart"] == "no"


def test_the_container_runs_as_nobody_and_copies_what_is_there() -> None:
    instructions = containerfile()
    last = [index for index, (name, _) in enumerate(instructions) if name == "FROM"][-1]
    final = {name: rest for name, rest in instructions[last:] if name in {"USER", "ENTRYPOINT", "CMD"}}
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", final["USER"])
    assert ("STOPSIGNAL", "SIGTERM") in map(tuple, instructions)  # a node drains
    assert (yaml.safe_load(final["ENTRYPOINT"]), yaml.safe_load(final["CMD"])) == (["talktime"], ["serve"])
    text = (DEPLOY / "Containerfile").read_text("utf-8")
    for path in re.findall(r"requirements/\S+|pyproject\.toml", text):
        assert (ROOT / path).is_file(), path
    extras = re.findall(r"--extra (\w+)", text)
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    assert all(re.search(rf"^{extra} = \[", project, re.MULTILINE) for extra in extras)
    assert (ROOT / ".containerignore").read_text("utf-8") == (ROOT / ".dockerignore").read_text("utf-8")
