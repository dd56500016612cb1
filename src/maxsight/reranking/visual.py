"""Qwen3-VL-Reranker: a vision-language model that says whether a page, by its picture and text, answers a question.

transformers' own processor of Qwen3-VL needs torchvision, for videos; pictures need it not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from PIL import Image
from torch import nn

from maxsight.encoders.base import EncoderOptions
from maxsight.encoders.checkpoints.families.base import pad_tokens
from maxsight.reranking.base import Candidate
from maxsight.reranking.checkpoint import Scorer, checked_scores

MAX_TEXT_CHARS = 8_000
MIN_PIXELS, MAX_PIXELS = 4 * 32**2, 1280 * 32**2
"""Of a picture, as in the model's own code."""
TASK = (
    "Judge whether the Document meets the requirements based on the Query and the Instruct provided. "
    'Note that the answer can only be "yes" or "no".'
)
INSTRUCTION = "Given a search query, retrieve relevant candidates that answer the query."
PICTURE = "<|vision_start|><|image_pad|><|vision_end|>"
PROMPT = (
    f"<|im_start|>system\n{TASK}<|im_end|>\n<|im_start|>user\n<Instruct>: {INSTRUCTION}"
    "<Query>:{question}\n<Document>:{page}<|im_end|>\n<|im_start|>assistant\n"
)
_CONTROL = re.compile(r"<\|(?=\w+\|>)")
"""The start of what the tokenizer would read as a control token. In a page's text it is only text."""


class VisualPair(NamedTuple):
    """A question and a page.

    Attributes:
        ids: Their tokens, with one for each merged patch of the picture.
        picture: The page's picture, or None.
    """

    ids: list[int]
    picture: Image.Image | None


class VisualScorer(Scorer[VisualPair, dict[str, Any]]):
    """A Qwen3-VL on one device.

    Args:
        model: The backbone, and the layer that makes a score of its last hidden state.
        tokenizer: Its tokenizer.
        image_processor: Makes patches of pictures.
        device: The device.
        options: How it computes.
    """

    def __init__(
        self,
        model: nn.ModuleList,
        device: torch.device,
        options: EncoderOptions,
        *,
        tokenizer: Any,
        image_processor: Any,
    ) -> None:
        super().__init__(model, device, options)
        self._backbone, self._answer = model
        self._tokenizer, self._image_processor = tokenizer, image_processor
        self._image_token = int(self._backbone.config.image_token_id)

    @property
    def max_tokens(self) -> int:
        """Tokens of the largest picture, and some of text."""
        return int(self._image_processor.size["longest_edge"] // 32**2) + 256

    def pair(self, question: str, candidate: Candidate) -> list[VisualPair]:
        """Write the prompt for a question and a page."""
        picture, text = candidate.picture, candidate.text.strip()[:MAX_TEXT_CHARS]
        if picture is None and not text:
            return []
        page = (PICTURE if picture else "") + _CONTROL.sub("<", text)
        prompt = PROMPT.format(question=_CONTROL.sub("<", question), page=page)
        ids = self._tokenizer(prompt, add_special_tokens=False)["input_ids"]
        if picture is not None:
            at = ids.index(self._image_token)
            patches = self._image_processor.get_number_of_image_patches(picture.height, picture.width, {})
            merged = patches // self._image_processor.merge_size**2
            ids = ids[:at] + [self._image_token] * merged + ids[at + 1 :]
        return [VisualPair(ids, picture)]

    def tokens(self, item: VisualPair) -> int:
        """Count the tokens of a pair."""
        return len(item.ids)

    def _longest_item(self) -> VisualPair:
        edge = int(self._image_processor.size["longest_edge"] ** 0.5) // 32 * 32
        (longest,) = self.pair("a", Candidate("", Image.new("RGB", (edge, edge), "white")))
        return longest

    def _prepare(self, items: Sequence[VisualPair]) -> dict[str, Any]:
        tokens = pad_tokens([item.ids for item in items], self._tokenizer.pad_token_id)
        pictures = [item.picture for item in items if item.picture is not None]
        shown = self._image_processor(images=pictures, return_tensors="pt") if pictures else {}
        of_image = (tokens["input_ids"] == self._image_token).int()
        ends = torch.tensor([len(item.ids) - 1 for item in items])
        return {**tokens, **shown, "mm_token_type_ids": of_image, "ends": ends}

    def _launch(self, batch: dict[str, Any]) -> Callable[[], list[float]]:
        inputs = {name: tensor.to(self.device) for name, tensor in batch.items()}
        ends = inputs.pop("ends")
        if "pixel_values" in inputs:
            inputs["pixel_values"] = inputs["pixel_values"].to(self.dtype)
        with torch.inference_mode():
            hidden = self._backbone(**inputs, use_cache=False).last_hidden_state
            last = hidden[torch.arange(len(ends), device=self.device), ends]
            scores = self._answer(last)

        def collect() -> list[float]:
            return checked_scores(scores.float().cpu().double().sigmoid().reshape(-1))

        return collect
