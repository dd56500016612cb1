"""The library: index, search, explain, remove. The composition of the folders below it, and little else."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from functools import cached_property, lru_cache, partial
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self, Unpack

from PIL import Image

from maxsight import __version__, extras
from maxsight.documents import (
    Failed,
    OcrChoice,
    PageFailed,
    PageRead,
    PageRenderer,
    ReadJob,
    ReadSettings,
    read_documents,
)
from maxsight.drawing import PagePicture, draw_page, placed
from maxsight.encoders import DEFAULT_ENCODER, Encoder, EncoderOptions, load_encoder
from maxsight.encoders.matching import find_same_encoder, load_own_encoder
from maxsight.errors import EmptyQueryError, InputError, LibraryExistsError, UnknownPageError
from maxsight.evaluation.asking import ask_library
from maxsight.evaluation.audit import TARGET, audit_search
from maxsight.evaluation.datasets import Question
from maxsight.evaluation.runner import DEPTH, Evaluation
from maxsight.evaluation.sampling import GIVEN, sample_queries
from maxsight.exporting import export_parquet
from maxsight.heatmaps.explanation import Explanation, explain_page
from maxsight.hits import Rank, find_hits
from maxsight.identity import find_document, page_id
from maxsight.indexing import Found, IndexEvent, IndexOptions, IndexReport, IndexRun, Noticed, Progress
from maxsight.retrieval.codes import SignCodec
from maxsight.retrieval.loading import compile_for
from maxsight.retrieval.search import ScoredPage, rank_pages_many
from maxsight.settings import default_library
from maxsight.status import Status
from maxsight.stores.audit import Audit
from maxsight.stores.base import DocumentEntry, IndexedPage, Searchable, Store
from maxsight.stores.conditions import Filter
from maxsight.stores.filters import parse_filter
from maxsight.stores.local import LocalStore
from maxsight.stores.manifest import Manifest
from maxsight.stores.verification import Verification
from maxsight.threads import one_blas_thread
from maxsight.types import EmbeddingSpace, Hit, PageEmbedding, QueryEmbedding

if TYPE_CHECKING:
    from maxsight.retrieval.device_engine import DeviceEngine

PAGES_PER_READ = 64
ENCODED_QUERIES = 64  # much is asked about one query in a row: its hits, its notices, heatmaps of its pages


class Library:
    """Everything indexed in one place.

    ::

        with Library.create("papers.library") as library:
            library.index(["papers/"])
            for hit in library.search("how is attention scaled?"):
                print(hit.file, hit.page_number, hit.snippet)
    """

    def __init__(self, store: LocalStore, path: Path, options: EncoderOptions | None = None) -> None:
        """Use ``Library.open`` or ``Library.create``."""
        self._recall_target: float | None = None
        self._engine: DeviceEngine | None = None
        self._store = store
        self._encoder_options = options
        self._encode_query = lru_cache(ENCODED_QUERIES)(self._encode_new_query)
        self._listing: tuple[int, list[DocumentEntry]] | None = None
        self._renderer = PageRenderer()
        self.path = path

    @classmethod
    def create(
        cls,
        path: str | PathLike[str] | None = None,
        *,
        encoder: str | Encoder = DEFAULT_ENCODER,
        options: EncoderOptions | None = None,
        settings: ReadSettings | None = None,
        pool_factor: int = 1,
    ) -> Self:
        """Make a new, empty library.

        Args:
            path: A folder that does not exist or is empty; ``MAXSIGHT_LIBRARY`` or ``./maxsight.library``
                if not given.
            encoder: Makes every vector in it, now and later: a name, or one that is loaded.
            options: How an encoder that is named runs here.
            settings: How its files are read unless ``index`` is told otherwise; what ``default_settings`` says,
                if not given.
            pool_factor: Keep one in so many of a page's vectors, each the mean of some that say nearly the same
                (token pooling).

        Raises:
            StoreError: Something is there already, or the place can't be written to.
            ModelNotAvailableError: There is no such encoder.
            MissingExtraError: It needs an extra that is not installed.
        """
        path = _place(path)
        loaded = load_encoder(encoder, options) if isinstance(encoder, str) else encoder
        settings = settings or default_settings(loaded)
        manifest = Manifest(
            loaded.space,
            dpi=settings.dpi,
            ocr=settings.ocr,
            created_by=__version__,
            pool_factor=pool_factor,
        )
        library = cls(LocalStore.create(path, manifest, codec=SignCodec(loaded.space.dim)), path, options)
        library.encoder = loaded
        return library

    @classmethod
    def open(
        cls,
        path: str | PathLike[str] | None = None,
        *,
        encoder: str | Encoder | None = None,
        options: EncoderOptions | None = None,
        read_only: bool = False,
        create: bool = False,
        settings: ReadSettings | None = None,
        pool_factor: int | None = None,
        recall_target: float | None = None,
        search_device: str = "cpu",
    ) -> Self:
        """Open a library. It knows its encoder, which is loaded when first needed.

        Args:
            path: Where it lies; ``MAXSIGHT_LIBRARY`` or ``./maxsight.library`` if not given.
            encoder: Refuse the library unless this one makes vectors of its embedding space. The same weights under
                another name, or in another folder, are accepted and used.
            options: How its encoder runs here.
            read_only: Write nothing, not even repairs.
            create: Make it first if there is none.
            settings: As for ``create``, if it is made.
            pool_factor: As for ``create``; a library that was made with another one is refused.
            recall_target: The share of the exact best pages that searches should find, between 0 and 1: they look
                at as many pages as the library's last audit found to be needed. The audit's own target, if not
                given. Without an audit a default holds.
            search_device: ``cuda``, ``cuda:1``, ``mps`` or ``auto`` to keep all vectors in that device's memory
                and score every page there. They are copied again after every change of the library; where they
                don't fit, searches run on the CPU.

        Raises:
            LibraryNotFoundError: There is none.
            EncoderMismatchError: It was indexed with another encoder.
            InputError: It was made with another pool factor, or ``recall_target`` is no share.
            ModelNotAvailableError: There is no such device.
            MissingExtraError: ``search_device`` needs torch, and it is not installed.
            StoreError: It can't be read.
        """
        path = _place(path)
        if recall_target is not None and not 0 < recall_target <= 1:
            raise InputError(f"a recall target is a share between 0 and 1, got {recall_target}")
        made = None
        if create and not cls.exists(path):
            with suppress(LibraryExistsError):  # another process may have made it meanwhile
                made = cls.create(
                    path,
                    encoder=encoder or DEFAULT_ENCODER,
                    options=options,
                    settings=settings,
                    pool_factor=1 if pool_factor is None else pool_factor,
                )
        library = made or cls(LocalStore.open(path, codec=SignCodec, read_only=read_only), path, options)
        library._recall_target = recall_target
        try:
            library._check_pool_factor(pool_factor)
            if (
                made is None
                and encoder is not None
                and (same := find_same_encoder(library.space, encoder, options))
            ):
                library.encoder = same
            if search_device != "cpu":
                library._engine = _device_engine(library._store, search_device)
        except BaseException:
            library.close()
            raise
        return library

    @staticmethod
    def exists(path: str | PathLike[str] | None = None) -> bool:
        """Whether there is a library at ``path``."""
        return LocalStore.exists(_place(path))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Release what is held."""
        self._renderer.close()
        self._store.close()

    @cached_property
    def encoder(self) -> Encoder:
        """The encoder of every vector in the library, loaded when first needed.

        Raises:
            ModelNotAvailableError: It can't be loaded here.
            EncoderMismatchError: The one that can be loaded makes vectors of another space.
        """
        return load_own_encoder(self.space, self._encoder_options)

    def _page_encoder(self) -> Encoder:
        """The encoder as pages need it: with its vectors pooled where the library's are."""
        factor = self._store.manifest.pool_factor
        if factor == 1:
            return self.encoder
        from maxsight.encoders.token_pooling import (
            PoolingEncoder,
        )  # scipy takes a quarter of a second to import

        return PoolingEncoder(self.encoder, factor)

    def _check_pool_factor(self, asked: int | None) -> None:
        stored = self._store.manifest.pool_factor
        if asked not in (None, stored):
            raise InputError(
                f"the library was made with pool factor {stored}, not {asked}",
                hint="Leave the pool factor out, or index into a new library.",
            )

    @property
    def space(self) -> EmbeddingSpace:
        """The embedding space of every vector in it."""
        return self._store.manifest.space

    @property
    def home(self) -> Path:
        """The folder that holds the library; documents below it are named relative to it."""
        return self.path.resolve().parent

    # Index ------------------------------------------------------------------------------------------------

    def index(
        self,
        paths: Sequence[str | PathLike[str]] | str | PathLike[str],
        *,
        on_event: Callable[[IndexEvent], None] | None = None,
        **options: Unpack[IndexOptions],
    ) -> IndexReport:
        """Index files and folders, and say what was done.

        What can't be read is named in the report; everything else is indexed. Unchanged files are skipped, so the
        same call after an interruption goes on where it stopped.

        Args:
            paths: Files and folders.
            on_event: Called with each step as it happens.
            **options: See ``IndexOptions``.
        """
        outcomes: list[IndexEvent] = []
        start = time.monotonic()
        with closing(self.indexing(paths, **options)) as events:
            for event in events:
                if not isinstance(event, Progress | Found):
                    outcomes.append(event)
                if on_event:
                    on_event(event)
        return IndexReport.of(outcomes, time.monotonic() - start)

    def indexing(
        self,
        paths: Sequence[str | PathLike[str]] | str | PathLike[str],
        **options: Unpack[IndexOptions],
    ) -> Generator[IndexEvent, None, None]:
        """Index files and folders step by step: nothing happens unless the steps are iterated.

        Closing it early commits what is encoded and leaves the rest to the next run.

        Args:
            paths: Files and folders.
            **options: See ``IndexOptions``.

        Raises:
            LibraryBusyError: Another process is writing.
            LibraryReadOnlyError: The library can't be written to.
        """
        several = [paths] if isinstance(paths, str | PathLike) else paths
        encoder = self._page_encoder()
        options = {"settings": self.settings, **options}
        with self._store.writing():
            for damage in self._store.dropped:
                yield Noticed(f"damaged and dropped; index those documents to have them back: {damage}")
            run = IndexRun(self._store, encoder, self.home, [Path(path) for path in several], options)
            yield from run.events()
            self._store.optimize()
            compile_for(sum(entry.vectors for entry in self.documents()))

    @property
    def settings(self) -> ReadSettings:
        """How files are read unless told otherwise: as when the library was made."""
        manifest = self._store.manifest
        return ReadSettings(ocr=OcrChoice(manifest.ocr), dpi=manifest.dpi)

    def remove(self, files: Sequence[str]) -> list[str]:
        """Remove documents by path or file name, all or none, and name those that went.

        Raises:
            InputError: A name fits no document, or several.
        """
        with self._store.writing():
            known = [entry.document.path for entry in self.documents()]
            paths = [find_document(file, known, self.home) for file in files]
            self._store.remove(paths)
        return paths

    def encode_query(self, query: str) -> QueryEmbedding:
        """Encode a question as searches do.

        Raises:
            InputError: It is not valid text.
            EmptyQueryError: Nothing in it can be searched for.
        """
        return self._encode_query(query)

    def encode_file(
        self, file: str | PathLike[str], *, settings: ReadSettings | None = None
    ) -> list[PageEmbedding]:
        """Encode the pages of a file as indexing does, and keep nothing.

        Args:
            file: Which.
            settings: How it is read; as when the library was made, if not given.

        Raises:
            UnreadableDocumentError: It can't be read, or one of its pages can't.
        """
        encoder = self._page_encoder()
        settings = replace(settings or self.settings, picture=encoder.picture)
        pages = []
        with closing(read_documents([ReadJob(Path(file))], settings)) as events:
            for event in events:
                if isinstance(event, PageFailed | Failed):
                    raise event.error
                if isinstance(event, PageRead):
                    pages.append(event.page)
        with one_blas_thread():
            return encoder.encode_pages(pages)

    # Search -----------------------------------------------------------------------------------------------

    def search(
        self,
        query: str,
        *,
        top_k: int = 10,
        where: str | Filter | None = None,
        hybrid: bool = False,
        exact: bool = False,
    ) -> list[Hit]:
        """Find the pages that answer a question.

        Args:
            query: The question.
            top_k: How many pages at most. Pages of equal content come as one hit.
            where: SQL condition on ``file``, ``path``, ``page_number`` and the user's fields.
            hybrid: Order by the fusion of MaxSim and BM25.
            exact: Score every page instead of the candidates.

        Returns:
            Best first; fewer than ``top_k`` where the library holds fewer.

        Raises:
            InputError: The query is not valid text, or ``top_k`` is less than 1.
            EmptyQueryError: Nothing in the query can be searched for.
            FilterError: The condition is not valid, or names an unknown field.
        """
        return self.search_many([query], top_k=top_k, where=where, hybrid=hybrid, exact=exact)[0]

    def search_many(
        self,
        queries: Sequence[str],
        *,
        top_k: int = 10,
        where: str | Filter | None = None,
        hybrid: bool = False,
        exact: bool = False,
    ) -> list[list[Hit]]:
        """Find the pages that answer each of several questions: ``search`` for each, but sooner.

        Args:
            queries: The questions.
            top_k: As for ``search``, for each question.
            where: As for ``search``.
            hybrid: As for ``search``.
            exact: As for ``search``.

        Returns:
            For each question what ``search`` finds.

        Raises:
            EmptyQueryError: Nothing in one of them can be searched for.
            FilterError: The condition is not valid, or names an unknown field.
        """
        condition = self._filter(where)
        if top_k < 1:
            raise InputError(f"ask for at least one result, got {top_k}")
        with one_blas_thread():
            embeddings = self._encode_queries(queries)
            rank = self._ranking(top_k, where=condition, hybrid=hybrid, exact=exact)
            found = find_hits(self._store, rank, embeddings, top_k)
        return [
            [hit.drawn_by(partial(self._heatmap, query, hit.page_id)) for hit in hits]
            for query, hits in zip(queries, found, strict=True)
        ]

    def _heatmap(self, query: str, page_id: str) -> Image.Image:
        return self.draw(self.explain_page(query, self.page(page_id)))

    def _ranking(self, top_k: int, *, where: Filter | None, hybrid: bool, exact: bool) -> Rank:
        """How pages are ranked here: in a device's memory, or as the last audit says, or by default."""
        candidates, searched = None, self._searched
        audit = self._store.last_audit() if searched is self._store and not exact else None
        if audit is not None and audit.conclusive:
            target = self._recall_target or audit.target
            candidates = audit.candidates_for(target, pages=self._store.page_count(), top_k=top_k)
            exact = candidates is None

        def rank(queries: Sequence[QueryEmbedding], limit: int) -> list[list[ScoredPage]]:
            return rank_pages_many(
                searched, queries, limit=limit, where=where, exact=exact, hybrid=hybrid, candidates=candidates
            )

        return rank

    @property
    def _searched(self) -> Searchable:
        """The store, or its vectors in a device's memory where they are wanted there and fit."""
        return self._engine if self._engine and self._engine.refresh() else self._store

    def _encode_queries(self, queries: Sequence[str]) -> list[QueryEmbedding]:
        encoded = []
        for number, query in enumerate(queries, start=1):
            try:
                encoded.append(self._encode_query(query))
            except EmptyQueryError as error:
                if len(queries) == 1:
                    raise
                raise EmptyQueryError(f"query {number}, {query!r}: {error}", hint=error.hint) from error
        return encoded

    def _encode_new_query(self, query: str) -> QueryEmbedding:
        _check_text(query)
        return self.encoder.encode_query(query)

    def _filter(self, where: str | Filter | None) -> Filter | None:
        return parse_filter(where, self._store.fields()) if isinstance(where, str) else where

    def notices(self, query: str) -> list[str]:
        """What a user should know before trusting the answers to ``query``.

        Raises:
            EmptyQueryError: Nothing in the query can be searched for.
        """
        searched = self._encode_query(query).text
        language = self.encoder.notice(query)
        notices = [language] if language else []
        if len(searched.split()) < len(query.split()):
            notices.append(f"only the first {len(searched.split()):,} words of the query are searched for")
        return notices

    # Explain ----------------------------------------------------------------------------------------------

    def explain(self, query: str, file: str, page_number: int) -> Explanation:
        """Say why a page would be found: per query word where it matched, and what each region gave.

        Args:
            query: The question.
            file: The document, by path or file name.
            page_number: From 1.

        Raises:
            InputError: There is no such document or page, or nothing on it can match.
        """
        return self.explain_page(query, self.find_page(file, page_number))

    def explain_page(self, query: str, page: IndexedPage) -> Explanation:
        """Say why a page at hand would be found.

        Raises:
            InputError: Nothing on it can match.
            EmptyQueryError: Nothing in the query can be searched for.
        """
        return explain_page(self._encode_query(query), placed(page), page.embedding, page.document.path)

    def draw(self, explanation: Explanation, *, settings: ReadSettings | None = None) -> Image.Image:
        """Draw an explanation over the page.

        Raises:
            UnreadableDocumentError: The source file is not there any more, or can't be drawn.
        """
        page = self.find_page(explanation.path, explanation.page_number)
        return explanation.draw(*self.picture(page, settings=settings))

    # Pages ------------------------------------------------------------------------------------------------

    def page(self, page_id: str) -> IndexedPage:
        """Read a page: its text, its words and where they stand, its vectors.

        Raises:
            UnknownPageError: There is none with this id.
        """
        rows = self._store.read([page_id])
        if not rows:
            raise UnknownPageError(
                f"there is no page {page_id!r}", hint="It may have been removed, or changed and indexed anew."
            )
        return rows[0]

    def find_page(self, file: str, page_number: int) -> IndexedPage:
        """Read a page of a document.

        Args:
            file: The document, by path or file name.
            page_number: From 1.

        Raises:
            UnknownDocumentError: There is no such document.
            UnknownPageError: It has no such page.
            InputError: The name fits several documents.
        """
        entries = {entry.document.path: entry for entry in self.documents()}
        entry = entries[find_document(file, entries, self.home)]
        document = entry.document
        if page_number - 1 not in entry.page_indices:
            raise UnknownPageError(
                f"{document.path} has {document.page_count} pages; page {page_number} is not in the library"
            )
        return self.page(page_id(document.path, document.content_hash, page_number - 1))

    def picture(self, page: IndexedPage, *, settings: ReadSettings | None = None) -> PagePicture:
        """Draw a page as a person sees it, with the places of its vectors.

        Args:
            page: Which.
            settings: How files are read; as when the library was made, if not given.

        Raises:
            UnreadableDocumentError: The source file is not there any more, has changed, or can't be drawn.
        """
        return draw_page(page, self.home, settings or self.settings, self._renderer)

    # Look after -------------------------------------------------------------------------------------------

    @property
    def damage(self) -> list[str]:
        """What was found damaged: dropped if this library has written since it was opened, else left out."""
        return [str(damage) for damage in self._store.dropped or self._store.damage()]

    @property
    def version(self) -> int:
        """Another number after every change, by whomever."""
        return self._store.version

    def documents(self, where: str | Filter | None = None) -> list[DocumentEntry]:
        """All documents, by path; or those of which a filter keeps at least one page.

        Raises:
            FilterError: The condition is not valid, or names an unknown field.
        """
        condition, version = self._filter(where), self.version
        listing = self._listing
        if listing is None or listing[0] != version:  # read once a version: it takes a look at every page
            listing = self._listing = (version, self._store.documents())
        return [entry for entry in listing[1] if condition is None or _keeps(condition, entry)]

    def status(self) -> Status:
        """What the library holds."""
        return Status.of(self._store, self.path)

    def verify(
        self, *, repair: bool = False, on_progress: Callable[[int, int], None] | None = None
    ) -> Verification:
        """Read every page and compare it with what was written.

        Args:
            repair: Drop what is damaged, so that the next ``index`` reads those pages again.
            on_progress: Called with pages read and pages in all.
        """
        return self._store.verify(repair=repair, on_progress=on_progress)

    def compact(self) -> None:
        """Merge fragments, and drop versions more than an hour old."""
        self._store.compact()

    def backup(self, destination: str | PathLike[str]) -> None:
        """Copy one consistent version to a folder that is empty or does not exist. The copy is a library.

        Documents are named relative to the folder that holds a library: put a backup back in its place before you
        index with it.

        Raises:
            StoreError: Something is there already, or it can't be written to.
        """
        if self.path.resolve() in (Path(destination).resolve(), *Path(destination).resolve().parents):
            raise InputError(f"{destination} lies in the library itself", hint="Choose a folder outside it.")
        self._store.backup(Path(destination))

    def export(self, file: str | PathLike[str]) -> int:
        """Write every page with its vectors to a Parquet file, and return how many.

        Raises:
            InputError: The file can't be written.
        """
        ids = [page for entry in self.documents() for page in _page_ids(entry)]
        groups = (ids[start : start + PAGES_PER_READ] for start in range(0, len(ids), PAGES_PER_READ))
        pages = (page for group in groups for page in self._store.read(group))
        return export_parquet(pages, Path(file), self.space.dim, self._store.fields())

    def audit(
        self,
        queries: Sequence[str] | None = None,
        *,
        sample: int = 200,
        top_k: int = 10,
        target: float = TARGET,
        seed: int = 0,
        on_progress: Callable[[int, int], None] | None = None,
    ) -> Audit:
        """Measure how much of the exact ranking searches find, and how fast, by how many pages they look at.

        Nothing is changed; see ``adopt``.

        Args:
            queries: What is asked; made of the library's own pages, if not given.
            sample: How many to make.
            top_k: How many of the exact best pages should be found.
            target: Which share of them is wanted.
            seed: Of the draw of pages.
            on_progress: Called with steps done and steps in all.

        Raises:
            InputError: There is nothing to search or to ask.
            EmptyQueryError: Nothing in one of the queries can be searched for.
        """
        with one_blas_thread():
            if queries is not None:
                embeddings, source = self._encode_queries(queries), GIVEN
            else:
                ids = [page for entry in self.documents() for page in _page_ids(entry)]
                embeddings, source = sample_queries(
                    self._store, ids, sample, encode=self.encoder.encode_query, seed=seed
                )
            return audit_search(
                self._store,
                embeddings,
                source=source,
                top_k=top_k,
                target=target,
                on_progress=on_progress,
            )

    def adopt(self, audit: Audit) -> None:
        """Search from now on as an audit recommends: the library keeps it, and every process goes by it.

        Raises:
            LibraryBusyError: Another process is writing.
            LibraryReadOnlyError: The library can't be written to.
        """
        self._store.keep_audit(audit)

    def evaluate(
        self,
        questions: Sequence[Question],
        *,
        scope: str = "library",
        on_question: Callable[[Question], None] | None = None,
        hybrid: bool = False,
        exact: bool = False,
    ) -> Evaluation:
        """Measure the ranking on questions with known answers.

        Args:
            questions: What to ask.
            scope: ``library`` to search everything, ``document`` to search the question's own file.
            on_question: Called after each question.
            hybrid: As for ``search``.
            exact: As for ``search``.
        """

        def search(query: str, where: Filter | None) -> list[Hit]:
            return self.search(query, top_k=DEPTH, where=where, hybrid=hybrid, exact=exact)

        documents = [entry.document.path for entry in self.documents()]
        return ask_library(
            search, questions, documents=documents, home=self.home, scope=scope, on_question=on_question
        )


