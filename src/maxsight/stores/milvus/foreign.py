"""A collection of vectors that another program has made in the form of layout ``rows``: searched as it is.

It has ``pk``, ``vector``, ``seq_id``, ``doc_id`` and ``doc``, as tutorials on late interaction make it, and nothing
that tells of pages: each ``doc_id`` is a page, its text is what ``doc`` says, and every vector stands for the whole of
it. Nothing is written to it. The encoder of its vectors is not known and has to be named.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from maxsight.errors import InputError, LibraryDamagedError, LibraryReadOnlyError
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


def is_foreign_rows(description: Mapping[str, Any]) -> bool:
    """Whether a collection has the form that can be searched."""
    return {field["name"] for field in description.get("fields", [])} >= COLUMNS


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
        self._names: list[str] | None = None

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
        return len(self._page_ids())

    def fields(self) -> dict[str, FieldType]:
        """None: the collection tells nothing of documents."""
        return {}

    def last_audit(self) -> Audit | None:
        """None: there is nowhere to keep one."""
        return None

    def documents(self) -> list[DocumentEntry]:
        """List the pages, each as a document of its own, by path."""
        entries = []
        for page in self.read(self._page_ids()):
            entries.append(DocumentEntry(page.document, (0,), len(page.embedding.vectors), {}))
        return sorted(entries, key=lambda entry: entry.document.path)

    def vectors(
        self, *, where: Filter | None = None, page_ids: Sequence[str] | None = None
    ) -> Iterator[PageVectors]:
        """Read vectors, some pages at a time."""
        names = self._kept(where) if page_ids is None else list(dict.fromkeys(page_ids))
        for some in batched(names, PAGES_PER_REQUEST):
            found = self._fetch(some)
            if found:
                yield self._packed({name: vectors for name, (vectors, _) in found.items()})

    def read(self, page_ids: Sequence[str]) -> list[IndexedPage]:
        """Read whole pages, in the order asked for; unknown ids are left out."""
        return [
            _page(name, *found[name])
            for some in batched(page_ids, PAGES_PER_REQUEST)
            for found in [self._fetch(some)]
            for name in some
            if name in found
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
        kept = None if where is None else self._kept(where)
        expression = "" if kept is None else self._named(kept)
        hits = hits_per_token(self.page_count() if kept is None else len(kept), candidates)
        found = search_tokens(
            self._connection,
            self._collection,
            queries,
            min(max(hits, limit), LARGEST_WINDOW),
            expression,
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
            best = pages[np.argsort(-scores, kind="stable")[:limit]]
            vectors = self._fetch([names[number] for number in best.tolist()])
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

    def _page_ids(self) -> list[str]:
        """Every ``doc_id``, each once."""
        iterator = self._connection.call(
            "query_iterator",
            self._collection,
            filter="seq_id >= 0",
            output_fields=["doc_id"],
            batch_size=LARGEST_WINDOW,
        )
        names: dict[str, None] = {}
        try:
            while found := self._connection.next_of(iterator):
                names |= dict.fromkeys(str(row["doc_id"]) for row in found)
        finally:
            iterator.close()
        return sorted(names)

    def _kept(self, where: Filter | None) -> list[str]:
        names = self._page_ids()
        if where is None:
            return names
        return [
            page.page_id
            for page in self.read(names)
            if where.matches({"path": page.document.path, "file": page.document.file, "page_number": 1})
        ]

    def _named(self, names: Sequence[str]) -> str:
        if not self._numbered:
            return is_one_of("doc_id", names)
        return is_one_of("doc_id", [int(name) for name in names if name.lstrip("-").isdecimal()] or [-1])

    def _fetch(self, names: Sequence[str]) -> dict[str, tuple[NDArray[np.float16], str]]:
        """The vectors of pages, in their order, and their ``doc``. How many they are is not known beforehand."""
        if not names:
            return {}
        most = min(LARGEST_WINDOW, max(MAX_VECTORS_PER_PAGE + 1, REQUEST_BYTES // (self._dim * 4)))
        rows = self._query(
            self._named(names),
            [self._key, "doc_id", "seq_id", "doc", "vector"],
            limit=most,
            strict_float32=True,
        )
        if len(rows) == most:  # perhaps not all
            if len(names) == 1:
                raise LibraryDamagedError(f"page {names[0]} has more than {MAX_VECTORS_PER_PAGE} vectors")
            middle = len(names) // 2
            return self._fetch(names[:middle]) | self._fetch(names[middle:])
        pages: dict[str, dict[int, Any]] = {}
        for row in rows:
            pages.setdefault(str(row["doc_id"]), {})[int(row["seq_id"])] = row
        return {
            name: _joined([row for _, row in sorted(pages[name].items())]) for name in names if name in pages
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
        return PageVectors.of(list(vectors), list(vectors.values()), self._dim)

    # Not writing ------------------------------------------------------------------------------------------

    def _refuse(self) -> NoReturn:
        raise LibraryReadOnlyError(
            f"{self._connection.address} was made by another program and is not written to",
            hint="Copy what it holds into a library of your own: maxsight copy",
        )

    def writing(self) -> AbstractContextManager[None]:
        """Refuse."""
        self._refuse()

    def put(self, pages: Sequence[IndexedPage], *, replace_documents: bool = False) -> None:
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

    def keep_manifest(self, manifest: Manifest) -> None:
        """Refuse."""
        self._refuse()

    def keep_audit(self, audit: Audit) -> None:
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


def _page(name: str, vectors: NDArray[np.float16], doc: str) -> IndexedPage:
    boxes = np.tile(np.array(WHOLE_PAGE, np.float32), (len(vectors), 1))
    return IndexedPage(
        name,
        Document(doc or name, "", 0, 0, 1),
        Page(0, doc, Words(np.empty((0, 2), np.int32), None), TextSource.FILE),
        PageEmbedding(vectors, Regions(boxes, None)),
    )
