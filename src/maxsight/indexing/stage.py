"""One thread that works on items in order, while its owner goes on."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from threading import Lock
from typing import Generic, TypeVar

from maxsight.threads import wait_for

Item = TypeVar("Item")
Result = TypeVar("Result")

MAX_IN_PROGRESS = 2
"""One item at work, and the next one ready."""


class Stage(Generic[Item, Result]):
    """One thread, and the items in progress in it. Only the thread that owns the stage may call its methods.

    An error of the work is raised where its result is taken.
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
