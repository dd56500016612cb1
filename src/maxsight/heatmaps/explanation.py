"""Why a page was found, as values and as a picture."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from maxsight.heatmaps.overlay import Captions, draw_overlay
from maxsight.heatmaps.similarity import Attribution, attribute, match_words, region_of
from maxsight.types import WHOLE_PAGE, Match, Page, PageEmbedding, QueryEmbedding, Region


@dataclass(frozen=True, slots=True)
class RegionGain:
    """What one region gave to the score.

    Attributes:
        region: Where.
        score: The sum of what its vectors gave. Over all regions these sum to the page's score.
    """

    region: Region
    score: float


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """Why a page was found.

    Attributes:
        query: The query.
        path: The document.
        page_number: From 1.
        score: Exact MaxSim.
        matches: Per query word, where it matched.
        regions: What each region gave, largest first.
        attribution: Every query token against every vector.
        of_patches: Whether the vectors come from patches of the page's picture rather than from its words.
    """

    query: str
    path: str
    page_number: int
    score: float
    matches: tuple[Match, ...]
    regions: tuple[RegionGain, ...]
    attribution: Attribution = field(repr=False)
    of_patches: bool = field(default=False, repr=False)

    @property
    def notes(self) -> tuple[str, ...]:
        """What the matches do not show of the score, in words; nothing for an encoder of words alone."""
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
        """Draw the matching regions over a picture of the page, with the query words beside it.

        Args:
            picture: The page as a person sees it, any size.
            boxes: Where each vector of the page lies in it. Shape ``(vectors, 4)``, fractions of the page.
        """
        title = f"{PurePosixPath(self.path).name}, page {self.page_number}, score {self.score:.2f}"
        return draw_overlay(
            picture,
            boxes,
            self.attribution,
            self.matches,
            Captions(self.query, title, self.notes),
            smooth=self.of_patches,
        )


def explain_page(query: QueryEmbedding, page: Page, embedding: PageEmbedding, path: str) -> Explanation:
    """Take a page's score apart. Only stored vectors are used; no model looks at the page again.

    Raises:
        InputError: The page has no vectors.
    """
    attribution = attribute(query, embedding)
    gains: dict[Region, float] = defaultdict(float)
    for vector in attribution.vector_gains.nonzero()[0]:
        gains[region_of(page, embedding, int(vector))] += float(attribution.vector_gains[vector])
    regions = sorted((RegionGain(*gain) for gain in gains.items()), key=lambda gain: -gain.score)
    return Explanation(
        query.text,
        path,
        page.page_number,
        attribution.score,
        match_words(query, page, embedding, attribution),
        tuple(regions),
        attribution,
        of_patches=embedding.regions.spans is None,
    )
