"""The wheel that is published, installed with what it requires: the demo runs from it, without a clone."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx

from talktime.postgres.guardian import Guardian
from tests.packaging.environments import make_environment
from tests.services import START_SECONDS_MAX, port_in

ROOT = Path(__file__).parents[2]


def test_the_demo_runs_from_the_wheel(tmp_path: Path, data_dir: Path, guardian: Guardian) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path / "dist")]
    subprocess.run(build, check=True, capture_output=True, cwd=ROOT)
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    installed = make_environment(tmp_path, ["all"], wheel=wheel)
    where = installed.run("-c", "import talktime; print(talktime.__file__)").stdout
    assert where.startswith(str(tmp_path))
    command = [
        str(installed.python),
        "-c",
        "from talktime.cli import main; main()",
        "demo",
        "--no-browser",
        "--port",
        "0",
    ]
    with subprocess.Popen(
        command,
        env=installed.variables(data_dir=str(data_dir)),
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        guardian.guard_process(process.pid)
        try:
            assert process.stdout is not None
            port = port_in(process.stdout.readline())
            assert port, process.stderr and process.stderr.read()
            with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
                for page in ("/", "/user", "/docs"):
                    answer = client.get(page)
                    assert answer.status_code == 200, page
                    for link in re.findall(r'(?:href|src)="(/static/[^"]*)"', answer.text):
                        assert client.get(link).status_code == 200, link
                assert client.get("/static/talk-chat.js").status_code == 200
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(START_SECONDS_MAX)
