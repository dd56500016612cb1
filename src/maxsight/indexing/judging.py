"""Judges stored pages by their pictures, and stores the OCR errors to expect as fields of each page.

This is a pass of its own, not a stage beside the encoder. So the judge always gets the kind of picture that
its model learned on, also if the encoder looks at another. The same pass completes pages that were indexed before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from maxsight.documents import (
    Event,
    Failed,
    OcrChoice,
    PageFailed,
    PageRead,
    ReadJob,
    ReadSettings,
    read_documents,
)
from maxsight.documents.formats import is_drawn
from maxsight.identity import page_id
from maxsight.indexing.encoding import PAGES_PER_COMMIT
from maxsight.indexing.events import Judged, Meter, Progress
from maxsight.indexing.files import state_of
from maxsight.indexing.judges import MODEL, PageJudge
from maxsight.notices import Noticed
from maxsight.stores.base import Store
from maxsight.threads import map_in_threads, one_blas_thread
from maxsight.types import Document, TextSource


class Judging:
    """Adds the judge's fields to those stored pages of some files that it has not seen yet."""

    def __init__(self, store: Store, judge: PageJudge, settings: ReadSettings) -> None:
        """Prepare the pass; nothing is read before ``events`` is iterated.

        Args:
            store: Holds the pages.
            judge: Judges them.
            settings: How files are read. Only their password and limits count.

        Raises:
            InputError: The judge needs more than a picture.
        """
        self._store = store
        self._judge = judge
        self._settings = replace(settings, ocr=OcrChoice.NONE, dpi=judge.dpi, picture=judge.picture)
        self._documents: dict[Path, Document] = {}
        self._uncommitted: list[tuple[Path, Judged]] = []

    def events(
        self, files: Mapping[str, Path], workers: int | None = None
    ) -> Iterator[Progress | Judged | Noticed]:
        """Judge pages, and report each after its commit. If the iteration stops early, the judged pages are stored.

        Args:
            files: The files of the documents to judge, by the documents' paths.
            workers: Reading processes.
        """
        jobs = list(self._jobs(files))
        meter = Meter(sum(self._size_bytes(job) for job in jobs), judging=True)
        reading = read_documents(jobs, self._settings, workers=workers)
        try:
            with one_blas_thread(), closing(reading):
                for event in map_in_threads(self._look, reading):
                    match event:
                        case Noticed():
                            yield event
                        case (path, judged):
                            self._uncommitted.append((path, judged))
                            meter.add(self._documents[path])
                            yield meter.progress(judged.path)
                    if len(self._uncommitted) >= PAGES_PER_COMMIT:
                        yield from self._commit()
        finally:
            committed = self._commit()
        yield from committed

    def _jobs(self, files: Mapping[str, Path]) -> Iterator[ReadJob]:
        for entry in self._store.documents():
            file = files.get(entry.document.path)
            if file is None or not is_drawn(file):
                continue
            pages = zip(entry.page_indices, entry.page_fields, strict=True)
            unseen = tuple(index for index, fields in pages if fields.get(MODEL) != self._judge.revision)
            if unseen:
                self._documents[file] = entry.document
                yield ReadJob(file, unseen)

    def _size_bytes(self, job: ReadJob) -> int:
        document = self._documents[job.path]
        return document.size_bytes * len(job.page_indices or ()) // document.page_count

    def _look(self, event: Event) -> tuple[Path, Judged] | Noticed | None:
        match event:
            case PageRead(job, page):
                assert page.picture is not None  # asked for
                fields = {**self._judge.page_fields(page.picture), MODEL: self._judge.revision}
                path = self._documents[job.path].path
                return job.path, Judged(path, page.page_number, fields, page.text_source is TextSource.NONE)
            case PageFailed() | Failed():
                return Noticed(f"not judged: {event.error}")
        return None

    def _commit(self) -> list[Judged]:
        """Store the fields of pages whose files are still as they were indexed."""
        waiting, self._uncommitted = self._uncommitted, []
        same = {path for path, _ in waiting if state_of(self._documents[path]).is_of(path)}
        judged_by_id = {}
        for path, judged in waiting:
            if path in same:
                document = self._documents[path]
                identity = page_id(document.path, document.content_hash, judged.page_number - 1)
                judged_by_id[identity] = judged
        self._store.set_page_fields({identity: judged.fields for identity, judged in judged_by_id.items()})
        return list(judged_by_id.values())


def unjudged_notice(store: Store) -> Iterator[Noticed]:
    """Say how many pages lack the error rates that other pages of the library have."""
    if MODEL not in store.fields():
        return
    lacking = sum(
        MODEL not in fields
        for entry in store.documents()
        if is_drawn(Path(entry.document.path))
        for fields in entry.page_fields
    )
    if lacking:
        pages = "1 page lacks" if lacking == 1 else f"{lacking:,} pages lack"
        yield Noticed(
            f"{pages} the error rates that others have",
            hint="index again with --quality (quality=True in Python)",
        )
