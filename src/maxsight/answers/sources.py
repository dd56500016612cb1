"""The pages that a model gets, with their text and pictures."""

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
MAX_TEXT_CHARS = 8_000
"""Characters of a page's text. A page of 1,000 words has about 6,000."""

PageDrawer = Callable[[IndexedPage], bytes]
"""Draws a page as JPEG. Raises ``UnreadableDocumentError`` if its file is gone."""


@dataclass(frozen=True, slots=True)
class Source:
    """A page that a model gets.

    Attributes:
        number: The number that citations use, from 1.
        page_id: Id of the page.
        path: Path of its document.
        page_number: From 1.
        text: Its text, cut to `MAX_TEXT_CHARS`.
        picture: Its picture, JPEG; None if it can't be drawn or is not wanted.
    """

    number: int
    page_id: str
    path: str
    page_number: int
    text: str
    picture: bytes | None

    def reference(self) -> dict[str, str | int]:
        """Describe the page without its content, for JSON."""
        return {name: getattr(self, name) for name in ("number", "page_id", "path", "page_number")}


def gather_sources(
    hits: Sequence[Hit], read: Callable[[str], IndexedPage], draw: PageDrawer | None
) -> list[Source]:
    """Read the pages of hits.

    Args:
        hits: Best first. Sources are numbered in this order.
        read: Reads a page by its id.
        draw: Draws a page; None for text alone. A page whose file is gone has only its text.
    """
    return [_source(hit, read(hit.page_id), draw) for hit in hits]


def draw_for_reading(library: Library, page: IndexedPage) -> bytes:
    """Draw a page as JPEG, large enough for a model to read.

    Raises:
        UnreadableDocumentError: The page's file is gone, has changed, or can't be drawn.
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
            pass  # its text is enough
    text = page.page.text
    if len(text) > MAX_TEXT_CHARS:
        text = text[:MAX_TEXT_CHARS] + " …"
    return Source(hit.rank, hit.page_id, hit.path, hit.page_number, text, picture)
