"""The pages of another program's collection: which there are, and what they are in maxsight's terms.

Each ``doc_id`` is a page. Pages with the same ``doc`` belong to one document, in the order of their ``doc_id``. ``doc``
is the document's path. If it is a longer text, the page is a document of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maxsight.identity import page_id
from maxsight.stores.base import DocumentEntry, IndexedPage
from maxsight.stores.page_rows import DOCUMENT_COLUMNS, Row, document_of, list_documents
from maxsight.types import WHOLE_PAGE, Document, Page, PageEmbedding, Regions, TextSource, Words

MAX_NAME_CHARS = 255
"""Of a ``doc`` that names a document. A longer one is a text."""


def list_pages(docs: Mapping[str, str], *, numbered: bool) -> list[Row]:
    """List pages, document by document.

    Args:
        docs: The ``doc`` of each page, by its ``doc_id``.
        numbered: The ids are whole numbers, which gives their order.

    Returns:
        A row for each page with its ``doc_id`` and the columns that listings and filters use.
    """
    ids_of: dict[str, list[str]] = {}
    for doc_id in sorted(docs, key=int if numbered else None):
        doc = docs[doc_id]
        is_name = 0 < len(doc) <= MAX_NAME_CHARS and "\n" not in doc
        ids_of.setdefault(doc if is_name else doc_id, []).append(doc_id)
    return [
        _row(Document(path, sha256(path.encode()).hexdigest(), 0, 0, len(doc_ids)), index, doc_id)
        for path, doc_ids in ids_of.items()
        for index, doc_id in enumerate(doc_ids)
    ]


def _row(document: Document, page_index: int, doc_id: str) -> Row:
    return {
        "doc_id": doc_id,
        "page_id": page_id(document.path, document.content_hash, page_index),
        "file": document.file,
        "page_number": page_index + 1,
        **{name: getattr(document, name) for name in DOCUMENT_COLUMNS},
    }


def list_foreign_documents(pages: Iterable[Row], doc_ids: Iterable[str]) -> list[DocumentEntry]:
    """List the documents of pages, given the ``doc_id`` of every vector."""
    counts = Counter(doc_ids)
    return list_documents((page | {"vector_count": counts[page["doc_id"]]} for page in pages), lambda _: {})


def to_foreign_page(row: Row, vectors: NDArray[np.float16], doc: str) -> IndexedPage:
    """Make a page of its row, vectors and text. Each vector stands for the whole page."""
    boxes = np.tile(np.array(WHOLE_PAGE, np.float32), (len(vectors), 1))
    return IndexedPage(
        row["page_id"],
        document_of(row),
        Page(row["page_number"] - 1, doc, Words(np.empty((0, 2), np.int32), None), TextSource.FILE),
        PageEmbedding(vectors, Regions(boxes, None)),
    )


def join_vectors(rows: Iterable[Mapping[str, Any]]) -> tuple[NDArray[np.float16], str]:
    """Join the rows of one page's vectors to its vectors and its ``doc``."""
    ordered = sorted(rows, key=lambda row: int(row["seq_id"]))
    vectors = np.stack([row["vector"] for row in ordered]).astype(np.float16)
    return vectors, next((row["doc"] for row in ordered if row["doc"]), "")
