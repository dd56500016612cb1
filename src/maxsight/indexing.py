"""Indexing: files in, committed pages out, going on where the last run stopped.

A run is an iterator of events, so that whoever drives it can show progress and stop it at any time. What has
been committed stays; the next run looks at what is there and does the rest.
"""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypedDict

from maxsight.documents import (
    Done,
    Failed,
    Opened,
    PageFailed,
    PageRead,
    ReadJob,
    ReadSettings,
    content_hash,
    discover,
    read_documents,
)
from maxsight.encoders.base import Encoder
from maxsight.errors import UnreadableDocumentError
from maxsight.identity import document_path, page_id
from maxsight.metadata import MetadataTable
from maxsight.stores.base import DocumentEntry, IndexedPage, Store
from maxsight.threads import one_blas_thread
from maxsight.types import Document, Page, Scalar

PAGES_PER_ENCODING = 16
PAGES_PER_COMMIT = 64
SECONDS_PER_COMMIT = 10.0  # pages that go through OCR are slow to make and dear to lose
SAMPLE_CHARS = 3000


@dataclass(frozen=True, slots=True)
class Planned:
    """The files are known; reading begins.

    Attributes:
        files: Files to read: new, changed or incomplete.
        copies: Files that equal another one; their vectors are reused.
        size_bytes: Bytes of the files to read.
    """

    files: int
    copies: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Progress:
    """A page was read.

    Attributes:
        path: The document at work.
        pages: Pages read in this run.
        share: Of the work, by bytes, in [0, 1].
        pages_per_s: Since reading began.
        remaining_s: Estimate; None until there is something to go by.
    """

    path: str
    pages: int
    share: float
    pages_per_s: float
    remaining_s: float | None


@dataclass(frozen=True, slots=True)
class Indexed:
    """A document is in the library.

    Attributes:
        path: The document.
        pages: Pages written in this run.
        vectors: Their vectors.
        action: ``added``, ``completed``, ``replaced`` or ``copied`` (vectors of an equal file reused).
    """

    path: str
    pages: int
    vectors: int
    action: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """A document was left as it is: nothing has changed."""

    path: str


@dataclass(frozen=True, slots=True)
class NotIndexed:
    """A file, or a page of it, could not be read. Everything else goes on.

    Attributes:
        path: The file as found on disk.
        page_number: From 1; None for the whole file.
        reason: Why.
        hint: What to do next, or None.
    """

    path: str
    page_number: int | None
    reason: str
    hint: str | None


@dataclass(frozen=True, slots=True)
class Removed:
    """A document went because its file is gone."""

    path: str


@dataclass(frozen=True, slots=True)
class Noticed:
    """Something a user should know before trusting the results."""

    message: str


IndexEvent = Planned | Progress | Indexed | Skipped | NotIndexed | Removed | Noticed


@dataclass(slots=True)
class IndexReport:
    """What a run did.

    Attributes:
        indexed: Documents written.
        skipped: Documents that had not changed.
        removed: Paths of documents that went.
        not_indexed: What could not be read.
        notices: What a user should know.
        pages: Pages written.
        vectors: Their vectors.
        seconds: Wall time.
    """

    indexed: list[Indexed] = field(default_factory=list)
    skipped: int = 0
    removed: list[str] = field(default_factory=list)
    not_indexed: list[NotIndexed] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    pages: int = 0
    vectors: int = 0
    seconds: float = 0.0

    def add(self, event: IndexEvent) -> None:
        """Take an event into account."""
        match event:
            case Indexed():
                self.indexed.append(event)
                self.pages += event.pages
                self.vectors += event.vectors
            case Skipped():
                self.skipped += 1
            case NotIndexed():
                self.not_indexed.append(event)
            case Removed():
                self.removed.append(event.path)
            case Noticed():
                self.notices.append(event.message)


class IndexOptions(TypedDict, total=False):
    """How to index. Each may be left out.

    Attributes:
        include: Globs a file in a folder must match, any of them.
        exclude: Globs it must not match.
        metadata: The user's fields, by file.
        prune: Remove documents below the given folders whose files are gone.
        settings: How files are read; as when the library was made, if not given.
        workers: Reading processes; one per spare CPU if not given.
    """

    include: Sequence[str]
    exclude: Sequence[str]
    metadata: MetadataTable | None
    prune: bool
    settings: ReadSettings
    workers: int | None


