"""PgBouncer for tests: a pooler in front of the server of a test database."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, unquote

from talktime.postgres.folders import make_private, open_path_to
from talktime.postgres.guardian import Guardian
from talktime.postgres.programs import bundled_programs
from tests.databases import SERVICE_ROLE

PROGRAM: Final = "/usr/sbin/pgbouncer"
_START_SECONDS_MAX: Final = 20


@contextmanager
def pooler(database_url: str, folder: Path, guardian: Guardian, **settings: object) -> Iterator[str]:
    """The address of a test database behind PgBouncer with these settings, for the context.

    PgBouncer listens on a socket in a folder of its own, under the port of PostgreSQL.
    """
    found = re.search(r"host=([^&]+)", database_url)
    assert found is not None
    user = database_url.partition("://")[2].partition("@")[0]
    ours = folder / "pooler"
    (folder / "users").write_text(f'"{user}" ""\n"{SERVICE_ROLE}" ""\n')
    given = {
        "listen_addr": "",
        "listen_port": 5432,
        "unix_socket_dir": ours,
        "auth_type": "trust",
        "auth_file": folder / "users",
        "max_client_conn": 200,
        **settings,
    }
    lines = ["[databases]", f"* = host={unquote(found[1])}", "[pgbouncer]", *(f"{k} = {v}" for k, v in given.items())]
    (folder / "pooler.ini").write_text("\n".join(lines) + "\n")
    # It does not run as root, so it runs as the user of the database.
    programs = bundled_programs()
    make_private(ours, programs.uid, programs.gid)
    as_user: dict[str, Any] = {}
    if os.geteuid() == 0:
        open_path_to(folder, programs.uid, programs.gid)
        as_user = {"user": programs.uid, "group": programs.gid, "extra_groups": []}
    with (folder / "pooler.log").open("w") as log:
        process = subprocess.Popen([PROGRAM, folder / "pooler.ini"], stdout=log, stderr=log, **as_user)
    guardian.guard_process(process.pid)
    address = database_url.replace(found[1], quote(str(ours), safe=""))
    try:
        _wait_until_it_listens(ours / ".s.PGSQL.5432")
        yield address
    finally:
        process.kill()
        process.wait()


def _wait_until_it_listens(path: Path) -> None:
    give_up_at = time.monotonic() + _START_SECONDS_MAX
    while True:
        with socket.socket(socket.AF_UNIX) as client:
            try:
                client.connect(str(path))
            except OSError:
                if time.monotonic() > give_up_at:
                    raise
                time.sleep(0.02)
            else:
                return
