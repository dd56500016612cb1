"""The pages of hits in a server's library, read and drawn when they are asked for."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from maxsight.errors import InputError
from maxsight.types import Page, TextSource, Words

WIDTH_PX, MAX_WIDTH_PX = 1200, 2400
INCHES = 8.5
"""A page is taken to be so wide: the server knows widths in pixels, not resolutions."""

Get = Callable[..., Any]
"""Gets the JSON or, with ``content=True``, the bytes at an address."""


@dataclass(frozen=True, slots=True)
class PageOfServer:
    """A page that a server found: a ``results.FoundPage``.

    Attributes:
        get: Asks the server.
        page_id: Which.
        query: What it was found for; empty for a page or a picture.
    """

    get: Get
    page_id: str
    query: str

    def read(self) -> Page:
        """Read its text and words, with the places of the words where they are known."""
        page = self.get(self._address)
        boxes = [word["region"] for word in page["words"]]
        placed = (
            None if None in boxes else np.array([corners(box) for box in boxes], np.float32).reshape(-1, 4)
        )
        spans = np.array([*_spans(page["text"], page["words"])], np.int32).reshape(-1, 2)
        return Page(
            page["page_number"] - 1, page["text"], Words(spans, placed), TextSource(page["text_source"])
        )

    def draw(self, dpi: int | None) -> Image.Image:
        """Draw it as a person sees it."""
        width = min(MAX_WIDTH_PX, round(INCHES * dpi)) if dpi else WIDTH_PX
        return self._picture("image", width=width)

    def heatmap(self) -> Image.Image:
        """Draw it with its matches.

        Raises:
            InputError: It was not found for a text.
        """
        if not self.query:
            raise InputError("a server draws the matches of a text alone")
        return self._picture("heatmap", q=self.query, over="page", width=WIDTH_PX)

    @property
    def _address(self) -> str:
        return f"/v1/pages/{self.page_id}"

    def _picture(self, what: str, **params: Any) -> Image.Image:
        content = self.get(f"{self._address}/{what}", params=params, content=True)
        return Image.open(io.BytesIO(content)).convert("RGB")


def _spans(text: str, words: Sequence[Mapping[str, Any]]) -> Iterator[tuple[int, int]]:
    """Find words, which are in the order of the text."""
    end = 0
    for word in words:
        start = text.index(word["text"], end)
        end = start + len(word["text"])
        yield start, end


def corners(box: Mapping[str, float]) -> tuple[float, float, float, float]:
    """Read a box of a response."""
    return box["x0"], box["y0"], box["x1"], box["y1"]
