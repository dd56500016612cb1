"""Pages on their way into the store: encoded together, committed together."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from maxsight.encoders.base import Encoder
from maxsight.identity import page_id
from maxsight.indexing.events import Indexed
from maxsight.stores.base import IndexedPage, Store
from maxsight.threads import one_blas_thread
from maxsight.types import Document, Page, Scalar

PAGES_PER_ENCODING = 16
PAGES_PER_COMMIT = 64
SECONDS_PER_COMMIT = 10.0  # pages that go through OCR are slow to make and dear to lose
SAMPLE_CHARS = 3000


@dataclass(slots=True)
class Work:
    """One document on its way into the store."""

    document: Document
    metadata: Mapping[str, Scalar]
    file: Path
    missing: tuple[int, ...] | None
    replaces: bool
    held: list[IndexedPage] = field(default_factory=list)
    sample: str = ""
    pages: int = 0
    vectors: int = 0

    def indexed(self, action: str | None = None) -> Indexed:
        """The event that tells of it."""
        usual = "replaced" if self.replaces else "added" if self.missing is None else "completed"
        return Indexed(self.document.path, self.pages, self.vectors, action or usual)


class Batch:
    """Collects pages until encoding, and encoded pages until a commit, pays."""

    def __init__(self, store: Store, encoder: Encoder) -> None:
        self._store = store
        self._encoder = encoder
        self._unencoded: list[tuple[Work, Page]] = []
        self._uncommitted: list[IndexedPage] = []
        self._ended: list[Work] = []
        self._committed_at = time.monotonic()

    def add(self, work: Work, page: Page) -> Iterator[Indexed]:
        """Take a page; tells of documents that have become complete in the store."""
        if len(work.sample) < SAMPLE_CHARS:
            work.sample += page.text[:SAMPLE_CHARS] + "\n"
        self._unencoded.append((work, page))
        if len(self._unencoded) >= PAGES_PER_ENCODING:
            self._encode()
        overdue = time.monotonic() - self._committed_at > SECONDS_PER_COMMIT
        if overdue or len(self._uncommitted) >= PAGES_PER_COMMIT:
            yield from self.flush()

    def end(self, work: Work) -> Iterator[Indexed]:
        """Take note that a document has no more pages. One that replaces another is committed as a whole."""
        if work.replaces:
            self._encode()
            if work.held:
                self._store.put(work.held, replace_documents=True)
                work.held.clear()
                yield work.indexed()
        else:
            self._ended.append(work)

    def forget(self, work: Work) -> None:
        """Leave a document as far as it is committed; the next run sees that its file has another time."""
        self._unencoded = [waiting for waiting in self._unencoded if waiting[0] is not work]
        work.held.clear()

    def flush(self) -> Iterator[Indexed]:
        """Encode and commit everything that waits."""
        self._encode()
        self.commit()
        ended = [work for work in self._ended if work.pages]
        self._ended.clear()
        for work in ended:
            yield work.indexed()

    def commit(self) -> None:
        """Commit what is encoded."""
        if self._uncommitted:
            self._store.put(self._uncommitted)
            self._uncommitted.clear()
        self._committed_at = time.monotonic()

    def _encode(self) -> None:
        waiting, self._unencoded = self._unencoded, []
        with one_blas_thread():
            embeddings = self._encoder.encode_pages([page for _, page in waiting])
        for (work, page), embedding in zip(waiting, embeddings, strict=True):
            document = work.document
            identity = page_id(document.path, document.content_hash, page.page_index)
            if work.replaces:
                # Held until the whole document is there: as small as it will be stored.
                embedding = replace(embedding, vectors=embedding.vectors.astype(np.float16))
            indexed = IndexedPage(identity, document, page, embedding, work.metadata)
            (work.held if work.replaces else self._uncommitted).append(indexed)
            work.pages += 1
            work.vectors += len(embedding.vectors)
