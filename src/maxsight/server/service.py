"""What the routes stand on: a library open for reading and one for writing, and the threads that use them.

Searches have a thread of their own and go together (`batching`), pages are read and drawn in a few others, indexing
has its own (`jobs`). The event loop does nothing but pass things on.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import ParamSpec, Self, TypeVar

from fastapi import Request

from maxsight import Library
from maxsight.encoders import EncoderOptions
from maxsight.errors import LibraryReadOnlyError, UnknownDocumentError
from maxsight.identity import document_id, page_id
from maxsight.indexing import Judges, PageJudge
from maxsight.results import Hit
from maxsight.server.admission import Admission
from maxsight.server.batching import SearchBatcher, SearchOptions
from maxsight.server.config import RequestLimits, ServerSettings
from maxsight.server.job_queue import JobQueue
from maxsight.server.metrics import Metrics
from maxsight.server.page_images import PageImages
from maxsight.server.uploads import Incoming, UploadFolder
from maxsight.stores.addresses import Address
from maxsight.stores.base import DocumentEntry
from maxsight.threads import one_blas_thread

PAGE_THREADS = 4
Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


class Service:
    """A library that is being served. Use ``open``.

    Attributes:
        reader: The library, for reading. Its encoder is loaded.
        settings: How the server runs.
        images: Pictures of its pages.
        uploads: Where uploaded files are kept.
        asking: Lets questions in that are to be answered in words.
        metrics: Figures.
    """

    def __init__(
        self, reader: Library, writer: Library | None, settings: ServerSettings, judges: Judges
    ) -> None:
        """Use ``open``."""
        self.reader = reader
        self.settings = settings
        self.metrics = Metrics()
        self.uploads = UploadFolder(settings.uploads or (reader.home or Path.cwd()) / "uploads")
        self.images = PageImages(reader, reader.cache / "pages", settings.limits.cache_bytes)
        self._writer = writer
        limits = settings.limits
        self._jobs: JobQueue | None = None
        if writer is not None:
            self._jobs = JobQueue(
                writer,
                self.uploads,
                judges,
                reading=settings.reading,
                most_waiting=limits.waiting_jobs,
                metrics=self.metrics,
            )
        self._batcher = SearchBatcher(self._search_many, limits.waiting_searches)
        self._search_thread = ThreadPoolExecutor(1, "search")
        self._page_threads = ThreadPoolExecutor(PAGE_THREADS, "pages")
        self._receiving = Admission(
            "uploads are coming", limits.uploads, "Try again when they are here.", retry_after_s=30
        )
        self.asking = Admission(
            "questions are being answered", limits.asks, "Ask again in a moment.", retry_after_s=5
        )
        self._at_pages = Admission(
            "requests for pages wait", PAGE_THREADS + limits.waiting_pages, "Try again in a moment."
        )
        self._documents: tuple[int, dict[str, DocumentEntry]] | None = None
        self._limit = ExitStack()
        self._limit.enter_context(one_blas_thread())  # as every search wants it

    @classmethod
    def open(
        cls,
        path: Address,
        settings: ServerSettings,
        *,
        encoder: str | None = None,
        options: EncoderOptions | None = None,
        search_device: str = "cpu",
        judge: PageJudge | None = None,
    ) -> Self:
        """Open a library to be served, or make it if there is none, and load its encoder.

        Args:
            path: Where it lies.
            settings: How the server runs.
            encoder: Where the library's encoder is now, or that of a new library.
            options: How it runs.
            search_device: Where pages are scored.
            judge: Predicts how well OCR reads the pages of uploads; whoever has judged the library's, if not given.

        Raises:
            MaxSightError: It can't be opened, or its encoder can't be loaded.
        """
        writer = None
        if not settings.read_only:
            writer = Library.open(path, encoder=encoder, options=options, create=True)
        reader = Library.open(
            path, encoder=encoder, options=options, read_only=True, search_device=search_device
        )
        if writer is not None:
            writer.encoder = reader.encoder  # loaded once
        reader.search("ready", top_k=1)  # and what it needs besides, before the first question
        return cls(reader, writer, settings, Judges(judge))

    def start(self) -> None:
        """Take up what a server before this one has not ended."""
        if self._jobs is not None:
            self._jobs.resume()

    def close(self) -> None:
        """Stop what is running and release what is held."""
        if self._jobs is not None:
            self._jobs.close()
        self._search_thread.shutdown(cancel_futures=True)
        self._page_threads.shutdown(cancel_futures=True)
        if self._writer is not None:
            self._writer.close()
        self.reader.close()
        self._limit.close()

    async def run(
        self,
        function: Callable[Parameters, Result],
        *args: Parameters.args,
        **kwargs: Parameters.kwargs,
    ) -> Result:
        """Run what computes, reads or writes off the event loop.

        Raises:
            RefusedError: Too much waits for that already.
        """
        loop = asyncio.get_running_loop()
        with self._at_pages:
            return await loop.run_in_executor(self._page_threads, partial(function, *args, **kwargs))

    @asynccontextmanager
    async def receiving(
        self, request: Request, limits: RequestLimits | None = None, field: str = "files"
    ) -> AsyncIterator[Incoming]:
        """Receive the files of a request; those that have not been kept by the end of the block are dropped.

        Args:
            request: An upload.
            limits: What it may cost; the server's, if not given.
            field: The name that every field of its form has.

        Raises:
            UnknownParameterError: A field has another name.
            RefusedError: As for ``UploadFolder.receive``, or as many come already as may.
        """
        with self._receiving:
            incoming = await self.uploads.receive(
                request.headers, request.stream(), limits or self.settings.limits, field
            )
            try:
                yield incoming
            finally:
                incoming.discard()

    async def search(
        self,
        query: str,
        *,
        top_k: int = 10,
        where: str | None = None,
        hybrid: bool = False,
        exact: bool = False,
    ) -> list[Hit]:
        """Find the pages that answer a question, together with others that are asked at the same time.

        Raises:
            RefusedError: Too many searches wait already.
            MaxSightError: As for ``Library.search``.
        """
        return await self._batcher.search(query, SearchOptions(top_k, where, hybrid, exact))

    async def _search_many(self, queries: Sequence[str], options: SearchOptions) -> list[list[Hit]]:
        search = partial(
            self.reader.search_many,
            queries,
            top_k=options.top_k,
            where=options.where,
            hybrid=options.hybrid,
            exact=options.exact,
        )
        start = time.perf_counter()
        found = await asyncio.get_running_loop().run_in_executor(self._search_thread, search)
        self.metrics.scans.observe(time.perf_counter() - start)
        self.metrics.together.observe(len(queries))
        return found

    @property
    def jobs(self) -> JobQueue:
        """The jobs.

        Raises:
            LibraryReadOnlyError: The server does not write.
        """
        if self._jobs is None:
            raise LibraryReadOnlyError(
                "the library is served read-only", hint="Start the server without --read-only."
            )
        return self._jobs

    @property
    def is_read_only(self) -> bool:
        """Whether uploads and deletes are refused."""
        return self._jobs is None

    def document(self, id_: str) -> DocumentEntry:
        """Find a document by its id.

        Raises:
            UnknownDocumentError: There is none.
        """
        version = self.reader.version
        if self._documents is None or self._documents[0] != version:
            by_id = {document_id(entry.document.path): entry for entry in self.reader.documents()}
            self._documents = version, by_id
        try:
            return self._documents[1][id_]
        except KeyError:
            raise UnknownDocumentError(
                f"there is no document {id_!r}", hint="GET /v1/documents lists them."
            ) from None

    def delete(self, id_: str) -> None:
        """Remove a document; its file too if it was uploaded here.

        Raises:
            UnknownDocumentError: There is none.
            RefusedError: It is being indexed.
            LibraryReadOnlyError: The server does not write.
        """
        entry, jobs = self.document(id_), self.jobs
        path = entry.document.path
        assert self._writer is not None  # there are jobs
        with jobs.keeping_off(path):
            self._writer.remove([path], exact=True)
            self.uploads.remove(self.reader.source(entry.document))
        self.images.forget(page_id(path, entry.document.content_hash, index) for index in entry.page_indices)

    def is_upload(self, entry: DocumentEntry) -> bool:
        """Whether a document's file was uploaded here."""
        return self.uploads.owns(self.reader.source(entry.document))


def get_service(request: Request) -> Service:
    """The service of the application that a request goes to."""
    service: Service = request.app.state.service
    return service
