"""The pages of another program's collection: which there are, and what they are in maxsight's terms.

Pages of the same name belong to one document, in the order of their numbers, or else of their keys. The name is the
document's path. If it is a longer text, the page is a document of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from maxsight.identity import page_id
from maxsight.stores.base import IndexedPage
from maxsight.stores.page_rows import DOCUMENT_COLUMNS, Row, document_of
from maxsight.types import (
    WHOLE_PAGE,
    Document,
    Page,
    PageEmbedding,
    Regions,
    Scalar,
    TextSource,
    Words,
)

MAX_NAME_CHARS = 255
"""Of a name. A longer one is a text."""

COLPALI_GRID, COLPALI_VECTORS = 32, range(1024, 1032)
"""ColPali cuts each picture into 32 x 32 patches. The vectors after them are those of its prompt, 6 or 7."""

PARAGRAPH_BREAK = "\n\n"

KEY, NAME, NUMBER = "(key)", "(name)", "(number)"
"""Of a page's row: how the server knows the page, the name of its document, and its number there. No column of a
collection has such a name."""


@dataclass(frozen=True, slots=True, eq=False)
class ForeignPage:
    """What is stored of a page.

    Attributes:
        vectors: As they are scored. Shape ``(vectors, dim)``.
        texts: One for each vector, or one for the page.
    """

    vectors: NDArray[np.float16]
    texts: tuple[str, ...]


def list_pages(found: Iterable[Mapping[str, Scalar]]) -> list[Row]:
    """List pages, document by document.

    Args:
        found: For each page ``KEY``, ``NAME``, ``NUMBER`` if it has one, and its fields.

    Returns:
        A row for each page with the columns that listings and filters use, and the given fields.
    """
    pages_of: dict[str, dict[Scalar, Mapping[str, Scalar]]] = {}
    for page in found:
        name = str(page[NAME])
        is_name = 0 < len(name) <= MAX_NAME_CHARS and "\n" not in name
        pages_of.setdefault(name if is_name else str(page[KEY]), {})[page[KEY]] = page
    from_zero = any(page.get(NUMBER) == 0 for pages in pages_of.values() for page in pages.values())
    return [row for path in sorted(pages_of) for row in _rows(path, pages_of[path].values(), from_zero)]


def _rows(path: str, pages: Iterable[Mapping[str, Scalar]], from_zero: bool) -> Iterable[Row]:
    ordered = sorted(pages, key=lambda page: (page.get(NUMBER, 0), page[KEY]))
    document = Document(path, sha256(path.encode()).hexdigest(), 0, 0, len(ordered))
    numbers = [int(page.get(NUMBER, 0)) - (not from_zero) for page in ordered]
    if len(set(numbers)) < len(numbers) or min(numbers) < 0:  # not numbered, or not one number each
        numbers = list(range(len(ordered)))
    for number, page in zip(numbers, ordered, strict=True):
        yield {
            **page,
            "page_id": page_id(document.path, document.content_hash, number),
            "file": document.file,
            "page_number": number + 1,
            "text_source": TextSource.FILE,
            **{name: getattr(document, name) for name in DOCUMENT_COLUMNS},
        }


def to_foreign_page(row: Row, stored: ForeignPage, metadata: Mapping[str, Scalar]) -> IndexedPage:
    """Make a page of its row and of what is stored of it."""
    return IndexedPage(
        row["page_id"],
        document_of(row),
        Page(
            row["page_number"] - 1,
            PARAGRAPH_BREAK.join(stored.texts),
            Words(np.empty((0, 2), np.int32), None),
            TextSource.FILE,
        ),
        PageEmbedding(stored.vectors, _regions(stored)),
        metadata,
    )


def _regions(stored: ForeignPage) -> Regions:
    """The regions of a page's vectors: their own texts, ColPali's patches, or else the whole page."""
    count = len(stored.vectors)
    if len(stored.texts) == count > 1:
        lengths = np.array([len(text) for text in stored.texts], np.int32)
        starts = np.cumsum([0, *(lengths[:-1] + len(PARAGRAPH_BREAK))], dtype=np.int32)
        return Regions(None, np.stack([starts, starts + lengths], axis=1))
    boxes = np.tile(np.array(WHOLE_PAGE, np.float32), (count, 1))
    if count in COLPALI_VECTORS:
        rows, cols = np.divmod(np.arange(COLPALI_GRID**2), COLPALI_GRID)
        corners = np.stack([cols, rows, cols + 1, rows + 1], axis=1)
        boxes[: COLPALI_GRID**2] = corners / np.float32(COLPALI_GRID)
    return Regions(boxes, None)
