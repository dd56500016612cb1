"""From documents to a file of vectors: read, encode, pool, keep, and write the file when all is there."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from maxsight.documents import (
    Done,
    Failed,
    Opened,
    PageFailed,
    PageRead,
    ReadJob,
    ReadSettings,
    discover,
    read_documents,
)  # fmt: skip
from maxsight.embedding.batch import Batch
from maxsight.embedding.events import EmbeddingEvent, EmbeddingReport, GoingOn, NotEmbedded
from maxsight.embedding.kinds import EmbeddingType, PageVectors
from maxsight.embedding.unfinished import SourceFile, UnfinishedFile
from maxsight.encoders.base import Encoder
from maxsight.encoders.pooling import Pooling
from maxsight.errors import UnreadableDocumentError
from maxsight.notices import Notices, passed_over


@dataclass(frozen=True, slots=True)
class EmbeddingRequest:
    """What is wanted.

    Attributes:
        paths: Files and folders.
        file: What to write: ``.npz``, ``.safetensors`` or ``.parquet``.
        embedding_type: Which vectors.
        pooling: What is kept of each page's.
        settings: How files are read; the picture that the encoder needs is seen to.
        include: Globs a file in a folder must match, any of them.
        exclude: Globs it must not match.
        workers: Reading processes; by the number of CPUs if not given.
    """

    paths: Sequence[Path]
    file: Path
    embedding_type: EmbeddingType
    pooling: Pooling
    settings: ReadSettings
    include: Sequence[str] = ()
    exclude: Sequence[str] = ()
    workers: int | None = None


class EmbeddingRun:
    """One run over one request. Iterate ``events`` once, then ask for the ``report``.

    Args:
        encoder: Makes the vectors.
        request: What is wanted.

    Raises:
        InputError: The encoder has no vectors of the type that is asked for.
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

    def events(self) -> Generator[EmbeddingEvent, None, None]:
        """Do the work, telling of each step. When it is stopped, the same request goes on from there.

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
        """What the run made."""
        space, request = self._encoder.space, self._request
        return EmbeddingReport(
            file=str(request.file) if self._pages else None,
            encoder=space.encoder,
            revision=space.revision,
            devices=self._vectors.devices,
            embedding_type=request.embedding_type,
            pooling=request.pooling,
            pages=self._pages,
            earlier_pages=self._earlier_pages,
            shape=self._shape,
            not_embedded=tuple(self._problems),
            seconds=time.monotonic() - self._start,
        )

    def _events(self) -> Generator[EmbeddingEvent, None, None]:
        request = self._request
        dim = request.pooling.dim(self._vectors.dim)
        with UnfinishedFile(request.file, self._recipe(), dim) as unfinished:
            sources: dict[Path, SourceFile] = {}
            other_kinds: Counter[str] = Counter()
            for found in discover(
                request.paths, include=request.include, exclude=request.exclude, other_kinds=other_kinds
            ):
                try:
                    if isinstance(found, UnreadableDocumentError):
                        raise found
                    sources[found] = _look_at(found)
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
        """What vectors depend on: those of another recipe never get into the same file."""
        space, request = self._encoder.space, self._request
        return {
            "encoder": space.encoder,
            "revision": space.revision,
            "precision": self._vectors.precision,
            "embedding_type": request.embedding_type.value,
            "pooling": request.pooling.value,
            "ocr": request.settings.ocr.value,
            "dpi": str(request.settings.dpi),
        }

    def _read(self, sources: dict[Path, SourceFile], unfinished: UnfinishedFile) -> Iterator[EmbeddingEvent]:
        """Read, encode and keep what is missing. A file that changes meanwhile is no longer among the sources."""
        request = self._request
        missing = {path: unfinished.missing(source) for path, source in sources.items()}
        jobs = [ReadJob(path, pages) for path, pages in missing.items() if pages != ()]
        settings = replace(request.settings, picture=self._encoder.picture)
        page_count = 0
        with (
            closing(read_documents(jobs, settings, workers=request.workers)) as reading,
            Batch(self._vectors, request.pooling, unfinished) as batch,
        ):
            for event in reading:
                source = sources[event.job.path]
                match event:
                    case Opened():
                        page_count = event.page_count
                    case PageRead():
                        self._notices.read(source.name, event.page.text)
                        yield from batch.add(source, page_count, event.page)
                    case PageFailed():
                        yield NotEmbedded.of(event.error)
                    case Failed():
                        self._notices.end(source.name)
                        yield NotEmbedded.of(event.error)
                    case Done():
                        if _has_changed(event.job.path, source):
                            del sources[event.job.path]
                            self._notices.forget(source.name)
                            reason = "changed while it was being read"
                            yield NotEmbedded(
                                source.name, None, reason, "Try again when nobody writes to it."
                            )
                        else:
                            self._notices.end(source.name)
            yield from batch.finish()


def _look_at(path: Path) -> SourceFile:
    """Take note of a file's size and time.

    Raises:
        UnreadableDocumentError: It can't be found, or its name is not text.
    """
    name = path.as_posix()
    readable = name.encode("utf-8", "replace").decode()
    if name != readable:
        raise UnreadableDocumentError(readable, "its name is not valid UTF-8", hint="Rename the file.")
    try:
        status = path.stat()
    except OSError as error:
        raise UnreadableDocumentError(path, f"can't be read: {error.strerror or error}") from error
    return SourceFile(name, status.st_size, status.st_mtime_ns)


def _has_changed(path: Path, source: SourceFile) -> bool:
    try:
        return _look_at(path) != source
    except UnreadableDocumentError:
        return True
