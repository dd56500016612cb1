"""A page or a picture as the question. The functions are methods of ``Library``."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from os import PathLike

import numpy as np

from maxsight.documents import Limits, OcrChoice, ReadSettings
from maxsight.encoders.token_pooling import pool_tokens
from maxsight.errors import EmptyQueryError
from maxsight.library.encoding import encode_file, read_pages
from maxsight.library.explaining import find_page, with_pages
from maxsight.library.opened import Opened
from maxsight.library.queries import Query
from maxsight.results import Hit, Hits
from maxsight.stores.base import IndexedPage
from maxsight.stores.filters import Where
from maxsight.types import Floats, PageEmbedding

MAX_VECTORS = 64
"""Of a page that is a query. A question has about 20."""
_SYNTAX = re.compile(r'["\u201c\u201d\u201e\u00ab\u00bb]|(?<!\S)-(?=\S)')
"""What would be a condition in a question that a person types."""


def search_like(
    library: Opened,
    file: str,
    page_number: int,
    *,
    top_k: int = 10,
    where: Where = None,
    exact: bool = False,
) -> Hits:
    """Find more pages like one in the library. The page itself and its copies are left out.

    Args:
        library: Holds the page.
        file: Its document, by path or file name.
        page_number: From 1.
        top_k: How many pages at most.
        where: As for ``search``.
        exact: As for ``search``.

    Raises:
        InputError: There is no such document or page, or ``top_k`` is less than 1.
        EmptyQueryError: The page has no vectors.
        FilterError: The condition is not valid, or names an unknown field.
    """
    return search_like_page(
        library, find_page(library, file, page_number), top_k=top_k, where=where, exact=exact
    )


def search_like_page(
    library: Opened, page: IndexedPage, *, top_k: int = 10, where: Where = None, exact: bool = False
) -> Hits:
    """Find more pages like one that has been read; see ``search_like``."""
    path, number = page.document.path, page.page.page_number

    def is_itself(hit: Hit) -> bool:
        return hit.page_number == number and path in (hit.path, *hit.copies)

    query = page_query(page.embedding)
    found = _find(library, query, top_k + 1 if top_k > 0 else top_k, where, exact)
    others = [hit for hit in found if not is_itself(hit)][:top_k]
    return with_pages(library, query, [replace(hit, rank=rank) for rank, hit in enumerate(others, start=1)])


def search_image(
    library: Opened,
    file: str | PathLike[str],
    *,
    top_k: int = 10,
    where: Where = None,
    exact: bool = False,
    settings: ReadSettings | None = None,
) -> Hits:
    """Find pages like a picture, or like another file of one page.

    An encoder of text searches for the words that OCR reads in the picture: ``Hits.query`` has them.

    Args:
        library: The library to search.
        file: The picture.
        top_k: How many pages at most.
        where: As for ``search``.
        exact: As for ``search``.
        settings: How the file is read; as when the library was made, if not given.

    Raises:
        UnreadableDocumentError: It can't be read, or has several pages.
        EmptyQueryError: The encoder reads text, and there are no words in the picture.
        InputError: ``top_k`` is less than 1.
        FilterError: The condition is not valid, or names an unknown field.
    """
    settings = settings or library.settings
    settings = replace(settings, limits=replace(settings.limits or Limits(), max_pages=1))
    query: Query
    if library.encoder.picture is None:
        ocr = OcrChoice.AUTO if settings.ocr is OcrChoice.NONE else settings.ocr
        (page,) = read_pages(file, replace(settings, ocr=ocr))
        query = _SYNTAX.sub(" ", page.text).strip()
        if not query:
            raise EmptyQueryError(
                f"no words were found in {file}, and {library.encoder.space.encoder} reads only words",
                hint="Use a library with an encoder that looks at pages, such as vidore/colpali-v1.3-hf.",
            )
    else:
        (embedding,) = encode_file(library, file, settings=settings)
        query = page_query(embedding)
    return with_pages(library, query, _find(library, query, top_k, where, exact))


def image_notices(library: Opened, hits: Hits) -> list[str]:
    """Say what of a file was searched for, if it was not its picture."""
    if not hits.query:
        return []
    words = len(hits.query.split())
    found = "1 word" if words == 1 else f"{words:,} words"
    encoder = library.encoder.space.encoder
    return [f"{encoder} reads only words: this is a search for {found} read in the file"]


def page_query(embedding: PageEmbedding) -> Floats:
    """Make a query of a page's vectors: at most `MAX_VECTORS`, each the mean of similar ones.

    Vectors that stand for the whole page, such as those of a prompt, are the same for every page and left out.

    Raises:
        EmptyQueryError: The page has no vectors.
    """
    if not len(embedding.vectors):
        raise EmptyQueryError("nothing on the page can be searched for")
    placed = np.flatnonzero(~embedding.regions.whole_page)
    if len(placed):
        embedding = PageEmbedding(embedding.vectors[placed], embedding.regions.of(placed))
    return pool_tokens(embedding, math.ceil(len(embedding.vectors) / MAX_VECTORS)).vectors


def _find(library: Opened, query: Query, top_k: int, where: Where, exact: bool) -> list[Hit]:
    (hits,) = library.searcher.find([query], top_k=top_k, where=where, exact=exact, names=False)
    return hits
