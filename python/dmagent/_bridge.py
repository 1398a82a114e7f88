"""How a call into the core is awaited on an event loop, any event loop of any thread."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import Future
    from collections.abc import Callable
    from typing import Any, TypeVar

    from ._native import Call

    T = TypeVar("T")


async def run(call: Call, made: Callable[[Any], T]) -> T:
    """Awaits a call, and returns what `made` makes of its result. Cancelling it cancels the work in the core.

    The future of the loop only says that something is there; the result is taken by this coroutine itself. So there
    is no moment at which a cancellation could lose a result: what is not taken goes back. So does what is taken when
    a signal handler raises before it is made.
    """
    from asyncio import get_running_loop
    from functools import partial

    loop = get_running_loop()
    future: Future[None] = loop.create_future()
    try:
        call.start(partial(loop.call_soon_threadsafe, _wake, future))
        await future
        return made(call.take())
    except BaseException:
        call.cancel()
        raise


def _wake(future: Future[None]) -> None:
    if not future.done():
        future.set_result(None)
