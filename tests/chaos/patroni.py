"""`scripts/failover`: three PostgreSQL under Patroni, whose leader is killed again and again while people talk."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, Final

import asyncpg
import httpx
import psutil
import yaml

from talktime.database.migrate import migrate
from talktime.database.pool import open_database
from talktime.postgres.folders import make_private, open_path_to
from talktime.postgres.guardian import Guardian
from talktime.postgres.programs import bundled_programs
from tests.chaos.nodes import ChaosNode
from tests.chaos.people import Caller, Talker
from tests.chaos.play import Run, compare_facts, seconds_until_back
from tests.screen.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT: Final = Path(__file__).parents[2]
PROGRAMS: Final = ROOT / ".venv" / "failover" / "bin"
CONFIGURATION: Final = ROOT / "deploy" / "patroni" / "patroni.yml"
_READY_SECONDS_MAX: Final = 120
_QUIET_SECONDS: Final = 10
_USERS: Final = 16
_NODES: Final = 3


class Member:
    """One PostgreSQL with its Patroni, configured as `deploy/patroni/patroni.yml` says, at ports of its own."""

    def __init__(self, folder: Path, name: str, etcd_port: int, guardian: Guardian) -> None:
        self.name = name
        self.port, self.api_port = free_port(), free_port()
        self._folder = folder / name
        self._guardian = guardian
        self._programs = bundled_programs()
        make_private(self._folder, self._programs.uid, self._programs.gid)
        given: dict[str, Any] = yaml.safe_load(CONFIGURATION.read_text(encoding="utf-8"))
        given["name"] = name
        given["restapi"] = dict.fromkeys(("listen", "connect_address"), f"127.0.0.1:{self.api_port}")
        given["etcd3"] = {"hosts": [f"127.0.0.1:{etcd_port}"]}
        given["postgresql"] |= dict.fromkeys(("listen", "connect_address"), f"127.0.0.1:{self.port}")
        given["postgresql"] |= {"data_dir": str(self._folder / "data"), "bin_dir": str(self._programs.folder)}
        given["postgresql"]["parameters"] = {"unix_socket_directories": str(self._folder)}
        given["postgresql"]["pgpass"] = str(self._folder / "pgpass")
        given["watchdog"] = {"mode": "off"}
        self._superuser: dict[str, str] = given["postgresql"]["authentication"]["superuser"]
        self._configuration = self._folder / "patroni.yml"
        self._configuration.write_text(yaml.safe_dump(given), encoding="utf-8")
        self._configuration.chmod(0o644)

    def start(self) -> None:
        """Start Patroni, which starts PostgreSQL."""
        self._process = _spawn(self._folder / "log", PROGRAMS / "patroni", self._configuration)
        self._guardian.guard_process(self._process.pid)

    def kill(self) -> None:
        """Kill Patroni and PostgreSQL at once, as a power cut does."""
        for process in self._processes():
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self._process.wait()

    def stop(self) -> None:
        """Stop PostgreSQL and Patroni in order."""
        processes = self._processes()
        self._process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(20)
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.kill()

    def address(self, database: str) -> str:
        """The address of a database on this member, for the superuser."""
        login = f"{self._superuser['username']}:{self._superuser['password']}"
        return f"postgresql://{login}@127.0.0.1:{self.port}/{database}"

    async def role(self, client: httpx.AsyncClient) -> str:
        """What Patroni says that this member is now; empty if Patroni says nothing."""
        with suppress(httpx.HTTPError):
            document = (await client.get(f"http://127.0.0.1:{self.api_port}/patroni")).json()
            if document.get("state") == "running":
                return "sync" if document.get("sync_standby") else str(document["role"])
        return ""

    def _processes(self) -> list[psutil.Process]:
        """Patroni, and every process of PostgreSQL: its first process is no child of Patroni's."""
        found = []
        with suppress(psutil.NoSuchProcess):
            patroni = psutil.Process(self._process.pid)
            found += [patroni, *patroni.children(recursive=True)]
        with suppress(OSError, psutil.NoSuchProcess, ValueError):
            first = psutil.Process(int((self._folder / "data" / "postmaster.pid").read_text().splitlines()[0]))
            found += [first, *first.children(recursive=True)]
        return found


