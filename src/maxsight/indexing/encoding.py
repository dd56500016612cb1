"""Pages on their way into the store: one thread encodes them in batches, another commits them.

Reading, encoding and committing overlap: while the encoder works on one batch, the next one is collected and the last
one is written to the disk. At most one item waits between two stages, so that memory stays bounded.

The pages of a document that replaces another one are written as they come. The old pages are dropped with the last of
the new ones, so that a run that is killed in between loses no page.
"""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

from maxsight.encoders.base import Encoder
from maxsight.errors import EncoderError
from maxsight.identity import page_id
from maxsight.indexing.events import Indexed, Meter, Progress
from maxsight.indexing.work import Commit, Work
from maxsight.language import language_of
from maxsight.spelling import list_names
from maxsight.stores.base import IndexedPage, PageWriter
from maxsight.stores.fields import PAGE_LANGUAGE
from maxsight.threads import MAX_IN_PROGRESS, Stage
from maxsight.types import Page, PageEmbedding, Scalar

PAGES_PER_COMMIT = 64
BYTES_PER_COMMIT = (
    32 * 2**20
)  # of vectors: 64 pages of ColPali. Stores hold several times as much during a commit.
SECONDS_PER_COMMIT = 10.0  # Pages that go through OCR are slow to make, so few of them may be lost.

Waiting = list[tuple[Work, Page]]
Encoded = list[tuple[Work, Page, PageEmbedding]]


class Batch:
    """Collects pages until there are enough to encode, and encoded pages until there are enough to commit.

    Encoding and commits happen in threads; everything else happens in the caller's. The next call raises their errors.
    """

    def __init__(
        self, store: PageWriter, encoder: Encoder, meter: Meter, *, pages_per_commit: int | None = None
    ) -> None:
        """Start the threads.

        Args:
            store: Where pages are committed.
            encoder: Makes their vectors.
            meter: Counts the encoded pages.
            pages_per_commit: Pages of one commit at most; by default ``PAGES_PER_COMMIT``.
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
        self._has_failed = False
        self._committed_at = time.monotonic()
        self._events: deque[Progress | Indexed] = deque()

    def add(self, work: Work, page: Page) -> None:
        """Add a page. Wait if the encoder or the disk can't keep up.

        Raises:
            EncoderError: The encoder failed. The error names the pages that it was given.
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
        """Note that all pages of a document were added."""
        work.has_ended = True
        if not work.unencoded:
            self._complete(work)
        self._give_to_store()

    def forget(self, work: Work) -> None:
        """Add no more pages of a document. The next run reads it again, as its file has changed."""
        work.is_forgotten = True

    def events(self) -> Iterator[Progress | Indexed]:
        """Report what has happened since the last call."""
        while self._events:
            yield self._events.popleft()

    def finish(self) -> Iterator[Progress | Indexed]:
        """Encode and commit everything that waits, and report each step."""
        self._give_to_encoder()
        for left in reversed(range(MAX_IN_PROGRESS)):
            self._take_encoded(leave=left)
            yield from self.events()
        self._commit_soon()
        self._give_to_store()
        for left in reversed(range(MAX_IN_PROGRESS)):
            self._take_committed(leave=left)
            yield from self.events()

    def close(self) -> None:
        """Commit the encoded pages, drop the rest, and end the threads. Wait for the pages in the encoder.

        Nothing is committed after this has ended, also where it ends by an error. Only the encoder may still work then.
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
        self._take_encoded(leave=MAX_IN_PROGRESS - 1)
        waiting = [(work, page) for work, page in self._unencoded if not work.is_forgotten]
        self._unencoded = []
        if waiting:
            self._encoding.give(waiting)

    def _take_encoded(self, *, leave: int = MAX_IN_PROGRESS) -> None:
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
            identity = page_id(document.path, document.content_hash, page.page_index)
            fields = {**work.metadata, **self._language_of(page), **work.page_fields.pop(page.page_index, {})}
            indexed = IndexedPage(identity, document, page, embedding, fields)
            if work.replaces:
                self._hold(work, indexed)
            else:
                self._uncommitted.add([indexed])
            work.pages += 1
            work.vectors += len(embedding.vectors)
            self._meter.add(document)
            self._events.append(self._meter.progress(document.path))
            if work.has_ended and not work.unencoded:
                self._complete(work)

    def _language_of(self, page: Page) -> dict[str, Scalar]:
        """The page's field of its language, if the encoder knows many and the page is in one of them."""
        language = language_of(page.text) if self._encoder.is_multilingual else None
        return {PAGE_LANGUAGE: language} if language else {}

    def _hold(self, work: Work, page: IndexedPage) -> None:
        """Keep the last page of a document that replaces another one: the commit that drops the old pages needs one."""
        if self._is_full(work.held) and not work.overwrites:
            self._due.append(work.held)
            work.written.update(page.page_id for page in work.held.pages)
            work.held = Commit()
        work.held.add([page])

    def _complete(self, work: Work) -> None:
        """Commit a document whose pages are all encoded. Do nothing without pages."""
        if work.held.pages:
            self._replacing.add(work.held.pages)
            self._replacing.keep |= work.written
            self._replacing.completes.append(work)
            work.held = Commit()
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
            self._take_committed(leave=MAX_IN_PROGRESS - 1)
            self._committing.give(self._due.popleft())

    def _take_committed(self, *, leave: int = MAX_IN_PROGRESS) -> None:
        for completed in self._committing.results(leave=leave):
            self._events.extend(work.indexed() for work in completed)

    # In the threads ---------------------------------------------------------------------------------------

    def _encode(self, waiting: Waiting) -> Encoded:
        try:
            embeddings = self._encoder.encode_pages([page for _, page in waiting])
        except EncoderError as error:
            raise type(error)(f"{error} (while encoding {_named(waiting)})", hint=error.hint) from error
        return [
            (work, replace(page, picture=None, paragraphs=None), embedding)  # large, and not needed any more
            for (work, page), embedding in zip(waiting, embeddings, strict=True)
        ]

    def _commit(self, commit: Commit) -> list[Work]:
        if commit.keep and self._has_failed:
            return []  # the pages to keep may be those that were not written
        try:
            self._store.put(commit.pages, replace_documents=commit.replaces, keep=commit.keep)
        except BaseException:
            self._has_failed = True
            raise
        return commit.completes


def _named(waiting: Waiting) -> str:
    numbers: dict[str, list[int]] = defaultdict(list)
    for work, page in waiting:
        numbers[work.document.path].append(page.page_number)
    return list_names([f"{path}, {_pages(min(of_it), max(of_it))}" for path, of_it in numbers.items()], "; ")


def _pages(first: int, last: int) -> str:
    return f"page {first}" if first == last else f"pages {first} to {last}"
