"""The reference store: a dictionary. Every other store is tested against it.

All its answers are exact, and nothing outlives the process. Use it for tests, examples and small sets.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from operator import itemgetter

import numpy as np

from maxsight.stores.audit import Audit
from maxsight.stores.base import DocumentEntry, IndexedPage
from maxsight.stores.conditions import Filter
from maxsight.stores.fields import PAGE_TEXT, FieldType, grow_fields, of_document, of_page, stored_value
from maxsight.stores.manifest import Manifest
from maxsight.stores.page_rows import list_documents, listing_row
from maxsight.stores.phrases import compile_phrase
from maxsight.stores.ragged import PageVectors
from maxsight.stores.rounding import as_stored, check_queries
from maxsight.types import Document, Floats, Scalar

PAGES_PER_CHUNK = 64


class MemoryStore:
    """Stores pages in memory: ``Searchable``, ``Readable`` and ``Writable``; ``stores.base`` describes the methods."""

    def __init__(self, manifest: Manifest) -> None:
        """Start empty."""
        self._manifest = manifest
        self._pages: dict[str, IndexedPage] = {}
        self._fields: dict[str, FieldType] = {}
        self._audit: Audit | None = None
        self._version = 0

    @property
    def manifest(self) -> Manifest:
        """Format, embedding space and settings of the library."""
        return self._manifest

    @property
    def description(self) -> str:
        """Where the library is stored."""
        return "this process's memory"

    @property
    def version(self) -> int:
        """Another number after every change."""
        return self._version

    def page_count(self) -> int:
        """Count the stored pages."""
        return len(self._pages)

    def store_manifest(self, manifest: Manifest) -> None:
        """Replace the manifest."""
        self._version += 1
        self._manifest = manifest

    def last_audit(self) -> Audit | None:
        """Return the last audit of the search."""
        return self._audit

    def store_audit(self, audit: Audit) -> None:
        """Replace the last audit."""
        self._version += 1
        self._audit = audit

    def fields(self) -> dict[str, FieldType]:
        """Return the user's metadata fields and their types."""
        return dict(self._fields)

    def writing(self) -> AbstractContextManager[None]:
        """Hold nothing: no other process can write."""
        return nullcontext()

    def put(
        self,
        pages: Sequence[IndexedPage],
        *,
        replace_documents: bool = False,
        keep: Collection[str] = (),
    ) -> None:
        """Write pages; a page id that is stored already is replaced."""
        fields = grow_fields(self._fields, [page.metadata for page in pages])
        stored = {page.page_id: as_stored(page, self._manifest.space.dim, fields) for page in pages}
        if replace_documents:
            paths = {page.document.path for page in pages}
            self._pages = {
                page_id: page
                for page_id, page in self._pages.items()
                if page_id in keep or page.document.path not in paths
            }
        self._version += 1
        self._pages |= stored
        self._fields = fields

    def set_metadata(self, metadata: Mapping[str, Mapping[str, Scalar]]) -> None:
        """Replace the user's fields of stored documents, by path."""
        self._version += 1
        self._fields = grow_fields(self._fields, metadata.values())
        for page_id, page in self._pages.items():
            if page.document.path in metadata:
                row = metadata[page.document.path]
                values = {name: stored_value(value, self._fields[name]) for name, value in row.items()}
                self._pages[page_id] = replace(page, metadata=values | of_page(page.metadata))

    def set_page_fields(self, fields: Mapping[str, Mapping[str, Scalar]]) -> None:
        """Replace the fields that stored pages have of their own, by page id."""
        self._version += 1
        self._fields = grow_fields(self._fields, fields.values())
        for page_id in fields.keys() & self._pages.keys():
            page = self._pages[page_id]
            values = {
                name: stored_value(value, self._fields[name]) for name, value in fields[page_id].items()
            }
            self._pages[page_id] = replace(page, metadata=of_document(page.metadata) | values)

    def touch(self, documents: Sequence[Document]) -> None:
        """Store a new size and time of documents whose content has not changed."""
        self._version += 1
        given = {(document.path, document.content_hash): document for document in documents}
        for page_id, page in self._pages.items():
            new = given.get((page.document.path, page.document.content_hash))
            if new is not None:
                document = replace(page.document, size_bytes=new.size_bytes, modified_ns=new.modified_ns)
                self._pages[page_id] = replace(page, document=document)

    def remove(self, paths: Collection[str]) -> int:
        """Remove documents by path and return how many pages were removed."""
        self._version += 1
        before = len(self._pages)
        self._pages = {key: page for key, page in self._pages.items() if page.document.path not in paths}
        return before - len(self._pages)

    def documents(self) -> list[DocumentEntry]:
        """List all documents, by path."""
        rows = [listing_row(page) | {"metadata": page.metadata} for page in self._pages.values()]
        return list_documents(rows, itemgetter("metadata"))

    def vectors(
        self, *, where: Filter | None = None, page_ids: Sequence[str] | None = None
    ) -> Iterator[PageVectors]:
        """Read vectors in chunks: of the pages that pass a filter, or of the named ones."""
        pages = self._passing(where) if page_ids is None else self.read(page_ids)
        for start in range(0, len(pages), PAGES_PER_CHUNK):
            yield self._packed(pages[start : start + PAGES_PER_CHUNK])

    def nearest(
        self,
        queries: Sequence[Floats],
        limit: int,
        *,
        where: Filter | None = None,
        candidates: int | None = None,
    ) -> list[PageVectors]:
        """Find, for each query, the pages with the best MaxSim, exactly."""
        check_queries(queries, self._manifest.space.dim)
        pages = {page.page_id: page for page in self._passing(where) if len(page.embedding.vectors)}
        found = []
        for query in queries:
            scores = {
                page_id: float((query @ page.embedding.vectors.astype(np.float32).T).max(axis=1).sum())
                for page_id, page in pages.items()
            }
            found.append(self._packed([pages[page_id] for page_id in _best(scores, limit)]))
        return found

    def _packed(self, pages: Sequence[IndexedPage]) -> PageVectors:
        vectors = [page.embedding.vectors for page in pages]
        return PageVectors.from_arrays([page.page_id for page in pages], vectors, self._manifest.space.dim)

    def find_phrase(self, phrase: str, limit: int, *, where: Filter | None = None) -> list[str]:
        """Name pages whose text has a phrase to the letter."""
        pattern = compile_phrase(phrase)
        return [page.page_id for page in self._passing(where) if pattern.search(page.page.text)][:limit]

    def read(self, page_ids: Sequence[str]) -> list[IndexedPage]:
        """Read whole pages, in the order asked for; unknown ids are left out."""
        return [self._pages[page_id] for page_id in page_ids if page_id in self._pages]

    def close(self) -> None:
        """Forget everything."""
        self._pages = {}

    def _passing(self, where: Filter | None) -> list[IndexedPage]:
        pages = list(self._pages.values())
        return pages if where is None else [page for page in pages if where.matches(_row(page))]


def _row(page: IndexedPage) -> dict[str, Scalar]:
    document = page.document
    own: dict[str, Scalar] = {
        "path": document.path,
        "file": document.file,
        "page_number": page.page.page_number,
        PAGE_TEXT: page.page.text,
    }
    return {**page.metadata, **own}


def _best(scores: Mapping[str, float], limit: int) -> list[str]:
    return sorted(scores, key=lambda page_id: (-scores[page_id], page_id))[:limit]
