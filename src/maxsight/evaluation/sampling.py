"""Queries made of a library's own pages, for those who have no real ones.

They tell how much of the exact ranking a search finds, not whether the ranking is good. On company filings, lines of
pages needed 128 candidates for a recall of 0.99 where real questions needed 64.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import islice

import numpy as np

from maxsight.errors import EmptyQueryError
from maxsight.stores.base import IndexedPage, Readable
from maxsight.types import QueryEmbedding

GIVEN, FROM_TEXT, FROM_VECTORS = "given", "lines of its own pages", "vectors of its own pages"
"""Where queries come from, for people."""
WORDS = range(4, 31)
"""In a line of text that may be a query."""
TOKENS = 16
"""In a query made of vectors."""
OWN_SHARE = 0.5
"""Of these, as many are of one page; the others are of any."""
PAGES_PER_READ = 64
DRAWS_PER_QUERY = 10
"""Pages looked at for each query that is wanted: not every page has a line that serves."""

_LINE_END = re.compile(r"(?<=[.!?])\s+|\n+")


def sample_queries(
    store: Readable,
    page_ids: Sequence[str],
    count: int,
    *,
    encode: Callable[[str], QueryEmbedding],
    seed: int = 0,
) -> tuple[list[QueryEmbedding], str]:
    """Make queries of pages drawn at random.

    Args:
        store: Where the pages are.
        page_ids: Pages to draw from.
        count: How many queries at most.
        encode: Encodes a query.
        seed: The same gives the same queries, as long as the library is the same.

    Returns:
        The queries, and what they were made of: lines of text where any page has some, else vectors.
    """
    random = np.random.default_rng(seed)

    def drawn() -> Iterator[IndexedPage]:
        return islice(_drawn(store, page_ids, random), DRAWS_PER_QUERY * count)

    lines = list(islice(_encoded(_lines(drawn(), random), encode), count))
    if lines:
        return lines, FROM_TEXT
    return list(islice(_of_vectors(drawn(), random), count)), FROM_VECTORS


def _encoded(lines: Iterator[str], encode: Callable[[str], QueryEmbedding]) -> Iterator[QueryEmbedding]:
    for line in lines:
        try:
            yield encode(line)
        except EmptyQueryError:  # nothing but figures, or in no script that the encoder reads
            continue


def _lines(pages: Iterator[IndexedPage], random: np.random.Generator) -> Iterator[str]:
    """One line of each page, none twice."""
    given: set[str] = set()
    for page in pages:
        lines = (" ".join(line.split()) for line in _LINE_END.split(page.page.text))
        fitting = sorted({line for line in lines if len(line.split()) in WORDS} - given)
        if fitting:
            line = fitting[random.integers(len(fitting))]
            given.add(line)
            yield line


def _of_vectors(pages: Iterator[IndexedPage], random: np.random.Generator) -> Iterator[QueryEmbedding]:
    """Vectors of one page, and as many of the page drawn before it: few pages hold all that is asked."""
    others = None
    for page in pages:
        vectors = page.embedding.vectors.astype(np.float32)
        if not len(vectors):
            continue
        own = random.permutation(vectors)[: int(TOKENS * OWN_SHARE)]
        asked = own if others is None else np.concatenate([own, others])
        others = random.permutation(vectors)[: TOKENS - int(TOKENS * OWN_SHARE)]
        yield QueryEmbedding("", asked, (), np.full(len(asked), -1, np.int32))


def _drawn(store: Readable, page_ids: Sequence[str], random: np.random.Generator) -> Iterator[IndexedPage]:
    """All pages in random order, and then again, for as long as any is read."""
    while True:
        order = random.permutation(page_ids)
        read = 0
        for first in range(0, len(order), PAGES_PER_READ):
            pages = store.read(order[first : first + PAGES_PER_READ].tolist())
            read += len(pages)
            yield from pages
        if not read:
            return
