"""The seam between the families of visual checkpoints and the encoder that runs them.

A family prepares inputs on the host, in a thread of its own, and knows how its backbone wants to be called. It holds
no weights: the same one serves every device.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import nn

from maxsight.encoders.checkpoints.checkpoint import Checkpoint
from maxsight.encoders.checkpoints.families.queries import Prompts, QueryWriter, WrittenQuery
from maxsight.pictures import PictureFit, fit_picture, fitted_size
from maxsight.types import WHOLE_PAGE

Inputs = Mapping[str, torch.Tensor]


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Pages, or one query, ready for the backbone. Shorter ones are padded on the right.

    Attributes:
        inputs: By the names the family's ``forward`` knows. Pictures are still uint8.
        lengths: Tokens of each, padding left out.
        boxes: Where each token's vector comes from, per page. Shape ``(tokens, 4)`` each, float32. Empty for a query.
    """

    inputs: Inputs
    lengths: tuple[int, ...]
    boxes: tuple[NDArray[np.float32], ...] = ()


class VisualFamily(ABC):
    """How checkpoints of one family see pages and read queries."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        self._tokenizer = checkpoint.processor.tokenizer
        self._backbone = checkpoint.backbone
        self._image_token = int(self._backbone.config.image_token_id)
        self._prompts = self._write_prompts(checkpoint)
        embeddings: nn.Embedding = self._backbone.get_input_embeddings()
        self._queries = QueryWriter(self._tokenizer, self._prompts, embeddings.num_embeddings)
        self._scale = PixelScale.of(checkpoint.processor.image_processor)

    @property
    @abstractmethod
    def picture(self) -> PictureFit:
        """The picture it wants of a page."""

    @property
    @abstractmethod
    def largest(self) -> tuple[int, int]:
        """A size of picture, ``width, height`` in pixels, that gives as many tokens as a page can have."""

    @abstractmethod
    def tokens(self, width: int, height: int) -> int:
        """Count the tokens of a page whose fitted picture has this size in pixels."""

    @abstractmethod
    def prepare_fitted(self, pictures: Sequence[NDArray[np.uint8]]) -> Batch:
        """Make a batch of pictures that have the size the family wants."""

    @abstractmethod
    def forward(self, backbone: nn.Module, inputs: Inputs, dtype: torch.dtype) -> torch.Tensor:
        """Run the backbone once.

        Args:
            backbone: The checkpoint's, or a copy of it on another device.
            inputs: A batch's, on the backbone's device.
            dtype: What the backbone computes in.

        Returns:
            Its last hidden state. Shape ``(pages, tokens, hidden)``.
        """

    @abstractmethod
    def _write_prompts(self, checkpoint: Checkpoint) -> Prompts:
        """Tell what stands around a page's picture and around a query."""

    def prepare_pages(self, pictures: Sequence[NDArray[np.uint8]]) -> Batch:
        """Make a batch of page pictures; those that are not fitted yet are.

        Args:
            pictures: Shape ``(height, width, 3)`` each, RGB.
        """
        return self.prepare_fitted([self._fitted(picture) for picture in pictures])

    def write_query(self, text: str) -> WrittenQuery:
        """Write a query as the family's queries are written.

        Raises:
            EmptyQueryError: It has no word.
        """
        return self._queries.write(text)

    def prepare_query(self, query: WrittenQuery) -> Batch:
        """Make a batch of one query."""
        return Batch({"input_ids": torch.tensor([query.ids])}, (len(query.ids),))

    def page_tokens(self, picture: NDArray[np.uint8]) -> int:
        """Count the tokens of a page by its picture, fitted or not."""
        height, width = picture.shape[:2]
        return self.tokens(*fitted_size(width, height, self.picture))

    def _fitted(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        height, width = picture.shape[:2]
        if fitted_size(width, height, self.picture) == (width, height):
            return picture
        return fit_picture(Image.fromarray(picture), self.picture)


@dataclass(frozen=True, slots=True)
class PixelScale:
    """From grey levels 0 to 255 to what a vision model was trained on, on the device, in float32.

    Attributes:
        factors: What the levels of each channel are multiplied by.
        offsets: What is added then.
    """

    factors: tuple[float, ...]
    offsets: tuple[float, ...]

    @classmethod
    def of(cls, image_processor: Any) -> PixelScale:
        """Read the scale from the settings of an image processor."""
        rescale = image_processor.rescale_factor if image_processor.do_rescale else 1.0
        plain = not image_processor.do_normalize
        means = [0.0] * 3 if plain else image_processor.image_mean
        deviations = [1.0] * 3 if plain else image_processor.image_std
        return cls(
            tuple(rescale / deviation for deviation in deviations),
            tuple(-mean / deviation for mean, deviation in zip(means, deviations, strict=True)),
        )

    def __call__(self, pixels: torch.Tensor, *, channels: int) -> torch.Tensor:
        """Scale pixels.

        Args:
            pixels: uint8.
            channels: Their axis of three channels.
        """
        shape = [1] * pixels.ndim
        shape[channels] = 3
        factors = torch.tensor(self.factors, device=pixels.device).view(shape)
        offsets = torch.tensor(self.offsets, device=pixels.device).view(shape)
        return pixels.float().mul_(factors).add_(offsets)


def pad(rows: Sequence[Sequence[int]], padding: int) -> dict[str, torch.Tensor]:
    """Stack rows of tokens, shorter ones filled up on the right.

    Returns:
        ``input_ids`` of shape ``(rows, longest)``, and ``attention_mask`` alike where there is any padding.
    """
    longest = max(map(len, rows))
    ids = torch.full((len(rows), longest), padding)
    mask = torch.zeros_like(ids)
    for row, tokens in enumerate(rows):
        ids[row, : len(tokens)] = torch.tensor(tokens)
        mask[row, : len(tokens)] = 1
    if mask.all():
        return {"input_ids": ids}
    return {"input_ids": ids, "attention_mask": mask}


def grid_boxes(rows: int, cols: int) -> NDArray[np.float32]:
    """Cut a page into boxes, row by row. Shape ``(rows * cols, 4)``."""
    y0, x0 = np.divmod(np.arange(rows * cols), cols)
    return np.stack([x0 / cols, y0 / rows, (x0 + 1) / cols, (y0 + 1) / rows], axis=1).astype(np.float32)


def whole_page(count: int) -> NDArray[np.float32]:
    """Boxes for tokens that stand for no part of the page, such as the prompt's. Shape ``(count, 4)``."""
    return np.tile(np.array(WHOLE_PAGE, np.float32), (count, 1))


def resample_name(image_processor: Any) -> str:
    """Name the filter of an image processor as Pillow names it."""
    return Image.Resampling(image_processor.resample).name.lower()
