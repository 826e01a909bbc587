"""Work that blocks, such as looking up a name, in a thread that nothing waits for.

The event loop has few threads of its own. The loop looks up the name of the database in these threads, and a process
that ends waits for them. So work that may block for long, because it asks somebody else's network, has its own thread.
"""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


async def in_own_thread(work: Callable[[], T], name: str) -> T:
    """The result of `work`. If the caller is cancelled, the work goes on and nobody learns its result.

    Raises:
        Exception: `work` has raised it.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def tell(error: Exception | None, result: T | None) -> None:
        if done.done():
            return
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(cast("T", result))

    def run() -> None:
        error, result = None, None
        try:
            result = work()
        except Exception as failure:  # noqa: BLE001  the caller gets it
            error = failure
        # The loop may have been closed meanwhile.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(tell, error, result)

    threading.Thread(target=run, name=name, daemon=True).start()
    return await done