@dataclass(slots=True)
class _Work:
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
        usual = "replaced" if self.replaces else "added" if self.missing is None else "completed"
        return Indexed(self.document.path, self.pages, self.vectors, action or usual)


class IndexRun:
    """One run over one request. Iterate ``events`` once."""

    def __init__(
        self, store: Store, encoder: Encoder, home: Path, paths: Sequence[Path], options: IndexOptions
    ) -> None:
        """Prepare a run; nothing is read before ``events`` is iterated."""
        self._store = store
        self._home = home
        self._paths = paths
        self._options = options
        self._batch = _Batch(store, encoder)
        self._encoder = encoder
        self._entries = {entry.document.path: entry for entry in store.documents()}
        self._work: dict[Path, _Work] = {}
        self._copies: dict[str, list[_Work]] = defaultdict(list)
        self._notices: dict[str, list[str]] = defaultdict(list)

    def events(self) -> Iterator[IndexEvent]:
        """Do the work, telling of each step. When the iteration is stopped early, what is encoded is committed."""
        yield from self._plan()
        size_bytes = sum(work.document.size_bytes for work in self._work.values())
        yield Planned(len(self._work), sum(map(len, self._copies.values())), size_bytes)
        if self._work:
            yield from self._read(_Meter(size_bytes))
        yield from self._copy()
        if self._options.get("prune"):
            yield from self._prune()
        for notice, paths in self._notices.items():
            yield Noticed(f"{notice} ({_named(paths)})")

    def _plan(self) -> Iterator[IndexEvent]:
        """Decide for every file what is to be done with it."""
        options = self._options
        table = options.get("metadata")
        if table:
            table.check_against(self._store.fields())
        stored = {
            entry.document.content_hash: path for path, entry in self._entries.items() if entry.complete
        }
        changed_metadata: dict[str, Mapping[str, Scalar]] = {}
        include, exclude = options.get("include", ()), options.get("exclude", ())
        for found in discover(self._paths, include=include, exclude=exclude):
            if isinstance(found, UnreadableDocumentError):
                yield _not_indexed(found)
                continue
            path = document_path(found, self._home)
            entry = self._entries.get(path)
            try:
                document = _look_at(found, path, entry)
            except OSError as error:
                yield NotIndexed(str(found), None, f"can't be read: {error.strerror}", None)
                continue
            known = entry if entry and entry.document.content_hash == document.content_hash else None
            metadata = table.fields_of(path) if table else None
            if known and metadata is not None and metadata != known.metadata:
                changed_metadata[path] = metadata
            if known and known.complete:
                yield Skipped(path)
                continue
            if metadata is None:
                metadata = entry.metadata if entry else {}
            work = _Work(document, metadata, found, _missing(known), replaces=entry is not None and not known)
            twin = stored.setdefault(document.content_hash, path)
            if twin == path:
                self._work[found] = work
            else:
                self._copies[twin].append(work)
        if changed_metadata:
            self._store.set_metadata(changed_metadata)

    def _read(self, meter: _Meter) -> Iterator[IndexEvent]:
        """Read, encode and commit what was planned."""
        jobs = [ReadJob(work.file, work.missing) for work in self._work.values()]
        settings = self._options.get("settings", ReadSettings())
        reading = read_documents(jobs, settings, workers=self._options.get("workers"))
        try:
            for event in reading:
                work = self._work[event.job.path]
                match event:
                    case Opened():
                        work.document = replace(work.document, page_count=event.page_count)
                    case PageRead():
                        yield from self._batch.add(work, event.page)
                        meter.add(work.document)
                        yield meter.progress(work.document.path)
                    case PageFailed() | Failed():
                        yield _not_indexed(event.error)
                    case Done():
                        self._notice(work)
                        yield from self._batch.end(work)
            yield from self._batch.flush()
        finally:
            reading.close()
            self._batch.commit()

    def _notice(self, work: _Work) -> None:
        notice = self._encoder.notice(work.sample)
        if notice:
            self._notices[notice].append(work.document.path)

    def _copy(self) -> Iterator[IndexEvent]:
        """Store the documents that equal another one, with that one's vectors."""
        stored = {entry.document.path: entry for entry in self._store.documents()} if self._copies else {}
        for twin, copies in self._copies.items():
            entry = stored.get(twin)
            for work in copies:
                if entry is None or entry.document.content_hash != work.document.content_hash:
                    reason = f"has the same content as {twin}, which could not be read"
                    yield NotIndexed(str(work.file), None, reason, None)
                    continue
                self._copy_pages(entry, work)
                yield work.indexed("copied")

    def _copy_pages(self, twin: DocumentEntry, work: _Work) -> None:
        document = replace(work.document, page_count=twin.document.page_count)
        pages = []
        for index in twin.page_indices:
            pages.append(page_id(twin.document.path, twin.document.content_hash, index))
        copied = [
            replace(
                page,
                page_id=page_id(document.path, document.content_hash, page.page.page_index),
                document=document,
                metadata=work.metadata,
            )
            for page in self._store.read(pages)
        ]
        self._store.put(copied, replace_documents=True)
        work.pages = len(copied)
        work.vectors = sum(len(page.embedding.vectors) for page in copied)

    def _prune(self) -> Iterator[IndexEvent]:
        """Remove documents below the given folders whose files are gone.

        A folder that is not there removes nothing: it may be a disk that is not mounted.
        """
        folders = [path.resolve() for path in self._paths if path.is_dir()]
        gone = []
        for path in self._entries:
            file = self._home / path
            if any(folder in file.parents for folder in folders) and not os.path.lexists(file):
                gone.append(path)
        if gone:
            self._store.remove(gone)
        yield from map(Removed, gone)


