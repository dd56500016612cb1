"""Why a page is found: explanations and their pictures. The functions are methods of ``Library``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from PIL import Image

from maxsight.documents import ReadSettings
from maxsight.errors import UnknownPageError
from maxsight.heatmaps.explanation import Explanation
from maxsight.heatmaps.explanation import explain_page as explain_embedding
from maxsight.library.drawing import PagePicture, draw_page, placed
from maxsight.library.opened import Opened
from maxsight.library.queries import Query, text_of
from maxsight.results import Hit, Hits
from maxsight.stores.base import IndexedPage
from maxsight.types import Page


@dataclass(frozen=True, slots=True)
class PageOfLibrary:
    """A page that a search found, or that is explained: a ``results.FoundPage``.

    Attributes:
        library: Holds it.
        page_id: Which.
        why: Explains why it is found.
    """

    library: Opened
    page_id: str
    why: Callable[[IndexedPage], Explanation]

    def read(self) -> Page:
        """Read its text and words, with the places of the words where they are known."""
        return placed(page(self.library, self.page_id))

    def draw(self, dpi: int | None) -> Image.Image:
        """Draw it as a person sees it."""
        settings = self.library.settings
        return picture(self.library, self.page_id, settings=replace(settings, dpi=dpi or settings.dpi)).image

    def heatmap(self) -> Image.Image:
        """Draw it with its matches."""
        found = page(self.library, self.page_id)
        return self.why(found).draw(*picture(self.library, found))


def with_pages(library: Opened, query: Query, hits: Sequence[Hit]) -> Hits:
    """Give the hits of a query their pages, which are read and drawn when they are asked for."""
    why = partial(explain_page, library, query)
    return Hits((hit.found_by(PageOfLibrary(library, hit.page_id, why)) for hit in hits), text_of(query))


def page(library: Opened, page_id: str) -> IndexedPage:
    """Read a page: its text, its words and where they are, its vectors.

    Raises:
        UnknownPageError: No page has this id.
    """
    for found in library.store.read([page_id]):
        return found
    raise UnknownPageError(
        f"there is no page {page_id!r}", hint="It may have been removed, or changed and indexed again."
    )


def find_page(library: Opened, file: str, page_number: int, *, on_disk: bool = True) -> IndexedPage:
    """Read a page of a document.

    Args:
        library: Holds it.
        file: The document, by path or file name.
        page_number: From 1.
        on_disk: Whether ``file`` may also be a path on this machine, relative or through links. Say no to strangers'
            names: the answers would tell what there is besides the library.

    Raises:
        UnknownDocumentError: There is no such document.
        UnknownPageError: It has no such page.
        InputError: The name fits several documents.
    """
    return page(library, library.listing.find_page(file, page_number, on_disk=on_disk))


def explain(library: Opened, query: Query, file: str, page_number: int) -> Explanation:
    """Explain a page's score: per query word where it matched, and what each region gave.

    Args:
        library: Holds the page.
        query: The question.
        file: The document, by path or file name.
        page_number: From 1.

    Raises:
        InputError: There is no such document or page, or nothing on it can match.
    """
    return explain_page(library, query, find_page(library, file, page_number))


def explain_page(library: Opened, query: Query, page: IndexedPage) -> Explanation:
    """Explain the score of a page that has been read.

    Raises:
        InputError: Nothing on it can match.
        EmptyQueryError: Nothing in the query can be searched for.
    """
    embedding = library.searcher.encode(query)
    background = library.store.manifest.background
    explained = explain_embedding(embedding, placed(page), page.embedding, page.document.path, background)
    explained = replace(explained, boosts=library.searcher.boosts(embedding, page.page_id))
    return explained.found_by(PageOfLibrary(library, page.page_id, lambda _: explained))


def draw(library: Opened, explanation: Explanation, *, settings: ReadSettings | None = None) -> Image.Image:
    """Draw an explanation over the page.

    Raises:
        UnreadableDocumentError: The source file is not there any more, or can't be drawn.
    """
    explained = find_page(library, explanation.path, explanation.page_number)
    return explanation.draw(*picture(library, explained, settings=settings))


def picture(library: Opened, of: IndexedPage | str, *, settings: ReadSettings | None = None) -> PagePicture:
    """Draw a page as a person sees it, with the places of its vectors.

    Args:
        library: Holds it.
        of: A page that has been read, or the id of one.
        settings: How files are read; as when the library was made, if not given.

    Raises:
        UnknownPageError: No page has this id.
        UnreadableDocumentError: The source file is not there any more, has changed, or can't be drawn.
    """
    row = page(library, of) if isinstance(of, str) else of
    return draw_page(row, library.listing.home, settings or library.settings, library.renderer)
