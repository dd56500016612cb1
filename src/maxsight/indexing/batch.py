"""Pages on their way into the store: encoded together in one thread, committed together in another.

Reading, encoding and committing overlap: while the encoder is at one batch the next is collected, and what it has
made is written to the disk. Between two stages at most one item waits, so that what is in memory stays bounded.
"""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from maxsight.encoders.base import Encoder
from maxsight.errors import EncoderError
from maxsight.identity import page_id
from maxsight.indexing.events import Indexed, Progress
from maxsight.indexing.meter import Meter
from maxsight.indexing.stage import MOST_UNDER_WAY, Stage
from maxsight.spelling import listed
from maxsight.stores.base import IndexedPage, Store
from maxsight.types import Document, Page, PageEmbedding, Scalar

PAGES_PER_COMMIT = 64
BYTES_PER_COMMIT = 32 * 2**20  # of vectors: 64 pages of ColPali; stores hold several times as much meanwhile
SECONDS_PER_COMMIT = 10.0  # pages that go through OCR are slow to make and dear to lose


@dataclass(slots=True)
class Work:
    """One document on its way into the store."""

    document: Document
    metadata: Mapping[str, Scalar]
    file: Path
    missing: tuple[int, ...] | None
    replaces: bool
    held: list[IndexedPage] = field(default_factory=list)
    unencoded: int = 0
    pages: int = 0
    vectors: int = 0
    has_ended: bool = False
    is_forgotten: bool = False

    def indexed(self, action: str | None = None) -> Indexed:
        """The event that tells of it."""
        usual = "replaced" if self.replaces else "added" if self.missing is None else "completed"
        return Indexed(self.document.path, self.pages, self.vectors, action or usual)


@dataclass(slots=True)
class Commit:
    """Pages that are written together, and the documents that are whole in the store with them."""

    pages: list[IndexedPage] = field(default_factory=list)
    completes: list[Work] = field(default_factory=list)
    replaces: bool = False
    size_bytes: int = 0

    def add(self, pages: Sequence[IndexedPage]) -> None:
        """Take pages."""
        self.pages += pages
        self.size_bytes += sum(page.embedding.vectors.nbytes for page in pages)


Waiting = list[tuple[Work, Page]]
Encoded = list[tuple[Work, Page, PageEmbedding]]


