"""Which word of the query matched what on the page."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from maxsight.heatmaps.contrast import Contrast, Part
from maxsight.heatmaps.places import region_of_words, regions_at
from maxsight.heatmaps.similarity import Attribution
from maxsight.results import Match, Region
from maxsight.types import Page, PageEmbedding, QueryEmbedding

MAX_PLACES = 100
"""Of a word on a page. A page of numbers may have thousands; the heat shows all of them."""


def match_words(
    query: QueryEmbedding, page: Page, embedding: PageEmbedding, attribution: Attribution, contrast: Contrast
) -> tuple[Match, ...]:
    """Find for each query word where it matched, in the order of the query.

    That is where the page has the word to the letter: of several such places, the one with most of the query around it.
    Else it is the region that is most similar to all tokens of the word.
    """
    best = {
        number: _best_vector(number, part, attribution, contrast)
        for number, part in enumerate(contrast.parts)
    }
    regions = regions_at(page, embedding, np.array(list(best.values()), np.intp))
    matches = []
    for number, part in enumerate(contrast.parts):
        if part.word is not None:
            places = _identical_places(query.words[part.word], page, part, contrast) or (
                regions[best[number]],
            )
            matches.append(
                Match(
                    query.words[part.word],
                    float(attribution.gains[part.tokens].sum()),
                    places[0],
                    contrast=float(contrast.vectors[number].max()),
                    common=part.common,
                    identical=bool(part.identical),
                    places=places,
                )
            )
    return tuple(matches)


def _identical_places(word: str, page: Page, part: Part, contrast: Contrast) -> tuple[Region, ...]:
    """Places of a word to the letter: first those with most of the query around, then those in the same case."""

    def order(words: NDArray[np.intp]) -> tuple[float, bool]:
        start, end = page.words.spans[words[0], 0], page.words.spans[words[-1], 1]
        return -round(float(contrast.warmth[words].max()), 1), word not in page.text[start:end]

    best = sorted(part.identical, key=order)[:MAX_PLACES] if len(part.identical) > 1 else part.identical
    return tuple(region_of_words(page, words) for words in best)


def _best_vector(number: int, part: Part, attribution: Attribution, contrast: Contrast) -> int:
    """The vector most like a part; if nothing on the page stands out, that of its strongest token."""
    shares = contrast.vectors[number]
    if shares.any():
        return int(shares.argmax())
    return int(attribution.best[part.tokens[attribution.gains[part.tokens].argmax()]])
