"""Nobody who may write into a folder of the database makes root, or anybody else, write to another file."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from talktime.core.errors import DatabaseProblem
from talktime.postgres.embedded import EmbeddedServer
from talktime.postgres.folders import open_own

STRANGER = 54_321


def open_log(path: Path) -> None:
    os.close(open_own(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, {os.geteuid()}))


def test_a_file_of_ours_is_made_and_opened_again(tmp_path: Path) -> None:
    open_log(tmp_path / "log")
    open_log(tmp_path / "log")
    assert stat.S_IMODE((tmp_path / "log").stat().st_mode) == 0o600


@pytest.mark.parametrize("kind", ["link", "link to nothing", "second name", "pipe", "folder", "stranger"])
def test_what_is_no_file_of_ours_is_refused(tmp_path: Path, kind: str) -> None:
    path, other = tmp_path / "log", tmp_path / "other"
    other.write_text("precious")
    match kind:
        case "link":
            path.symlink_to(other)
        case "link to nothing":
            path.symlink_to(tmp_path / "nothing")
        case "second name":
            path.hardlink_to(other)
        case "pipe":
            os.mkfifo(path)
        case "folder":
            path.mkdir()
        case "stranger":
            if os.geteuid() != 0:
                pytest.skip("only root can give a file to somebody else")
            path.write_text("")
            os.chown(path, STRANGER, STRANGER)
    with pytest.raises(DatabaseProblem, match="must be a file of the database"):
        open_log(path)
    assert other.read_text() == "precious"
    assert not (tmp_path / "nothing").exists()


def test_the_server_writes_through_no_link(data_dir: Path) -> None:
    server = EmbeddedServer(data_dir)
    server.start()
    stale = (data_dir / "database" / "postmaster.pid").read_bytes()
    server.stop()
    precious = data_dir / "precious"
    precious.write_bytes(stale)
    for name in ("database/postmaster.pid", "database.log", "database.users"):
        file = data_dir / name
        file.unlink(missing_ok=True)
        file.symlink_to(precious)
        with pytest.raises(DatabaseProblem, match="must be a file of the database"):
            EmbeddedServer(data_dir).start()
        assert precious.read_bytes() == stale
        file.unlink()
    again = EmbeddedServer(data_dir)
    again.start()
    again.stop()
