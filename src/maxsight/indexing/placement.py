"""Where the documents of a run are read and encoded: in this process, or on the workers of a cluster.

The plan, the events and the commits are the run's. Both ways share ``index_documents``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from maxsight.documents import (
    Changed,
    Done,
    Failed,
    Opened,
    PageFailed,
    PageRead,
    ReadSettings,
    read_documents,
)
from maxsight.encoders.base import Encoder
from maxsight.indexing.encoding import Batch
from maxsight.indexing.events import IndexEvent, Meter, NotIndexed
from maxsight.indexing.work import Work
from maxsight.notices import Notices
from maxsight.stores.base import PageWriter, Store
from maxsight.threads import one_blas_thread


class Placement(Protocol):
    """Reads and encodes the documents that are due, and has their pages committed."""

    def index(
        self,
        store: Store,
        encoder: Encoder,
        due: dict[Path, Work],
        settings: ReadSettings,
        notices: Notices,
    ) -> Iterator[IndexEvent]:
        """Index documents and take each out of ``due`` when it has ended.

        Args:
            store: Where the pages go.
            encoder: Makes their vectors.
            due: The documents, by file.
            settings: How files are read, with the encoder's picture.
            notices: Collects what a user should know.
        """
        ...


class Here:
    """In this process, with processes that read."""

    def __init__(self, workers: int | None) -> None:
        """Choose how many processes read; None for one a CPU."""
        self._workers = workers

    def index(
        self,
        store: Store,
        encoder: Encoder,
        due: dict[Path, Work],
        settings: ReadSettings,
        notices: Notices,
    ) -> Iterator[IndexEvent]:
        """Index documents; see ``Placement.index``."""
        meter = Meter(sum(work.document.size_bytes for work in due.values()))
        return index_documents(store, encoder, due, settings, self._workers, notices, meter)


def index_documents(
    writer: PageWriter,
    encoder: Encoder,
    due: dict[Path, Work],
    settings: ReadSettings,
    workers: int | None,
    notices: Notices,
    meter: Meter,
) -> Iterator[IndexEvent]:
    """Read, encode and write documents in this process; see ``Placement.index``.

    Args:
        writer: Where the pages go.
        encoder: Makes their vectors.
        due: The documents, by file.
        settings: How files are read.
        workers: Processes that read.
        notices: Collects what a user should know.
        meter: Counts the pages.
    """
    reading = read_documents([work.job for work in due.values()], settings, workers=workers, notices=notices)
    batch = Batch(writer, encoder, meter)
    with one_blas_thread(), closing(batch), closing(reading):
        for event in reading:
            work = due[event.job.path]
            match event:
                case Opened():
                    work.document = replace(work.document, page_count=event.page_count)
                case PageRead():
                    batch.add(work, event.page)
                case PageFailed():
                    yield NotIndexed.of(event.error)
                case Failed():
                    yield NotIndexed.of(event.error)
                    batch.end(work)
                case Changed():
                    yield NotIndexed.of(event.error)
                    batch.forget(work)
                case Done():
                    batch.end(work)
            if isinstance(event, Changed | Done | Failed):
                del due[event.job.path]
            yield from batch.events()
        yield from batch.finish()
