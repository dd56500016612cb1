"""Rows of data files that are pages to be read, in the order in which they are read."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

from maxsight.indexing.work import Work

Row = tuple[int, int]
"""A row: the positions of its shard and of itself in the shard, from 0."""


class Place(NamedTuple):
    """Where a page is.

    Attributes:
        row: Its row.
        image: Digest of its image.
        content: Digest of its text and fields.
    """

    row: Row
    image: bytes
    content: bytes


class Due(NamedTuple):
    """A page to read.

    Attributes:
        work: Its document.
        page_index: Its index (0-based) there.
        place: Where it is.
    """

    work: Work
    page_index: int
    place: Place


class DuePages:
    """The pages to read, in the order of their rows.

    Args:
        due: The pages, in any order.
    """

    def __init__(self, due: Sequence[Due]) -> None:
        self._due = deque(sorted(due, key=lambda each: each.place.row))
        self._left = Counter(each.work.document.path for each in due)
        self._ended: list[Work] = []
        self._of_shard: list[Work] = []
        self._shards = deque(self.rows_by_shard())

    def rows_by_shard(self) -> dict[int, tuple[int, ...]]:
        """List the rows to read of each shard."""
        shards = groupby(self._due, key=lambda each: each.place.row[0])
        return {shard: tuple(each.place.row[1] for each in pages) for shard, pages in shards}

    def take(self, row: int) -> Due:
        """Take the page in a row of the current shard, and those before it, which could not be read."""
        while (each := self._next()).place.row[1] != row:
            pass
        return each

    def _next(self) -> Due:
        each = self._due.popleft()
        path = each.work.document.path
        self._of_shard.append(each.work)
        self._left[path] -= 1
        if not self._left[path]:
            self._ended.append(each.work)
        return each

    def end_shard(self) -> list[Work]:
        """Take the pages of the current shard that were not read, and return the documents that it has pages of."""
        shard = self._shards.popleft()
        while self._due and self._due[0].place.row[0] == shard:
            self._next()
        works, self._of_shard = self._of_shard, []
        return works

    def ended(self) -> list[Work]:
        """Return the documents whose last pages were taken since the last call, unless they are forgotten."""
        ended, self._ended = self._ended, []
        return [work for work in ended if not work.is_forgotten]
