"""Another program's collection, as a store that is searched and read, never written.

It does not name the encoder of its vectors, so the user has to. ``foreign_form`` reads the collection's form;
``foreign_pages`` derives the pages; ``foreign_rows`` and ``foreign_lists`` search the two forms.
"""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maxsight.errors import InputError
from maxsight.stores.audit import Audit
from maxsight.stores.base import DocumentEntry, IndexedPage
from maxsight.stores.conditions import Filter, names_field
from maxsight.stores.fields import PAGE_TEXT, FieldType
from maxsight.stores.manifest import Manifest
from maxsight.stores.milvus.batches import cut_batches
from maxsight.stores.milvus.connection import Connection
from maxsight.stores.milvus.foreign_form import ForeignForm
from maxsight.stores.milvus.foreign_pages import KEY, ForeignPage, to_foreign_page
from maxsight.stores.milvus.row_search import Selection, select_rows
from maxsight.stores.page_rows import Row, list_documents
from maxsight.stores.ragged import PageVectors
from maxsight.types import EmbeddingSpace, Scalar, Similarity

UNKNOWN = "precomputed"
"""The encoder of vectors that came without one. A user who names another encoder vouches for it."""

PAGES_PER_REQUEST = 64
MANY_ROWS = 1_000_000

_log = logging.getLogger(__name__)


class ForeignStore(ABC):
    """The part that both forms share."""

    def __init__(self, connection: Connection, form: ForeignForm) -> None:
        """Use a collection that is loaded, given its form."""
        self._connection = connection
        self._form = form
        self._dim = form.vectors.dim
        self._metric = form.metric
        self._listing: tuple[int, dict[str, Row]] | None = None

    # For each form ----------------------------------------------------------------------------------------

    @abstractmethod
    def _list(self) -> list[Row]:
        """List the pages, document by document, each with ``KEY`` and its fields."""

    @abstractmethod
    def _count_vectors(self) -> Mapping[Scalar, int]:
        """Count the vectors of each page, by ``KEY``. Pages that are not there have an unknown number."""

    @abstractmethod
    def _fetch(self, pages: Sequence[Row]) -> dict[str, ForeignPage]:
        """Read the vectors and texts of pages, by page id."""

    @property
    @abstractmethod
    def _named_by(self) -> str:
        """The column that has ``KEY``."""

    @abstractmethod
    def nearest(
        self,
        queries: Sequence[NDArray[Any]],
        limit: int,
        *,
        where: Filter | None = None,
        candidates: int | None = None,
    ) -> list[PageVectors]:
        """Find, for each query, the pages with the best estimated scores, with their vectors."""

    # What it says of itself -------------------------------------------------------------------------------

    @property
    def description(self) -> str:
        """The server and the form, for people."""
        kind = "one row a vector" if self._form.vectors.struct is None else "one entity a page"
        return (
            f"{self._connection.capabilities}, {kind}, made by another program: read-only; "
            f"vectors in {self._form.vectors.name}, compared by {self._form.index.metric}"
        )

    @property
    def manifest(self) -> Manifest:
        """The few settings that follow from the vectors; all others are unknown."""
        return Manifest(EmbeddingSpace(UNKNOWN, UNKNOWN, self._dim, "vectors"), dpi=200, ocr="never")

    @property
    def similarity(self) -> Similarity:
        """How queries are compared with the vectors."""
        return self._metric.similarity

    @property
    def version(self) -> int:
        """The number of rows: the only sign of a change."""
        (found,) = self._query("", ["count(*)"])
        return int(found["count(*)"])

    def page_count(self) -> int:
        """Count the pages."""
        return len(self._pages())

    def fields(self) -> dict[str, FieldType]:
        """Return the plain columns that filters can use, and their types."""
        return {}

    def last_audit(self) -> Audit | None:
        """Return None: the collection has no place for an audit."""
        return None

    def documents(self) -> list[DocumentEntry]:
        """List all documents, by path."""
        counts = self._count_vectors()
        rows = ({**page, "vector_count": counts.get(page[KEY], 0)} for page in self._pages().values())
        return list_documents(rows, self._metadata)

    # Reading ----------------------------------------------------------------------------------------------

    def vectors(
        self, *, where: Filter | None = None, page_ids: Sequence[str] | None = None
    ) -> Iterator[PageVectors]:
        """Read vectors, some pages at a time: of the pages a filter keeps, or of the named ones."""
        pages = self._kept(where) if page_ids is None else self._named(dict.fromkeys(page_ids))
        for some in cut_batches(pages, PAGES_PER_REQUEST):
            if found := self._fetch_vectors(some):
                yield self._packed(found, found)

    def read(self, page_ids: Sequence[str]) -> list[IndexedPage]:
        """Read whole pages, in the order asked for; unknown ids are left out."""
        return [
            to_foreign_page(page, found[page["page_id"]], self._metadata(page))
            for some in cut_batches(self._named(page_ids), PAGES_PER_REQUEST)
            for found in [self._fetch(some)]
            for page in some
            if page["page_id"] in found
        ]

    def find_phrase(self, phrase: str, limit: int, *, where: Filter | None = None) -> list[str]:
        """Refuse to search text.

        Raises:
            InputError: Always: no index of text is known.
        """
        raise InputError(f"{self._connection.address} has no index of text")

    def close(self) -> None:
        """Disconnect from the server."""
        self._connection.close()

    def _fetch_vectors(self, pages: Sequence[Row]) -> dict[str, NDArray[np.float16]]:
        return {page_id: page.vectors for page_id, page in self._fetch(pages).items()}

    def _pages(self) -> dict[str, Row]:
        """Return all pages by page id. They are listed again when the number of rows has changed."""
        version = self.version
        if self._listing is None or self._listing[0] != version:
            if version > MANY_ROWS:
                _log.warning(
                    "%s: the names of the pages in %d rows are read first, and kept in memory",
                    self._connection.address,
                    version,
                )
            self._listing = (version, {page["page_id"]: page for page in self._list()})
        return self._listing[1]

    def _kept(self, where: Filter | None) -> list[Row]:
        if where is not None and names_field(where.condition, PAGE_TEXT):
            raise InputError(
                f"{self._connection.address} holds no text, so no condition on it can be checked"
            )
        return [page for page in self._pages().values() if where is None or where.matches(page)]

    def _named(self, page_ids: Iterable[str]) -> list[Row]:
        """Return pages by id, from the last listing."""
        pages = self._listing[1] if self._listing else self._pages()
        return [pages[name] for name in page_ids if name in pages]

    def _select(self, where: Filter | None) -> tuple[dict[Scalar, int], Selection]:
        """Select the pages that a filter keeps; return their numbers by ``KEY``, too."""
        total, rows = len(self._pages()), dict(enumerate(self._kept(where)))
        names = [row[KEY] for row in rows.values()]
        numbers = {name: number for number, name in enumerate(names)}
        return numbers, select_rows(rows, self._named_by, names, of=total)

    def _metadata(self, page: Row) -> dict[str, Scalar]:
        return {name: page[name] for name in self.fields() if page.get(name) is not None}

    def _query(self, expression: str, columns: list[str], **options: Any) -> Any:
        return self._connection.call(
            "query",
            self._form.collection,
            filter=expression,
            output_fields=columns,
            consistency_level="Strong",
            **options,
        )

    def _packed(self, page_ids: Iterable[str], found: Mapping[str, NDArray[Any]]) -> PageVectors:
        names = [page_id for page_id in page_ids if page_id in found]
        return PageVectors.from_arrays(names, [found[name] for name in names], self._dim)
