"""From documents to a file of vectors: read, encode, pool, and write the file when all pages are there."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from maxsight.documents import (
    Changed,
    Failed,
    Opened,
    PageFailed,
    PageRead,
    ReadJob,
    ReadSettings,
    discover,
    read_documents,
)
from maxsight.documents.files import FileState, check_name
from maxsight.embedding.batch import Batch
from maxsight.embedding.events import EmbeddingEvent, EmbeddingReport, GoingOn, NotEmbedded
from maxsight.embedding.kinds import EmbeddingType, PageVectors
from maxsight.embedding.page_list import SourceFile
from maxsight.embedding.unfinished import UnfinishedFile
from maxsight.encoders.base import Encoder
from maxsight.encoders.pooling import Pooling, pool_vectors
from maxsight.errors import UnreadableDocumentError
from maxsight.notices import Notices, passed_over


@dataclass(frozen=True, slots=True)
class EmbeddingRequest:
    """What to embed, and how.

    Attributes:
        paths: Files and folders.
        file: The file to write: ``.npz``, ``.safetensors`` or ``.parquet``.
        embedding_type: Which of the encoder's vectors to take.
        pooling: How to pool the vectors of each page.
        settings: How files are read. The run adds the picture that the encoder needs.
        include: Globs. In folders, only files that match one are read.
        exclude: Globs. In folders, files and folders that match one are skipped.
        follow_symlinks: In folders, also follow links that lead out of them.
        workers: Reading processes; by default one per CPU.
        ddof: The standard deviation divides by ``n - ddof``: 0 or 1.
    """

    paths: Sequence[Path]
    file: Path
    embedding_type: EmbeddingType
    pooling: Pooling
    settings: ReadSettings
    include: Sequence[str] = ()
    exclude: Sequence[str] = ()
    follow_symlinks: bool = False
    workers: int | None = None
    ddof: int = 0


class EmbeddingRun:
    """One run over one request. Iterate ``events`` once, then ask for the ``report``.

    Args:
        encoder: Makes the vectors.
        request: What to embed, and how.

    Raises:
        InputError: The encoder has no vectors of the requested type.
    """

    def __init__(self, encoder: Encoder, request: EmbeddingRequest) -> None:
        self._encoder = encoder
        self._request = request
        self._vectors = PageVectors(encoder, request.embedding_type)
        self._notices = Notices(encoder.notice)
        self._problems: list[NotEmbedded] = []
        self._earlier_pages = 0
        self._pages = 0
        self._shape = (0, 0)
        self._start = time.monotonic()
        self._read_pages, self._share_read, self._file = 0, 0.0, "looking for files"

    def events(self) -> Generator[EmbeddingEvent, None, None]:
        """Do the work and report each step. After a stop, the same request continues from there.

        Raises:
            InputError: The file can't be written.
            EncoderError: The encoder failed.
        """
        with closing(self._events()) as events:
            for event in events:
                if isinstance(event, NotEmbedded):
                    self._problems.append(event)
                yield event

    def report(self) -> EmbeddingReport:
        """Sum up the run."""
        space, request = self._encoder.space, self._request
        return EmbeddingReport(
            file=str(request.file) if self._pages else None,
            encoder=space.encoder,
            revision=space.revision,
            devices=self._encoder.devices,
            embedding_type=request.embedding_type,
            pooling=request.pooling,
            pages=self._pages,
            earlier_pages=self._earlier_pages,
            shape=self._shape,
            not_embedded=tuple(self._problems),
            seconds=time.monotonic() - self._start,
        )

    def status(self) -> str:
        """Write how far the run is, on a line."""
        pages, elapsed = self._read_pages, time.monotonic() - self._start
        rate = f"{pages:,} pages read, {pages / max(1e-6, elapsed):.1f} pages/s"
        if not 0 < self._share_read < 1:
            return f"{rate}: {self._file}"
        return f"{rate}, {elapsed * (1 - self._share_read) / self._share_read:.0f} s left: {self._file}"

    def _events(self) -> Generator[EmbeddingEvent, None, None]:
        request = self._request
        dim = request.pooling.dim(self._vectors.dim)
        with UnfinishedFile(request.file, self._recipe(), dim) as unfinished:
            sources: dict[Path, SourceFile] = {}
            other_kinds: Counter[str] = Counter()
            for found in discover(
                request.paths,
                include=request.include,
                exclude=request.exclude,
                follow_symlinks=request.follow_symlinks,
                other_kinds=other_kinds,
            ):
                try:
                    if isinstance(found, UnreadableDocumentError):
                        raise found
                    state = FileState.of(found)
                    sources[found] = SourceFile(check_name(found.as_posix()), state)
                except UnreadableDocumentError as error:
                    yield NotEmbedded.of(error)
            yield from passed_over(other_kinds)
            self._earlier_pages = unfinished.count(sources.values())
            if self._earlier_pages:
                yield GoingOn(self._earlier_pages)
            yield from self._read(sources, unfinished)
            table = unfinished.finish(sources.values(), is_pooled=request.pooling is not Pooling.NONE)
        self._pages, self._shape = len(table.pages), table.shape
        yield from self._notices.events()

    def _recipe(self) -> dict[str, str]:
        """Say what vectors depend on. Vectors of two recipes never get into one file."""
        space, request = self._encoder.space, self._request
        return {
            "encoder": space.encoder,
            "revision": space.revision,
            "precision": self._encoder.precision,
            "embedding_type": request.embedding_type.value,
            "pooling": request.pooling.value,
            "ocr": request.settings.ocr.value,
            "dpi": str(request.settings.dpi),
            **({"ddof": str(request.ddof)} if request.ddof else {}),
        }

    def _read(self, sources: dict[Path, SourceFile], unfinished: UnfinishedFile) -> Iterator[EmbeddingEvent]:
        """Embed the pages that are missing. Take a file that changes meanwhile out of the sources."""
        request = self._request
        jobs = [
            ReadJob(path, missing, source.name, source.state)
            for path, source in sources.items()
            if (missing := unfinished.missing(source)) != ()
        ]
        settings = replace(request.settings, picture=self._encoder.picture)
        reading = read_documents(jobs, settings, workers=request.workers, notices=self._notices)
        page_count, done = 0, 0.0
        total = sum(source.state.size_bytes for source in sources.values())
        batch = Batch(
            self._vectors, partial(pool_vectors, pooling=request.pooling, ddof=request.ddof), unfinished
        )
        with closing(reading), closing(batch):
            for event in reading:
                self._file = event.job.path.name
                match event:
                    case Opened():
                        page_count = event.page_count
                    case PageRead(job, page):
                        done += sources[job.path].state.size_bytes / page_count
                        self._read_pages, self._share_read = self._read_pages + 1, done / max(1, total)
                        yield from batch.add(sources[job.path], page_count, page)
                    case PageFailed() | Failed():
                        yield NotEmbedded.of(event.error)
                    case Changed(job, error):
                        del sources[job.path]
                        yield NotEmbedded.of(error)
            yield from batch.finish()
