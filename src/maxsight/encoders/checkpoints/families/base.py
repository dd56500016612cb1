"""The common part of the families of visual checkpoints.

A family prepares inputs on the host, in a thread of its own, and calls its backbone. It has no weights: the same family
serves every device.
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

from maxsight.encoders.batching import pad
from maxsight.encoders.checkpoints.checkpoint import Checkpoint
from maxsight.encoders.checkpoints.families.queries import Prompts, QueryWriter, WrittenQuery
from maxsight.pictures import PictureFit, fit_picture, fitted_size
from maxsight.types import WHOLE_PAGE

Inputs = Mapping[str, torch.Tensor]


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Pages, or one query, ready for the backbone. Shorter ones are padded on the right.

    Attributes:
        inputs: Inputs of the family's ``forward``, by name. Pictures are still uint8.
        lengths: Tokens of each, without padding.
        boxes: The place of each token's vector, per page. Shape ``(tokens, 4)`` each, float32. Empty for a query.
        with_hidden: Whether the hidden states are returned too.
    """

    inputs: Inputs
    lengths: tuple[int, ...]
    boxes: tuple[NDArray[np.float32], ...] = ()
    with_hidden: bool = False


class VisualFamily(ABC):
    """How checkpoints of one family take pages and queries.

    Attributes:
        picture: The picture it needs of a page.
        queries: Writes queries.
    """

    picture: PictureFit

    def __init__(self, checkpoint: Checkpoint) -> None:
        self._tokenizer = checkpoint.processor.tokenizer
        self._backbone = checkpoint.backbone
        self._image_token = int(self._backbone.config.image_token_id)
        self._prompts = self._write_prompts(checkpoint)
        embeddings: nn.Embedding = self._backbone.get_input_embeddings()
        self.queries = QueryWriter(self._tokenizer, self._prompts, embeddings.num_embeddings)
        self._pixel_scale = _pixel_scale(checkpoint.processor.image_processor)
        self._uncached = {"use_cache": False}

    @property
    @abstractmethod
    def largest(self) -> tuple[int, int]:
        """A size of picture, ``width, height`` in pixels, that gives as many tokens as a page can have."""

    @abstractmethod
    def tokens(self, width: int, height: int) -> int:
        """Count the tokens of a page whose fitted picture has this size in pixels."""

    @abstractmethod
    def prepare_fitted(self, pictures: Sequence[NDArray[np.uint8]]) -> Batch:
        """Make a batch of pictures of the size that the family needs."""

    @abstractmethod
    def _pixel_values(self, pixels: torch.Tensor) -> torch.Tensor:
        """Scale a batch's ``pixels`` and bring them into the shape of the backbone's input."""

    def forward(self, backbone: nn.Module, inputs: Inputs, dtype: torch.dtype) -> torch.Tensor:
        """Run the backbone once, without its language head and without a cache of keys and values.

        Args:
            backbone: The checkpoint's backbone, or a copy of it on another device.
            inputs: A batch's inputs, on the same device.
            dtype: The type that the backbone computes in.

        Returns:
            Its last hidden state. Shape ``(pages, tokens, hidden)``.
        """
        given = {name: tensor for name, tensor in inputs.items() if name != "pixels"}
        if "pixels" in inputs:
            given["pixel_values"] = self._pixel_values(inputs["pixels"]).to(dtype)
        hidden: torch.Tensor = backbone(**given, **self._uncached).last_hidden_state
        return hidden

    @abstractmethod
    def _write_prompts(self, checkpoint: Checkpoint) -> Prompts:
        """Find the prompts around a page's picture and around a query."""

    def _scaled(self, pixels: torch.Tensor) -> torch.Tensor:
        """Scale grey levels 0 to 255 as in the vision model's training, on their device, in float32.

        Args:
            pixels: uint8. Its second axis is that of the three channels.
        """
        shape = 1, 3, *[1] * (pixels.ndim - 2)
        factors, offsets = (values.to(pixels.device).view(shape) for values in self._pixel_scale)
        return pixels.float().mul_(factors).add_(offsets)

    def prepare_pages(self, pictures: Sequence[NDArray[np.uint8]]) -> Batch:
        """Make a batch of page pictures, and fit those that are not fitted yet.

        Args:
            pictures: Shape ``(height, width, 3)`` each, RGB.
        """
        return self.prepare_fitted([self._fitted(picture) for picture in pictures])

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


def _pixel_scale(image_processor: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Read the factor and the offset of each channel from the settings of an image processor."""
    rescale = image_processor.rescale_factor if image_processor.do_rescale else 1.0
    plain = not image_processor.do_normalize
    means = [0.0] * 3 if plain else image_processor.image_mean
    deviations = [1.0] * 3 if plain else image_processor.image_std
    factors = [rescale / deviation for deviation in deviations]
    offsets = [-mean / deviation for mean, deviation in zip(means, deviations, strict=True)]
    return torch.tensor(factors), torch.tensor(offsets)


def pad_tokens(rows: Sequence[Sequence[int]], padding: int) -> dict[str, torch.Tensor]:
    """Stack rows of tokens: ``input_ids``, and ``attention_mask`` where there is any padding."""
    ids, mask = map(torch.from_numpy, pad(rows, padding))
    return {"input_ids": ids} if mask.all() else {"input_ids": ids, "attention_mask": mask}


def grid_boxes(rows: int, cols: int) -> NDArray[np.float32]:
    """Cut a page into boxes, row by row. Shape ``(rows * cols, 4)``."""
    y0, x0 = np.divmod(np.arange(rows * cols), cols)
    return np.stack([x0 / cols, y0 / rows, (x0 + 1) / cols, (y0 + 1) / rows], axis=1).astype(np.float32)


def whole_page(count: int) -> NDArray[np.float32]:
    """Make boxes for tokens that stand for no part of the page, such as the prompt's. Shape ``(count, 4)``."""
    return np.tile(np.array(WHOLE_PAGE, np.float32), (count, 1))


def resample_name(image_processor: Any) -> str:
    """Name the filter of an image processor as Pillow names it."""
    return Image.Resampling(image_processor.resample).name.lower()
