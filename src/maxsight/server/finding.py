"""Finding a text on the pages of one document, as a reader of it types it."""

from __future__ import annotations

import re
import threading
import unicodedata
from collections import OrderedDict
from collections.abc import Iterator

import numpy as np

from maxsight import Library
from maxsight.identity import page_id
from maxsight.library.drawing import placed
from maxsight.stores.base import DocumentEntry
from maxsight.types import Page

MAX_DOCUMENTS = 4
_BATCH = 64

Box = tuple[float, float, float, float]


class TextFinder:
    """Finds texts in the documents of a library, and remembers the pages of the last ones. For any thread."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._read: OrderedDict[tuple[str, str, int], dict[str, Page]] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, entry: DocumentEntry, text: str) -> Iterator[tuple[str, int, list[list[Box]]]]:
        """Find all places of a text, whatever its letters' case and the spaces between its words.

        Yields:
            Id and number of each page that has it, and for each place the boxes of its words.
        """
        words = unicodedata.normalize("NFC", text).split()
        pattern = re.compile(r"\s+".join(map(re.escape, words)), re.IGNORECASE)
        for id_, page in self._pages(entry).items():
            if places := [_boxes(page, *found.span()) for found in pattern.finditer(page.text)]:
                yield id_, page.page_number, places

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
