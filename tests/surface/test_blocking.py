"""The library without an event loop: from many threads, in forked processes, and to its end."""

from __future__ import annotations

import asyncio
import inspect
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from scripts.docsite.library_reference import methods
from talktime import BlockingTalktime, Reason, Talktime, Tariff, parse_credits
from talktime.engine.timers import ChatTimerManager
from talktime.errors import DatabaseProblem, InsufficientCredit
from talktime.testing import blocking_talk, disposable_blocking_talktime
from tests.nodes import MAYAS_TARIFF

_CONNECTING = {"connect", "blocking"}


def test_every_public_method_is_there_with_its_arguments() -> None:
    for whole, blocking, names in (
        (Talktime, BlockingTalktime, {name for _, name, _ in methods(Talktime)} - _CONNECTING),
        (ChatTimerManager, type(Talktime.blocking("").timers), {name for _, name, _ in methods(ChatTimerManager)}),
    ):
        missing = names - set(vars(blocking))
        assert not missing, f"each needs a line in its blocking class: {missing}"
        for name in names:
            method = getattr(blocking, name)
            assert inspect.signature(method) == inspect.signature(getattr(whole, name)), name
            assert not inspect.iscoroutinefunction(method), name
            assert method.__doc__ == getattr(whole, name).__doc__


def test_a_program_without_an_event_loop(database_url: str) -> None:
    with Talktime.blocking(database_url) as talktime:
        assert talktime.put_user("alice", "Alice")
        talktime.put_advisor("maya", "Maya", MAYAS_TARIFF, starts="at_once")
        talktime.add_credit("alice", parse_credits("10"), key="order 4711")
        talktime.add_credit("alice", parse_credits("10"), key="order 4711")
        with pytest.raises(InsufficientCredit):
            talktime.debit("alice", parse_credits("11"))
        talktime.initialize_time_tracking_for_chat("alice", "maya", "c")
        assert talktime.timers.has_timer("c")
        talktime.stop("c")
        assert [entry.kind for entry in talktime.all_entries()] == ["purchase", "charge"]
        types = [event.type for event in talktime.events(follow=False)]
        assert types[0] == "credit.added"
        assert "record.ended" in types
        assert talktime.breaches()[1] == 0
        talktime.check()
    with pytest.raises(RuntimeError, match="was closed"):
        talktime.account("alice")
    talktime.close()


def test_many_threads_use_one_object(database_url: str) -> None:
    with Talktime.blocking(database_url) as talktime, ThreadPoolExecutor(16) as threads:
        talktime.put_user("alice", "Alice")
        list(threads.map(lambda number: talktime.add_credit("alice", 1, key=f"order {number % 50}"), range(200)))
        assert talktime.account("alice").balance == 50


def test_many_threads_connect_once(database_url: str) -> None:
    talktime = Talktime.blocking(database_url)
    with ThreadPoolExecutor(16) as threads:
        list(threads.map(lambda _: talktime.now(), range(16)))
    assert [thread.name for thread in threading.enumerate()].count("talktime") == 1
    talktime.close()
    assert [thread.name for thread in threading.enumerate()].count("talktime") == 0


def test_closing_ends_the_calls_that_wait(database_url: str) -> None:
    talktime = Talktime.blocking(database_url)
    seen, errors = threading.Event(), []

    def follow() -> None:
        try:
            for _ in talktime.events():
                seen.set()
        except RuntimeError as error:
            errors.append(str(error))

    follower = threading.Thread(target=follow)
    follower.start()
    talktime.put_user("alice", "Alice")
    talktime.add_credit("alice", 1)
    assert seen.wait(30)
    talktime.close()
    follower.join(30)
    assert errors == ["This connection was closed."]


