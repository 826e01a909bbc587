"""The library for programs without an event loop, such as those with Django, Flask or Celery.

    talktime = Talktime.blocking()      # connects with its first call

    def top_up(order):
        talktime.add_credit(order.user_id, order.amount, reference=order.id, key=f"order {order.id}")

Every method of `Talktime` is here with the same arguments, results and errors, and returns when it is done. `events`
and `all_entries` are plain iterators. Any number of threads may call one object: see `talktime.background`.
"""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Self, TypeVar

from talktime.background import Background
from talktime.engine.timers import ChatTimerManager
from talktime.talktime import Talktime

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
    from contextlib import AbstractAsyncContextManager
    from types import TracebackType

P = ParamSpec("P")
R = TypeVar("R")


def _waits(
    method: Callable[Concatenate[Talktime, P], Coroutine[Any, Any, R]],
) -> Callable[Concatenate[BlockingTalktime, P], R]:
    """Runs an asynchronous method in the thread of the loop, and waits for its result."""

    @wraps(method)
    def wait(self: BlockingTalktime, /, *args: P.args, **kwargs: P.kwargs) -> R:
        return self._background.call(lambda talktime: method(talktime, *args, **kwargs))

    return wait


def _asks(method: Callable[Concatenate[Talktime, P], R]) -> Callable[Concatenate[BlockingTalktime, P], R]:
    """Runs a method that is not asynchronous in the thread of the loop, because no other thread may use its state."""

    @wraps(method)
    def ask(self: BlockingTalktime, /, *args: P.args, **kwargs: P.kwargs) -> R:
        async def answer(talktime: Talktime) -> R:
            return method(talktime, *args, **kwargs)

        return self._background.call(answer)

    return ask


def _each(
    method: Callable[Concatenate[Talktime, P], AsyncIterator[R]],
) -> Callable[Concatenate[BlockingTalktime, P], Iterator[R]]:
    """The method as a plain iterator."""

    @wraps(method)
    def iterate(self: BlockingTalktime, /, *args: P.args, **kwargs: P.kwargs) -> Iterator[R]:
        return self._background.iterate(lambda talktime: method(talktime, *args, **kwargs))

    return iterate


def _times(
    method: Callable[Concatenate[ChatTimerManager, P], Coroutine[Any, Any, R]],
) -> Callable[Concatenate[BlockingTimers, P], R]:
    """The method of a timer, waited for."""

    @wraps(method)
    def wait(self: BlockingTimers, /, *args: P.args, **kwargs: P.kwargs) -> R:
        return self._background.call(lambda talktime: method(talktime.timers, *args, **kwargs))

    return wait


def call_blocking(talktime: BlockingTalktime, work: Callable[[Talktime], Awaitable[R]]) -> R:
    """The result of `work` with the connected library."""
    return talktime._background.call(work)  # noqa: SLF001  not for hosts, who would reach the event loop


class BlockingTimers:
    """`Talktime.timers`, whose methods return when they are done."""

    def __init__(self, background: Background[Talktime]) -> None:
        self._background = background

    start_timer = _times(ChatTimerManager.start_timer)
    stop_timer = _times(ChatTimerManager.stop_timer)
    has_timer = _times(ChatTimerManager.has_timer)
    update_chat_time = _times(ChatTimerManager.update_chat_time)


