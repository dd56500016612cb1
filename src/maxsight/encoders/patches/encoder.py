"""The encoder ``patches``: a page's patches as vectors, for pooling and judging, not for search."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from maxsight.encoders.base import Encoder, picture_of
from maxsight.encoders.patches.grid import PatchGrid
from maxsight.encoders.patches.statistics import STATISTICS, patch_statistics
from maxsight.errors import EncoderError
from maxsight.pictures import Fit, PictureFit
from maxsight.types import EmbeddingSpace, Page, PageEmbedding, QueryEmbedding, Regions

REVISION = "2"
"""Raise it with every change that changes a vector."""


class PatchEncoder(Encoder):
    """One vector of image statistics per patch that is not blank.

    Its vectors are the statistics themselves. They are not of unit norm, and no query can be compared with them.

    Args:
        grid: The patches that every page is cut into, the same for all page shapes.
    """

    picture = PictureFit(Fit.MULTIPLE, multiple_px=1, min_pixels=1, max_pixels=4_000_000)
    """A page's own resolution, up to A4 at 200 dpi: the statistics depend on it."""

    def __init__(self, grid: PatchGrid | None = None) -> None:
        self._grid = grid or PatchGrid()

    @property
    def space(self) -> EmbeddingSpace:
        """The space ``patches``."""
        revision = f"{REVISION}-{self._grid.rows}x{self._grid.cols}"
        return EmbeddingSpace("patches", revision, len(STATISTICS), query_format="none")

    def encode_pages(self, pages: Sequence[Page]) -> list[PageEmbedding]:
        """Measure the patches of pages. A blank page has no vectors."""
        return [self._encode_page(page) for page in pages]

    def encode_query(self, text: str) -> QueryEmbedding:
        """Raise an EncoderError: image statistics stand for no words."""
        raise EncoderError(
            "the encoder patches looks at pages and can't be asked questions",
            hint="Index with an encoder for search, such as minilm.",
        )

    def _encode_page(self, page: Page) -> PageEmbedding:
        grey = cv2.cvtColor(picture_of(page, self.space), cv2.COLOR_RGB2GRAY)
        measured = patch_statistics(np.asarray(grey, np.uint8), self._grid)
        kept = ~measured.is_blank
        return PageEmbedding(measured.values[kept], Regions(boxes=measured.boxes[kept], spans=None))
