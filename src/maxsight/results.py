"""What a search gives people: hits, with the matches that explain them."""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol, Self

from maxsight import notebook
from maxsight.errors import InputError, MaxSightError
from maxsight.types import WHOLE_PAGE, Page, Scalar

if TYPE_CHECKING:
    from PIL import Image

MAX_PICTURES_SHOWN = 10
"""Cards in a notebook that have a picture of their page: drawing takes time."""
THUMBNAIL_DPI = 40
THUMBNAIL_PX = 140
STRONG_SHARE = 0.75
"""Of the largest contrast: weaker matches are not marked on a small picture."""


@dataclass(frozen=True, slots=True)
class Region:
    """One region, for people and JSON.

    Attributes:
        box: ``x0, y0, x1, y1``, or None.
        text: The words it covers; may be empty.
        more: Boxes of its word's other parts, if the word is divided between lines.
    """

    box: tuple[float, float, float, float] | None
    text: str
    more: tuple[tuple[float, float, float, float], ...] = ()

    def __str__(self) -> str:
        """Return its words, else its place."""
        if self.text:
            return self.text
        if self.box == WHOLE_PAGE:
            return "whole page"
        return "region" if self.box is None else "region {:.2f},{:.2f}-{:.2f},{:.2f}".format(*self.box)


@dataclass(frozen=True, slots=True)
class Match:
    """What one query word found on a page.

    A word may have several tokens, each with its own place; see ``Explanation.tokens``.

    Attributes:
        word: The query word.
        score: Its share of the page's score: the sum over the word's tokens of their best similarity.
        region: Where the page has the word to the letter, nearest to other words of the query. Else the region that is
            most similar to it.
        contrast: How far that stands out from an average page of the library: 0 for no more similar than there, 1 for
            the same word.
        common: Whether the word stands on nearly every page, and so tells none from another: articles, prepositions.
        identical: Whether the page has the word to the letter. Common words are not looked for.
        places: The places that have it to the letter, ``region`` first, at most 100; else ``region`` alone.
    """

    word: str
    score: float
    region: Region
    contrast: float = 0.0
    common: bool = False
    identical: bool = False
    places: tuple[Region, ...] = ()


def telling_matches(matches: Sequence[Match]) -> list[Match]:
    """The matches of words that tell this page from others, those that stand out most first; no common words."""
    return sorted((match for match in matches if not match.common), key=lambda match: -match.contrast)


class BoostKind(StrEnum):
    """Why a page comes before others of nearly its score."""

    LETTER = "letter"
    NAME = "name"


@dataclass(frozen=True, slots=True)
class Boost:
    """What moved a page up, apart from its score.

    Attributes:
        kind: ``letter``: the page has a rare number, code or name of the question, or all of a short question, to the
            letter. ``name``: the question names the document.
        words: The number, code or name; or the words that name the document.
        value: What it adds to the score for the order, on the score's scale.
    """

    kind: BoostKind
    words: str
    value: float

    def __str__(self) -> str:
        """Say it as people read it."""
        if self.kind is BoostKind.NAME:
            return f"+{self.value:.2f} named: {self.words}"
        return f'+{self.value:.2f} to the letter: "{self.words}"'


class FoundPage(Protocol):
    """The page of a hit or an explanation in its library, read and drawn when it is asked for."""

    def read(self) -> Page:
        """Read its text and words."""
        ...

    def draw(self, dpi: int | None) -> Image.Image:
        """Draw it as a person sees it."""
        ...

    def heatmap(self) -> Image.Image:
        """Draw it with its matches."""
        ...


class OfPage:
    """Holds a page of a library in no field: copies, pickles, ``asdict`` and ``==`` only see the values."""

    __slots__ = ("_found",)

    def found_by(self, found: FoundPage) -> Self:
        """Return the same value, with its page."""
        of_page = replace(self)  # type: ignore[type-var]  # every value of this kind is a dataclass
        object.__setattr__(of_page, "_found", found)
        return of_page

    def heatmap(self) -> Image.Image:
        """Draw the page with its matches.

        Raises:
            InputError: This does not come from a ``Library``.
            UnreadableDocumentError: The source file is gone or has changed.
        """
        return self._page().heatmap()

    def _page(self) -> FoundPage:
        found: FoundPage | None = getattr(self, "_found", None)
        if found is None:
            raise InputError(
                f"this {type(self).__name__.lower()} has no library to read its page from",
                hint="Ask a Library or a RemoteLibrary that is open.",
            )
        return found


