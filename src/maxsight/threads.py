"""Work on several cores without getting in one another's way."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent import futures
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from threading import Lock
from typing import Any, TypeVar

from threadpoolctl import threadpool_limits

Item = TypeVar("Item")
Result = TypeVar("Result")


def cpu_count() -> int:
    """CPUs this process may use; containers and ``taskset`` give fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class _BlasLimit:
    """One BLAS thread for as long as anybody wants it so.

    Searches on several threads overlap: each lifting its own limit would lift another's, or leave the limit behind.
    And whichever thread limits OpenBLAS has it to itself until it lifts the limit, so that one thread does both.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._holders = 0
        self._setter = ThreadPoolExecutor(1, "blas-limit")
        self._limit: AbstractContextManager[Any]

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
    """Keep numpy's matrix products on the threads that ask for them.

    BLAS threads that wait for work spin. Beside onnxruntime's threads, reading processes or another program they
    take the cores that others need: a search that takes 170 ms took 400. The limit holds for the whole process.
    """
    return _blas.hold()


def map_in_threads(
    function: Callable[[Item], Result], items: Iterable[Item], *, workers: int | None = None
) -> Iterator[Result]:
    """Apply a function on every core, in order, taking items only as they are needed.

    Unlike ``Executor.map`` it does not read all items ahead, so that what is in memory stays bounded. All callers
    share as many threads as there are cores; a function must not come back here. ``workers`` keeps to fewer of them.
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
    finally:  # what is still running may use what the caller is about to let go of
        for future in waiting:
            future.cancel()
        futures.wait(waiting)


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(cpu_count(), thread_name_prefix="maxsight")


def wait_for(future: Future[Any]) -> None:
    """Wait until a future is done, in short steps, so that Ctrl-C is heard on every platform."""
    while not future.done():
        futures.wait([future], timeout=0.5)
