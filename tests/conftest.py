"""What tests run on: the newest and the oldest PostgreSQL we support, and a fresh database for each test.

A test that takes `database_url` runs on the newest. A test whose outcome could depend on the server's version runs on
both, by a mark on the test, the class or the module:

    @pytest.mark.both_servers
"""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings

from talktime import Talktime
from talktime.database.migrate import migrate
from talktime.database.pool import Pool
from talktime.postgres.cluster import Cluster
from talktime.postgres.embedded import EmbeddedServer
from talktime.postgres.folders import open_path_to, socket_folder
from talktime.postgres.guardian import Guardian
from talktime.postgres.programs import Programs, bundled_programs
from tests.databases import (
    SERVER_SETTINGS,
    SERVICE_ROLE,
    Server,
    as_service,
    ask_once_for_types,
    open_database,
    server_folder,
)
from tests.nodes import LONG_SECONDS, add_alice_and_maya, node_on

# A busy machine must not fail a test that is right.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
# Mutants are counted in thousands of runs. Every run must find what one run finds, and no run needs a short message.
settings.register_profile(
    "mutation",
    settings.get_profile("patient"),
    max_examples=20,
    derandomize=True,
    database=None,
    phases=(Phase.explicit, Phase.generate),
)
settings.load_profile("patient")

ask_once_for_types()

NEWEST, OLDEST = "pg18", "pg15"

# What services said, for the report of a test that fails: a fixture's value that has services has `logs`.
_LOG_CHARACTERS_MAX = 8_000

# So that assertions in the modules that tests share show the values that they compared.
pytest.register_assert_rewrite("tests.screen")

_FIGURE = "figure"

