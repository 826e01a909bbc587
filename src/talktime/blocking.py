"""Asynchronous methods as methods that wait, for programs without an event loop.

A class whose methods wait takes them from a class whose methods are asynchronous, the subject, one line each:

    class BlockingTalktime(Blocking[Talktime]):
        put_user = waits(Talktime.put_user)

The arguments, results, errors and docstrings stay those of the subject, also for type checkers. The subject lives in an
event loop in the background: see `talktime.background`.
"""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, TypeVar

from talktime.background import Background

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator

P = ParamSpec("P")
R = TypeVar("R")
Subject = TypeVar("Subject")
Part = TypeVar("Part")


class Blocking(Generic[Subject]):
    """Has a subject in the background, which its methods call."""

    def __init__(self, background: Background[Subject]) -> None:
        self._background = background


def call_blocking(blocking: Blocking[Subject], work: Callable[[Subject], Awaitable[R]]) -> R:
    """The result of `work` with the subject."""
    return blocking._background.call(work)  # noqa: SLF001  not for hosts, who would reach the event loop


def waits(
    method: Callable[Concatenate[Subject, P], Coroutine[Any, Any, R]],
) -> Callable[Concatenate[Blocking[Subject], P], R]:
    """Runs an asynchronous method in the thread of the loop, and waits for its result."""

    @wraps(method)
    def wait(self: Blocking[Subject], /, *args: P.args, **kwargs: P.kwargs) -> R:
        return call_blocking(self, lambda subject: method(subject, *args, **kwargs))

    return wait


def waits_for_part(
    part_of: Callable[[Subject], Part], method: Callable[Concatenate[Part, P], Coroutine[Any, Any, R]]
) -> Callable[Concatenate[Blocking[Subject], P], R]:
    """The method of a part of the subject, waited for."""

    @wraps(method)
    def wait(self: Blocking[Subject], /, *args: P.args, **kwargs: P.kwargs) -> R:
        return call_blocking(self, lambda subject: method(part_of(subject), *args, **kwargs))

    return wait


def asks(method: Callable[Concatenate[Subject, P], R]) -> Callable[Concatenate[Blocking[Subject], P], R]:
    """Runs a method that is not asynchronous in the thread of the loop, because no other thread may use its state."""

    @wraps(method)
    def ask(self: Blocking[Subject], /, *args: P.args, **kwargs: P.kwargs) -> R:
        async def answer(subject: Subject) -> R:
            return method(subject, *args, **kwargs)

        return call_blocking(self, answer)

    return ask


def each(
    method: Callable[Concatenate[Subject, P], AsyncIterator[R]],
) -> Callable[Concatenate[Blocking[Subject], P], Iterator[R]]:
    """The method as a plain iterator."""

    @wraps(method)
    def iterate(self: Blocking[Subject], /, *args: P.args, **kwargs: P.kwargs) -> Iterator[R]:
        return self._background.iterate(lambda subject: method(subject, *args, **kwargs))

    return iterate
