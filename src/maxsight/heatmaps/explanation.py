"""Why a page was found, as values and as pictures."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from maxsight import notebook
from maxsight.errors import InputError, MaxSightError
from maxsight.heatmaps.contrast import Contrast, contrast
from maxsight.heatmaps.heat import heat_layer, heat_map, mark
from maxsight.heatmaps.matching import match_words
from maxsight.heatmaps.overlay import Captions, draw_overlay
from maxsight.heatmaps.places import divided_words, regions_at
from maxsight.heatmaps.similarity import Attribution, attribute
from maxsight.results import Boost, Match, OfPage, Region, telling_matches
from maxsight.stores.background import Background
from maxsight.types import WHOLE_PAGE, Page, PageEmbedding, QueryEmbedding


@dataclass(frozen=True, slots=True)
class RegionGain:
    """What one region gave to the score.

    Attributes:
        region: The region.
        score: What its vectors gave in all. Over all regions, these sum to the page's score.
    """

    region: Region
    score: float


@dataclass(frozen=True, slots=True)
class TokenGain:
    """Where one query token matched, and what it gave to the score.

    Attributes:
        match: Index of the explanation's match that it is part of; None if it belongs to no word.
        word: The query word, or None.
        piece: Text of the token: the whole word or a part of it; empty for a token that a model adds.
        score: Its best similarity. Over all tokens, these sum to the page's score.
        region: The region where it matched.
    """

    match: int | None
    word: str | None
    piece: str
    score: float
    region: Region


@dataclass(frozen=True, slots=True, eq=False)
class Explanation(OfPage):
    """Why a page was found.

    Attributes:
        query: The text of the query.
        path: Path of the document.
        page_number: From 1.
        score: Exact MaxSim.
        matches: Per query word, where it matched.
        tokens: Per query token, where it matched. A word has one or more, and some belong to no word.
        regions: What each region gave, largest first.
        attribution: The score in shares.
        contrast: What of the page stands out for the query.
        boosts: What moves the page up in a search, apart from its score.
        of_patches: Whether the vectors stand for patches of the page's picture rather than for words.
        divided: Vectors whose words are divided between lines, with the boxes of the words' parts.
    """

    query: str
    path: str
    page_number: int
    score: float
    matches: tuple[Match, ...]
    tokens: tuple[TokenGain, ...]
    regions: tuple[RegionGain, ...]
    attribution: Attribution = field(repr=False)
    contrast: Contrast = field(repr=False)
    boosts: tuple[Boost, ...] = ()
    of_patches: bool = field(default=False, repr=False)
    divided: Mapping[int, NDArray[np.float32]] = field(default_factory=dict, repr=False)

    def __repr__(self) -> str:
        """Write on one line what it is; the fields have the rest."""
        return f"Explanation({self.query!r}: {self.path!r}, page {self.page_number}, score {self.score:.2f})"

    def _repr_html_(self) -> str:
        title = f"{PurePosixPath(self.path).name}, page {self.page_number}: score {self.score:.2f}"
        rows = [
            (match.word, match.region, f"{match.contrast:.2f}", f"{match.score:.2f}")
            for match in telling_matches(self.matches)
        ]
        parts: list[object] = [
            notebook.element("h4", title),
            notebook.quiet(self.query),
            notebook.table(("word", "matched", "stands out", "share"), rows),
            *map(notebook.quiet, (*self.boosts, *self.notes)),
        ]
        with suppress(MaxSightError):  # the file has gone: the words are still there
            parts.append(notebook.embedded(self.heatmap()))
        return notebook.element("div", *parts)

    @property
    def notes(self) -> tuple[str, ...]:
        """Which shares of the score the matches do not show, in words. Nothing for an encoder of words alone."""
        beside_words = self.score - sum(match.score for match in self.matches)
        whole_page = sum(gain.score for gain in self.regions if gain.region.box == WHOLE_PAGE)
        parts = (
            (beside_words, "from query tokens that belong to no word"),
            (whole_page, "from vectors of the whole page, which are not drawn"),
        )
        return tuple(
            f"{part:.2f} of {self.score:.2f} is {what}" for part, what in parts if abs(part) >= 0.005
        )

    def draw(self, picture: Image.Image, boxes: NDArray[np.float32]) -> Image.Image:
        """Draw the matching regions over a picture of the page, with the query words in a legend.

        Args:
            picture: The page as a person sees it, in any size.
            boxes: Place of each vector of the page. Shape ``(vectors, 4)``, fractions of the page.
        """
        title = f"{PurePosixPath(self.path).name}, page {self.page_number}, score {self.score:.2f}"
        places, heat = self._places(boxes, self._heat())
        return draw_overlay(
            picture,
            places,
            heat,
            self.matches,
            Captions(self.query, title, self.notes),
            smooth=self.of_patches,
        )

    def mark(
        self,
        picture: Image.Image,
        boxes: NDArray[np.float32],
        *,
        word: int | None = None,
        token: int | None = None,
    ) -> Image.Image:
        """Draw only the heat on a picture of the page.

        Args:
            picture: As for ``draw``.
            boxes: As for ``draw``.
            word: Index in ``matches``: only the heat of this word.
            token: Index in ``tokens``: only the heat of this token. Not together with ``word``.

        Raises:
            InputError: There is no such word or token, or both are given.
        """
        return mark(picture, self._heat_map(boxes, picture.size, word, token))

    def heat_layer(
        self,
        boxes: NDArray[np.float32],
        size: tuple[int, int],
        *,
        word: int | None = None,
        token: int | None = None,
    ) -> Image.Image:
        """Draw the heat as a layer for a picture of the page: RGBA, transparent without heat.

        Args:
            boxes: As for ``draw``.
            size: ``width, height`` in pixels.
            word: As for ``mark``.
            token: As for ``mark``.

        Raises:
            InputError: As for ``mark``.
        """
        return heat_layer(self._heat_map(boxes, size, word, token))

    def _heat_map(
        self, boxes: NDArray[np.float32], size: tuple[int, int], word: int | None, token: int | None
    ) -> NDArray[np.float32]:
        places, heat = self._places(boxes, self._heat(word, token))
        return heat_map(places, heat, size, smooth=self.of_patches)

    def _places(
        self, boxes: NDArray[np.float32], heat: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Add the parts of divided words to the places of the vectors, each as warm as its vector."""
        if not self.divided:
            return boxes, heat
        parts = np.concatenate(list(self.divided.values()))
        vectors = np.repeat(list(self.divided), [len(own) for own in self.divided.values()])
        return np.concatenate([boxes, parts]), np.concatenate([heat, heat[vectors]])

    def _heat(self, word: int | None = None, token: int | None = None) -> NDArray[np.float32]:
        """The heat of the whole query, or of a word or a token alone. Shape ``(vectors,)``."""
        if word is not None and token is not None:
            raise InputError(
                f"a heatmap shows a word or a token, not word {word} and token {token}",
                hint="Leave one of them out; without either it shows the whole query.",
            )
        for name, number, count in (("word", word, len(self.matches)), ("token", token, len(self.tokens))):
            if number is not None and not 0 <= number < count:
                raise InputError(
                    f"the query has {count} {name}s, counted from 0; there is no {name} {number}"
                )
        if word is not None:
            return np.asarray(self.contrast.vectors[word])
        return self.contrast.heat() if token is None else np.asarray(self.contrast.tokens[token])


