"""A stored page as a picture, and where its words and its vectors lie in it.

Plain text has no picture of its own: it is drawn, the same way for an encoder that looks at it as for a person.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from maxsight.documents import PageRenderer, ReadSettings, content_hash
from maxsight.documents.text import layout_text
from maxsight.errors import UnreadableDocumentError
from maxsight.identity import source_file
from maxsight.stores.base import IndexedPage
from maxsight.types import WHOLE_PAGE, Document, Page, TextSource, Words


class PagePicture(NamedTuple):
    """A page as a person sees it.

    Attributes:
        image: The page, RGB.
        boxes: Where each of its vectors lies in it, in fractions. Shape ``(vectors, 4)``.
    """

    image: Image.Image
    boxes: NDArray[np.float32]


def draw_page(
    row: IndexedPage, home: Path | None, settings: ReadSettings, renderer: PageRenderer
) -> PagePicture:
    """Draw a page.

    Args:
        row: Which.
        home: What its document's path is relative to; None if it is absolute.
        settings: How files are read.
        renderer: Draws pages of files that are not plain text.

    Raises:
        UnreadableDocumentError: The source file is not there any more, has changed, or can't be drawn.
        InputError: The picture would have too many pixels.
    """
    regions = row.embedding.regions
    if row.page.text_source is TextSource.FILE:
        limit = settings.limits.max_pixels
        picture, word_boxes = layout_text(row.page.text, row.page.words, max_pixels=limit)
        boxes = _boxes_of_spans(row, word_boxes) if regions.boxes is None else regions.boxes
        return PagePicture(picture, boxes)
    assert regions.boxes is not None  # only plain text is without
    file = source_file(row.document.path, home)
    check_unchanged(file, row.document)
    return PagePicture(renderer.render(file, row.page.page_index, settings), regions.boxes)


def placed(row: IndexedPage) -> Page:
    """The page, its words with their boxes where an encoder has looked at plain text: there are none stored."""
    page = row.page
    if row.embedding.regions.spans is not None or page.words.boxes is not None or not page.text:
        return page
    return replace(page, words=Words(page.words.spans, layout_text(page.text, page.words)[1]))


def check_unchanged(file: Path, document: Document) -> None:
    """Refuse to draw on a file that is not the one that was indexed: the regions would be wrong.

    Raises:
        UnreadableDocumentError: It is another, or not there.
    """
    try:
        stat = file.stat()
        same = (stat.st_size, stat.st_mtime_ns) == (document.size_bytes, document.modified_ns)
        if same or content_hash(file) == document.content_hash:
            return
    except OSError as error:
        raise UnreadableDocumentError(
            file, f"can't be read: {error.strerror}", hint="The file must lie where it was indexed."
        ) from error
    raise UnreadableDocumentError(file, "has changed since it was indexed", hint="Index it again.")


def _boxes_of_spans(row: IndexedPage, word_boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Give each vector of a plain text page the box around its words, or of the page if it stands for that."""
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