def default_settings(encoder: Encoder) -> ReadSettings:
    """How files are read for a new library: no OCR for an encoder that looks at the page itself."""
    return ReadSettings(ocr=OcrChoice.NONE if encoder.picture else OcrChoice.AUTO)


def _device_engine(store: Store, device: str) -> DeviceEngine | None:
    """The store's vectors in the memory of a device; None where ``auto`` finds nothing but the CPU."""
    extras.require("gpu")
    from maxsight.encoders.checkpoints.devices import choose_devices
    from maxsight.retrieval.device_engine import DeviceEngine

    (chosen,) = choose_devices([device])
    return None if chosen.type == "cpu" else DeviceEngine(store, chosen)


def _place(path: str | PathLike[str] | None) -> Path:
    place = default_library() if path is None else Path(path)
    if place.is_file():
        raise InputError(f"{place} is a file", hint="A library is a folder: give its name, or a new one.")
    return place


def _check_text(query: str) -> None:
    """Refuse what no encoder can read: bytes of a command line that are not UTF-8 come as lone surrogates."""
    try:
        query.encode()
    except UnicodeEncodeError as error:
        raise InputError(
            f"the query is not valid UTF-8 text at character {error.start + 1}",
            hint="Type it anew, or convert it: iconv -t UTF-8",
        ) from error


def _keeps(condition: Filter, entry: DocumentEntry) -> bool:
    document = entry.document
    row = {**entry.metadata, "file": document.file, "path": document.path}
    return any(condition.matches({**row, "page_number": index + 1}) for index in entry.page_indices)


def _page_ids(entry: DocumentEntry) -> list[str]:
    document = entry.document
    return [page_id(document.path, document.content_hash, index) for index in entry.page_indices]
