"""Work for requests in threads: each lane does one thing after another, and only so many may wait in it.

A request whose client has gone leaves its lane. Work that exceeds its time is left alone, and the lane
takes another thread: a thread cannot be stopped from outside.
"""

from __future__ import annotations

import asyncio
import atexit
import threading
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, Generic, TypeVar
from weakref import WeakSet

from fastapi import Request
from starlette.requests import ClientDisconnect

from vaekit.explorer.requests import Refused, busy

Result = TypeVar("Result")

LAST_SECONDS = 3  # that the end of the program waits for work that has begun
MOST_STUCK = 2  # threads of a lane that have exceeded their time and work on


class Job(Generic[Result]):
    """Work of one request.

    Attributes:
        work: called with the job in a thread of the lane.
        left: the answer is not wanted any more; long work looks here between its parts.
        begun: it has had its turn.
    """

    def __init__(self, work: Callable[[Job[Result]], Result]) -> None:
        self.work, self.begun, self._left = work, False, threading.Event()

    @property
    def left(self) -> bool:
        return self._left.is_set()

    def leave(self) -> None:
        """Marks the answer as unwanted."""
        self._left.set()


class Lane:
    """A thread that does one thing after another.

    Args:
        name: of the thread.
        waiting: how many requests may wait; others get a 503.
        seconds: that one of them may take; None for as long as it needs.
    """

    def __init__(self, name: str, waiting: int, seconds: float | None = None) -> None:
        self.name, self.waiting, self.seconds = name, waiting, seconds
        self.inside = 0
        self._turn = asyncio.Lock()  # lets in one after another in the order of their coming
        self._thread: _Thread | None = None
        self._stuck: list[Future[Any]] = []

    async def run(self, work: Callable[[Job[Result]], Result], request: Request | None = None) -> Result:
        """The result of work, when its turn has come.

        Args:
            work: called with its job.
            request: whose client wants the result and whose body has been read; None for work that is kept.

        Raises:
            Refused: 503, too many wait here, or it has taken too long.
            ClientDisconnect: nobody wants the result any more.
        """
        self._stuck = [future for future in self._stuck if not future.done()]
        if self.inside > self.waiting or len(self._stuck) >= MOST_STUCK:
            raise busy("the server is busy with other requests; try again in a moment")
        job = Job(work)
        self.inside += 1
        task = asyncio.ensure_future(self._in_turn(job))
        task.add_done_callback(self._out)
        try:
            await _first_of(task, None if request is None else _gone(request))
        finally:  # cancelled too, as the server ends
            if not task.done():
                job.leave()
                if not job.begun:
                    task.cancel()
        if not task.done():
            raise ClientDisconnect
        return task.result()

    async def _in_turn(self, job: Job[Result]) -> Result:
        async with self._turn:
            job.begun = True
            thread = self._thread = self._thread or _Thread(self.name)
            future = thread.do(lambda: job.work(job))
            try:
                async with asyncio.timeout(self.seconds):
                    return await asyncio.shield(asyncio.wrap_future(future))
            except TimeoutError:
                if future.done():  # the work's own
                    raise
                job.leave()
                thread.end()
                self._thread = None
                self._stuck.append(future)
                raise Refused(503, f"this takes longer than {self.seconds:g} s and was given up") from None

    def _out(self, task: asyncio.Future[Any]) -> None:
        self.inside -= 1
        if not task.cancelled():
            task.exception()  # seen, though nobody may be left to hear of it


class _Thread:
    """A thread that does what it is given until it is ended, and keeps nobody from leaving the program."""

    def __init__(self, name: str) -> None:
        self.jobs: SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = SimpleQueue()
        self.thread = threading.Thread(target=self._work, name=name, daemon=True)
        self.thread.start()
        _THREADS.add(self)

    def do(self, work: Callable[[], Result]) -> Future[Result]:
        future: Future[Result] = Future()
        self.jobs.put((future, work))
        return future

    def end(self) -> None:
        self.jobs.put(None)

    def _work(self) -> None:
        while (job := self.jobs.get()) is not None:
            future, work = job
            try:
                result = work()
            except BaseException as error:
                future.set_exception(error)
            else:
                future.set_result(result)
            del job, future, work  # large results do not wait here for the next job


_THREADS: WeakSet[_Thread] = WeakSet()


@atexit.register
def _end_all() -> None:
    """Lets threads end before the interpreter does: one that comes back from torch later would abort."""
    end, threads = time.monotonic() + LAST_SECONDS, list(_THREADS)
    for thread in threads:
        thread.end()
    for thread in threads:
        thread.thread.join(max(0.0, end - time.monotonic()))


async def _first_of(task: asyncio.Future[Any], other: Awaitable[None] | None) -> None:
    """Waits for a task, or until something else has happened."""
    if other is None:
        await asyncio.wait({task})
        return
    event = asyncio.ensure_future(other)
    try:
        await asyncio.wait({task, event}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        event.cancel()
        with suppress(asyncio.CancelledError):
            await event


async def _gone(request: Request) -> None:
    """Waits until the client of a request has gone."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
