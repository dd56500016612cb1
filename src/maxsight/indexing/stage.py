"""Work in a thread of its own, in order, while whoever gives it goes on."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from threading import Lock
from typing import Generic, TypeVar

from maxsight.threads import wait_for

Item = TypeVar("Item")
Result = TypeVar("Result")

MOST_UNDER_WAY = 2
"""One item at work, and the next one ready when that is done."""


class Stage(Generic[Item, Result]):
    """One thread, and the items under way in it. All methods are for the one thread that owns the stage.

    What the work raises is raised where its result is taken.
    """

    def __init__(self, work: Callable[[Item], Result], name: str) -> None:
        """Start idle.

        Args:
            work: Called with one item after the other, in the stage's thread.
            name: Of the thread.
        """
        self._work = work
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._under_way: deque[Future[Result]] = deque()
        self._at_work = Lock()
        self._is_closed = False

    @property
    def is_idle(self) -> bool:
        """Whether every result has been taken."""
        return not self._under_way

    def give(self, item: Item) -> None:
        """Have an item worked on after those before it. Take results first where there may be no room."""
        assert len(self._under_way) < MOST_UNDER_WAY
        self._under_way.append(self._thread.submit(self._do, item))

    def results(self, *, leave: int = MOST_UNDER_WAY) -> Iterator[Result]:
        """Take the results that are there, in order, and wait for more until at most ``leave`` items are under way."""
        while self._under_way and (len(self._under_way) > leave or self._under_way[0].done()):
            wait_for(
                self._under_way[0]
            )  # taken out only then: Ctrl-C may come here, and no result must go lost
            yield self._under_way.popleft().result()

    def last_results(self) -> Iterator[Result]:
        """Drop what is not begun; wait for what is, and take it.

        What fails now is passed over: its items count as not begun.
        """
        self._under_way = deque(future for future in self._under_way if not future.cancel())
        while self._under_way:
            wait_for(self._under_way[0])
            done = self._under_way.popleft()
            if done.exception() is None:
                yield done.result()

    def close(self) -> None:
        """End the thread when the item at work is done, dropping what is not begun.

        Nothing is worked on once this has ended, even by Ctrl-C: that is heard, but only then.
        """
        try:
            with self._at_work:
                self._is_closed = True
            self._thread.shutdown(cancel_futures=True)
        except KeyboardInterrupt:
            self.close()
            raise

    def leave(self) -> None:
        """End the thread, at once where it is idle; else leave it to end by itself when the item at work is done."""
        self._thread.shutdown(wait=self.is_idle, cancel_futures=True)

    def _do(self, item: Item) -> Result:
        with self._at_work:
            if self._is_closed:
                raise CancelledError
            return self._work(item)
