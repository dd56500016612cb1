"""Pages on their way into a file of vectors: encoded together; pooled and kept while the next ones are encoded."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import NamedTuple, Self

import numpy as np

from maxsight.embedding.events import Embedded, NotEmbedded
from maxsight.embedding.kinds import PageVectors
from maxsight.embedding.unfinished import SourceFile, UnfinishedFile
from maxsight.encoders.pooling import Pooling, pool_vectors
from maxsight.threads import one_blas_thread
from maxsight.types import Floats, Page


class _Waiting(NamedTuple):
    """A page that was read."""

    source: SourceFile
    page_count: int
    page: Page


class Batch:
    """Collects pages until encoding them pays. Use it as a context manager: leaving it waits until all is kept.

    Args:
        vectors: What is wanted of each page.
        pooling: What is kept of that.
        unfinished: Where.
    """

    def __init__(self, vectors: PageVectors, pooling: Pooling, unfinished: UnfinishedFile) -> None:
        self._vectors = vectors
        self._pooling = pooling
        self._unfinished = unfinished
        self._waiting: list[_Waiting] = []
        self._keeper = ThreadPoolExecutor(1, "maxsight-keeping")
        self._keeping: Future[list[Embedded | NotEmbedded]] | None = None
        self._number = 0
        self._pages = 0
        self._start = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._keeper.shutdown()

    def add(self, source: SourceFile, page_count: int, page: Page) -> Iterator[Embedded | NotEmbedded]:
        """Take a page, and tell of those that were kept meanwhile.

        Raises:
            EncoderError: The encoder failed.
            InputError: What it made can't be written.
        """
        self._waiting.append(_Waiting(source, page_count, page))
        if len(self._waiting) >= self._vectors.encoder.batch_size:
            yield from self._encode()

    def finish(self) -> Iterator[Embedded | NotEmbedded]:
        """Encode and keep everything that waits."""
        yield from self._encode()
        yield from self._kept()

    def _encode(self) -> Iterator[Embedded | NotEmbedded]:
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        with one_blas_thread():
            vectors = self._vectors.of([page for _, _, page in waiting])
        before = self._kept()
        self._keeping = self._keeper.submit(self._keep, waiting, vectors)
        yield from before  # only now: whoever hears of it may stop the run

    def _kept(self) -> list[Embedded | NotEmbedded]:
        keeping, self._keeping = self._keeping, None
        return keeping.result() if keeping else []

    def _keep(self, waiting: list[_Waiting], vectors: list[Floats]) -> list[Embedded | NotEmbedded]:
        """Pool and keep what was encoded. Happens in a thread of its own."""
        empty: list[Embedded | NotEmbedded] = []
        rows = 0
        for (source, page_count, page), of_page in zip(waiting, vectors, strict=True):
            if not len(of_page):
                reason = "there is nothing on it that the encoder could embed"
                empty.append(NotEmbedded(source.name, page.page_number, reason))
                continue
            kept = np.atleast_2d(pool_vectors(of_page, self._pooling))
            self._unfinished.add(source, page_count, page.page_index, kept)
            rows += len(kept)
        self._number += 1
        self._pages += len(waiting) - len(empty)
        embedded = Embedded(
            batch=self._number,
            pages=len(waiting) - len(empty),
            vectors=sum(map(len, vectors)),
            devices=self._vectors.devices,
            shape=(rows, self._unfinished.dim),
            pages_so_far=self._pages,
            pages_per_s=self._pages / max(1e-6, time.monotonic() - self._start),
        )
        return [embedded, *empty]