class PatroniCluster:
    """One etcd, and three members."""

    def __init__(self, folder: Path, guardian: Guardian) -> None:
        programs = bundled_programs()
        if os.geteuid() == 0:
            for path in (folder, PROGRAMS):
                open_path_to(path, programs.uid, programs.gid)
        self._etcd_port = free_port()
        self._folder = folder
        self._guardian = guardian
        self._client = httpx.AsyncClient(timeout=2)
        self.members = [Member(folder, f"db{number}", self._etcd_port, guardian) for number in (1, 2, 3)]

    @property
    def url(self) -> str:
        """The address of the database on all members: the one that takes writes is used."""
        hosts = ",".join(f"127.0.0.1:{member.port}" for member in self.members)
        return f"postgresql://talktime:talktime@{hosts}/talktime"

    async def start(self) -> None:
        """Start everything, and make the database."""
        make_private(self._folder / "etcd", (programs := bundled_programs()).uid, programs.gid)
        client, peer = f"http://127.0.0.1:{self._etcd_port}", f"http://127.0.0.1:{free_port()}"
        self._etcd = _spawn(
            self._folder / "etcd" / "log",
            *(PROGRAMS / "etcd", "--data-dir", self._folder / "etcd" / "data"),
            *("--listen-client-urls", client, "--advertise-client-urls", client),
            *(
                "--listen-peer-urls",
                peer,
                "--initial-advertise-peer-urls",
                peer,
                "--initial-cluster",
                f"default={peer}",
            ),
        )
        self._guardian.guard_process(self._etcd.pid)
        for member in self.members:
            member.start()
        leader = await self.ready()
        connection = await asyncpg.connect(leader.address("postgres"))
        await connection.execute("create role talktime login password 'talktime'")
        await connection.execute("create database talktime owner talktime")
        await connection.close()
        await migrate(self.url)

    async def ready(self) -> Member:
        """Wait until there is a leader with a synchronous standby, and another standby; the leader."""
        give_up_at = time.monotonic() + _READY_SECONDS_MAX
        while True:
            roles = {member: await member.role(self._client) for member in self.members}
            if "sync" in roles.values() and all(roles.values()):
                leaders = [member for member, role in roles.items() if role in {"master", "primary"}]
                if leaders:
                    return leaders[0]
            if time.monotonic() > give_up_at:
                raise SystemExit(f"the cluster is not ready: {roles}; the logs are in {self._folder}")
            await asyncio.sleep(0.2)

    async def fetch(self, sql: str, *arguments: Any) -> list[asyncpg.Record]:
        """The rows of a query on the leader."""
        async with open_database(self.url, size=1) as database:
            return await database.pool.fetch(sql, *arguments)

    async def stop(self) -> None:
        """Stop everything."""
        await self._client.aclose()
        for member in self.members:
            await asyncio.to_thread(member.stop)
        self._etcd.kill()
        self._etcd.wait()


class _Node(ChaosNode):
    """A node that is connected to the members itself, by an address with three hosts."""

    def __init__(self, number: int, url: str, folder: Path, guardian: Guardian) -> None:
        super().__init__(number, str, folder, guardian)
        self._url = url

    async def open(self) -> None:
        """Start."""
        await self.start()


async def fail_over(folder: Path, guardian: Guardian, seed: int, times: int, tell: Callable[[str], None]) -> Run:
    """Let people talk while the leader is killed, some times; then compare everything with what was acknowledged."""
    run, random = Run(seed), Random(seed)
    cluster = PatroniCluster(folder, guardian)
    nodes = [_Node(number, cluster.url, folder, guardian) for number in range(_NODES)]
    caller = Caller(list(nodes), random, run.acknowledged)
    try:
        await cluster.start()
        await asyncio.gather(*(node.open() for node in nodes))
        talkers = [Talker(caller, number) for number in range(_USERS)]
        await asyncio.gather(*(talker.join() for talker in talkers))
        is_over = asyncio.Event()
        acting = [asyncio.create_task(talker.run(is_over)) for talker in talkers]
        for _ in range(times):
            await asyncio.sleep(_QUIET_SECONDS)
            leader = await cluster.ready()
            before = run.acknowledged.commands
            await asyncio.to_thread(leader.kill)
            took = await seconds_until_back(run, caller)
            run.faults["the leader is killed"] += 1
            run.back_seconds["the leader is killed"].append(took)
            tell(f"{leader.name} was killed after {before} commands: every node acknowledges again after {took:.1f} s")
            leader.start()
        await cluster.ready()
        is_over.set()
        await asyncio.gather(*acting)
        await asyncio.gather(*(caller.post(f"/chats/{talker.chat}/stop") for talker in talkers))
        await compare_facts(run, cluster)
    finally:
        await caller.close()
        await asyncio.gather(*(node.stop() for node in nodes))
        await cluster.stop()
    run.wrong += run.acknowledged.wrong
    return run


def _spawn(log: Path, *command: str | Path) -> subprocess.Popen[bytes]:
    programs = bundled_programs()
    options: dict[str, Any] = {}
    if os.geteuid() == 0:
        options = {"user": programs.uid, "group": programs.gid, "extra_groups": []}
    with log.open("ab") as output:
        return subprocess.Popen(
            [*map(str, command)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=log.parent,
            env={"PATH": f"{PROGRAMS}:{os.defpath}", "LC_ALL": "C.UTF-8", "TZ": "UTC"},
            start_new_session=True,
            **options,
        )


def main() -> int:
    """Play with the seed that is asked for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--times", type=int, default=3)
    given = parser.parse_args()
    with Guardian() as guardian:
        folder = Path(tempfile.mkdtemp(prefix="talktime-failover-"))
        guardian.guard_folder(folder)
        run = asyncio.run(fail_over(folder, guardian, given.seed, given.times, _tell))
    _tell(run.report())
    return 1 if run.wrong else 0


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
