"""Pages on their way into a file of vectors: encoded in batches, pooled and stored while the next batch is encoded."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import NamedTuple

import numpy as np

from maxsight.embedding.events import Embedded, NotEmbedded
from maxsight.embedding.kinds import PageVectors
from maxsight.embedding.page_list import SourceFile
from maxsight.embedding.unfinished import UnfinishedFile
from maxsight.threads import Stage, one_blas_thread
from maxsight.types import Floats, Page


class _Waiting(NamedTuple):
    """A page that waits for the encoder."""

    source: SourceFile
    page_count: int
    page: Page


class Batch:
    """Collects pages until there are enough to encode. They are stored in a thread.

    Args:
        vectors: Makes the vectors.
        pool: Pools the vectors of a page.
        unfinished: Where they go.
    """

    def __init__(
        self, vectors: PageVectors, pool: Callable[[Floats], Floats], unfinished: UnfinishedFile
    ) -> None:
        self._vectors = vectors
        self._pool = pool
        self._unfinished = unfinished
        self._waiting: list[_Waiting] = []
        self._storing = Stage(self._store, "maxsight-storing")
        self._number = 0
        self._pages = 0
        self._start = time.monotonic()

    def add(self, source: SourceFile, page_count: int, page: Page) -> Iterator[Embedded | NotEmbedded]:
        """Add a page, and report the pages that were stored meanwhile.

        Raises:
            EncoderError: The encoder failed.
            InputError: The vectors can't be written.
        """
        self._waiting.append(_Waiting(source, page_count, page))
        if len(self._waiting) >= self._vectors.encoder.batch_size:
            yield from self._encode()

    def finish(self) -> Iterator[Embedded | NotEmbedded]:
        """Encode and store everything that waits."""
        yield from self._encode()
        yield from self._stored()

    def close(self) -> None:
        """Store the encoded pages, and end the thread."""
        with closing(self._storing):
            self._storing.wait()

    def _encode(self) -> Iterator[Embedded | NotEmbedded]:
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        with one_blas_thread():
            vectors = self._vectors.of([page for _, _, page in waiting])
        before = self._stored()
        self._storing.give((waiting, vectors))
        yield from before  # only now, as the caller may stop the run at an event

    def _stored(self) -> list[Embedded | NotEmbedded]:
        return [event for events in self._storing.results(leave=0) for event in events]

    def _store(self, encoded: tuple[list[_Waiting], list[Floats]]) -> list[Embedded | NotEmbedded]:
        """Pool and store what was encoded. Runs in a thread."""
        waiting, vectors = encoded
        empty: list[Embedded | NotEmbedded] = []
        rows = 0
        for (source, page_count, page), of_page in zip(waiting, vectors, strict=True):
            if not len(of_page):
                reason = "the encoder finds nothing to embed on it"
                empty.append(NotEmbedded(source.name, page.page_number, reason))
                continue
            pooled = np.atleast_2d(self._pool(of_page))
            self._unfinished.add(source, page_count, page.page_index, pooled)
            rows += len(pooled)
        self._number += 1
        self._pages += len(waiting) - len(empty)
        embedded = Embedded(
            batch=self._number,
            pages=len(waiting) - len(empty),
            vectors=sum(map(len, vectors)),
            devices=self._vectors.encoder.devices,
            shape=(rows, self._unfinished.dim),
            pages_so_far=self._pages,
            pages_per_s=self._pages / max(1e-6, time.monotonic() - self._start),
        )
        return [embedded, *empty]