@dataclass(frozen=True, slots=True)
class Hit(OfPage):
    """One page that was found.

    Attributes:
        rank: From 1.
        score: Exact MaxSim, higher is better. Comparable within one query only.
        page_id: The page's id.
        document_id: Its document's.
        path: The document's path in the library.
        file: Its file name.
        page_number: From 1.
        snippet: The stretch of text that holds most of what stands out on the page for the query.
        marks: Where the snippet has words of the query to the letter: spans of characters.
        matches: Per query word, where it matched, in the order of the query.
        copies: Paths of other documents with the same content.
        boosts: What moved the page up, apart from its score: hits are in the order of score plus boosts.
        metadata: The user's fields.
        answers: The probability that the library answers the query, for the first hit. None for other hits, without
            words to judge by, and for encoders that it was not learned for.
        doubtful: Whether that probability is so low that nothing seems to answer.
        rerank_score: The score of a reranker, which then gives the order. None if none has read the page.
    """

    rank: int
    score: float
    page_id: str
    document_id: str
    path: str
    file: str
    page_number: int
    snippet: str
    matches: tuple[Match, ...]
    marks: tuple[tuple[int, int], ...] = ()
    copies: tuple[str, ...] = ()
    boosts: tuple[Boost, ...] = ()
    metadata: Mapping[str, Scalar] = field(default_factory=dict)
    answers: float | None = None
    doubtful: bool = False
    rerank_score: float | None = None

    def __repr__(self) -> str:
        """Write on one line what it is; the fields have the rest."""
        return f"Hit({self.rank}. {self.path!r}, page {self.page_number}, score {self.score:.2f})"

    @property
    def page(self) -> Page:
        """The page: its text, its words and where they are. It is read from the library.

        Raises:
            InputError: The hit does not come from a ``Library``.
            UnknownPageError: The page has been removed, or changed and indexed again.
        """
        return self._page().read()

    @property
    def text(self) -> str:
        """All text of the page. Raises as ``page`` does."""
        return self.page.text

    def image(self, dpi: int | None = None) -> Image.Image:
        """Draw the page as a person sees it.

        Args:
            dpi: Resolution of a PDF page; as when the library was made, if not given. Pictures and plain text have one
                size.

        Raises:
            InputError: The hit does not come from a ``Library``.
            UnreadableDocumentError: The source file is gone or has changed.
        """
        return self._page().draw(dpi)

    def crop(
        self, region: Region | Match | tuple[float, float, float, float], dpi: int | None = None
    ) -> Image.Image:
        """Draw a part of the page.

        Args:
            region: A region, the region of a match, or a box ``x0, y0, x1, y1`` in fractions of the page. The parts of
                a divided word are drawn together with what is between them.
            dpi: As for ``image``.

        Raises:
            InputError: The region has no place on the page, as in plain text; or as for ``image``.
            UnreadableDocumentError: As for ``image``.
        """
        place = region.region if isinstance(region, Match) else region
        boxes = [place] if isinstance(place, tuple) else _boxes(place)
        if not boxes:
            raise InputError(
                f"the region {str(place)!r} has no place on the page: {self.file} is plain text",
                hint="Region.text has its words.",
            )
        lefts, tops, rights, bottoms = zip(*boxes, strict=True)
        picture = self.image(dpi)
        left, top = int(min(lefts) * picture.width), int(min(tops) * picture.height)
        right, bottom = math.ceil(max(rights) * picture.width), math.ceil(max(bottoms) * picture.height)
        if not (0 <= left < right <= picture.width and 0 <= top < bottom <= picture.height):
            raise InputError(f"{boxes[0]} is no part of a page: x0 < x1 and y0 < y1 are fractions in [0, 1]")
        return picture.crop((left, top, right, bottom))

    def _repr_png_(self) -> bytes | None:
        """Return the heatmap for a notebook; None makes it show the text."""
        try:
            picture = self.heatmap()
        except MaxSightError:
            return None
        out = io.BytesIO()
        picture.save(out, format="PNG")
        return out.getvalue()

    def _card(self, *, pictured: bool) -> notebook.Html:
        """Return the card of the hit: the page's picture, its place, the snippet, and what else is known of it."""
        known = [*map(str, self.boosts), *(f"{name} {value}" for name, value in self.metadata.items())]
        if self.copies:
            known.append(f"also at {', '.join(self.copies)}")
        about = notebook.element(
            "div",
            notebook.element("b", f"{self.rank}. {self.file}, page {self.page_number}"),
            notebook.quiet(f"score {self.score:.2f}"),
            notebook.element("p", notebook.marked(self.snippet, self.marks), style="margin:4px 0"),
            *([notebook.quiet(" · ".join(known))] if known else []),
        )
        children: list[object] = [about]
        if pictured:
            with suppress(MaxSightError):  # the file has gone: the text is still there
                children.insert(0, self._thumbnail())
        return notebook.element("div", *children, style="display:flex;gap:16px;margin:12px 0")

    def _thumbnail(self) -> notebook.Html:
        telling = telling_matches(self.matches)
        strong = [match for match in telling if match.contrast >= STRONG_SHARE * telling[0].contrast]
        boxes = [box for match in strong for place in match.places for box in _boxes(place)]
        picture = self.image(THUMBNAIL_DPI)
        picture.thumbnail((3 * THUMBNAIL_PX, 3 * THUMBNAIL_PX))
        return notebook.embedded(picture, boxes, width=THUMBNAIL_PX)


class Hits(list[Hit]):
    """The hits of one query, best first. A notebook shows them as cards.

    Attributes:
        query: The query's text; empty for vectors.
    """

    def __init__(self, hits: Iterable[Hit] = (), query: str = "") -> None:
        super().__init__(hits)
        self.query = query

    def __repr__(self) -> str:
        """Name the query and the best page, on one line."""
        best = f", first {self[0].file!r}, page {self[0].page_number}" if self else ""
        return f"Hits({self.query!r}: {len(self)} {'page' if len(self) == 1 else 'pages'}{best})"

    def _repr_html_(self) -> str:
        cards = [hit._card(pictured=hit.rank <= MAX_PICTURES_SHOWN) for hit in self]
        notes = doubts(self) if self else ["nothing found"]
        title = [notebook.element("h4", self.query)] if self.query else []
        return notebook.element("div", *title, *map(notebook.quiet, notes), *cards)


def _boxes(region: Region) -> list[tuple[float, float, float, float]]:
    return [] if region.box is None else [region.box, *region.more]


def doubts(hits: Sequence[Hit]) -> list[str]:
    """Say that nothing seems to answer, if the first hit is doubtful."""
    if not any(hit.doubtful for hit in hits):
        return []
    return ["nothing here seems to answer this; the nearest pages are shown"]


def group_by_document(hits: Sequence[Hit]) -> list[Hit]:
    """Put the hits of a document together, in the order of their best hits. Each keeps its rank."""
    best = {hit.path: hit.rank for hit in reversed(hits)}
    return sorted(hits, key=lambda hit: (best[hit.path], hit.rank))