class Batch:
    """Collects pages until encoding, and encoded pages until a commit, pays.

    Only the encoding and the commits themselves happen in threads. What they raise is raised by the next call.
    """

    def __init__(
        self, store: Store, encoder: Encoder, meter: Meter, *, pages_per_commit: int | None = None
    ) -> None:
        """Start its threads.

        Args:
            store: Where pages are committed.
            encoder: Makes their vectors.
            meter: Told of every page.
            pages_per_commit: Written together at most, however few vectors they have; ``PAGES_PER_COMMIT``, if not
                given.
        """
        self._store = store
        self._encoder = encoder
        self._meter = meter
        self._pages_per_commit = pages_per_commit or PAGES_PER_COMMIT
        self._encoding: Stage[Waiting, Encoded] = Stage(self._encode, "maxsight-encoding")
        self._committing: Stage[Commit, list[Work]] = Stage(self._commit, "maxsight-committing")
        self._unencoded: Waiting = []
        self._uncommitted = Commit()
        self._replacing = Commit(replaces=True)
        self._due: deque[Commit] = deque()
        self._committed_at = time.monotonic()
        self._events: deque[Progress | Indexed] = deque()

    def add(self, work: Work, page: Page) -> None:
        """Take a page. Waits where the encoder or the disk can't keep up.

        Raises:
            EncoderError: The encoder failed; the pages it was given are named.
            StoreError: A commit failed.
        """
        work.unencoded += 1
        self._unencoded.append((work, page))
        self._take_encoded()
        self._take_committed()
        encoder_waits_while_pages_age = self._encoding.is_idle and self._is_overdue
        if encoder_waits_while_pages_age or len(self._unencoded) >= self._encoder.batch_size:
            self._give_to_encoder()

    def end(self, work: Work) -> None:
        """Take note that a document has no more pages. Those that replace another are committed as wholes."""
        work.has_ended = True
        if not work.unencoded:
            self._complete(work)
        self._give_to_store()

    def forget(self, work: Work) -> None:
        """Leave a document as far as it is committed; the next run sees that its file has another time."""
        work.is_forgotten = True
        work.held.clear()

    def events(self) -> Iterator[Progress | Indexed]:
        """What has happened since this was last asked."""
        while self._events:
            yield self._events.popleft()

    def finish(self) -> Iterator[Progress | Indexed]:
        """Encode and commit everything that waits, telling of each step."""
        self._give_to_encoder()
        for left in reversed(range(MOST_UNDER_WAY)):
            self._take_encoded(leave=left)
            yield from self.events()
        self._commit_soon()
        self._give_to_store()
        for left in reversed(range(MOST_UNDER_WAY)):
            self._take_committed(leave=left)
            yield from self.events()

    def close(self) -> None:
        """Commit what is encoded, drop the rest, and end the threads. Waits for the pages that the encoder is at.

        Whatever happens meanwhile, nothing is committed once this has ended; only the encoder may be left at work.
        """
        try:
            with closing(self._committing):
                for encoded in self._encoding.last_results():
                    self._keep(encoded)
                self._commit_soon()
                self._give_to_store()
                self._take_committed(leave=0)
        finally:
            self._encoding.leave()

    @property
    def _is_overdue(self) -> bool:
        return time.monotonic() - self._committed_at > SECONDS_PER_COMMIT

    # In the caller's thread -------------------------------------------------------------------------------

    def _give_to_encoder(self) -> None:
        self._take_encoded(leave=MOST_UNDER_WAY - 1)
        waiting = [(work, page) for work, page in self._unencoded if not work.is_forgotten]
        self._unencoded = []
        if waiting:
            self._encoding.give(waiting)

    def _take_encoded(self, *, leave: int = MOST_UNDER_WAY) -> None:
        for encoded in self._encoding.results(leave=leave):
            self._keep(encoded)
            if self._is_full(self._uncommitted) or self._is_full(self._replacing) or self._is_overdue:
                self._commit_soon()
            self._give_to_store()

    def _keep(self, encoded: Encoded) -> None:
        """Put encoded pages where they wait for their commit."""
        for work, page, embedding in encoded:
            work.unencoded -= 1
            if work.is_forgotten:
                continue
            document = work.document
            if work.replaces:
                # Held until the whole document is there: as small as it will be stored.
                embedding = replace(embedding, vectors=embedding.vectors.astype(np.float16))
            identity = page_id(document.path, document.content_hash, page.page_index)
            indexed = IndexedPage(identity, document, page, embedding, work.metadata)
            if work.replaces:
                work.held.append(indexed)
            else:
                self._uncommitted.add([indexed])
            work.pages += 1
            work.vectors += len(embedding.vectors)
            self._meter.add(document)
            self._events.append(self._meter.progress(document.path))
            if work.has_ended and not work.unencoded:
                self._complete(work)

    def _complete(self, work: Work) -> None:
        """All of a document's pages are encoded, if it has any."""
        if work.replaces and work.held:
            self._replacing.add(work.held)
            self._replacing.completes.append(work)
            work.held = []
        elif work.pages:
            self._uncommitted.completes.append(work)

    def _commit_soon(self) -> None:
        if self._replacing.pages:
            self._due.append(self._replacing)
            self._replacing = Commit(replaces=True)
        if self._uncommitted.pages or self._uncommitted.completes:
            self._due.append(self._uncommitted)
            self._uncommitted = Commit()
        self._committed_at = time.monotonic()

    def _is_full(self, commit: Commit) -> bool:
        return len(commit.pages) >= self._pages_per_commit or commit.size_bytes >= BYTES_PER_COMMIT

    def _give_to_store(self) -> None:
        while self._due:
            self._take_committed(leave=MOST_UNDER_WAY - 1)
            self._committing.give(self._due.popleft())

    def _take_committed(self, *, leave: int = MOST_UNDER_WAY) -> None:
        for completed in self._committing.results(leave=leave):
            self._events.extend(work.indexed() for work in completed)

    # In the threads ---------------------------------------------------------------------------------------

    def _encode(self, waiting: Waiting) -> Encoded:
        try:
            embeddings = self._encoder.encode_pages([page for _, page in waiting])
        except EncoderError as error:
            raise type(error)(f"{error} (while encoding {_named(waiting)})", hint=error.hint) from error
        return [
            (work, replace(page, picture=None, paragraphs=None), embedding)  # large, and of no more use
            for (work, page), embedding in zip(waiting, embeddings, strict=True)
        ]

    def _commit(self, commit: Commit) -> list[Work]:
        self._store.put(commit.pages, replace_documents=commit.replaces)
        return commit.completes


def _named(waiting: Waiting) -> str:
    numbers: dict[str, list[int]] = defaultdict(list)
    for work, page in waiting:
        numbers[work.document.path].append(page.page_number)
    return listed([f"{path}, {_pages(min(of_it), max(of_it))}" for path, of_it in numbers.items()], "; ")


def _pages(first: int, last: int) -> str:
    return f"page {first}" if first == last else f"pages {first} to {last}"
