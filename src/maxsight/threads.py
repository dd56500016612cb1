"""Threads that use the CPUs without slowing each other down. They survive a fork of the process."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent import futures
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from threading import Lock
from typing import Any, Generic, TypeVar

from threadpoolctl import threadpool_limits

Item = TypeVar("Item")
Result = TypeVar("Result")

MAX_IN_PROGRESS = 2
"""One item being processed and one queued."""


def cpu_count() -> int:
    """Count the CPUs this process may use; containers and ``taskset`` give fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class _BlasLimit:
    """Limits BLAS to one thread while at least one caller holds the limit.

    Searches on several threads overlap, so one limit is shared and its holders are counted. In OpenBLAS the same
    thread must set and lift the limit, so one thread of our own does both.
    """

    def __init__(self) -> None:
        self._limit: AbstractContextManager[Any]
        self.start_thread()

    def start_thread(self) -> None:
        """Start the thread that sets the limit; again in a forked child, which has no threads of its parent."""
        self._lock = Lock()
        self._holders = 0
        self._setter = ThreadPoolExecutor(1, "blas-limit")

    @contextmanager
    def hold(self) -> Iterator[None]:
        with self._lock:
            if not self._holders:
                self._limit = self._setter.submit(threadpool_limits, limits=1, user_api="blas").result()
            self._holders += 1
        try:
            yield
        finally:
            with self._lock:
                self._holders -= 1
                if not self._holders:
                    self._setter.submit(self._limit.__exit__, None, None, None).result()


_blas = _BlasLimit()


def one_blas_thread() -> AbstractContextManager[None]:
    """Keep numpy's matrix products on the threads that ask for them, in the whole process.

    BLAS threads that wait for work spin. They take cores from onnxruntime, reading processes and other programs: a
    search of 170 ms took 400 ms.
    """
    return _blas.hold()


def map_in_threads(
    function: Callable[[Item], Result], items: Iterable[Item], *, workers: int | None = None
) -> Iterator[Result]:
    """Apply a function on every core and yield the results in order.

    Unlike ``Executor.map`` this takes few items ahead, so that memory stays bounded. All callers share one pool with
    a thread per core, so the function must not call ``map_in_threads``.

    Args:
        function: What to apply.
        items: Its arguments; taken when they are needed.
        workers: At most so many items at once; None for all cores.
    """
    ahead = workers or 4 * cpu_count()
    waiting: deque[Future[Result]] = deque()
    try:
        for item in items:
            waiting.append(_pool().submit(function, item))
            if len(waiting) >= ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:  # running calls may use what the caller is about to free
        for future in waiting:
            future.cancel()
        futures.wait(waiting)


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(cpu_count(), thread_name_prefix="maxsight")


def _start_threads_again() -> None:
    _blas.start_thread()
    _pool.cache_clear()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_start_threads_again)


def wait_for(future: Future[Any]) -> None:
    """Wait until a future is done, in short steps, so that Ctrl-C works on every platform."""
    while not future.done():
        futures.wait([future], timeout=0.5)


class Stage(Generic[Item, Result]):
    """One thread that works on items in order, while its owner goes on.

    Only the thread that owns the stage may call its methods. An error of the work is raised where its result is taken.
    """

    def __init__(self, work: Callable[[Item], Result], name: str) -> None:
        """Start without items.

        Args:
            work: Works on one item. Called in the stage's thread.
            name: The thread's name.
        """
        self._work = work
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._in_progress: deque[Future[Result]] = deque()
        self._at_work = Lock()
        self._is_closed = False

    @property
    def is_idle(self) -> bool:
        """Whether all results have been taken."""
        return not self._in_progress

    def give(self, item: Item) -> None:
        """Add an item behind the others. Take results first if the stage may be full."""
        assert len(self._in_progress) < MAX_IN_PROGRESS
        self._in_progress.append(self._thread.submit(self._do, item))

    def results(self, *, leave: int = MAX_IN_PROGRESS) -> Iterator[Result]:
        """Take finished results in order. Wait for more until at most ``leave`` items are in progress."""
        while self._in_progress and (len(self._in_progress) > leave or self._in_progress[0].done()):
            wait_for(self._in_progress[0])  # Ctrl-C may come here: the result is taken out only afterwards
            yield self._in_progress.popleft().result()

    def last_results(self) -> Iterator[Result]:
        """Drop the items that have not begun. Wait for the others and take their results.

        An item that fails now counts as not begun.
        """
        self._in_progress = deque(future for future in self._in_progress if not future.cancel())
        while self._in_progress:
            wait_for(self._in_progress[0])
            done = self._in_progress.popleft()
            if done.exception() is None:
                yield done.result()

    def wait(self) -> None:
        """Wait until no item is in progress. Results and errors can be taken then."""
        for future in self._in_progress:
            wait_for(future)

    def close(self) -> None:
        """Wait for the item at work, drop the others, and end the thread.

        The thread does not work after this has ended. Ctrl-C is raised only then.
        """
        try:
            with self._at_work:
                self._is_closed = True
            self._thread.shutdown(cancel_futures=True)
        except KeyboardInterrupt:
            self.close()
            raise

    def leave(self) -> None:
        """End the thread at once if it is idle; else let it end by itself after the item at work."""
        self._thread.shutdown(wait=self.is_idle, cancel_futures=True)

    def _do(self, item: Item) -> Result:
        with self._at_work:
            if self._is_closed:
                raise CancelledError
            return self._work(item)