class BlockingTalktime:
    """The library for programs without an event loop. Get one with `Talktime.blocking`.

    Every method of `Talktime` is here, with the same arguments, results and errors, and returns when it is done.
    `events` and `all_entries` are plain iterators. Any number of threads may use one object.

    Attributes:
        timers: the timers of chats, as `Talktime.timers`.
    """

    def __init__(self, connect: Callable[[], AbstractAsyncContextManager[Talktime]]) -> None:
        self._background = Background(connect)
        self.timers = BlockingTimers(self._background)

    def __enter__(self) -> Self:
        """Connect.

        Raises:
            DatabaseProblem: the database can't be used as it is.
        """
        self._background.open()
        return self

    def __exit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Disconnect. Calls that wait in other threads end with a `RuntimeError`. A second time does nothing.

        A program that ends without this closes by itself.
        """
        self._background.close()

    # People.

    put_user = _waits(Talktime.put_user)
    forget_user = _waits(Talktime.forget_user)
    put_advisor = _waits(Talktime.put_advisor)
    advisor = _waits(Talktime.advisor)
    advisors = _waits(Talktime.advisors)
    users = _waits(Talktime.users)
    user_page = _waits(Talktime.user_page)
    advisor_page = _waits(Talktime.advisor_page)

    # Access keys.

    create_key = _waits(Talktime.create_key)
    keys = _waits(Talktime.keys)
    revoke_key = _waits(Talktime.revoke_key)
    use_key = _waits(Talktime.use_key)

    # Links.

    create_link = _waits(Talktime.create_link)
    use_link = _waits(Talktime.use_link)

    # Credit.

    add_credit = _waits(Talktime.add_credit)
    debit = _waits(Talktime.debit)
    paying = _waits(Talktime.paying)
    refund = _waits(Talktime.refund)
    account = _waits(Talktime.account)
    offer = _waits(Talktime.offer)
    entries = _waits(Talktime.entries)
    entry_page = _waits(Talktime.entry_page)
    all_entries = _each(Talktime.all_entries)

    # Moving in.

    import_rows = _waits(Talktime.import_rows)
    past_sessions = _waits(Talktime.past_sessions)

    # Events.

    event_page = _waits(Talktime.event_page)
    events = _each(Talktime.events)

    # Webhooks.

    create_webhook = _waits(Talktime.create_webhook)
    webhooks = _waits(Talktime.webhooks)
    webhook = _waits(Talktime.webhook)
    change_webhook = _waits(Talktime.change_webhook)
    delete_webhook = _waits(Talktime.delete_webhook)
    delivery_page = _waits(Talktime.delivery_page)
    replay_webhook = _waits(Talktime.replay_webhook)
    ping_webhook = _waits(Talktime.ping_webhook)

    # Chats and their timers.

    initialize_time_tracking_for_chat = _waits(Talktime.initialize_time_tracking_for_chat)
    create_chat = _waits(Talktime.create_chat)
    track = _waits(Talktime.track)
    accept = _waits(Talktime.accept)
    decline = _waits(Talktime.decline)
    pause = _waits(Talktime.pause)
    resume = _waits(Talktime.resume)
    stop = _waits(Talktime.stop)
    stop_record = _waits(Talktime.stop_record)
    heartbeat = _waits(Talktime.heartbeat)
    leave = _waits(Talktime.leave)
    snapshot = _waits(Talktime.snapshot)
    chats_of_user = _waits(Talktime.chats_of_user)
    chats_of_advisor = _waits(Talktime.chats_of_advisor)
    chat_duration = _waits(Talktime.chat_duration)
    chat_parties = _waits(Talktime.chat_parties)

    # Messages.

    send_message = _waits(Talktime.send_message)
    messages = _waits(Talktime.messages)
    message_page = _waits(Talktime.message_page)
    mark_read = _waits(Talktime.mark_read)

    # Records.

    record = _waits(Talktime.record)
    record_snapshot = _waits(Talktime.record_snapshot)
    records = _waits(Talktime.records)
    record_page = _waits(Talktime.record_page)
    records_of_user = _waits(Talktime.records_of_user)
    records_of_chat = _waits(Talktime.records_of_chat)
    record_parties = _waits(Talktime.record_parties)
    pairs_of = _waits(Talktime.pairs_of)
    receipt = _waits(Talktime.receipt)

    # The books and the past.

    statement = _waits(Talktime.statement)
    earnings = _waits(Talktime.earnings)
    report = _waits(Talktime.report)
    replay = _waits(Talktime.replay)

    # The rules that must always hold.

    audit = _waits(Talktime.audit)
    broken_rules = _waits(Talktime.broken_rules)
    repair = _waits(Talktime.repair)
    breaches = _asks(Talktime.breaches)
    last_audit = _asks(Talktime.last_audit)

    # The node.

    now = _waits(Talktime.now)
    advance_clock = _waits(Talktime.advance_clock)
    check = _waits(Talktime.check)
    counts = _waits(Talktime.counts)
    connections = _asks(Talktime.connections)
    keep_refusal = _waits(Talktime.keep_refusal)
