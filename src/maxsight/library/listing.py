"""An open library: its store, where it lies, and how its questions are encoded. What the rest of it builds upon."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self

from maxsight.documents import OcrChoice, PageRenderer, ReadSettings
from maxsight.encoders import Encoder, EncoderOptions
from maxsight.encoders.matching import has_moved, load_own_encoder
from maxsight.errors import InputError, StoreError, UnknownPageError
from maxsight.identity import document_id, page_id, source_file
from maxsight.library.naming import find_document, find_named, unknown_page
from maxsight.library.opening import home_of, writable
from maxsight.library.searching import Searcher
from maxsight.settings import cache_folder
from maxsight.stores.addresses import Address, identify_address
from maxsight.stores.base import AnyStore, DocumentEntry, IndexedPage, Persistent, Store
from maxsight.stores.conditions import Filter
from maxsight.types import Document, EmbeddingSpace


class OpenedLibrary:
    """What all parts of a ``Library`` share.

    Attributes:
        address: Where it lies: a folder, or a place in Milvus.
    """

    def __init__(
        self,
        store: AnyStore,
        address: Address,
        options: EncoderOptions | None = None,
        *,
        recall_target: float | None = None,
        search_device: str = "cpu",
    ) -> None:
        """Use ``Library.open`` or ``Library.create``."""
        self.address = address
        self._is_new = False
        self._discards_if_empty = False
        self._home = home_of(address, store.manifest)
        self._store = store
        self._listing: tuple[int, list[DocumentEntry]] | None = None
        self._renderer = PageRenderer()
        self._encoder_options = options
        self._searcher = Searcher(
            store, lambda: self.encoder, recall_target=recall_target, device=search_device
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Release what is held. A library that ``open`` has made goes again if no page was found to index."""
        if self._discards_if_empty:
            self._discards_if_empty = False
            with suppress(StoreError):  # another process writes to it already
                if isinstance(self._store, Persistent) and not self._store.page_count():
                    self._store.discard()
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

    @property
    def space(self) -> EmbeddingSpace:
        """The embedding space of every vector in it."""
        return self._store.manifest.space

    @property
    def path(self) -> Path:
        """Its folder.

        Raises:
            InputError: It lies in Milvus; ``address`` says where.
        """
        if isinstance(self.address, Path):
            return self.address
        raise InputError(f"the library at {self.address} has no folder of its own")

    @property
    def name(self) -> str:
        """Tells it from every other library, wherever it is opened from."""
        return identify_address(self.address)

    @property
    def cache(self) -> Path:
        """Where what can be made again is kept: in its folder, or in the user's cache for one in Milvus."""
        if isinstance(self.address, Path):
            return self.address / "cache"
        return cache_folder() / "libraries" / document_id(self.name)

    @property
    def home(self) -> Path | None:
        """The folder that documents below it are named relative to; None if all are named absolutely.

        It holds the library, unless the library was made with another root.
        """
        return self._home

    @property
    def settings(self) -> ReadSettings:
        """How files are read unless told otherwise: as when the library was made."""
        manifest = self._store.manifest
        return ReadSettings(ocr=OcrChoice(manifest.ocr), dpi=manifest.dpi)

    def _writable(self) -> Store:
        """The store, to write to.

        Raises:
            LibraryReadOnlyError: It can only be read.
        """
        return writable(self._store, self.address)

    def _keep_encoder_place(self) -> None:
        """Where the encoder's folder has moved and its new place is known, keep that: nobody has to say it again."""
        manifest = self._store.manifest
        if has_moved(manifest.space) and self.encoder.space.encoder != manifest.space.encoder:
            self._writable().store_manifest(replace(manifest, space=self.encoder.space))

    @property
    def version(self) -> int:
        """Another number after every change, by whomever."""
        return self._store.version

    def documents(self, where: str | Filter | None = None) -> list[DocumentEntry]:
        """All documents, by path; or those of which a filter keeps at least one page.

        Raises:
            FilterError: The condition is not valid, or names an unknown field.
        """
        condition = self._searcher.condition(where)
        listing, version = self._listing, self.version
        if listing is None or listing[0] != version:  # read once a version: it takes a look at every page
            listing = self._listing = (version, self._store.documents())
        return [entry for entry in listing[1] if condition is None or _keeps(condition, entry)]

    def source(self, document: Document) -> Path:
        """Where the file of a document lies, or lay when it was indexed."""
        return source_file(document.path, self.home)

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

    def find_page(self, file: str, page_number: int, *, on_disk: bool = True) -> IndexedPage:
        """Read a page of a document.

        Args:
            file: The document, by path or file name.
            page_number: From 1.
            on_disk: Whether ``file`` may also be a path on this machine, relative or through links. Not where strangers
                say it: they would learn what there is besides the library.

        Raises:
            UnknownDocumentError: There is no such document.
            UnknownPageError: It has no such page.
            InputError: The name fits several documents.
        """
        entries = {entry.document.path: entry for entry in self.documents()}
        entry = entries[find_document(file, entries, self.home) if on_disk else find_named(file, entries)]
        document = entry.document
        if page_number - 1 not in entry.page_indices:
            raise unknown_page(document.path, document.page_count, page_number)
        return self.page(page_id(document.path, document.content_hash, page_number - 1))


def _keeps(condition: Filter, entry: DocumentEntry) -> bool:
    document = entry.document
    row = {**entry.metadata, "file": document.file, "path": document.path}
    own = entry.page_fields or ({},) * len(entry.page_indices)
    return any(
        condition.matches({**row, **fields, "page_number": index + 1})
        for index, fields in zip(entry.page_indices, own, strict=True)
    )
