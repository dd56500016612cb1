"""One indexing run: files in, committed pages out, going on where the last run stopped.

A run is an iterator of events, so that whoever drives it can show progress and stop it at any time. What has
been encoded is committed and stays; the next run looks at what is there and does the rest. Pages are read ahead in
processes, encoded and committed in threads (`batch`): whoever is slow to ask for the next event slows reading down.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
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
    RecordFields,
    discover,
    read_documents,
)
from maxsight.documents.formats import is_drawn
from maxsight.encoders.base import Encoder
from maxsight.errors import UnreadableDocumentError
from maxsight.identity import page_id, record_file, source_file
from maxsight.indexing.batch import PAGES_PER_COMMIT, Batch, Work
from maxsight.indexing.events import Found, IndexEvent, NotIndexed, Planned, Removed, Skipped
from maxsight.indexing.files import content, has_changed, is_gone, library_name, look_at, missing_pages
from maxsight.indexing.judges import MODEL, PageJudge
from maxsight.indexing.judging import Judging
from maxsight.indexing.metadata import MetadataTable
from maxsight.indexing.meter import Meter
from maxsight.notices import Noticed, Notices, fields_changed, passed_over
from maxsight.stores.base import DocumentEntry, Store
from maxsight.stores.fields import of_page
from maxsight.threads import one_blas_thread
from maxsight.types import Document, Scalar


class IndexOptions(TypedDict, total=False):
    """How to index. Each may be left out.

    Attributes:
        include: Globs a file in a folder must match, any of them.
        exclude: Globs it must not match.
        metadata: The user's fields, by file.
        prune: Remove documents below the given folders whose files are gone.
        settings: How files are read; as when the library was made, if not given.
        workers: Reading processes; one per CPU if not given, at most four where they run OCR.
        again: Read files again that have not changed, for example with another OCR engine.
        records: Take the paths for files of records, and each group of records for a document.
        quality: Judge pages by their pictures and keep what is expected of OCR as fields of each page; by the model
            that comes with maxsight, or by a judge of one's own, such as a `QualityPredictor`. Pages that were
            indexed before and lack it are judged too. None, as if left out: if the model that comes with maxsight has
            judged the library's pages, and nobody else.
    """

    include: Sequence[str]
    exclude: Sequence[str]
    metadata: MetadataTable | None
    prune: bool
    settings: ReadSettings
    workers: int | None
    again: bool
    records: RecordFields
    quality: bool | PageJudge | None


class IndexRun:
    """One run over one request. Iterate ``events`` once."""

    def __init__(
        self,
        store: Store,
        encoder: Encoder,
        home: Path | None,
        paths: Sequence[Path],
        options: IndexOptions,
        *,
        judge: PageJudge | None = None,
    ) -> None:
        """Prepare a run; nothing is read before ``events`` is iterated.

        Args:
            store: Where the pages go.
            encoder: Makes their vectors.
            home: The folder that documents are named relative to.
            paths: Files and folders.
            options: How to index; ``quality`` is decided by ``judge``.
            judge: Looks at the pages once they are stored.

        Raises:
            InputError: A picture is not enough for the judge.
        """
        self._store = store
        self._home = home
        self._paths = paths
        self._options = options
        self._encoder = encoder
        self._entries = {entry.document.path: entry for entry in store.documents()}
        self._work: dict[Path, Work] = {}
        self._copies: dict[str, list[Work]] = defaultdict(list)
        self._notices = Notices(encoder.notice)
        self._found: dict[str, Path] = {}
        settings = options.get("settings", ReadSettings())
        self._judging = Judging(store, judge, settings) if judge else None

    def events(self) -> Iterator[IndexEvent]:
        """Do the work, telling of each step. When the iteration is stopped early, what is encoded is committed."""
        yield from self._plan()
        size_bytes = sum(work.document.size_bytes for work in self._work.values())
        yield Planned(len(self._work), sum(map(len, self._copies.values())), size_bytes)
        # First what equals a stored document, while that is still there: its own file may have changed.
        yield from self._copy()
        yield from self._read()
        yield from self._copy()
        # What is left equals a document that could not be read, or not as a whole.
        for work in (work for copies in self._copies.values() for work in copies):
            self._work[work.file] = work
        yield from self._read()
        if self._options.get("prune"):
            yield from self._prune()
        yield from self._judge()
        yield from self._notices.events()

    def _plan(self) -> Iterator[IndexEvent]:
        """Decide for every file what is to be done with it."""
        table = self._options.get("metadata")
        if table:
            table.check_against(self._store.fields())
        stored = {content(entry.document): path for path, entry in self._entries.items() if entry.complete}
        touched: list[Document] = []
        changed_metadata: dict[str, Mapping[str, Scalar]] = {}
        include, exclude = self._options.get("include", ()), self._options.get("exclude", ())
        other_kinds: Counter[str] = Counter()
        for found in discover(self._paths, include=include, exclude=exclude, other_kinds=other_kinds):
            try:
                if isinstance(found, UnreadableDocumentError):
                    raise found
                path = library_name(found, self._home)
                self._found[path] = found
                yield Found(path)
                entry = self._entries.get(path)
                document = look_at(found, path, entry)
            except UnreadableDocumentError as error:
                yield NotIndexed.of(error)
                continue
            same = entry is not None and entry.document.content_hash == document.content_hash
            known = entry if entry and same and not entry.mixed else None  # else its other pages would stay
            metadata = table.fields_of(source_file(path, self._home).as_posix()) if table else None
            if known and metadata is not None and metadata != known.metadata:
                changed_metadata[path] = metadata
            if known and known.complete and not self._options.get("again"):
                if document.modified_ns != known.document.modified_ns:
                    touched.append(document)
                yield Skipped(path)
                continue
            if metadata is None:
                metadata = entry.metadata if entry else {}
            if self._options.get("again"):
                known = None
            work = Work(
                document, metadata, found, missing_pages(known), replaces=entry is not None and not known
            )
            twin = stored.setdefault(content(document), path)
            if twin == path or self._options.get("again"):
                self._work[found] = work
            else:
                self._copies[twin].append(work)
        yield from passed_over(other_kinds)
        if changed_metadata:
            self._store.set_metadata(changed_metadata)
            yield fields_changed(len(changed_metadata))
        if touched:
            self._store.touch(touched)

    def _read(self) -> Iterator[IndexEvent]:
        """Read, encode and commit what is to be read."""
        if not self._work:
            return
        meter = Meter(sum(work.document.size_bytes for work in self._work.values()))
        jobs = [ReadJob(work.file, work.missing) for work in self._work.values()]
        settings = replace(self._options.get("settings", ReadSettings()), picture=self._encoder.picture)
        reading = read_documents(jobs, settings, workers=self._options.get("workers"))
        batch = Batch(self._store, self._encoder, meter)
        with one_blas_thread(), closing(batch), closing(reading):
            for event in reading:
                work = self._work[event.job.path]
                match event:
                    case Opened():
                        work.document = replace(work.document, page_count=event.page_count)
                    case PageRead():
                        self._notices.read(work.document.path, event.page.text)
                        batch.add(work, event.page)
                    case PageFailed():
                        yield NotIndexed.of(event.error)
                    case Failed():
                        yield NotIndexed.of(event.error)
                        self._notices.end(work.document.path)
                        batch.end(work)
                    case Done():
                        yield from self._end(work, batch)
                if isinstance(event, Done | Failed):
                    del self._work[work.file]
                yield from batch.events()
            yield from batch.finish()

    def _end(self, work: Work, batch: Batch) -> Iterator[IndexEvent]:
        """End a document, unless its file is not what it was when it was looked at."""
        if has_changed(work.document, work.file):
            reason = "changed while it was being read"
            yield NotIndexed(str(work.file), None, reason, "Index it again when it is no longer written to.")
            self._notices.forget(work.document.path)
            batch.forget(work)
            return
        self._notices.end(work.document.path)
        batch.end(work)

    def _copy(self) -> Iterator[IndexEvent]:
        """Store documents that equal a stored one with that one's vectors; leave those whose twin is not there."""
        if not self._copies:
            return
        stored = {entry.document.path: entry for entry in self._store.documents()}
        for twin, copies in list(self._copies.items()):
            entry = stored.get(twin)
            if entry is None or not entry.complete:
                continue
            waiting = []
            for work in copies:
                same = entry.document.content_hash == work.document.content_hash and not has_changed(
                    work.document, work.file
                )
                if same and self._copy_pages(entry, work):
                    yield work.indexed("copied")
                else:
                    waiting.append(work)
            self._copies[twin] = waiting

    def _copy_pages(self, twin: DocumentEntry, work: Work) -> bool:
        """Copy a stored document's pages, unless they have been replaced meanwhile.

        In groups, so that a long document need not fit in memory; as a whole where it replaces another one. The user's
        fields come along only where the stored document's file is gone: then this file is the same one, moved.
        """
        is_moved = is_gone(source_file(twin.document.path, self._home))
        metadata = work.metadata or (twin.metadata if is_moved else {})
        document = replace(work.document, page_count=twin.document.page_count)
        group = twin.document.page_count if work.replaces else PAGES_PER_COMMIT
        for start in range(0, len(twin.page_indices), group):
            ids = [
                page_id(twin.document.path, twin.document.content_hash, index)
                for index in twin.page_indices[start : start + group]
            ]
            copied = [
                replace(
                    page,
                    page_id=page_id(document.path, document.content_hash, page.page.page_index),
                    document=document,
                    metadata={**of_page(page.metadata), **metadata},
                )
                for page in self._store.read(ids)
            ]
            if len(copied) < len(ids):
                return False
            self._store.put(copied, replace_documents=work.replaces)
            work.pages += len(copied)
            work.vectors += sum(len(page.embedding.vectors) for page in copied)
        return True

    def _judge(self) -> Iterator[IndexEvent]:
        """Judge what was found, or say that pages lack what others have."""
        if self._judging:
            yield from self._judging.events(self._found, self._options.get("workers"))
        elif MODEL in self._store.fields():
            lacking = sum(
                MODEL not in fields
                for entry in self._store.documents()
                if is_drawn(Path(entry.document.path))
                for fields in entry.page_fields
            )
            if lacking:
                pages = "1 page lacks" if lacking == 1 else f"{lacking:,} pages lack"
                yield Noticed(
                    f"{pages} the error rates that others have",
                    hint="index again with --quality (quality=True in Python)",
                )

    def _prune(self) -> Iterator[IndexEvent]:
        """Remove documents below the given folders whose files are gone.

        A folder that is not there, or is empty, removes nothing: it may be a disk that is not mounted.
        """
        folders = [path.resolve() for path in self._paths if path.is_dir()]
        empty = {folder for folder in folders if all(item.name.startswith(".") for item in folder.iterdir())}
        gone_below: dict[str, set[Path]] = {}
        for path in self._entries:
            file = source_file(path, self._home)
            records = record_file(path)
            if (
                any(folder in file.parents for folder in folders)
                and is_gone(file)
                and (records is None or is_gone(source_file(records, self._home)))
            ):
                gone_below[path] = empty.intersection(file.parents)
        for folder in sorted(set[Path]().union(*gone_below.values())):
            yield Noticed(
                f"nothing below {folder} is removed, which is empty: its disk may not be mounted",
                hint="if the documents are gone for good, use maxsight remove",
            )
        gone = [path for path, empty_above in gone_below.items() if not empty_above]
        if gone:
            self._store.remove(gone)
        yield from map(Removed, gone)
