"""Over HTTP and at the terminal, the caller is kept with what the caller does."""

from __future__ import annotations

import getpass
import json
import subprocess
from pathlib import Path
from typing import Any

import asyncpg

from tests.services import PROGRAM, environment


async def test_the_caller_is_kept(service: Any, settings: Any, database_url: str, tmp_path: Path) -> None:
    await service.people()
    await service.chat()
    await service.done("POST", "/v1/test-clock/advance", {"seconds": 60})
    await service.done("POST", "/v1/users/alice/debits", {"amount": "1.00"}, by="service:shop")
    await service.done("POST", "/v1/chats/chat 1/stop", by="user:alice")
    record = (await service.done("GET", "/v1/chats/chat 1/tracking"))["record"]["id"]
    refund = {"amount": "0.50", "reason": "sorry", "borne_by": "platform"}
    await service.done("POST", f"/v1/records/{record}/refunds", refund, by="operator:olga")
    subprocess.run(
        [*PROGRAM, "user", "credit", "alice", "2.00", "--json"],
        env=environment(database_url=settings.database_url, data_dir=tmp_path),
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    connection = await asyncpg.connect(database_url)
    rows = await connection.fetch("select act, by_role, by_subject from talktime.acts order by act_id")
    await connection.close()
    assert [tuple(row) for row in rows] == [
        ("add_credit", "service", "service"),
        ("debit", "service", "shop"),
        ("stop", "user", "alice"),
        ("refund", "operator", "olga"),
        ("add_credit", "operator", f"terminal:{getpass.getuser()}"),
    ]
    # Users are not shown who it was.
    shown = json.dumps(await service.done("GET", "/v1/users/alice/entries", by="user:alice"))
    assert "olga" not in shown
