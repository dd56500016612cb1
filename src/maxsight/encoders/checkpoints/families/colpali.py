"""ColPali: PaliGemma over a picture stretched to a square of 448 pixels; 32 x 32 patches and the prompt."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray

from maxsight.encoders.checkpoints.checkpoint import Checkpoint
from maxsight.encoders.checkpoints.families.base import (
    Batch,
    VisualFamily,
    grid_boxes,
    resample_name,
    whole_page,
)
from maxsight.encoders.checkpoints.families.queries import Prompts, WrittenQuery
from maxsight.pictures import Fit, PictureFit

_AUGMENTATION_TOKENS = 10


class ColPali(VisualFamily):
    """Every page has the same tokens: the patches row by row, then the prompt."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        super().__init__(checkpoint)
        image_processor = checkpoint.processor.image_processor
        self.picture = PictureFit(
            Fit.STRETCH,
            resample=resample_name(image_processor),
            height_px=image_processor.size["height"],
            width_px=image_processor.size["width"],
        )
        patch_px: int = self._backbone.config.vision_config.patch_size
        self._grid = self.picture.height_px // patch_px, self.picture.width_px // patch_px

    @property
    def largest(self) -> tuple[int, int]:
        """The only size there is."""
        return self.picture.width_px, self.picture.height_px

    def tokens(self, width: int, height: int) -> int:
        """Count patches and prompt, the same for every page."""
        return len(self._page_ids)

    def prepare_fitted(self, pictures: Sequence[NDArray[np.uint8]]) -> Batch:
        """Stack the pictures; the tokens are always the same."""
        ids = torch.tensor(self._page_ids).expand(len(pictures), -1)
        # Without token types PaliGemma reads the pages of a padded batch in one direction only.
        inputs = {
            "input_ids": ids,
            "token_type_ids": torch.zeros_like(ids),
            "pixels": torch.from_numpy(np.stack(pictures)),
        }
        return Batch(inputs, (ids.shape[1],) * len(pictures), (self._boxes,) * len(pictures))

    def prepare_query(self, query: WrittenQuery) -> Batch:
        """Add the token types, as for pages."""
        ids = torch.tensor([query.ids])
        return Batch({"input_ids": ids, "token_type_ids": torch.zeros_like(ids)}, (len(query.ids),))

    def _pixel_values(self, pixels: torch.Tensor) -> torch.Tensor:
        return self._scaled(pixels.permute(0, 3, 1, 2))

    def _write_prompts(self, checkpoint: Checkpoint) -> Prompts:
        start, augmentation = self._tokenizer.bos_token, self._tokenizer.pad_token * _AUGMENTATION_TOKENS
        image = self._tokenizer.convert_ids_to_tokens(self._image_token)
        if checkpoint.query_format == "engine":
            return Prompts(f"{image}{start}{start}Describe the image.\n", start, augmentation)
        processor = checkpoint.processor
        return Prompts(
            f"{image}{start}{processor.visual_prompt_prefix}\n",
            start + processor.query_prefix,
            f"{augmentation}\n",
        )

    @cached_property
    def _page_ids(self) -> list[int]:
        once: list[int] = self._tokenizer(self._prompts.page)["input_ids"]
        return once[:1] * (self._grid[0] * self._grid[1]) + once[1:]

    @cached_property
    def _boxes(self) -> NDArray[np.float32]:
        patches = grid_boxes(*self._grid)
        return np.concatenate([patches, whole_page(len(self._page_ids) - len(patches))])