_numbers = itertools.count(1)


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Generator[None]:
    """Let each test that waits for minutes begin first in a worker of its own, so that the others run beside it."""
    yield
    marks = [(mark.kwargs["seconds"], item) for item in items if (mark := item.get_closest_marker("begins_first"))]
    waiting = [item for _, item in sorted(marks, key=lambda mark: -mark[0])]
    ordered = [item for item in items if item not in waiting]
    # At first each worker gets an equal part of the tests, in their order.
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    for number, item in enumerate(waiting):
        ordered.insert(len(items) * (number % workers) // workers, item)
    items[:] = ordered


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Shows the end of the services' logs beside what failed."""
    report = yield
    if report.failed and isinstance(item, pytest.Function):
        for name, value in item.funcargs.items():
            for log in filter(Path.exists, map(Path, getattr(value, "logs", ()))):
                text = log.read_text(errors="replace")[-_LOG_CHARACTERS_MAX:]
                report.sections.append((f"log of {name}: {log.name}", text))
    return report


@pytest.fixture
def tell(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Adds a figure to the end of the report."""
    return lambda text: record_property(_FIGURE, text)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Shows the figures, such as how far screens and server were apart."""
    reports = [report for reports in terminalreporter.stats.values() for report in reports]
    figures = [
        f"{report.nodeid.rpartition('::')[2]}: {text}"
        for report in reports
        if isinstance(report, pytest.TestReport) and report.when == "call"
        for name, text in report.user_properties
        if name == _FIGURE
    ]
    if figures:
        terminalreporter.section("figures")
        for figure in figures:
            terminalreporter.line(figure)


@pytest.fixture(scope="session")
def guardian() -> Iterator[Guardian]:
    """The guardian of the test run, which cleans up if the run is killed."""
    with Guardian() as guardian:
        yield guardian


def pytest_addoption(parser: pytest.Parser) -> None:
    """Simulations print the seed that failed; `--seed` runs it again. Long scenarios are shortened without `--full`."""
    parser.addoption("--seed", type=int, help="run only this seed of the simulations")
    parser.addoption("--full", action="store_true", help="play long scenarios in full, as `make nightly` does")


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int | None:
    """The one seed to run, if one is asked for."""
    asked: int | None = request.config.getoption("--seed")
    return asked


@pytest.fixture
def data_dir(guardian: Guardian) -> Iterator[Path]:
    """A folder for a database of the test's own; pytest's own temporary folders are closed to a database's user."""
    with _temporary_folder(guardian) as folder:
        yield folder


@pytest.fixture(scope="session")
def servers(guardian: Guardian) -> Iterator[Callable[[str], Server]]:
    """The server of a version, `pg18` or `pg15`. Each starts when a test first asks for it, and then stays."""
    running: dict[str, Server] = {}
    with ExitStack() as stack:

        def server(version: str) -> Server:
            if version not in running:
                running[version] = stack.enter_context(_started(version, guardian))
            return running[version]

        yield server


@pytest.fixture(scope="session")
def server(request: pytest.FixtureRequest, servers: Callable[[str], Server]) -> Server:
    """PostgreSQL 18; for a test that is marked `both_servers`, PostgreSQL 18 and 15 in turn."""
    return servers(getattr(request, "param", NEWEST))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Runs a test that is marked `both_servers` once on each server."""
    if "server" in metafunc.fixturenames and metafunc.definition.get_closest_marker("both_servers"):
        metafunc.parametrize("server", [NEWEST, OLDEST], indirect=True, scope="session")


@pytest.fixture
def database_url(server: Server, request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a fresh, migrated database, in which every rule must still hold when the test is over."""
    # The node of the fixture `talktime` looks for broken rules itself, and finds more than the views of the database.
    with _database(server, "talktime") if "talktime" in request.fixturenames else _audited(server, request) as url:
        yield url


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Pool]:
    """Runs SQL on the database of `database_url`, beside the program: `await database.fetchval("select ...")`."""
    async with open_database(database_url) as database:
        yield database


@pytest.fixture
async def talktime(database_url: str) -> AsyncIterator[Talktime]:
    """A node that does nothing by itself but deadlines: alice with 100 credits, maya at 0.60 a minute by the second."""
    async with node_on(
        as_service(database_url), health_seconds=LONG_SECONDS, presence_lease_seconds=LONG_SECONDS
    ) as node:
        await add_alice_and_maya(node)
        yield node
        assert await node.broken_rules() == []


@pytest.fixture
def another_database_url(server: Server, request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a second one."""
    with _audited(server, request) as url:
        yield url


@pytest.fixture
def empty_database_url(server: Server) -> Iterator[str]:
    """The address of a fresh database without our schema."""
    with _database(server, "template1") as url:
        yield url


@contextmanager
def _started(version: str, guardian: Guardian) -> Iterator[Server]:
    with _temporary_folder(guardian, server_folder()) as folder:
        if version == NEWEST:
            embedded = EmbeddedServer(folder, settings=SERVER_SETTINGS)
            embedded.start()
            url, programs, stop = embedded.url, bundled_programs(), embedded.stop
        else:
            ours = bundled_programs()
            programs = Programs(Path("/usr/lib/postgresql/15/bin"), 15, ours.uid, ours.gid)
            if os.geteuid() == 0:
                open_path_to(folder, ours.uid, ours.gid)
            cluster = Cluster(
                programs,
                folder,
                socket_folder(folder),
                init_options=("--locale=C.UTF-8",),
                settings=SERVER_SETTINGS,
            )
            cluster.start()
            url, stop = cluster.url, cluster.stop
        try:
            server = Server(url, programs)
            server.execute(f"create role {SERVICE_ROLE} login")
            server.run(migrate(url, grant_to=SERVICE_ROLE))
            yield server
            server.close()
        finally:
            stop()


@contextmanager
def _audited(server: Server, request: pytest.FixtureRequest) -> Iterator[str]:
    with _database(server, "talktime") as url:
        yield url
        if request.node.get_closest_marker("breaks_rules") is None:
            assert server.broken_rules(url) == [], "the auditor finds something"


@contextmanager
def _database(server: Server, template: str) -> Iterator[str]:
    name = f"test_{next(_numbers)}"
    yield server.create(name, template=template)
    server.drop(name)


@contextmanager
def _temporary_folder(guardian: Guardian, parent: Path | None = None) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="talktime-test-", dir=parent))
    guardian.guard_folder(folder)
    yield folder
    shutil.rmtree(folder)
