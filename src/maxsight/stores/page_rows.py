"""A page as a row of plain values, with checksums. Every store writes these rows.

``local.schema`` and ``milvus.page_columns`` lay these rows out. As the row is the same in both, so is its checksum,
and a copy can be compared page by page.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Callable, Iterable, Mapping
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maxsight.stores.base import DocumentEntry, IndexedPage
from maxsight.stores.fields import shared
from maxsight.stores.rounding import from_grid, to_grid
from maxsight.types import (
    Document,
    Page,
    PageEmbedding,
    Regions,
    Scalar,
    TextRun,
    TextSource,
    Words,
    main_source,
)

Row = dict[str, Any]
"""A page as plain values and arrays, by column."""

DOCUMENT_COLUMNS = ("path", "content_hash", "size_bytes", "modified_ns", "page_count")
LISTED = ("page_id", *DOCUMENT_COLUMNS, "page_number", "vector_count", "text_source")
"""The columns that ``list_documents`` needs."""

CONTENT = (
    *LISTED,
    *("file", "text", "width_pt", "height_pt"),
    *("word_spans", "word_boxes", "region_boxes", "region_spans", "vectors"),
)
"""The columns that ``checksum`` covers: all that ``to_row`` writes."""


def listing_row(page: IndexedPage) -> Row:
    """Return the ``LISTED`` columns of a page."""
    document = {name: getattr(page.document, name) for name in DOCUMENT_COLUMNS}
    counts = {"page_number": page.page.page_number, "vector_count": len(page.embedding.vectors)}
    return {"page_id": page.page_id, **document, **counts, "text_source": _write_sources(page.page)}


def to_row(page: IndexedPage) -> Row:
    """Return the content of a page, as ``rounding.as_stored`` gives it, with its checksum; without metadata."""
    read, embedding = page.page, page.embedding
    row = listing_row(page) | {
        "file": page.document.file,
        "text": read.text,
        "width_pt": float(read.width_pt),
        "height_pt": float(read.height_pt),
        "word_spans": _start_length(read.words.spans),
        "word_boxes": _maybe(_box_steps, read.words.boxes),
        "region_boxes": _maybe(_box_steps, embedding.regions.boxes),
        "region_spans": _maybe(_start_length, embedding.regions.spans),
        "vectors": embedding.vectors,
    }
    return row | {"checksum": checksum(row)}


def to_page(row: Row, metadata: Mapping[str, Scalar]) -> IndexedPage:
    """Return the page that a row holds."""
    source, runs = _read_sources(row["text_source"])
    return IndexedPage(
        page_id=row["page_id"],
        document=document_of(row),
        page=Page(
            page_index=row["page_number"] - 1,
            text=row["text"],
            words=Words(_start_end(row["word_spans"]), _maybe(_corners, row["word_boxes"])),
            text_source=source,
            width_pt=row["width_pt"],
            height_pt=row["height_pt"],
            text_runs=runs,
        ),
        embedding=PageEmbedding(
            row["vectors"],
            Regions(_maybe(_corners, row["region_boxes"]), _maybe(_start_end, row["region_spans"])),
        ),
        metadata=metadata,
    )


def _write_sources(page: Page) -> str:
    """Write where a page's words come from: ``layer``, or ``layer 412, tesseract 30 drawn, layer 80``."""
    return ", ".join(map(str, page.text_runs)) or str(page.text_source)


def _read_sources(text: str) -> tuple[TextSource, tuple[TextRun, ...]]:
    if " " not in text:
        return TextSource(text), ()
    runs = tuple(TextRun.parse(run) for run in text.split(", "))
    return main_source(runs), runs


def document_of(row: Row) -> Document:
    """Return the file that a row is a page of."""
    return Document(**{name: row[name] for name in DOCUMENT_COLUMNS})


def list_documents(
    rows: Iterable[Row], metadata_of: Callable[[Row], Mapping[str, Scalar]]
) -> list[DocumentEntry]:
    """List documents by path.

    Args:
        rows: The ``LISTED`` columns of all pages, with their metadata.
        metadata_of: Returns the metadata in a row.
    """
    contents: dict[str, dict[str, list[Row]]] = {}
    for row in rows:
        contents.setdefault(row["path"], {}).setdefault(row["content_hash"], []).append(row)
    return [_entry(list(contents[path].values()), metadata_of) for path in sorted(contents)]


def _entry(contents: list[list[Row]], metadata_of: Callable[[Row], Mapping[str, Scalar]]) -> DocumentEntry:
    *_, rows = sorted(contents, key=_rank)
    rows.sort(key=itemgetter("page_number"))
    metadata = [metadata_of(row) for row in rows]
    of_all = shared(metadata)
    return DocumentEntry(
        document=document_of(rows[0]),
        page_indices=tuple(row["page_number"] - 1 for row in rows),
        vectors=sum(row["vector_count"] for row in rows),
        metadata=of_all,
        page_fields=tuple({name: page[name] for name in page if name not in of_all} for page in metadata),
        text_sources=tuple(row["text_source"] for row in rows),
        mixed=len(contents) > 1,
    )


def _rank(rows: list[Row]) -> tuple[bool, int, str]:
    """Of several contents of a path, the whole one comes last, or else the one with most pages."""
    return len(rows) == rows[0]["page_count"], len(rows), rows[0]["content_hash"]


def checksum(row: Row) -> int:
    """Return the CRC-32 of a page's content. Metadata and codes are left out: both may change by themselves."""
    total = 0
    for name in sorted(CONTENT):
        content = _bytes_of(row[name])
        total = zlib.crc32(struct.pack("<q", -1 if content is None else len(content)), total)
        total = zlib.crc32(content or b"", total)
    return total


def metadata_checksum(metadata: Mapping[str, Scalar]) -> int:
    """Return the CRC-32 of a page's metadata."""
    return zlib.crc32(json.dumps(dict(metadata), sort_keys=True).encode())


def _bytes_of(value: object) -> bytes | memoryview | None:
    match value:
        case None:
            return None
        case str():
            return value.encode()
        case int():
            return struct.pack("<q", value)
        case float():
            return struct.pack("<d", value)
        case np.ndarray():
            return np.ascontiguousarray(value).tobytes()
    raise TypeError(f"no column holds {type(value).__name__}")


def _maybe(convert: Callable[[NDArray[Any]], NDArray[Any]], values: NDArray[Any] | None) -> Any:
    return None if values is None else convert(values)


def _start_length(spans: NDArray[np.int32]) -> NDArray[np.int32]:
    return np.stack([spans[:, 0], spans[:, 1] - spans[:, 0]], axis=1).astype(np.int32)


def _start_end(spans: NDArray[np.int32]) -> NDArray[np.int32]:
    return np.cumsum(spans, axis=1, dtype=np.int32)


def _box_steps(boxes: NDArray[np.float32]) -> NDArray[np.uint16]:
    steps = to_grid(boxes)
    return np.concatenate([steps[:, :2], steps[:, 2:] - steps[:, :2]], axis=1)


def _corners(steps: NDArray[np.uint16]) -> NDArray[np.float32]:
    return from_grid(np.concatenate([steps[:, :2], steps[:, :2] + steps[:, 2:]], axis=1))
