"""What of a page stands out for a query, against what the query finds on an average page of the library.

A word that stands on the page to the letter wins over every similar one. Common words tell no page from another, and
do not count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from maxsight.heatmaps.common_words import common_words
from maxsight.heatmaps.places import MIN_OVERLAP, overlap, words_at, words_between, words_in
from maxsight.heatmaps.similarity import Attribution
from maxsight.stores.background import Background
from maxsight.stores.phrases import find_phrase
from maxsight.types import Page, PageEmbedding, QueryEmbedding

BESIDE_IDENTICAL = 0.3
"""What is left of a similar word's share if the identical word stands on the page. Nothing is left of a number's."""
REACH = 12
"""A match warms so many words before and after it, less and less."""
WARMED = 0.5
"""What the next word gets of a match's share: the answer stands beside the words that were asked for."""
FAINTNESS = 3
"""Power of a share: weak matches stay faint."""
Shares = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A word of the query, or a token that belongs to none.

    Attributes:
        tokens: Its tokens. Shape ``(tokens of the part,)``.
        word: Its index among the query's words; None for a token of no word.
        common: Whether it tells no page from another.
        identical: Where it stands on the page to the letter: the page's words at each place.
        weight: How much more similar than an average page's best its tokens can be; 0 for a common word, and for tokens
            that found the whole page.
    """

    tokens: NDArray[np.intp]
    word: int | None
    common: bool
    identical: tuple[NDArray[np.intp], ...]
    weight: float


@dataclass(frozen=True, eq=False)
class Contrast:
    """What stands out on a page.

    A share is 0 for what is no more similar than the best of an average page, and 1 for the identical word.

    Attributes:
        parts: The query's words that have tokens, in order, then its tokens that belong to no word.
        standing: How far the score stands out: 0 as on an average page, 1 as high as it can be.
        tokens: Share of each vector, for each query token. Shape ``(query_tokens, vectors)``.
        vectors: Share of each vector, for each part. Shape ``(parts, vectors)``.
        words: Share of each word of the page, for each part. Shape ``(parts, page words)``.
        covered: The first and last word of the page in each vector's span, shape ``(2, vectors)``; None for patches.
    """

    parts: tuple[Part, ...]
    standing: float
    tokens: Shares
    vectors: Shares
    words: Shares
    covered: NDArray[np.intp] | None

    @cached_property
    def weights(self) -> Shares:
        """Weight of each part; they sum to 1. Shape ``(parts,)``."""
        weights = np.array([part.weight for part in self.parts], np.float32)
        return np.asarray(weights / max(float(weights.sum()), 1e-6))

    @cached_property
    def warmth(self) -> Shares:
        """How much of the query stands at each word of the page or near it. Shape ``(page words,)``, in [0, 1].

        A query of a single word warms no neighbours.
        """
        warm = self.words.copy()
        for step in range(1, min(REACH, warm.shape[1]) if np.count_nonzero(self.weights) > 1 else 1):
            faded = self.words * np.float32(WARMED * (1 - step / REACH))
            np.maximum(warm[:, step:], faded[:, :-step], out=warm[:, step:])
            np.maximum(warm[:, :-step], faded[:, step:], out=warm[:, :-step])
        return self._together(self.words, warm)

    def _together(self, shares: Shares, warm: Shares) -> Shares:
        """Join the shares of the parts: half the largest, so that each word is seen, and half the mean of all."""
        largest = shares[self.weights > 0].max(axis=0, initial=0)
        return np.asarray(largest**FAINTNESS / 2 + self.weights @ warm / 2)

    def heat(self) -> Shares:
        """How much of the whole query stands at each vector or near it. Shape ``(vectors,)``, in [0, 1]."""
        if self.covered is None:
            return self._together(self.vectors, self.vectors)
        return np.asarray(best_within(self.warmth[None], self.covered)[0])


def contrast(
    query: QueryEmbedding,
    page: Page,
    embedding: PageEmbedding,
    attribution: Attribution,
    background: Background | None,
) -> Contrast:
    """Compare a page with an average page of its library.

    Args:
        query: The query.
        page: The page.
        embedding: Its vectors.
        attribution: The page's score in shares.
        background: Of the library. The page's own median similarities stand for one that is not known.
    """
    similarities, whole = attribution.similarities, embedding.regions.whole_page
    usual = np.median(similarities, axis=1) if background is None else background.usual(query.vectors)
    room = np.maximum(1 - usual, 1e-3).astype(np.float32)
    placed = ~whole[attribution.best]
    tokens = np.clip((similarities - usual[:, None]) / room[:, None], 0, 1)
    tokens[np.ix_(whole[attribution.best], ~whole)] = (
        0  # a token that found the whole page points at no place
    )
    parts = _parts(query, page, room * placed)
    standing = float((attribution.score - usual.sum()) / room.sum())
    if embedding.regions.spans is None or not len(page.words):
        vectors = _of_parts(parts, tokens, query, [_patches(page, embedding, part) for part in parts])
        return Contrast(
            parts, standing, tokens, vectors, _words_of_patches(page, embedding, parts, vectors), None
        )
    covered = np.stack(words_at(page, embedding.regions.spans))
    marked = [[word for place in part.identical for word in place] for part in parts]
    words = _of_parts(parts, _by_word(tokens[:, ~whole], covered[:, ~whole], len(page.words)), query, marked)
    vectors = best_within(words, covered)
    vectors[:, whole] = _of_parts(parts, tokens[:, whole], query, [[] for _ in parts])
    return Contrast(parts, standing, tokens, vectors, words, covered)


def best_within(shares: Shares, ranges: NDArray[np.intp]) -> Shares:
    """Take the largest share within ranges of words, ``(first, last)`` in shape ``(2, ranges)``."""
    within = np.stack([ranges[0], ranges[1] + 1], axis=1).ravel()
    return np.asarray(np.maximum.reduceat(np.pad(shares, ((0, 0), (0, 1))), within, axis=1)[:, ::2])


def _of_parts(
    parts: Sequence[Part], tokens: Shares, query: QueryEmbedding, marked: Sequence[Sequence[int]]
) -> Shares:
    """Shares of each part, from those of its tokens and from where it stands to the letter."""
    shares = np.stack([tokens[part.tokens].mean(axis=0) for part in parts])
    for row, part, places in zip(shares, parts, marked, strict=True):
        if part.identical:
            number = part.word is not None and any(map(str.isdigit, query.words[part.word]))
            row *= 0 if number else BESIDE_IDENTICAL
            row[places] = 1
    return shares


def _by_word(tokens: Shares, covered: NDArray[np.intp], words: int) -> Shares:
    """For each token its best share among the vectors of each word. Shape ``(query_tokens, words)``."""
    shares = np.zeros((len(tokens), words), np.float32)
    order = np.argsort(covered[0], kind="stable")
    found, starts = np.unique(covered[0][order], return_index=True)
    if len(found):
        shares[:, found] = np.maximum.reduceat(tokens[:, order], starts, axis=1)
    for vector in np.flatnonzero(covered[1] > covered[0]):
        within = slice(covered[0, vector] + 1, covered[1, vector] + 1)
        shares[:, within] = np.maximum(shares[:, within], tokens[:, vector, None])
    return shares


def _patches(page: Page, embedding: PageEmbedding, part: Part) -> list[int]:
    """The patches that show a part to the letter."""
    if page.words.boxes is None or embedding.regions.boxes is None:
        return []
    wanted = [page.words.boxes[word] for place in part.identical for word in place]
    small = ~embedding.regions.whole_page
    found = [small & (overlap(embedding.regions.boxes, box) >= MIN_OVERLAP) for box in wanted]
    return np.flatnonzero(np.any(found, axis=0)).tolist() if found else []


def _words_of_patches(page: Page, embedding: PageEmbedding, parts: Sequence[Part], vectors: Shares) -> Shares:
    """The page's words in the best patch of each part, and those that are the part to the letter."""
    shares = np.zeros((len(parts), len(page.words)), np.float32)
    for number, part in enumerate(parts):
        best = int(vectors[number].argmax())
        if embedding.regions.boxes is not None and not embedding.regions.whole_page[best]:
            shares[number, words_in(page, embedding.regions.boxes[best])] = vectors[number, best]
        for place in part.identical:
            shares[number, place] = 1
    return shares


def _parts(query: QueryEmbedding, page: Page, room: Shares) -> tuple[Part, ...]:
    common = common_words(query.words)
    parts = []
    for word, text in enumerate(query.words):
        tokens = np.flatnonzero(query.word_index == word)
        if len(tokens):
            found = [] if common[word] else find_phrase(page.text, text)
            weight = 0.0 if common[word] else float(room[tokens].mean())
            parts.append(Part(tokens, word, common[word], words_between(page, found), weight))
    return (
        *parts,
        *(
            Part(np.array([token]), None, False, (), float(room[token]))
            for token in np.flatnonzero(query.word_index < 0)
        ),
    )