def test_an_iterator_may_be_left_early(database_url: str) -> None:
    with Talktime.blocking(database_url) as talktime:
        talktime.put_user("alice", "Alice")
        for _ in range(20):
            talktime.add_credit("alice", 1)
        for _ in range(50):  # each would keep a connection of the pool
            assert next(talktime.all_entries()).kind == "purchase"
        assert talktime.account("alice").balance == 20


async def test_an_event_loop_is_not_blocked(database_url: str) -> None:
    talktime = Talktime.blocking(database_url)
    with pytest.raises(RuntimeError, match=r"`await asyncio\.to_thread\(talktime\..*use `Talktime"):
        talktime.now()
    assert await asyncio.to_thread(talktime.now) > 0
    await asyncio.to_thread(talktime.close)


def test_a_database_that_can_not_be_used_is_tried_again(empty_database_url: str) -> None:
    talktime = Talktime.blocking(empty_database_url)
    for _ in range(2):
        with pytest.raises(DatabaseProblem):
            talktime.now()
    talktime.close()


def run(program: str, database_url: str) -> subprocess.CompletedProcess[str]:
    """Run a program, whose `talktime` is not connected yet."""
    begin = "import os, signal, sys, threading, time\nfrom talktime import Talktime\ntalktime = Talktime.blocking()\n"
    return subprocess.run(
        [sys.executable, "-W", "error::ResourceWarning", "-c", begin + program],
        env=os.environ | {"TALKTIME_DATABASE_URL": database_url},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


FORKED = """
if {connects_first}:
    talktime.now()
child = os.fork()
if child == 0:
    try:
        print("child", talktime.now() > 0)
        talktime.close()
    except RuntimeError as error:
        print("child", error)
    sys.stdout.flush()
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
print("parent", talktime.now() > 0)
"""


def test_a_forked_process_connects_itself(database_url: str) -> None:
    ended = run(FORKED.format(connects_first=False), database_url)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "child True\nparent True\n", "")


def test_a_process_forked_from_a_connected_one_is_told_so(database_url: str) -> None:
    ended = run(FORKED.format(connects_first=True), database_url)
    assert ended.returncode == 0, ended.stderr
    child, parent = ended.stdout.splitlines()
    assert "was forked from it. A connection can't be shared" in child
    assert parent == "parent True"


def test_a_program_may_end_without_closing(database_url: str) -> None:
    ended = run("talktime.put_user('alice', 'Alice')", database_url)
    assert (ended.returncode, ended.stderr) == (0, "")
    # The node has left properly, so its row is gone.
    with Talktime.blocking(database_url, work=False) as talktime:
        assert talktime.counts()["nodes"] == 0


TIMED_OUT = """
class TooLong(Exception): pass
def stop(*_): raise TooLong
signal.signal(signal.SIGALRM, stop)
cursor = talktime.event_page(after="latest").next
signal.setitimer(signal.ITIMER_REAL, 0.5)
try:
    talktime.event_page(after=cursor, wait=3600)
except TooLong:
    print("too long")
talktime.put_user("alice", "Alice")
print(len(talktime._background._tasks))
talktime.close()
print([thread.name for thread in threading.enumerate()])
"""


def test_a_time_limit_of_the_caller_ends_a_call(database_url: str) -> None:
    """A soft limit of Celery is an exception in the thread that waits."""
    ended = run(TIMED_OUT, database_url)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "too long\n0\n['MainThread']\n", "")


def test_tests_without_an_event_loop_play_conversations() -> None:
    with disposable_blocking_talktime() as talktime:
        talktime.put_user("alice", "Alice")
        talktime.put_advisor("maya", "Maya", Tariff.parse({"tiers": [{"rate": "1.00", "increment_seconds": 60}]}))
        talktime.add_credit("alice", parse_credits("100"))
        talktime.initialize_time_tracking_for_chat("alice", "maya", "c")
        talked: Any = blocking_talk(talktime, "c", minutes=60)
        assert (talked.cost, talked.record.reason) == (parse_credits("60"), Reason.USER_AWAY)
