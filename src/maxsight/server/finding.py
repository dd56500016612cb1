"""Finding a text on the pages of one document, as a reader of it types it."""

from __future__ import annotations

import re
import threading
import unicodedata
from collections import OrderedDict

import numpy as np

from maxsight import Library
from maxsight.identity import page_id
from maxsight.library.drawing import placed
from maxsight.stores.base import DocumentEntry
from maxsight.types import Page

MAX_DOCUMENTS = 4
MAX_PLACES = 1_000
"""A letter of a long document has a hundred thousand places, which no reader goes through."""
_BATCH = 64

Box = tuple[float, float, float, float]
Places = tuple[str, int, list[list[Box]]]


class TextFinder:
    """Finds texts in the documents of a library, and remembers the pages of the last ones. For any thread."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._read: OrderedDict[tuple[str, str, int], dict[str, Page]] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, entry: DocumentEntry, text: str) -> tuple[int, list[Places]]:
        """Find a text, whatever its letters' case and the spaces between its words.

        Returns:
            How many places there are. Then of the first ``MAX_PLACES``: id and number of each page that has them, and
            for each place the boxes of its words.
        """
        words = unicodedata.normalize("NFC", text).split()
        if not words:
            return 0, []
        pattern = re.compile(r"\s+".join(map(re.escape, words)), re.IGNORECASE)
        total, pages = 0, []
        for id_, page in self._pages(entry).items():
            spans = [found.span() for found in pattern.finditer(page.text)]
            if places := [_boxes(page, *span) for span in spans[: max(MAX_PLACES - total, 0)]]:
                pages.append((id_, page.page_number, places))
            total += len(spans)
        return total, pages

    def _pages(self, entry: DocumentEntry) -> dict[str, Page]:
        document = entry.document
        key = (document.path, document.content_hash, len(entry.page_indices))
        with self._lock:  # so that no two requests read the same document
            if key not in self._read:
                ids = [page_id(document.path, document.content_hash, index) for index in entry.page_indices]
                batches = (ids[start : start + _BATCH] for start in range(0, len(ids), _BATCH))
                rows = (row for batch in batches for row in self._library.store.read(batch))
                self._read[key] = {row.page_id: placed(row) for row in rows}
                if len(self._read) > MAX_DOCUMENTS:
                    self._read.popitem(last=False)
            self._read.move_to_end(key)
            return self._read[key]


def _boxes(page: Page, start: int, end: int) -> list[Box]:
    spans, boxes = page.words.spans, page.words.boxes
    if boxes is None:
        return []
    touched = np.flatnonzero((spans[:, 0] < end) & (spans[:, 1] > start))
    return [tuple(round(float(edge), 5) for edge in boxes[word]) for word in touched]  # type: ignore[misc]
