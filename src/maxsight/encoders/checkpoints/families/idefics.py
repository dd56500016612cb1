"""ColModernVBERT and ColIdefics3 (ColSmol): a picture cut into tiles, and the whole page once more as the last tile."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from maxsight.encoders.checkpoints.checkpoint import Checkpoint, Family
from maxsight.encoders.checkpoints.families.base import (
    Batch,
    VisualFamily,
    grid_boxes,
    pad_tokens,
    resample_name,
    whole_page,
)
from maxsight.encoders.checkpoints.families.queries import Prompts
from maxsight.pictures import Fit, PictureFit

_AUGMENTATION = "<end_of_utterance>" * 10
_PAGE_PROMPTS = {
    Family.COLMODERNVBERT: "<|begin_of_text|>User:<image>Describe the image.<end_of_utterance>\nAssistant:",
    Family.COLIDEFICS3: "<|im_start|>User:<image>Describe the image.<end_of_utterance>\nAssistant:",
}
_MAX_EDGE_PX = 4096
"""Idefics3's own limit of the longest edge."""


@dataclass(frozen=True, slots=True, eq=False)
class _Layout:
    """The tokens of pages of one grid of tiles, and their places."""

    ids: list[int]
    boxes: NDArray[np.float32]


class ColIdefics(VisualFamily):
    """Tiles row by row, each a square of tokens row by row, then the page as a whole.

    A page that fits into one tile is not cut: it is only its own last tile.
    """

    def __init__(self, checkpoint: Checkpoint) -> None:
        super().__init__(checkpoint)
        image_processor = checkpoint.processor.image_processor
        self._resample = Image.Resampling(image_processor.resample)
        self._tile_px: int = image_processor.max_image_size["longest_edge"]
        self._splits: bool = image_processor.do_image_splitting
        self.picture = PictureFit(
            Fit.LONGEST_EDGE,
            resample=resample_name(image_processor),
            longest_edge_px=min(image_processor.size["longest_edge"], _MAX_EDGE_PX),
        )
        self._tile_tokens: int = self._backbone.image_seq_len
        self._uncached = {"use_cache": False} if checkpoint.family is Family.COLIDEFICS3 else {}
        self._layout = cache(self._lay_out)

    @property
    def largest(self) -> tuple[int, int]:
        """A square."""
        return self.picture.longest_edge_px, self.picture.longest_edge_px

    def tokens(self, width: int, height: int) -> int:
        """Count the tokens of all tiles and the prompt."""
        return len(self._layout(*self._grid(width, height)).ids)

    def prepare_fitted(self, pictures: Sequence[NDArray[np.uint8]]) -> Batch:
        """Cut the pictures into tiles. Tokens of smaller pages are padded, tiles are not."""
        layouts = [self._layout(*self._grid(picture.shape[1], picture.shape[0])) for picture in pictures]
        inputs = {
            **pad_tokens([layout.ids for layout in layouts], self._tokenizer.pad_token_id),
            "pixels": torch.from_numpy(np.concatenate([self._tiles(picture) for picture in pictures])),
        }
        lengths = tuple(len(layout.ids) for layout in layouts)
        return Batch(inputs, lengths, tuple(layout.boxes for layout in layouts))

    def _pixel_values(self, pixels: torch.Tensor) -> torch.Tensor:
        """Show the tiles in order. The model does not need to know which page has how many."""
        return self._scaled(pixels.permute(0, 3, 1, 2)).unsqueeze(1)

    def _write_prompts(self, checkpoint: Checkpoint) -> Prompts:
        if checkpoint.query_format == "engine":
            return Prompts(_PAGE_PROMPTS[checkpoint.family], "", _AUGMENTATION)
        processor = checkpoint.processor
        return Prompts(processor.visual_prompt_prefix, processor.query_prefix, _AUGMENTATION)

    def _tiled_size(self, width: int, height: int) -> tuple[int, int]:
        """Stretch a size to whole tiles."""
        tile = self._tile_px
        if not self._splits:
            return tile, tile
        shape = width / height
        if width >= height:
            width = math.ceil(width / tile) * tile
            return width, math.ceil(int(width / shape) / tile) * tile
        height = math.ceil(height / tile) * tile
        return math.ceil(int(height * shape) / tile) * tile, height

    def _grid(self, width: int, height: int) -> tuple[int, int]:
        """Count rows and columns of tiles; 0 where the page is not cut."""
        width, height = self._tiled_size(width, height)
        if max(width, height) <= self._tile_px:
            return 0, 0
        return height // self._tile_px, width // self._tile_px

    def _tiles(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Cut a picture into tiles; the last one is the whole page. Shape ``(tiles, tile_px, tile_px, 3)``."""
        tile = self._tile_px
        whole = Image.fromarray(picture)
        rows, cols = self._grid(*whole.size)
        whole = self._resized(whole, self._tiled_size(*whole.size))
        page = np.asarray(self._resized(whole, (tile, tile)))[None]
        if not rows:
            return page
        tiles = np.asarray(whole).reshape(rows, tile, cols, tile, 3).swapaxes(1, 2).reshape(-1, tile, tile, 3)
        return np.concatenate([tiles, page])

    def _resized(self, image: Image.Image, size: tuple[int, int]) -> Image.Image:
        return image if image.size == size else image.resize(size, self._resample)

    def _lay_out(self, rows: int, cols: int) -> _Layout:
        image = self._tokenizer.convert_ids_to_tokens(self._image_token)
        tile, side = image * self._tile_tokens, math.isqrt(self._tile_tokens)
        around = "<fake_token_around_image>"
        lines = [
            "".join(f"{around}<row_{row}_col_{col}>{tile}" for col in range(1, cols + 1)) + "\n"
            for row in range(1, rows + 1)
        ]
        whole = f"{around}<global-img>{tile}{around}"
        text = "".join([*lines, "\n", whole]) if lines else whole
        ids = self._tokenizer(self._prompts.page.replace(image, text))["input_ids"]
        of_image = np.flatnonzero(np.array(ids) == self._image_token)
        boxes = whole_page(len(ids))
        fine, tiles = grid_boxes(rows * side, cols * side), grid_boxes(rows, cols)
        by_tile = fine.reshape(rows, side, cols, side, 4).swapaxes(1, 2).reshape(-1, 4)
        boxes[of_image] = np.concatenate([by_tile, grid_boxes(side, side)])
        # The token before a tile's own names the tile.
        boxes[of_image[:: self._tile_tokens] - 1] = np.concatenate([tiles, whole_page(1)])
        return _Layout(list(ids), boxes)
