"""What a search gives people: hits, with the matches that explain them."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Self

from maxsight.errors import InputError, MaxSightError
from maxsight.types import WHOLE_PAGE, Scalar

if TYPE_CHECKING:
    from PIL import Image


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


class _Drawable:
    """Holds how it is drawn, in no field: copies, pickles, ``asdict`` and ``==`` only see the values."""

    __slots__ = ("_draw",)


@dataclass(frozen=True, slots=True)
class Hit(_Drawable):
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

    def drawn_by(self, draw: Callable[[], Image.Image]) -> Self:
        """Return the same hit, with a function that draws its heatmap."""
        drawn = replace(self)
        object.__setattr__(drawn, "_draw", draw)
        return drawn

    def heatmap(self) -> Image.Image:
        """Draw the page with its matches. A notebook shows this picture.

        Raises:
            InputError: The hit does not come from ``Library.search``.
            UnreadableDocumentError: The source file is gone or has changed.
        """
        draw: Callable[[], Image.Image] | None = getattr(self, "_draw", None)
        if draw is None:
            raise InputError(
                "this hit has no library to draw its page from", hint="Search with Library.search."
            )
        return draw()

    def _repr_png_(self) -> bytes | None:
        """Return the heatmap for a notebook; None makes it show the text."""
        try:
            picture = self.heatmap()
        except MaxSightError:
            return None
        out = io.BytesIO()
        picture.save(out, format="PNG")
        return out.getvalue()


def doubts(hits: Sequence[Hit]) -> list[str]:
    """Say that nothing seems to answer, if the first hit is doubtful."""
    if not any(hit.doubtful for hit in hits):
        return []
    return ["nothing here seems to answer this; the nearest pages are shown"]


def group_by_document(hits: Sequence[Hit]) -> list[Hit]:
    """Put the hits of a document together, in the order of their best hits. Each keeps its rank."""
    best = {hit.path: hit.rank for hit in reversed(hits)}
    return sorted(hits, key=lambda hit: (best[hit.path], hit.rank))
