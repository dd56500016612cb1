"""ColQwen2, 2.5 and 3: Qwen's vision-language models over a picture that keeps its shape, in a grid of its own."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from maxsight.encoders.checkpoints.checkpoint import Checkpoint
from maxsight.encoders.checkpoints.families.base import (
    Batch,
    Inputs,
    VisualFamily,
    grid_boxes,
    pad_tokens,
    resample_name,
    whole_page,
)
from maxsight.encoders.checkpoints.families.queries import Prompts, WrittenQuery
from maxsight.pictures import Fit, PictureFit

_AUGMENTATION_TOKENS = 10
_PAGE_PROMPT = (
    "<|im_start|>user\n<|vision_start|><|image_pad|><|vision_end|>Describe the image.<|im_end|><|endoftext|>"
)


class ColQwen(VisualFamily):
    """A page's tokens are the start of the prompt, its patches merged two by two and row by row, the prompt's end."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        super().__init__(checkpoint)
        image_processor = checkpoint.processor.image_processor
        self._patch_px: int = image_processor.patch_size
        self._merge: int = image_processor.merge_size
        self._frames: int = image_processor.temporal_patch_size
        self.picture = PictureFit(
            Fit.MULTIPLE,
            resample=resample_name(image_processor),
            multiple_px=self._patch_px * self._merge,
            min_pixels=image_processor.size["shortest_edge"],
            max_pixels=image_processor.size["longest_edge"],
        )
        prompt: list[int] = self._tokenizer(self._prompts.page)["input_ids"]
        image = prompt.index(self._image_token)
        self._before, self._after = prompt[:image], prompt[image + 1 :]

    @property
    def largest(self) -> tuple[int, int]:
        """About the shape of a page, with all the patches there may be."""
        step = self.picture.multiple_px
        most = max(self.picture.max_pixels // step**2, 1)
        widths = range(math.isqrt(most // 2) or 1, math.isqrt(most) + 1)
        cols = max(widths, key=lambda cols: most // cols * cols)
        return cols * step, most // cols * step

    def tokens(self, width: int, height: int) -> int:
        """Count merged patches and prompt."""
        rows, cols = self._grid(width, height)
        return rows * cols + len(self._before) + len(self._after)

    def prepare_fitted(self, pictures: Sequence[NDArray[np.uint8]]) -> Batch:
        """Cut the pictures into patches. Tokens of smaller pages are padded, patches are not."""
        grids = [self._grid(picture.shape[1], picture.shape[0]) for picture in pictures]
        rows = [self._before + [self._image_token] * (high * wide) + self._after for high, wide in grids]
        tokens = pad_tokens(rows, self._tokenizer.pad_token_id)
        sizes = torch.tensor([[1, high * self._merge, wide * self._merge] for high, wide in grids])
        inputs = {
            **tokens,
            "image_grid_thw": sizes,
            "position_ids": self._positions(tokens, sizes),
            "pixels": torch.from_numpy(np.concatenate([self._patches(picture) for picture in pictures])),
        }
        return Batch(inputs, tuple(map(len, rows)), tuple(self._boxes(*grid) for grid in grids))

    def prepare_query(self, query: WrittenQuery) -> Batch:
        """Add plain positions: without a picture all three axes count alike."""
        ids = torch.tensor([query.ids])
        positions = torch.arange(ids.shape[1]).expand(3, 1, -1)
        return Batch({"input_ids": ids, "position_ids": positions}, (len(query.ids),))

    def _pixel_values(self, pixels: torch.Tensor) -> torch.Tensor:
        """Show every patch as a still film of two frames."""
        films = self._scaled(pixels).unsqueeze(2).expand(-1, -1, self._frames, -1)
        return films.reshape(len(films), -1)

    def _write_prompts(self, checkpoint: Checkpoint) -> Prompts:
        augmentation = self._tokenizer.pad_token * _AUGMENTATION_TOKENS
        if checkpoint.query_format == "engine":
            return Prompts(_PAGE_PROMPT, "", augmentation)
        processor = checkpoint.processor
        return Prompts(processor.visual_prompt_prefix, processor.query_prefix, f"{augmentation}\n")

    def _grid(self, width: int, height: int) -> tuple[int, int]:
        """Count rows and columns of merged patches."""
        step = self.picture.multiple_px
        return height // step, width // step

    def _positions(self, tokens: Inputs, sizes: torch.Tensor) -> torch.Tensor:
        """Find each token's place in time, height and width (M-RoPE). Shape ``(3, pages, tokens)``.

        The model has the rule, but transformers' ColQwen2 does not call it and counts tokens along one line.
        """
        of_image = (tokens["input_ids"] == self._image_token).int()
        positions, _ = self._backbone.get_rope_index(
            tokens["input_ids"],
            mm_token_type_ids=of_image,
            image_grid_thw=sizes,
            attention_mask=tokens.get("attention_mask"),
        )
        of_tokens: torch.Tensor = positions
        return of_tokens

    def _patches(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Cut a picture into patches. Patches that are merged follow one another. Shape ``(patches, 3, pixels)``."""
        rows, cols = self._grid(picture.shape[1], picture.shape[0])
        cut = picture.reshape(rows, self._merge, self._patch_px, cols, self._merge, self._patch_px, 3)
        return cut.transpose(0, 3, 1, 4, 6, 2, 5).reshape(-1, 3, self._patch_px**2)

    def _boxes(self, rows: int, cols: int) -> NDArray[np.float32]:
        before, after = whole_page(len(self._before)), whole_page(len(self._after))
        return np.concatenate([before, grid_boxes(rows, cols), after])
