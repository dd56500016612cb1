"""Queries made from a library's own pages, if there are no real ones.

They measure how much of the exact ranking a search finds, not whether the ranking is good. On company filings, lines of
pages needed 128 candidates for a recall of 0.99, and real questions 64.
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
"""Number of words in a line of text that can be a query."""
TOKENS = 16
"""Number of tokens in a query made of vectors."""
OWN_SHARE = 0.5
"""This share of the tokens is from one page, the rest from another."""
PAGES_PER_READ = 64
MAX_DRAWS_PER_QUERY = 10
"""Pages that are read for each query: not every page has a suitable line."""

_LINE_END = re.compile(r"(?<=[.!?])\s+|\n+")


def sample_queries(
    store: Readable,
    page_ids: Sequence[str],
    count: int,
    *,
    encode: Callable[[str], QueryEmbedding],
    seed: int = 0,
) -> tuple[list[QueryEmbedding], str]:
    """Make queries from pages drawn at random.

    Args:
        store: Holds the pages.
        page_ids: Pages to draw from.
        count: How many queries at most.
        encode: Encodes a query.
        seed: The same seed gives the same queries, for the same library.

    Returns:
        The queries, and what they were made from: lines of text if there are any, else vectors.
    """
    random = np.random.default_rng(seed)

    def drawn() -> Iterator[IndexedPage]:
        return islice(_drawn(store, page_ids, random), MAX_DRAWS_PER_QUERY * count)

    lines = list(islice(_encoded(_lines(drawn(), len(page_ids), random), encode), count))
    if lines:
        return lines, FROM_TEXT
    return list(islice(_of_vectors(drawn(), random), count)), FROM_VECTORS


def _encoded(lines: Iterator[str], encode: Callable[[str], QueryEmbedding]) -> Iterator[QueryEmbedding]:
    for line in lines:
        try:
            yield encode(line)
        except EmptyQueryError:  # only figures, or a script that the encoder can't read
            continue


def _lines(pages: Iterator[IndexedPage], count: int, random: np.random.Generator) -> Iterator[str]:
    """One line of each page, no line twice, until no page has another. Pages come in random order, again and again."""
    given: set[str] = set()
    without = 0
    for page in pages:
        lines = (" ".join(line.split()) for line in _LINE_END.split(page.page.text))
        fitting = sorted({line for line in lines if len(line.split()) in WORDS} - given)
        without = 0 if fitting else without + 1
        if without == 2 * count:  # among them are all pages
            return
        if fitting:
            line = fitting[random.integers(len(fitting))]
            given.add(line)
            yield line


def _of_vectors(pages: Iterator[IndexedPage], random: np.random.Generator) -> Iterator[QueryEmbedding]:
    """Vectors of one page, with vectors of the page before it, so that few pages match the whole query."""
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
    """All pages in random order, then again, until no page can be read."""
    while True:
        order = random.permutation(page_ids)
        read = 0
        for first in range(0, len(order), PAGES_PER_READ):
            pages = store.read(order[first : first + PAGES_PER_READ].tolist())
            read += len(pages)
            yield from pages
        if not read:
            return
