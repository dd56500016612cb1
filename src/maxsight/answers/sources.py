"""The pages that a model gets, with their text and pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from maxsight import Library
from maxsight.answers.crops import as_jpeg, crop_of
from maxsight.errors import UnreadableDocumentError
from maxsight.library.drawing import placed
from maxsight.results import Hit
from maxsight.stores.base import IndexedPage
from maxsight.types import Page

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
        crop: The part of it that matched, JPEG; None as well.
        page: Its words and their places.
    """

    number: int
    page_id: str
    path: str
    page_number: int
    text: str
    picture: bytes | None
    crop: bytes | None = None
    page: Page | None = field(default=None, compare=False, repr=False)

    def reference(self) -> dict[str, str | int]:
        """Describe the page without its content, for JSON."""
        return {name: getattr(self, name) for name in ("number", "page_id", "path", "page_number")}


def gather_sources(
    hits: Sequence[Hit],
    read: Callable[[str], IndexedPage],
    draw: PageDrawer | None,
    *,
    crops: bool = False,
) -> list[Source]:
    """Read the pages of hits.

    Args:
        hits: Best first. Sources are numbered in this order.
        read: Reads a page by its id.
        draw: Draws a page; None for text alone. A page whose file is gone has only its text.
        crops: Whether to draw also the parts of the pages that matched.
    """
    return [_source(hit, read(hit.page_id), draw, crops=crops) for hit in hits]


def draw_for_reading(library: Library, page: IndexedPage) -> bytes:
    """Draw a page as JPEG, large enough for a model to read.

    Raises:
        UnreadableDocumentError: The page's file is gone, has changed, or can't be drawn.
    """
    return as_jpeg(library.picture(page).image)


def _source(hit: Hit, page: IndexedPage, draw: PageDrawer | None, *, crops: bool) -> Source:
    picture = None
    if draw is not None:
        try:
            picture = draw(page)
        except UnreadableDocumentError:
            pass  # its text is enough
    text = page.page.text
    if len(text) > MAX_TEXT_CHARS:
        text = text[:MAX_TEXT_CHARS] + " …"
    return Source(
        hit.rank,
        hit.page_id,
        hit.path,
        hit.page_number,
        text,
        picture,
        crop_of(hit) if crops and picture else None,
        placed(page),
    )
