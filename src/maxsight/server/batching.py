"""Searches that come at once share one scan: whatever waits while one is running goes together.

A search that comes alone is begun at once, so that nobody waits for company.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from maxsight.results import Hit
from maxsight.server.problems import RefusedError

MOST_TOGETHER = 32


@dataclass(frozen=True, slots=True)
class SearchOptions:
    """How to search. Only searches of the same options share a scan.

    Attributes:
        top_k: How many pages at most.
        where: SQL condition.
        hybrid: Order by the fusion with BM25.
        exact: Score every page.
    """

    top_k: int = 10
    where: str | None = None
    hybrid: bool = False
    exact: bool = False


@dataclass(frozen=True, slots=True)
class _Waiting:
    query: str
    options: SearchOptions
    answer: asyncio.Future[list[Hit]] = field(repr=False)


SearchMany = Callable[[Sequence[str], SearchOptions], Awaitable[list[list[Hit]]]]


class SearchBatcher:
    """Collects searches while one is running. All methods are for the event loop's thread."""

    def __init__(self, search_many: SearchMany, most_waiting: int) -> None:
        """Start idle.

        Args:
            search_many: Answers several questions at once, off the event loop.
            most_waiting: Searches that may wait; more are refused.
        """
        self._search_many = search_many
        self._most_waiting = most_waiting
        self._waiting: deque[_Waiting] = deque()
        self._running: asyncio.Task[None] | None = None

    async def search(self, query: str, options: SearchOptions) -> list[Hit]:
        """Find the pages that answer a question.

        Raises:
            RefusedError: Too many searches wait already.
        """
        if len(self._waiting) >= self._most_waiting:
            raise RefusedError(
                503,
                "too-busy",
                f"{len(self._waiting)} searches wait already",
                "Try again in a moment.",
                headers={"Retry-After": "1"},
            )
        one = _Waiting(query, options, asyncio.get_running_loop().create_future())
        self._waiting.append(one)
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._run())
        return await one.answer

    async def _run(self) -> None:
        while self._waiting:
            for options, together in self._next().items():
                await self._answer(options, together)

    def _next(self) -> dict[SearchOptions, list[_Waiting]]:
        taken: dict[SearchOptions, list[_Waiting]] = defaultdict(list)
        for _ in range(min(MOST_TOGETHER, len(self._waiting))):
            one = self._waiting.popleft()
            if not one.answer.done():  # who asked may have gone
                taken[one.options].append(one)
        return taken

    async def _answer(self, options: SearchOptions, together: list[_Waiting]) -> None:
        try:
            found = await self._search_many([one.query for one in together], options)
        except Exception as error:
            if len(together) > 1:  # one of them is to blame, and the others must not pay
                for one in together:
                    await self._answer(options, [one])
            elif not together[0].answer.done():
                together[0].answer.set_exception(error)
            return
        for one, hits in zip(together, found, strict=True):
            if not one.answer.done():
                one.answer.set_result(hits)
