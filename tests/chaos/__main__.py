"""`make chaos SEED=4711 MINUTES=10`: one run, its figures, and exit code 1 if anything is wrong."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path
from random import randrange

from talktime.postgres.guardian import Guardian
from tests.chaos.play import play


def main() -> int:
    """Play with the seed that is asked for, or with a new one."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=randrange(10_000))
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--nodes", type=int, default=3)
    parser.add_argument("--users", type=int, default=16)
    parser.add_argument("--fanout", choices=("postgres", "polling", "redis"), default="postgres")
    given = parser.parse_args()
    _tell(
        f"seed {given.seed}, {given.minutes} minutes, {given.nodes} nodes, {given.users} users, fan-out {given.fanout}"
    )
    with Guardian() as guardian:
        folder = Path(tempfile.mkdtemp(prefix="talktime-chaos-"))
        run = asyncio.run(
            play(
                folder,
                guardian,
                given.seed,
                given.minutes * 60,
                nodes=given.nodes,
                users=given.users,
                fanout=given.fanout,
                tell=_tell,
            )
        )
    _tell(run.report())
    return 1 if run.wrong else 0


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
