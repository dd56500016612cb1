"""The library: a store, a listing of its documents and a searcher, held together.

Most methods are functions that take a library, in the other modules of this room. The class takes them over by name.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from functools import cached_property
from os import PathLike
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Self
from uuid import uuid4

from maxsight import notebook
from maxsight.documents import OcrChoice, PageRenderer, ReadSettings
from maxsight.encoders import DEFAULT_ENCODER, Encoder, EncoderOptions, load_encoder
from maxsight.encoders.matching import find_same_encoder, load_own_encoder
from maxsight.errors import InputError, LibraryExistsError, StoreError
from maxsight.identity import document_id, source_file
from maxsight.library import auditing, copying, encoding, explaining, reranking, runs, similar, upkeep
from maxsight.library.encoder import new_manifest
from maxsight.library.listing import Documents, Listing
from maxsight.library.opening import Place, create_store, find_place, home_of, library_exists, open_store
from maxsight.library.queries import Query
from maxsight.library.reranking import depth
from maxsight.library.searching import Searcher, check_recall_target, choose_search_device
from maxsight.reranking import Reranker
from maxsight.results import Hits
from maxsight.settings import cache_folder
from maxsight.stores.addresses import Address, identify_address
from maxsight.stores.base import AnyStore, Persistent
from maxsight.stores.filters import Where
from maxsight.types import Document, EmbeddingSpace, QueryEmbedding


class Library:
    """Everything indexed in one place.

    ::

        with Library.create("papers.library") as library:
            library.index(["papers/"])
            for hit in library.search("how is attention scaled?"):
                print(hit.file, hit.page_number, hit.snippet)

    A library also works over a store that you made, for example in memory::

        encoder = load_encoder("minilm")
        library = Library(MemoryStore(new_manifest(encoder)), encoder=encoder)

    Threads may share a library: searches run at the same time, and commits one after the other. After a fork, the child
    opens its own.

    Attributes:
        store: Holds the pages. Read from it; write with the methods of the library.
        address: A folder, or a place in Milvus; None for a store that was given without one.
        listing: Finds documents and pages by name.
        searcher: Encodes queries and finds pages.
        renderer: Draws pages of files.
        is_new: Whether ``open`` has made the library.
        discards_if_empty: Whether ``close`` removes the library if it holds no page.
    """

    def __init__(
        self,
        store: AnyStore,
        address: Address | None = None,
        *,
        encoder: str | Encoder | None = None,
        options: EncoderOptions | None = None,
        recall_target: float | None = None,
        search_device: str = "cpu",
    ) -> None:
        """Use a store that is open. ``Library.open`` and ``Library.create`` find or make one.

        Args:
            store: Any store, also one that can only be read. It is closed with the library.
            address: Where the store is; documents are named relative to the folder that holds it. Without one they
                are named by their whole paths.
            encoder: As for ``open``.
            options: As for ``open``.
            recall_target: As for ``open``.
            search_device: As for ``open``.

        Raises:
            InputError: ``store`` is a path.
        """
        if isinstance(store, str | PathLike):
            raise InputError(
                f"Library() takes an open store, got the path {os.fspath(store)!r}",
                hint="Use Library.open(path), or Library.create(path) for a new library.",
            )
        self.store = store
        self.address = address
        self._options = options
        self._loading = Lock()
        self.is_new = False
        self.discards_if_empty = False
        self.renderer = PageRenderer()
        self.listing = Listing(store, home_of(address, store.manifest))
        if encoder is not None and (same := find_same_encoder(self.space, encoder, options)):
            self.encoder = same
        self.searcher = Searcher(
            store,
            lambda: self.encoder,
            self.listing.documents,
            recall_target=recall_target,
            device=search_device,
        )

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
            encoder: Makes every vector in it, now and later: a name, or a loaded encoder.
            options: How the encoder runs here, if it is named.
            settings: How its files are read unless ``index`` gives others; ``default_settings`` if not given.
            pool_factor: Store one in so many of a page's vectors, each the mean of similar ones (token pooling).
            token: Of a server, ``user:password`` or an API key; ``MAXSIGHT_TOKEN`` if not given.

        Raises:
            StoreError: Something is there already, or the place can't be written to.
            ModelNotAvailableError: There is no such encoder.
            MissingExtraError: It, or the place, needs an extra that is not installed.
        """
        address = find_place(path, token)
        loaded = load_encoder(encoder, options) if isinstance(encoder, str) else encoder
        store = create_store(address, new_manifest(loaded, settings, pool_factor))
        try:
            return cls(store, address, encoder=loaded, options=options)
        except BaseException:
            store.close()
            raise

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
            path: Where it is; ``MAXSIGHT_LIBRARY`` or ``./maxsight.library`` if not given.
            encoder: Refuse the library unless this encoder makes vectors of its embedding space. The same weights
                under another name, or in another folder, are accepted and used.
            options: How its encoder runs here.
            read_only: Write nothing, not even repairs.
            create: Make the library if it does not exist. If ``index`` then finds no page, closing removes
                it, so that the next run may choose another encoder.
            settings: As for ``create``, if it is made.
            pool_factor: As for ``create``; a library that was made with another one is refused.
            recall_target: The share of the exact best pages that searches should find, between 0 and 1. The last
                audit says how many candidates that needs. The audit's own target, if not given.
            search_device: ``cuda``, ``cuda:1``, ``mps`` or ``auto`` to hold all vectors in that device's memory and
                score every page there. They are copied again after every change; if they don't fit, the CPU searches.
            token: As for ``create``.

        Raises:
            LibraryNotFoundError: It does not exist.
            EncoderMismatchError: It was indexed with another encoder.
            InputError: It was made with another pool factor, or ``recall_target`` is not between 0 and 1.
            ModelNotAvailableError: There is no such device.
            MissingExtraError: ``search_device``, or the place, needs an extra that is not installed.
            StoreError: It can't be read.
        """
        address = find_place(path, token)
        check_recall_target(recall_target)
        choose_search_device(search_device)  # before a library is made
        made: AnyStore | None = None
        if create and not library_exists(address):
            named = DEFAULT_ENCODER if encoder is None else encoder
            encoder = load_encoder(named, options) if isinstance(named, str) else named
            manifest = new_manifest(encoder, settings, 1 if pool_factor is None else pool_factor)
            with suppress(LibraryExistsError):  # another process may have made it meanwhile
                made = create_store(address, manifest)
        store = made or open_store(address, read_only=read_only)
        try:
            stored = store.manifest.pool_factor
            if pool_factor not in (None, stored):
                raise InputError(
                    f"the library was made with pool factor {stored}, not {pool_factor}",
                    hint="Leave the pool factor out, or index into a new library.",
                )
            library = cls(
                store,
                address,
                encoder=encoder,
                options=options,
                recall_target=recall_target,
                search_device=search_device,
            )
        except BaseException:
            store.close()
            raise
        library.is_new = made is not None
        return library

    @staticmethod
    def exists(path: Place | None = None, *, token: str | None = None) -> bool:
        """Whether there is a library at ``path``."""
        return library_exists(find_place(path, token))

    def __repr__(self) -> str:
        """Name its place and its encoder, on one line."""
        return f"Library({self.place!r}, encoder {self.space.encoder!r})"

    def _repr_html_(self) -> str:
        return self.status()._repr_html_() + notebook.element(
            "details", notebook.element("summary", "Documents"), self.documents().shown()
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the library. If ``open`` has made it and ``index`` found no page, remove it."""
        if self.discards_if_empty and isinstance(self.store, Persistent):
            self.discards_if_empty = False
            with suppress(StoreError):  # another process writes to it already
                if not self.store.page_count():
                    self.store.discard()
        try:
            self.renderer.close()
        finally:
            self.store.close()

    # What it is -------------------------------------------------------------------------------------------

    @cached_property
    def encoder(self) -> Encoder:
        """The encoder of every vector in the library, loaded when first needed.

        Raises:
            ModelNotAvailableError: It can't be loaded here.
            EncoderMismatchError: The encoder of that name makes vectors of another space.
        """
        with self._loading:  # threads that search at the same time load it once
            loaded: Encoder | None = vars(self).get("encoder")
            self.encoder = loaded or load_own_encoder(self.space, self._options)
            return self.encoder

    @property
    def space(self) -> EmbeddingSpace:
        """The embedding space of every vector in it."""
        return self.store.manifest.space

    @property
    def path(self) -> Path:
        """Its folder.

        Raises:
            InputError: It is in no folder of its own; ``address`` says where it is.
        """
        if isinstance(self.address, Path):
            return self.address
        raise InputError(f"the library at {self.place} has no folder of its own")

    @cached_property
    def name(self) -> str:
        """A name that no other library has; it does not depend on the working directory."""
        return f"unnamed-{uuid4()}" if self.address is None else identify_address(self.address)

    @property
    def cache(self) -> Path:
        """Where files are cached: in its folder, or in the user's cache for one that has none."""
        if isinstance(self.address, Path):
            return self.address / "cache"
        return cache_folder() / "libraries" / document_id(self.name)

    @property
    def home(self) -> Path | None:
        """The folder that documents below it are named relative to; None if all are named absolutely.

        It holds the library, unless the library was made with another root.
        """
        return self.listing.home

    @property
    def settings(self) -> ReadSettings:
        """How files are read unless other settings are given: as when the library was made."""
        manifest = self.store.manifest
        languages = tuple(filter(None, manifest.ocr_languages.split("+")))
        return ReadSettings(ocr=OcrChoice(manifest.ocr), dpi=manifest.dpi, ocr_languages=languages)

    @property
    def version(self) -> int:
        """Another number after every change, also by other processes."""
        return self.store.version

    @property
    def place(self) -> str:
        """Where it is, for people."""
        return self.store.description if self.address is None else str(self.address)

    # Encode -----------------------------------------------------------------------------------------------

    def encode_query(self, query: Query) -> QueryEmbedding:
        """Encode a question as searches do.

        Raises:
            InputError: It is not valid text.
            EmptyQueryError: Nothing in it can be searched for.
        """
        return self.searcher.encode(query)

    # Search -----------------------------------------------------------------------------------------------

    def search(
        self,
        query: Query,
        *,
        top_k: int = 10,
        where: Where = None,
        exact: bool = False,
        names: bool = True,
        phrases: Sequence[str] = (),
        rerank: Reranker | None = None,
    ) -> Hits:
        """Find the pages that answer a question.

        In a text, ``"net sales of"`` keeps only pages that have the phrase to the letter, and ``-word`` only pages
        without the word. Pages with a rare number, code or name of the question to the letter come before others of
        nearly their score, and so do pages of documents that the question names: ``Hit.boosts`` shows it.

        Args:
            query: The question: a text, phrases that are looked for as wholes, or vectors.
            top_k: How many pages at most. Pages of equal content are one hit.
            where: SQL condition on ``file``, ``path``, ``page_number`` and the user's fields; or values that fields
                must have: ``{"year": 2024, "kind": ["report", "letter"]}``.
            exact: Score every page instead of the candidates.
            names: Whether pages of documents that the question names come before others of nearly their score.
            phrases: Only pages that have all of these phrases to the letter.
            rerank: A model that reads the first pages again, together with the question, and puts them into its
                order; see ``maxsight.reranking.load_reranker``.

        Returns:
            Best first; fewer than ``top_k`` if the library holds fewer.

        Raises:
            InputError: The query is not valid text, or ``top_k`` is less than 1.
            EmptyQueryError: Nothing in the query can be searched for.
            FilterError: The condition is not valid, or names an unknown field.
        """
        (hits,) = self.search_many(
            [query], top_k=top_k, where=where, exact=exact, names=names, phrases=phrases, rerank=rerank
        )
        return hits

    def search_many(
        self,
        queries: Sequence[Query],
        *,
        top_k: int = 10,
        where: Where = None,
        exact: bool = False,
        names: bool = True,
        phrases: Sequence[str] = (),
        rerank: Reranker | None = None,
    ) -> list[Hits]:
        """Find the pages that answer each of several questions: as ``search`` for each, but sooner.

        Raises:
            InputError: ``queries`` is a single text, or as for ``search``.
            EmptyQueryError: Nothing in one of them can be searched for.
            FilterError: The condition is not valid, or names an unknown field.
        """
        queries = queries if isinstance(queries, str) else list(queries)
        found = self.searcher.find(
            queries, top_k=depth(top_k, rerank), where=where, exact=exact, names=names, phrases=phrases
        )
        if rerank:
            found = [self.rerank(*each, rerank)[:top_k] for each in zip(queries, found, strict=True)]
        return [explaining.with_pages(self, *each) for each in zip(queries, found, strict=True)]

    def notices(self, query: Query, *, phrases: Sequence[str] = ()) -> list[str]:
        """List what a user should know before trusting the hits for ``query``, and for ``phrases`` as in ``search``.

        Raises:
            EmptyQueryError: Nothing in the query can be searched for.
        """
        return self.searcher.notices(query, phrases=phrases)

    # Documents and pages ----------------------------------------------------------------------------------

    def documents(self, where: Where = None) -> Documents:
        """List all documents, by path; or those with at least one page that passes a filter. A notebook shows a table.

        Raises:
            FilterError: The condition is not valid, or names an unknown field.
        """
        return Documents(self.listing.documents(self.searcher.condition(where)))

    def source(self, document: Document) -> Path:
        """Return where the file of a document is, or was when it was indexed."""
        return source_file(document.path, self.home)

    # From the other modules of this room ------------------------------------------------------------------

    encode_file = encoding.encode_file
    index, indexing, remove = runs.index, runs.indexing, runs.remove
    copy = copying.copy
    page, find_page = explaining.page, explaining.find_page
    explain, explain_page = explaining.explain, explaining.explain_page
    draw, picture = explaining.draw, explaining.picture
    rerank = reranking.rerank
    search_like, search_like_page = similar.search_like, similar.search_like_page
    search_image, image_notices = similar.search_image, similar.image_notices
    audit, adopt, evaluate = auditing.audit, auditing.adopt, auditing.evaluate
    status, export = upkeep.status, upkeep.export
    verify, compact, backup = upkeep.verify, upkeep.compact, upkeep.backup
    damage = property(upkeep.damage)
