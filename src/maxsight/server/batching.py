"""Searches at the same time share one scan: all that wait while a scan runs go together in the next.

A search that comes alone starts at once.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from maxsight.results import Hit
from maxsight.server.problems import too_busy

MAX_TOGETHER = 32


@dataclass(frozen=True, slots=True)
class SearchOptions:
    """How to search. Only searches with the same options share a scan.

    Attributes:
        top_k: How many pages at most.
        where: SQL condition.
        exact: Score every page.
        names: Boost documents that the question names.
        phrases: Phrases that a page must have to the letter.
    """

    top_k: int = 10
    where: str | None = None
    exact: bool = False
    names: bool = True
    phrases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Waiting:
    query: str
    options: SearchOptions
    answer: asyncio.Future[list[Hit]] = field(repr=False)


SearchMany = Callable[[Sequence[str], SearchOptions], Awaitable[Sequence[list[Hit]]]]


class SearchBatcher:
    """Collects searches while a scan runs. For the event loop's thread."""

    def __init__(self, search_many: SearchMany, max_waiting: int) -> None:
        """Start idle.

        Args:
            search_many: Answers several questions at once, off the event loop.
            max_waiting: How many searches may wait.
        """
        self._search_many = search_many
        self._max_waiting = max_waiting
        self._waiting: deque[_Waiting] = deque()
        self._running: asyncio.Task[None] | None = None

    async def search(self, query: str, options: SearchOptions) -> list[Hit]:
        """Find the pages that answer a question.

        Raises:
            RefusedError: Too many searches wait already.
        """
        if len(self._waiting) >= self._max_waiting:
            raise too_busy(
                f"{len(self._waiting)} searches wait already", "Try again in a moment.", retry_after_s=1
            )
        one = _Waiting(query, options, asyncio.get_running_loop().create_future())
        self._waiting.append(one)
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._run())
        return await one.answer

    async def _run(self) -> None:
        while self._waiting:
            for options, together in self._take_next().items():
                await self._answer(options, together)

    def _take_next(self) -> dict[SearchOptions, list[_Waiting]]:
        taken: dict[SearchOptions, list[_Waiting]] = defaultdict(list)
        for _ in range(min(MAX_TOGETHER, len(self._waiting))):
            one = self._waiting.popleft()
            if not one.answer.done():  # done: its caller has gone
                taken[one.options].append(one)
        return taken

    async def _answer(self, options: SearchOptions, together: list[_Waiting]) -> None:
        try:
            found = await self._search_many([one.query for one in together], options)
        except Exception as error:
            if len(together) > 1:  # one query failed; the others must still be answered
                for one in together:
                    await self._answer(options, [one])
            elif not together[0].answer.done():
                together[0].answer.set_exception(error)
            return
        for one, hits in zip(together, found, strict=True):
            if not one.answer.done():
                one.answer.set_result(hits)
