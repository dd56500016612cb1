"""The pages that a model is shown, with their text and their pictures."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PIL import Image

from maxsight import Library
from maxsight.errors import UnreadableDocumentError
from maxsight.results import Hit
from maxsight.stores.base import IndexedPage

PICTURE_EDGE_PX = 1400
JPEG_QUALITY = 80
TEXT_CHARS = 8_000
"""Of a page's text; a page of 1,000 words has about 6,000."""

PageDrawer = Callable[[IndexedPage], bytes]
"""Draws a page as JPEG; raises ``UnreadableDocumentError`` where its file is gone."""


@dataclass(frozen=True, slots=True)
class Source:
    """A page that a model is shown.

    Attributes:
        number: What it is cited by, from 1.
        page_id: The page's id.
        path: Its document.
        page_number: From 1.
        text: Its text, cut to `TEXT_CHARS`.
        picture: JPEG; None where there is none, or none was asked for.
    """

    number: int
    page_id: str
    path: str
    page_number: int
    text: str
    picture: bytes | None


def gather_sources(
    hits: Sequence[Hit], read: Callable[[str], IndexedPage], draw: PageDrawer | None
) -> list[Source]:
    """Read the pages that were found.

    Args:
        hits: Best first; sources are numbered in this order.
        read: Reads a page by its id.
        draw: Draws it; None for text alone. A page whose file is gone is shown as text.
    """
    return [_source(hit, read(hit.page_id), draw) for hit in hits]


def draw_for_reading(library: Library, page: IndexedPage) -> bytes:
    """Draw a page as JPEG, large enough for a model to read.

    Raises:
        UnreadableDocumentError: The source file is not there any more, has changed, or can't be drawn.
    """
    picture = library.picture(page).image.convert("RGB")
    picture.thumbnail((PICTURE_EDGE_PX, PICTURE_EDGE_PX), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=JPEG_QUALITY)
    return out.getvalue()


def _source(hit: Hit, page: IndexedPage, draw: PageDrawer | None) -> Source:
    picture = None
    if draw is not None:
        try:
            picture = draw(page)
        except UnreadableDocumentError:
            pass  # its text is left
    text = page.page.text
    if len(text) > TEXT_CHARS:
        text = text[:TEXT_CHARS] + " …"
    return Source(hit.rank, hit.page_id, hit.path, hit.page_number, text, picture)