def explain_page(
    query: QueryEmbedding,
    page: Page,
    embedding: PageEmbedding,
    path: str,
    background: Background | None = None,
) -> Explanation:
    """Split a page's score into shares. Only stored vectors are used; no model looks at the page again.

    Args:
        query: The query.
        page: The page.
        embedding: Its vectors.
        path: Of its document.
        background: Of its library, if that is known.

    Raises:
        InputError: The page has no vectors.
    """
    attribution = attribute(query, embedding)
    standing_out = contrast(query, page, embedding, attribution, background)
    regions = regions_at(page, embedding, attribution.best)
    gains: dict[Region, float] = defaultdict(float)
    for vector, gain in zip(attribution.best, attribution.gains, strict=True):
        gains[regions[int(vector)]] += float(gain)
    return Explanation(
        query.text,
        path,
        page.page_number,
        attribution.score,
        match_words(query, page, embedding, attribution, standing_out),
        _token_gains(query, attribution, regions),
        tuple(sorted((RegionGain(*gain) for gain in gains.items()), key=lambda gain: -gain.score)),
        attribution,
        standing_out,
        of_patches=embedding.regions.spans is None,
        divided=divided_words(page, embedding.regions),
    )


def _token_gains(
    query: QueryEmbedding, attribution: Attribution, regions: Mapping[int, Region]
) -> tuple[TokenGain, ...]:
    # Words without a token have no match.
    matched = [index for index in range(len(query.words)) if (query.word_index == index).any()]
    tokens = query.tokens or [query.words[word] if word in matched else "" for word in query.word_index]
    return tuple(
        TokenGain(
            matched.index(word) if word in matched else None,
            query.words[word] if word in matched else None,
            token,
            float(gain),
            regions[int(vector)],
        )
        for word, token, vector, gain in zip(
            query.word_index, tokens, attribution.best, attribution.gains, strict=True
        )
    )
