"""What the routes work with: a library open for reading and for writing, and the threads that use it.

Searches have a thread of their own and share scans (`batching`). A few others read and draw pages. Indexing has its own
(`job_queue`). The event loop computes nothing.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Annotated, ParamSpec, Self, TypeVar

from fastapi import Depends, Request

from maxsight import Library
from maxsight.encoders import EncoderOptions
from maxsight.errors import InputError, LibraryReadOnlyError
from maxsight.indexing import Judges, PageJudge
from maxsight.library.reranking import depth
from maxsight.library.searching import choose_search_device
from maxsight.reranking import Reranker
from maxsight.results import Hit
from maxsight.server.admission import Admission
from maxsight.server.batching import SearchBatcher, SearchOptions
from maxsight.server.catalogue import Catalogue
from maxsight.server.config import RequestLimits, ServerSettings
from maxsight.server.finding import TextFinder
from maxsight.server.job_queue import JobQueue
from maxsight.server.metrics import Metrics
from maxsight.server.page_images import PageImages
from maxsight.server.security import Sessions
from maxsight.server.upload_folder import UploadFolder
from maxsight.server.upload_form import Incoming
from maxsight.stores.addresses import Address
from maxsight.threads import one_blas_thread

PAGE_THREADS = 4
Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


class Service:
    """A served library. Use ``open``.

    Attributes:
        reader: The library, for reading. Its encoder is loaded.
        settings: How the server runs.
        sessions: Sessions of browsers; None without a token.
        images: Pictures of its pages.
        uploads: The folder of uploaded files.
        documents: Its documents.
        finder: Finds texts in one of them.
        asking: Admits questions for a model.
        metrics: Figures for Prometheus.
        reranker: Takes the second look at searches that ask for it; None if the server has none.
    """

    def __init__(
        self,
        reader: Library,
        writer: Library | None,
        settings: ServerSettings,
        judges: Judges,
        reranker: Reranker | None = None,
    ) -> None:
        """Use ``open``."""
        limits = settings.limits
        self.reader = reader
        self.reranker = reranker
        self.settings = settings
        self.sessions = Sessions(settings.token) if settings.token else None
        self.metrics = Metrics()
        self.images = PageImages(reader, reader.cache / "pages", limits.cache_bytes)
        self.uploads = UploadFolder(settings.uploads or (reader.home or Path.cwd()) / "uploads")
        self.documents = Catalogue(reader, self.uploads, self.images)
        self.finder = TextFinder(reader)
        self._writer = writer
        self._jobs: JobQueue | None = None
        if writer is not None:
            self._jobs = JobQueue(
                writer,
                self.uploads,
                judges,
                reading=settings.reading,
                max_waiting=limits.waiting_jobs,
                metrics=self.metrics,
            )
        self._batcher = SearchBatcher(self._search_many, limits.waiting_searches)
        self._search_thread = ThreadPoolExecutor(1, "search")
        self._rerank_thread = ThreadPoolExecutor(1, "rerank")
        self._page_threads = ThreadPoolExecutor(PAGE_THREADS, "pages")
        self._receiving = Admission(
            "uploads are coming", limits.uploads, "Try again when they are here.", retry_after_s=30
        )
        self.asking = Admission(
            "questions are being answered", limits.asks, "Ask again in a moment.", retry_after_s=5
        )
        self._page_work = Admission(
            "requests for pages wait", PAGE_THREADS + limits.waiting_pages, "Try again in a moment."
        )
        self._reranking = Admission(
            "searches wait for the reranker", limits.waiting_reranks, "Try again in a moment."
        )
        self._open = ExitStack()
        self._open.enter_context(one_blas_thread())  # once for all searches

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
        reranker: Reranker | None = None,
    ) -> Self:
        """Open a library to be served, and load its encoder. A library that does not exist is made.

        Args:
            path: Where it lies.
            settings: How the server runs.
            encoder: Where the library's encoder is now, or the encoder of a new library.
            options: How the encoder runs.
            search_device: Where pages are scored.
            judge: Predicts how well OCR reads uploaded pages. By default the model that has judged the library's.
            reranker: Takes the second look at searches that ask for it.

        Raises:
            MaxSightError: It can't be opened, or its encoder can't be loaded.
        """
        choose_search_device(search_device)  # before a library is made
        with ExitStack() as opened:
            writer = None
            if not settings.read_only:
                writer = Library.open(path, encoder=encoder, options=options, create=True)
                opened.enter_context(writer)
            reader = Library.open(
                path, encoder=encoder, options=options, read_only=True, search_device=search_device
            )
            opened.enter_context(reader)
            if writer is not None:
                writer.encoder = reader.encoder  # loaded once
            reader.search("ready", top_k=1)  # loads what searches need
            service = cls(reader, writer, settings, Judges(judge), reranker)
            service._open.push(opened.pop_all())
        return service

    def start(self) -> None:
        """Resume the jobs that the last server has not ended."""
        if self._jobs is not None:
            self._jobs.resume()

    def close(self) -> None:
        """Stop all work and close the library."""
        if self._jobs is not None:
            self._jobs.close()
        self._search_thread.shutdown(cancel_futures=True)
        self._rerank_thread.shutdown(cancel_futures=True)
        self._page_threads.shutdown(cancel_futures=True)
        self._open.close()

    async def run(
        self,
        function: Callable[Parameters, Result],
        *args: Parameters.args,
        **kwargs: Parameters.kwargs,
    ) -> Result:
        """Run what computes, reads or writes off the event loop.

        Raises:
            RefusedError: Too much waits already.
        """
        loop = asyncio.get_running_loop()
        with self._page_work:
            return await loop.run_in_executor(self._page_threads, partial(function, *args, **kwargs))

    @asynccontextmanager
    async def receiving(
        self, request: Request, limits: RequestLimits | None = None, field: str = "files"
    ) -> AsyncIterator[Incoming]:
        """Receive the files of a request. At the end of the block those that were not stored are deleted.

        Args:
            request: An upload.
            limits: What it may cost; by default the server's limits.
            field: The name of every field of its form.

        Raises:
            MaxSightError: As for ``Incoming.receive``.
            RefusedError: Too many uploads are coming already.
        """
        with self._receiving:
            incoming = self.uploads.new_incoming(limits or self.settings.limits, field)
            await incoming.receive(request.headers, request.stream())
            try:
                yield incoming
            finally:
                incoming.discard()

    async def search(self, query: str, options: SearchOptions, *, rerank: bool = False) -> list[Hit]:
        """Find the pages that answer a question. Searches at the same time share a scan.

        Args:
            query: The question.
            options: How to search.
            rerank: Whether the server's reranker takes a second look, if it has one.

        Raises:
            RefusedError: Too many searches wait already.
            MaxSightError: As for ``Library.search``.
        """
        if not rerank or self.reranker is None:
            return await self._batcher.search(query, options)
        more = replace(options, top_k=depth(options.top_k, self.reranker))
        hits = await self._batcher.search(query, more)
        with self._reranking:
            second_look = partial(self.reader.rerank, query, hits, self.reranker)
            hits = await asyncio.get_running_loop().run_in_executor(self._rerank_thread, second_look)
        return hits[: options.top_k]

    def reranks_with(self, name: str | None) -> bool:
        """Whether a request asks for the server's reranker, by its name.

        Raises:
            InputError: The server has no such reranker.
        """
        own = self.reranker.name if self.reranker else None
        if name is not None and name != own:
            raise InputError(
                f"this server has no reranker {name}",
                hint=f"It has {own}." if own else "Start it with --rerank MODEL.",
            )
        return name is not None

    async def _search_many(self, queries: Sequence[str], options: SearchOptions) -> Sequence[list[Hit]]:
        search = partial(self.reader.search_many, queries, **asdict(options))
        start = time.perf_counter()
        found = await asyncio.get_running_loop().run_in_executor(self._search_thread, search)
        self.metrics.scans.observe(time.perf_counter() - start)
        self.metrics.together.observe(len(queries))
        return found

    @property
    def is_read_only(self) -> bool:
        """Whether the server does not write."""
        return self._writer is None

    @property
    def jobs(self) -> JobQueue:
        """The jobs.

        Raises:
            LibraryReadOnlyError: The server does not write.
        """
        if self._jobs is None:
            raise LibraryReadOnlyError(
                "this server does not change the library", hint="Start it without --read-only."
            )
        return self._jobs

    def delete(self, document_id: str) -> None:
        """Remove a document; see ``Catalogue.delete``.

        Raises:
            UnknownDocumentError: No document has this id.
            LibraryReadOnlyError: The server does not write.
        """
        entry, jobs = self.documents.find(document_id), self.jobs
        assert self._writer is not None  # there are jobs
        self.documents.delete(entry, self._writer, jobs)


def _get_service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


Served = Annotated[Service, Depends(_get_service)]
"""The service of the application that a request goes to, as a parameter of a route."""
