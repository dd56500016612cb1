"""A collection of vectors that another program has made in the form of layout ``rows``: searched as it is.

It has ``pk``, ``vector``, ``seq_id`` (from 0), ``doc_id`` and ``doc``, as tutorials on late interaction make it, and
nothing that tells of pages: each ``doc_id`` is a page, its text is what ``doc`` says, and every vector stands for the
whole of it. Pages with one ``doc`` are those of one document, in the order of their ``doc_id``. Nothing is written to
it. The encoder of its vectors is not known and has to be named.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from maxsight.errors import InputError, LibraryDamagedError, LibraryReadOnlyError
from maxsight.identity import page_id
from maxsight.stores.audit import Audit
from maxsight.stores.base import DocumentEntry, IndexedPage
from maxsight.stores.conditions import Filter
from maxsight.stores.fields import FieldType
from maxsight.stores.manifest import Manifest
from maxsight.stores.milvus.batches import batched
from maxsight.stores.milvus.connection import LARGEST_WINDOW, REQUEST_BYTES, Connection
from maxsight.stores.milvus.expressions import is_one_of
from maxsight.stores.milvus.rows import TokenHits, hits_per_token, promises, search_tokens
from maxsight.stores.ragged import PageVectors
from maxsight.stores.rounding import check_queries
from maxsight.types import (
    MAX_VECTORS_PER_PAGE,
    WHOLE_PAGE,
    Document,
    EmbeddingSpace,
    Floats,
    Page,
    PageEmbedding,
    Regions,
    Scalar,
    TextSource,
    Words,
)

COLUMNS = frozenset({"vector", "seq_id", "doc_id", "doc"})
UNKNOWN = "precomputed"
"""The encoder of vectors that came without one: whoever names another one vouches for it."""

PAGES_PER_REQUEST = 64
LONGEST_NAME = 255
"""Characters of a ``doc`` that names a document; a longer one is a text."""


def is_foreign_rows(description: Mapping[str, Any]) -> bool:
    """Whether a collection has the form that can be searched."""
    return {field["name"] for field in description.get("fields", [])} >= COLUMNS


@dataclass(frozen=True, slots=True)
class _Listed:
    """A page: ``doc_id`` there, and what it is here."""

    doc_id: str
    document: Document
    page_index: int

    @property
    def page_id(self) -> str:
        return page_id(self.document.path, self.document.content_hash, self.page_index)


class ForeignRows:
    """Another program's collection, as a store that is only read."""

    def __init__(self, connection: Connection, description: Mapping[str, Any]) -> None:
        """Read a collection that is loaded, as the server describes it."""
        fields = {field["name"]: field for field in description["fields"]}
        self._connection = connection
        self._collection: str = description["collection_name"]
        self._dim = int(fields["vector"]["params"]["dim"])
        self._key = next(field["name"] for field in description["fields"] if field.get("is_primary"))
        self._numbered = not fields["doc_id"]["params"].get("max_length")
        self._listing: tuple[int, dict[str, _Listed]] | None = None

    @property
    def description(self) -> str:
        """The server and the layout, for people."""
        return f"{self._connection.capabilities}, layout rows, made by another program: read-only"

    @property
    def manifest(self) -> Manifest:
        """What can be told of vectors alone."""
        return Manifest(EmbeddingSpace(UNKNOWN, UNKNOWN, self._dim, "vectors"), dpi=200, ocr="none")

    @property
    def version(self) -> int:
        """How many vectors there are: all that can be told of a change."""
        (found,) = self._query("", ["count(*)"])
        return int(found["count(*)"])

    # Reading ----------------------------------------------------------------------------------------------

    def page_count(self) -> int:
        """How many pages there are."""
        return len(self._pages())

    def fields(self) -> dict[str, FieldType]:
        """None: the collection tells nothing of documents."""
        return {}

    def last_audit(self) -> Audit | None:
        """None: there is nowhere to keep one."""
        return None

    def documents(self) -> list[DocumentEntry]:
        """List all documents, by path."""
        counts = Counter(str(row["doc_id"]) for row in self._all_rows("seq_id >= 0", ["doc_id"]))
        pages_of: dict[str, list[_Listed]] = {}
        for page in self._pages().values():
            pages_of.setdefault(page.document.path, []).append(page)
        return [
            DocumentEntry(
                pages[0].document,
                tuple(page.page_index for page in pages),
                sum(counts[page.doc_id] for page in pages),
                {},
                page_fields=({},) * len(pages),
            )
            for _, pages in sorted(pages_of.items())
        ]

    def vectors(
        self, *, where: Filter | None = None, page_ids: Sequence[str] | None = None
    ) -> Iterator[PageVectors]:
        """Read vectors, some pages at a time."""
        pages = self._kept(where) if page_ids is None else self._named(dict.fromkeys(page_ids))
        for some in batched(pages, PAGES_PER_REQUEST):
            if found := self._fetch(some):
                yield self._packed({name: vectors for name, (vectors, _) in found.items()})

    def read(self, page_ids: Sequence[str]) -> list[IndexedPage]:
        """Read whole pages, in the order asked for; unknown ids are left out."""
        return [
            _page(page, *found[page.page_id])
            for some in batched(self._named(page_ids), PAGES_PER_REQUEST)
            for found in [self._fetch(some)]
            for page in some
            if page.page_id in found
        ]

    def nearest(
        self,
        queries: Sequence[Floats],
        limit: int,
        *,
        where: Filter | None = None,
        candidates: int | None = None,
    ) -> list[PageVectors]:
        """Find, for each query, the pages whose best vectors promise the best MaxSim, with their vectors."""
        check_queries(queries, self._dim)
        kept = {page.doc_id: page for page in self._kept(where)}
        hits = hits_per_token(len(kept), candidates)
        found = search_tokens(
            self._connection,
            self._collection,
            queries,
            min(max(hits, limit), LARGEST_WINDOW),
            "" if where is None else self._rows_of(list(kept)),
            "Strong",
            ["doc_id"],
        )
        result = []
        for tokens in found:
            names = sorted({str(hit["entity"]["doc_id"]) for token in tokens for hit in token})
            numbers = {name: number for number, name in enumerate(names)}
            places: list[TokenHits] = [
                (
                    np.array([numbers[str(hit["entity"]["doc_id"])] for hit in token], np.int64),
                    np.array(token.distances, np.float32),
                )
                for token in tokens
            ]
            pages, scores = promises(places)
            best = [names[number] for number in pages[np.argsort(-scores, kind="stable")].tolist()]
            vectors = self._fetch([kept[name] for name in best if name in kept][:limit])
            result.append(self._packed({name: found for name, (found, _) in vectors.items()}))
        return result

    def search_text(self, query: str, limit: int, *, where: Filter | None = None) -> list[str]:
        """Refuse: there is no text to rank.

        Raises:
            InputError: Always.
        """
        raise InputError(f"{self._connection.address} holds no text, so there is no hybrid search")

    def close(self) -> None:
        """Release what is held."""
        self._connection.close()

    def _pages(self) -> dict[str, _Listed]:
        """All pages by page id: listed once for as many vectors as there are now."""
        version = self.version
        if self._listing is None or self._listing[0] != version:
            self._listing = (version, self._list())
        return self._listing[1]

    def _list(self) -> dict[str, _Listed]:
        docs = {str(row["doc_id"]): row["doc"] for row in self._all_rows("seq_id == 0", ["doc_id", "doc"])}
        ids_of: dict[str, list[str]] = {}
        for doc_id in sorted(docs, key=int if self._numbered else None):
            doc = docs[doc_id]
            is_name = 0 < len(doc) <= LONGEST_NAME and "\n" not in doc
            ids_of.setdefault(doc if is_name else doc_id, []).append(doc_id)
        listed = (
            _Listed(doc_id, Document(path, sha256(path.encode()).hexdigest(), 0, 0, len(doc_ids)), index)
            for path, doc_ids in ids_of.items()
            for index, doc_id in enumerate(doc_ids)
        )
        return {page.page_id: page for page in listed}

    def _all_rows(self, expression: str, columns: list[str]) -> Iterator[Any]:
        iterator = self._connection.call(
            "query_iterator",
            self._collection,
            filter=expression,
            output_fields=columns,
            batch_size=LARGEST_WINDOW,
        )
        try:
            while found := self._connection.next_of(iterator):
                yield from found
        finally:
            iterator.close()

    def _kept(self, where: Filter | None) -> list[_Listed]:
        """The pages a filter keeps: it can name what every page has."""
        return [
            page
            for page in self._pages().values()
            if where is None
            or where.matches(
                {"path": page.document.path, "file": page.document.file, "page_number": page.page_index + 1}
            )
        ]

    def _named(self, page_ids: Collection[str]) -> list[_Listed]:
        """Pages by id, as last listed."""
        pages = self._listing[1] if self._listing else self._pages()
        return [pages[name] for name in page_ids if name in pages]

    def _rows_of(self, doc_ids: Sequence[str]) -> str:
        """The expression for the rows of some pages."""
        return is_one_of("doc_id", map(int, doc_ids) if self._numbered else doc_ids)

    def _fetch(self, pages: Sequence[_Listed]) -> dict[str, tuple[NDArray[np.float16], str]]:
        """The vectors of pages, in their order, and their ``doc``. How many they are is not known beforehand."""
        if not pages:
            return {}
        most = min(LARGEST_WINDOW, max(MAX_VECTORS_PER_PAGE + 1, REQUEST_BYTES // (self._dim * 4)))
        rows = self._query(
            self._rows_of([page.doc_id for page in pages]),
            [self._key, "doc_id", "seq_id", "doc", "vector"],
            limit=most,
            strict_float32=True,
        )
        if len(rows) == most:  # perhaps not all
            if len(pages) == 1:
                raise LibraryDamagedError(
                    f"page {pages[0].doc_id} has more than {MAX_VECTORS_PER_PAGE} vectors"
                )
            middle = len(pages) // 2
            return self._fetch(pages[:middle]) | self._fetch(pages[middle:])
        rows_of: dict[str, dict[int, Any]] = {}
        for row in rows:
            rows_of.setdefault(str(row["doc_id"]), {})[int(row["seq_id"])] = row
        return {
            page.page_id: _joined([row for _, row in sorted(rows_of[page.doc_id].items())])
            for page in pages
            if page.doc_id in rows_of
        }

    def _query(self, expression: str, columns: list[str], **options: Any) -> list[Any]:
        found: list[Any] = self._connection.call(
            "query",
            self._collection,
            filter=expression,
            output_fields=columns,
            consistency_level="Strong",
            **options,
        )
        return found

    def _packed(self, vectors: Mapping[str, NDArray[np.float16]]) -> PageVectors:
        return PageVectors.from_arrays(list(vectors), list(vectors.values()), self._dim)

    # Not writing ------------------------------------------------------------------------------------------

    def _refuse(self) -> NoReturn:
        raise LibraryReadOnlyError(
            f"{self._connection.address} was made by another program and is not written to",
            hint="Copy what it holds into a library of your own: maxsight copy",
        )

    def writing(self) -> AbstractContextManager[None]:
        """Refuse."""
        self._refuse()

    def put(
        self,
        pages: Sequence[IndexedPage],
        *,
        replace_documents: bool = False,
        keep: Collection[str] = (),
    ) -> None:
        """Refuse."""
        self._refuse()

    def set_metadata(self, metadata: Mapping[str, Mapping[str, Scalar]]) -> None:
        """Refuse."""
        self._refuse()

    def set_page_fields(self, fields: Mapping[str, Mapping[str, Scalar]]) -> None:
        """Refuse."""
        self._refuse()

    def touch(self, documents: Sequence[Document]) -> None:
        """Refuse."""
        self._refuse()

    def remove(self, paths: Collection[str]) -> int:
        """Refuse."""
        self._refuse()

    def store_manifest(self, manifest: Manifest) -> None:
        """Refuse."""
        self._refuse()

    def store_audit(self, audit: Audit) -> None:
        """Refuse."""
        self._refuse()

    def optimize(self) -> None:
        """Refuse."""
        self._refuse()

    def discard(self) -> None:
        """Refuse."""
        self._refuse()


def _joined(rows: Sequence[Any]) -> tuple[NDArray[np.float16], str]:
    vectors = np.stack([row["vector"] for row in rows]).astype(np.float16)
    return vectors, next((row["doc"] for row in rows if row["doc"]), "")


def _page(listed: _Listed, vectors: NDArray[np.float16], doc: str) -> IndexedPage:
    boxes = np.tile(np.array(WHOLE_PAGE, np.float32), (len(vectors), 1))
    return IndexedPage(
        listed.page_id,
        listed.document,
        Page(listed.page_index, doc, Words(np.empty((0, 2), np.int32), None), TextSource.FILE),
        PageEmbedding(vectors, Regions(boxes, None)),
    )
