"""The library: index, search, explain, remove, copy. The composition of the folders below it, and little else.

What looks after a library is in ``upkeep``, what measures its search in ``auditing``, what all share in ``opened``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Self, Unpack

from PIL import Image

from maxsight.documents import (
    Failed,
    OcrChoice,
    PageFailed,
    PageRead,
    ReadJob,
    ReadSettings,
    read_documents,
)
from maxsight.encoders import DEFAULT_ENCODER, Encoder, EncoderOptions, load_encoder
from maxsight.encoders.matching import find_same_encoder
from maxsight.errors import InputError, LibraryExistsError, MaxSightError
from maxsight.heatmaps.explanation import Explanation, explain_page
from maxsight.indexing import (
    Found,
    IndexEvent,
    IndexOptions,
    IndexReport,
    Judges,
    Noticed,
    PageJudge,
    Progress,
    judges_of,
    load_judge,
    start_run,
)
from maxsight.library.auditing import Auditing
from maxsight.library.copying import CopyReport, copy_pages, open_destination
from maxsight.library.drawing import PagePicture, draw_page, placed
from maxsight.library.naming import find_documents, find_exactly
from maxsight.library.opening import Place, create_store, find_place, library_exists, open_store
from maxsight.library.queries import Query
from maxsight.library.searching import check_recall_target
from maxsight.library.upkeep import Upkeep
from maxsight.retrieval.kernels.loading import compile_for
from maxsight.spelling import list_names
from maxsight.stores.addresses import MilvusAddress, identify_address
from maxsight.stores.base import AnyStore, IndexedPage, Persistent
from maxsight.stores.conditions import Filter
from maxsight.stores.manifest import Manifest
from maxsight.threads import one_blas_thread
from maxsight.types import Hit, PageEmbedding, QueryEmbedding
from maxsight.version import __version__


class Library(Upkeep, Auditing):
    """Everything indexed in one place.

    ::

        with Library.create("papers.library") as library:
            library.index(["papers/"])
            for hit in library.search("how is attention scaled?"):
                print(hit.file, hit.page_number, hit.snippet)
    """

    @classmethod
    def create(
        cls,
        path: Place | None = None,
        *,
        encoder: str | Encoder = DEFAULT_ENCODER,
        options: EncoderOptions | None = None,
        settings: ReadSettings | None = None,
        pool_factor: int = 1,
        token: str | None = None,
    ) -> Self:
        """Make a new, empty library.

        Args:
            path: A folder that does not exist or is empty, or a place in Milvus (``NAME.db``, or a server's URL);
                ``MAXSIGHT_LIBRARY`` or ``./maxsight.library`` if not given.
            encoder: Makes every vector in it, now and later: a name, or one that is loaded.
            options: How an encoder that is named runs here.
            settings: How its files are read unless ``index`` is told otherwise; what ``default_settings`` says,
                if not given.
            pool_factor: Keep one in so many of a page's vectors, each the mean of some that say nearly the same
                (token pooling).
            token: Of a server, ``user:password`` or an API key; ``MAXSIGHT_TOKEN`` if not given.

        Raises:
            StoreError: Something is there already, or the place can't be written to.
            ModelNotAvailableError: There is no such encoder.
            MissingExtraError: It, or the place, needs an extra that is not installed.
        """
        address = find_place(path, token)
        loaded = load_encoder(encoder, options) if isinstance(encoder, str) else encoder
        store = create_store(address, _new_manifest(loaded, settings, pool_factor))
        library = cls(store, address, options)
        library.encoder = loaded
        return library

    @classmethod
    def open(
        cls,
        path: Place | None = None,
        *,
        encoder: str | Encoder | None = None,
        options: EncoderOptions | None = None,
        read_only: bool = False,
        create: bool = False,
        settings: ReadSettings | None = None,
        pool_factor: int | None = None,
        recall_target: float | None = None,
        search_device: str = "cpu",
        token: str | None = None,
    ) -> Self:
        """Open a library. It knows its encoder, which is loaded when first needed.

        Args:
            path: Where it lies; ``MAXSIGHT_LIBRARY`` or ``./maxsight.library`` if not given.
            encoder: Refuse the library unless this one makes vectors of its embedding space. The same weights under
                another name, or in another folder, are accepted and used.
            options: How its encoder runs here.
            read_only: Write nothing, not even repairs.
            create: Make it first if there is none. Where ``index`` then finds no page, nothing of it is left when it is
                closed: no encoder is settled.
            settings: As for ``create``, if it is made.
            pool_factor: As for ``create``; a library that was made with another one is refused.
            recall_target: The share of the exact best pages that searches should find, between 0 and 1: they look
                at as many pages as the library's last audit found to be needed. The audit's own target, if not
                given. Without an audit a default holds.
            search_device: ``cuda``, ``cuda:1``, ``mps`` or ``auto`` to keep all vectors in that device's memory
                and score every page there. They are copied again after every change of the library; where they
                don't fit, searches run on the CPU.
            token: As for ``create``.

        Raises:
            LibraryNotFoundError: There is none.
            EncoderMismatchError: It was indexed with another encoder.
            InputError: It was made with another pool factor, or ``recall_target`` is no share.
            ModelNotAvailableError: There is no such device.
            MissingExtraError: ``search_device``, or the place, needs an extra that is not installed.
            StoreError: It can't be read.
        """
        address = find_place(path, token)
        check_recall_target(recall_target)
        made: AnyStore | None = None
        if create and not library_exists(address):
            named = DEFAULT_ENCODER if encoder is None else encoder
            encoder = load_encoder(named, options) if isinstance(named, str) else named
            manifest = _new_manifest(encoder, settings, 1 if pool_factor is None else pool_factor)
            with suppress(LibraryExistsError):  # another process may have made it meanwhile
                made = create_store(address, manifest)
        store = made or open_store(address, read_only=read_only)
        try:
            library = cls(store, address, options, recall_target=recall_target, search_device=search_device)
            library._is_new = made is not None
            library._check_pool_factor(pool_factor)
            if encoder is not None and (same := find_same_encoder(library.space, encoder, options)):
                library.encoder = same
        except BaseException:
            store.close()
            raise
        return library

    @staticmethod
    def exists(path: Place | None = None, *, token: str | None = None) -> bool:
        """Whether there is a library at ``path``."""
        return library_exists(find_place(path, token))

    def _page_judge(self, quality: bool | PageJudge | None) -> PageJudge | None:
        """Who judges new pages: who is given, the model that comes along, nobody, or whoever has judged the others."""
        if quality is None:
            return Judges().choose_judge(judges_of(self.documents()))
        return load_judge() if quality is True else quality or None

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
        store = self._writable()
        with store.writing():  # what is damaged goes first
            quality = options.get("quality")
            try:
                judge = self._page_judge(quality)
            except MaxSightError as error:
                if quality is not None:
                    raise
                judge = None  # nobody asked for one
                yield Noticed(f"these pages are not judged: {error}")
            self._discards_if_empty = self._is_new
            self._keep_encoder_place()
            for damage in self._dropped():
                yield Noticed(
                    f"damaged and dropped: {damage}",
                    hint="documents that are indexed again come back, with their own fields if --metadata gives them",
                )
            files = [Path(path) for path in several]
            run = start_run(store, encoder, self.home, files, options, judge=judge)
            yield from run.events()
            if self._is_new and isinstance(self.address, MilvusAddress) and self._store.page_count():
                yield Noticed(f"the library was made in {self._store.description}")
            if isinstance(store, Persistent):
                store.optimize()
            compile_for(sum(entry.vectors for entry in self.documents()))

    def remove(self, files: Sequence[str], *, exact: bool = False) -> list[str]:
        """Remove documents by path or file name, all or none, and name those that went.

        A file of records stands for all documents made of it.

        Args:
            files: Which.
            exact: Take each for the whole path of one document, as a ``Hit`` has it, and for nothing else.

        Raises:
            InputError: A name fits no document, or several.
        """
        store = self._writable()
        with store.writing():
            known = [entry.document.path for entry in self.documents()]
            if exact:
                paths = [find_exactly(file, known) for file in files]
            else:
                paths = [path for file in files for path in find_documents(file, known, self.home)]
            store.remove(paths)
        return paths

    def copy(
        self,
        destination: Place,
        *,
        token: str | None = None,
        root: str | PathLike[str] | None = None,
        prune: bool = False,
        on_progress: Callable[[int, int], None] | None = None,
    ) -> CopyReport:
        """Make a library elsewhere hold what this one holds, without encoding anything again.

        A call that was interrupted goes on where it stopped, and an old copy is brought up to date. Documents keep
        their names; the copy remembers the folder they are relative to.

        Args:
            destination: A folder or a place in Milvus: a copy of this library, or nothing yet.
            token: Of the destination's server; ``MAXSIGHT_TOKEN`` if not given.
            root: The folder that names are relative to from now on, where the files have moved.
            prune: Remove documents there that this library does not have.
            on_progress: Called with steps done and steps in all; a page is written, and later compared.

        Raises:
            EncoderMismatchError: The library there has vectors of another encoder.
            InputError: It holds documents that this one does not have, or names them differently.
            StoreError: It can't be written to, or what was written does not come back the same.
        """
        address = find_place(destination, token)
        if identify_address(address) == self.name:
            raise InputError(f"{address} is the library itself", hint="Copy it to another place.")
        home = self.home
        if root is not None:
            if home is None:
                raise InputError("this library names its documents by absolute paths, so it has no root")
            home = Path(root).resolve()
        with closing(open_destination(address, self._store.manifest, home)) as store:
            return copy_pages(self._store, store, prune=prune, on_progress=on_progress)

    # Encode -----------------------------------------------------------------------------------------------

    def encode_query(self, query: Query) -> QueryEmbedding:
        """Encode a question as searches do.

        Raises:
            InputError: It is not valid text.
            EmptyQueryError: Nothing in it can be searched for.
        """
        return self._searcher.encode(query)

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
        query: Query,
        *,
        top_k: int = 10,
        where: str | Filter | None = None,
        hybrid: bool = False,
        exact: bool = False,
    ) -> list[Hit]:
        """Find the pages that answer a question.

        Args:
            query: The question: a text, phrases that are looked for as wholes, or vectors.
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
        queries: Sequence[Query],
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
            InputError: ``queries`` is a single text.
            EmptyQueryError: Nothing in one of them can be searched for.
            FilterError: The condition is not valid, or names an unknown field.
        """
        queries = queries if isinstance(queries, str) else list(queries)
        found = self._searcher.find(queries, top_k=top_k, where=where, hybrid=hybrid, exact=exact)
        return [
            [hit.drawn_by(partial(self._heatmap, query, hit.page_id)) for hit in hits]
            for query, hits in zip(queries, found, strict=True)
        ]

    def _heatmap(self, query: Query, page_id: str) -> Image.Image:
        return self.draw(self.explain_page(query, self.page(page_id)))

    def notices(self, query: Query) -> list[str]:
        """What a user should know before trusting the answers to ``query``.

        Raises:
            EmptyQueryError: Nothing in the query can be searched for.
        """
        searched = self._searcher.encode(query).text
        if not isinstance(query, str):
            return []
        language = self.encoder.notice(query)
        notices = [language] if language else []
        if len(searched.split()) < len(query.split()):
            notices.append(f"only the first {len(searched.split()):,} words of the query are searched for")
        if unknown := self._searcher.unknown_words(query):
            notices.append(
                f"text search finds no page with a word of the query ({list_names(unknown)}), and the encoder knows "
                "them only in parts: what is found is like those parts"
            )
        return notices

    # Explain ----------------------------------------------------------------------------------------------

    def explain(self, query: Query, file: str, page_number: int) -> Explanation:
        """Say why a page would be found: per query word where it matched, and what each region gave.

        Args:
            query: The question.
            file: The document, by path or file name.
            page_number: From 1.

        Raises:
            InputError: There is no such document or page, or nothing on it can match.
        """
        return self.explain_page(query, self.find_page(file, page_number))

    def explain_page(self, query: Query, page: IndexedPage) -> Explanation:
        """Say why a page at hand would be found.

        Raises:
            InputError: Nothing on it can match.
            EmptyQueryError: Nothing in the query can be searched for.
        """
        embedding = self._searcher.encode(query)
        return explain_page(embedding, placed(page), page.embedding, page.document.path)

    def draw(self, explanation: Explanation, *, settings: ReadSettings | None = None) -> Image.Image:
        """Draw an explanation over the page.

        Raises:
            UnreadableDocumentError: The source file is not there any more, or can't be drawn.
        """
        page = self.find_page(explanation.path, explanation.page_number)
        return explanation.draw(*self.picture(page, settings=settings))

    def picture(self, page: IndexedPage, *, settings: ReadSettings | None = None) -> PagePicture:
        """Draw a page as a person sees it, with the places of its vectors.

        Args:
            page: Which.
            settings: How files are read; as when the library was made, if not given.

        Raises:
            UnreadableDocumentError: The source file is not there any more, has changed, or can't be drawn.
        """
        return draw_page(page, self.home, settings or self.settings, self._renderer)


def default_settings(encoder: Encoder) -> ReadSettings:
    """How files are read for a new library: no OCR for an encoder that looks at the page itself."""
    return ReadSettings(ocr=OcrChoice.NONE if encoder.picture else OcrChoice.AUTO)


def _new_manifest(encoder: Encoder, settings: ReadSettings | None, pool_factor: int) -> Manifest:
    settings = settings or default_settings(encoder)
    return Manifest(
        encoder.space,
        dpi=settings.dpi,
        ocr=settings.ocr,
        created_by=__version__,
        pool_factor=pool_factor,
    )
