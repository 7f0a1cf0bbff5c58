"""Work for a request, in a thread: bounded in number and time, and ended when nobody waits for it.

A thread cannot be stopped from outside. What it waits for in a queue can be given up (server.queue
looks at CALL), and so can a place in line; whatever else it does goes on to its end, but nobody
waits for that.
"""

from __future__ import annotations

import asyncio
import math
import time
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final, TypeVar

from anyio import to_thread
from starlette.requests import ClientDisconnect

from server.problems import HttpError

if TYPE_CHECKING:
    from collections.abc import Callable

    from anyio import CapacityLimiter
    from starlette.requests import Request

T = TypeVar("T")
# Seconds beyond its time that a request is waited for: the reranker finishes what it reads.
GRACE: Final = 2.0
# Seconds beyond that for those that had no thread yet: a full line needs as long for stage one.
LINE_GRACE: Final = 5.0
_FULL: Final = {"Retry-After": "1"}


class ClientLeftError(Exception):
    """Raised in the work for a request when nobody waits for its answer any more."""


class Call:
    """A request, as the work for it knows it.

    Attributes:
        deadline: until when it has time (`time.perf_counter`, in seconds).
        left: whether nobody waits for it any more.
        wake: called when they leave; set by what waits in a queue.
        working: whether its thread runs.
        began: when it came.
        waited: seconds that it waited for a thread.
    """

    def __init__(self, deadline: float = math.inf) -> None:
        """Begin now."""
        self.deadline = deadline
        self.left = False
        self.wake: Callable[[], None] | None = None
        self.working = False
        self.began = time.perf_counter()
        self.waited = 0.0

    def begin(self) -> None:
        """Say that its thread runs. Raises ClientLeftError if nobody waits for it."""
        self.working = True
        self.waited = time.perf_counter() - self.began
        if self.left:
            raise ClientLeftError

    def leave(self) -> None:
        """Say that nobody waits any more; what is waited for in a queue is given up."""
        self.left = True
        wake = self.wake
        if wake:
            wake()


# The request that a thread works for. A thread of anyio has the context of the task that waits.
CALL: Final[ContextVar[Call | None]] = ContextVar("call", default=None)


def waited() -> float:
    """Return the seconds that the request of this thread waited for it."""
    call = CALL.get()
    return call.waited if call else 0.0


async def do(
    work: Callable[[], T], request: Request, threads: CapacityLimiter, line: int, seconds: float
) -> T:
    """Do something in a thread.

    Args:
        work: what is done.
        request: for whom. Its body must have been read: from now on it is watched for its end.
        threads: how many may work at the same time.
        line: how many may wait for one of them.
        seconds: how long it may take.

    Raises:
        HttpError: 503, if too many wait or it takes too long.
        ClientDisconnect: if the client left.
    """
    if threads.statistics().tasks_waiting >= line:
        raise HttpError(503, "too many requests wait; try again in a second", _FULL)
    call = Call(time.perf_counter() + seconds)
    job = asyncio.create_task(_work(work, call, threads))
    gone = asyncio.create_task(_gone(request))
    both = {job, gone}
    try:
        await asyncio.wait(both, timeout=seconds + GRACE, return_when=asyncio.FIRST_COMPLETED)
        in_line = not call.working or call.waited > seconds
        if in_line and not (job.done() or gone.done()):
            # Its time went by in the line. What is left is short: nothing waits for the reranker.
            await asyncio.wait(both, timeout=LINE_GRACE, return_when=asyncio.FIRST_COMPLETED)
        if job.done():
            return job.result()
    finally:
        gone.cancel()
        call.leave()
        if not call.working:
            job.cancel()
        job.add_done_callback(_forget)
    if gone.done():
        raise ClientDisconnect
    raise HttpError(503, f"there is no answer within {seconds:g} seconds", _FULL)


async def _work(work: Callable[[], T], call: Call, threads: CapacityLimiter) -> T:
    CALL.set(call)

    def begun() -> T:
        call.begin()
        return work()

    return await to_thread.run_sync(begun, limiter=threads)


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _forget(job: asyncio.Task[T]) -> None:
    """Take the outcome of what nobody waits for, or asyncio complains that nobody did."""
    if not job.cancelled():
        job.exception()