class _Batch:
    """Collects pages until encoding, and encoded pages until a commit, pays."""

    def __init__(self, store: Store, encoder: Encoder) -> None:
        self._store = store
        self._encoder = encoder
        self._unencoded: list[tuple[_Work, Page]] = []
        self._uncommitted: list[IndexedPage] = []
        self._ended: list[_Work] = []
        self._committed_at = time.monotonic()

    def add(self, work: _Work, page: Page) -> Iterator[Indexed]:
        """Take a page; tells of documents that have become complete in the store."""
        if len(work.sample) < SAMPLE_CHARS:
            work.sample += page.text[:SAMPLE_CHARS] + "\n"
        self._unencoded.append((work, page))
        if len(self._unencoded) >= PAGES_PER_ENCODING:
            self._encode()
        overdue = time.monotonic() - self._committed_at > SECONDS_PER_COMMIT
        if overdue or len(self._uncommitted) >= PAGES_PER_COMMIT:
            yield from self.flush()

    def end(self, work: _Work) -> Iterator[Indexed]:
        """Take note that a document has no more pages. One that replaces another is committed as a whole."""
        if work.replaces:
            self._encode()
            if work.held:
                self._store.put(work.held, replace_documents=True)
                work.held.clear()
                yield work.indexed()
        else:
            self._ended.append(work)

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
            indexed = IndexedPage(identity, document, page, embedding, work.metadata)
            (work.held if work.replaces else self._uncommitted).append(indexed)
            work.pages += 1
            work.vectors += len(embedding.vectors)


class _Meter:
    """Estimates the time left from the bytes of the files that were read."""

    def __init__(self, size_bytes: int) -> None:
        self._total = max(1, size_bytes)
        self._done = 0.0
        self._pages = 0
        self._start = time.monotonic()

    def add(self, document: Document) -> None:
        self._pages += 1
        self._done += document.size_bytes / max(1, document.page_count)

    def progress(self, path: str) -> Progress:
        elapsed = max(1e-6, time.monotonic() - self._start)
        share = min(1.0, self._done / self._total)
        remaining = elapsed * (1 - share) / share if share > 0 else None
        return Progress(path, self._pages, share, self._pages / elapsed, remaining)


def _look_at(file: Path, path: str, entry: DocumentEntry | None) -> Document:
    """Describe a file, hashing it only when its size or time has changed."""
    stat = file.stat()
    if entry is not None:
        known = entry.document
        if (known.size_bytes, known.modified_ns) == (stat.st_size, stat.st_mtime_ns):
            return known
    return Document(path, content_hash(file), stat.st_size, stat.st_mtime_ns, page_count=0)


def _missing(entry: DocumentEntry | None) -> tuple[int, ...] | None:
    """Which pages an incomplete document lacks; None for all of them."""
    if entry is None:
        return None
    return tuple(sorted(set(range(entry.document.page_count)) - set(entry.page_indices)))


def _not_indexed(error: UnreadableDocumentError) -> NotIndexed:
    return NotIndexed(error.path, error.page_number, error.reason, error.hint)


def _named(paths: Sequence[str], most: int = 3) -> str:
    more = f" and {len(paths) - most} more" if len(paths) > most else ""
    return ", ".join(paths[:most]) + more
