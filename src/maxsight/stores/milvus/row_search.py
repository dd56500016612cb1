"""Finds the pages of a query in a collection with one row a vector, and reads their vectors.

``Selection`` says which pages a search may find. A filter is never sent as a list of all pages that it keeps: a server
takes expressions of bounded length. If it keeps few pages, they are named in several requests. If it keeps many,
more hits are asked for, and the pages of the best hits are looked up together with the filter.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from maxsight.stores.milvus.connection import MAX_WINDOW
from maxsight.stores.milvus.expressions import name_pages
from maxsight.stores.milvus.token_search import MAX_MISSED, Ranking, TokenSearch
from maxsight.stores.page_rows import Row
from maxsight.types import Floats, Scalar

MAX_NAMED = 1024
"""Pages that a filter keeps and that are named to the server, if hits of other pages leave enough of them out."""

LOOKED_UP = 512
"""Pages whose rows are looked up in one request."""

MAX_UNPROMISED = 0.1
"""The share of hits that a server left out although it was asked closely, from which on a search warns."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Selection:
    """The pages that a search may find.

    Attributes:
        count: How many they are, perhaps fewer.
        of: Of how many.
        find: Returns the rows of those of some pages, by the pages' numbers, that are stored and selected.
        expressions: For the vectors of these pages, or of more.
        every_row: Returns all of them, if hits do not reach enough.
    """

    count: int
    of: int
    find: Callable[[Sequence[int]], Mapping[int, Row]]
    expressions: Sequence[str] = ("",)
    every_row: Callable[[], Iterable[Row]] | None = None

    def take(self, pages: NDArray[np.int64], limit: int) -> dict[int, Row]:
        """Take the first pages that are selected, by number, with their rows."""
        taken: dict[int, Row] = {}
        for first in range(0, len(pages), LOOKED_UP):
            some = pages[first : first + LOOKED_UP].tolist()
            rows = self.find(some)
            taken |= {page: rows[page] for page in some if page in rows}
            if len(taken) >= limit:
                break
        return dict(list(taken.items())[:limit])

    def choose_hits(self, hits: int) -> int:
        """Scale hits of vectors to those of other pages, too, if the expressions keep these."""
        share = 1.0 if self.every_row is None else self.count / max(1, self.of)
        return min(int(hits / share), MAX_WINDOW)


@dataclass(slots=True)
class RowSearch:
    """Finds pages.

    Attributes:
        search: Finds vectors.
        fetch: Reads the vectors of pages, given by their rows, by page id.
        place: The library, for warnings.
        warned: Whether it has warned.
    """

    search: TokenSearch
    fetch: Callable[[Sequence[Row]], Mapping[str, Floats]]
    place: str
    warned: bool = False

    def nearest(
        self, queries: Sequence[Floats], hits: int, limit: int, selection: Selection, consistency: str
    ) -> tuple[list[list[Row]], dict[str, Floats]]:
        """Find, for each query, the rows of the pages with the best estimated scores; and the pages' vectors.

        Args:
            queries: Shape ``(query_tokens, dim)`` each.
            hits: How many hits each token gets, if no filter is set.
            limit: How many pages at most.
            selection: Which pages.
            consistency: Milvus' consistency level.
        """
        asked = (selection.choose_hits(hits), selection.expressions, consistency)
        rankings = self.search.rank(queries, *asked)
        found = [selection.take(ranking.best_first, limit) for ranking in rankings]
        while few := [
            number for number, pages in enumerate(found) if len(pages) < min(limit, selection.count)
        ]:
            if asked[0] == MAX_WINDOW and selection.every_row is None:
                break
            if asked[0] == MAX_WINDOW:
                selection = name_selection(selection)
            asked = (min(4 * asked[0], MAX_WINDOW), selection.expressions, consistency)
            for number, ranking in zip(
                few, self.search.rank([queries[each] for each in few], *asked), strict=True
            ):
                rankings[number], found[number] = ranking, selection.take(ranking.best_first, limit)
        vectors = dict(self.fetch([row for pages in found for row in pages.values()]))
        for number, query in enumerate(queries):
            if self._missed(query, rankings[number], found[number], vectors) > MAX_MISSED:
                closer = self.search.rank_closely(query, rankings[number], *asked)
                closest = selection.take(closer.best_first, limit)
                found[number] = dict(list({**closest, **found[number]}.items())[:limit])
                new = [row for row in found[number].values() if row["page_id"] not in vectors]
                vectors.update(self.fetch(new))
                self._warn(self._missed(query, closer, found[number], vectors))
        return [list(pages.values()) for pages in found], vectors

    def _missed(
        self, query: Floats, ranking: Ranking, found: Mapping[int, Row], vectors: Mapping[str, Floats]
    ) -> float:
        """Measure which hits the server left out, on the pages that were read."""
        similarity = self.search.metric.similarity
        exact = {
            number: similarity.compare(query, vectors[row["page_id"]]).max(axis=1)
            for number, row in found.items()
            if row["page_id"] in vectors
        }
        if not exact or self.search.connection.capabilities.lite:  # Milvus Lite looks at every row
            return 0.0
        return ranking.missed(np.array(list(exact), np.int64), np.stack(list(exact.values()), axis=1))

    def _warn(self, missed: float) -> None:
        if missed > MAX_UNPROMISED and not self.warned:
            self.warned = True
            _log.warning(
                "%s: the server's index misses %.0f %% of the nearest vectors, so the best pages may not be found; "
                "`maxsight audit` measures it, `--exact` finds all",
                self.place,
                100 * missed,
            )


def name_selection(selection: Selection) -> Selection:
    """Name all pages of a selection to the server."""
    assert selection.every_row is not None
    rows = {row["vectors_key"]: row for row in selection.every_row()}
    return select_rows(rows, "doc_id", [row["page_id"] for row in rows.values()], of=selection.of)


def select_rows(rows: Mapping[int, Row], column: str, names: Sequence[Scalar], *, of: int) -> Selection:
    """Select pages, of so many, with the given rows, by number. The server knows them by ``names`` in a column."""

    def find(pages: Sequence[int]) -> dict[int, Row]:
        return {page: rows[page] for page in pages if page in rows}

    return Selection(len(rows), of, find, [""] if len(rows) == of else name_pages(column, names))
