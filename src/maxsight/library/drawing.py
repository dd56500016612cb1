"""A stored page as a picture, with the places of its words and vectors.

Plain text has no picture of its own. It is drawn in the same way for an encoder and for a person.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from maxsight.documents import PageRenderer, ReadSettings, content_hash
from maxsight.documents.base import RowFields
from maxsight.documents.records.images import SourceRow
from maxsight.documents.text import layout_text
from maxsight.errors import UnreadableDocumentError
from maxsight.identity import source_file
from maxsight.stores.base import IndexedPage
from maxsight.stores.fields import SOURCE_ROW
from maxsight.types import WHOLE_PAGE, Document, Page, Words


class PagePicture(NamedTuple):
    """A page as a person sees it.

    Attributes:
        image: The page, RGB.
        boxes: The place of each of its vectors, in fractions. Shape ``(vectors, 4)``.
    """

    image: Image.Image
    boxes: NDArray[np.float32]


def draw_page(
    row: IndexedPage, home: Path | None, settings: ReadSettings, renderer: PageRenderer
) -> PagePicture:
    """Draw a page.

    Args:
        row: The stored page.
        home: The folder its document's path is relative to; None if it is absolute.
        settings: How files are read.
        renderer: Draws pages of all files but plain text.

    Raises:
        UnreadableDocumentError: The source file is not there any more, has changed, or can't be drawn.
        InputError: The picture has too many pixels.
    """
    regions = row.embedding.regions
    if is_plain_text(row):
        limit = settings.limits.max_pixels
        picture, word_boxes = layout_text(row.page.text, row.page.words, max_pixels=limit)
        boxes = _boxes_of_spans(row, word_boxes) if regions.boxes is None else regions.boxes
        return PagePicture(picture, boxes)
    assert regions.boxes is not None  # only plain text has no boxes
    file, page_index = source_file(row.document.path, home), row.page.page_index
    if stored := row.metadata.get(SOURCE_ROW):
        source = SourceRow.parse(str(stored))
        file, page_index = file.with_name(source.file), source.index
        settings = replace(settings, rows=RowFields(source.image, digest=source.digest))
    else:
        check_unchanged(file, row.document)
    return PagePicture(renderer.render(file, page_index, settings), regions.boxes)


def is_plain_text(row: IndexedPage) -> bool:
    """Whether a page is drawn from its text: it has no picture, or its vectors have no places on it."""
    return not row.page.width_pt or row.embedding.regions.boxes is None


def placed(row: IndexedPage) -> Page:
    """Return the page. If an encoder has looked at plain text, its words get their boxes, which are not stored."""
    page = row.page
    has_places = row.embedding.regions.spans is not None or page.words.boxes is not None
    if has_places or page.width_pt or not page.text:
        return page
    return replace(page, words=Words(page.words.spans, layout_text(page.text, page.words)[1]))


def check_unchanged(file: Path, document: Document) -> None:
    """Refuse to draw on a file that has changed since it was indexed: the regions would be wrong.

    Raises:
        UnreadableDocumentError: It has changed, or is not there.
    """
    try:
        stat = file.stat()
        same = (stat.st_size, stat.st_mtime_ns) == (document.size_bytes, document.modified_ns)
        if same or content_hash(file) == document.content_hash:
            return
    except OSError as error:
        raise UnreadableDocumentError(
            file, f"can't be read: {error.strerror}", hint="The file must be where it was indexed."
        ) from error
    raise UnreadableDocumentError(file, "has changed since it was indexed", hint="Index it again.")


def _boxes_of_spans(row: IndexedPage, word_boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Give each vector of a plain text page the box around its words, or the whole page if it has no place."""
    regions, starts = row.embedding.regions, row.page.words.spans[:, 0]
    assert regions.spans is not None  # regions without boxes have spans
    firsts = np.maximum(np.searchsorted(starts, regions.spans[:, 0], side="right") - 1, 0)
    ends = np.maximum(np.searchsorted(starts, regions.spans[:, 1]), firsts + 1)
    boxes = np.asarray(word_boxes[firsts], np.float32)
    for vector in np.flatnonzero(ends - firsts > 1):
        own = word_boxes[firsts[vector] : ends[vector]]
        boxes[vector] = [*own[:, :2].min(axis=0), *own[:, 2:].max(axis=0)]
    boxes[regions.whole_page] = WHOLE_PAGE
    return boxes
