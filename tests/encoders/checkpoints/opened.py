"""Tiny visual checkpoints as the encoder is given them, and what transformers itself makes of a page and a query.

All are opened as real ones are. What native ones are compared with is loaded by transformers itself; pages and queries
of those that transformers has no retrieval class for are written as colpali-engine 0.3.18 writes them.
"""

from copy import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import transformers
from PIL import Image, ImageDraw
from torch import nn

from maxsight.encoders.base import EncoderOptions, Precision
from maxsight.encoders.checkpoints.checkpoint import Checkpoint
from maxsight.encoders.checkpoints.layouts import read_layout
from maxsight.encoders.checkpoints.opening import open_checkpoint
from maxsight.encoders.checkpoints.visual import VisualEncoder
from maxsight.types import Page, TextSource, Words

NATIVE = ("colpali", "colqwen2", "colmodernvbert")
QWEN = ("engine-colqwen2_5", "engine-colqwen3")
ENGINE = ("engine-colpali", *QWEN, "engine-colidefics3")
KINDS = (*NATIVE, *ENGINE)
RETRIEVAL = {
    "colpali": transformers.ColPaliForRetrieval,
    "colpali-2048": transformers.ColPaliForRetrieval,
    "colqwen2": transformers.ColQwen2ForRetrieval,
    "colmodernvbert": transformers.ColModernVBertForRetrieval,
}

QWEN_PROMPT = (
    "<|im_start|>user\n<|vision_start|><|image_pad|><|vision_end|>Describe the image.<|im_end|><|endoftext|>"
)
IDEFICS_PROMPT = "<|im_start|>User:<image>Describe the image.<end_of_utterance>\nAssistant:"
NO_WORDS = Words(np.zeros((0, 2), np.int32), None)


@dataclass
class Opened:
    """A checkpoint, and transformers' own class and processor to compare with."""

    kind: str
    checkpoint: Checkpoint
    processor: Any
    model: nn.Module | None = None

    def encoder(self, *, batch_size=3, devices=("cpu",), precision=Precision.FLOAT32):
        return VisualEncoder(self.checkpoint, EncoderOptions(devices, precision, batch_size))

    @torch.no_grad()
    def page_vectors(self, image):
        """Encode a page by transformers alone. Shape ``(tokens, dim)``."""
        inputs = self.page_inputs(image)
        if self.kind in ("colpali", "colpali-2048", "colmodernvbert"):
            return self.model(**inputs).embeddings[0].numpy()
        if self.kind == "colqwen2":
            return self.model(**inputs, position_ids=self.mrope_positions(inputs)).embeddings[0].numpy()
        if self.kind in QWEN:
            inputs["pixel_values"] = inputs["pixel_values"][0]
            inputs["mm_token_type_ids"] = (inputs["input_ids"] == self.processor.image_token_id).int()
        return self.projected(self.checkpoint.backbone(**inputs).last_hidden_state[0])

    def page_inputs(self, image):
        if self.kind == "engine-colpali":
            prompt = "<image><bos>Describe the image."
            inputs = self.processor(text=[prompt], images=[image], return_tensors="np")
            inputs = {name: torch.from_numpy(array) for name, array in inputs.items() if name != "labels"}
            return {**inputs, "token_type_ids": torch.zeros_like(inputs["input_ids"])}
        if self.kind == "engine-colidefics3":
            return dict(self.processor(text=[IDEFICS_PROMPT], images=[image], return_tensors="pt"))
        inputs = dict(self.processor.process_images(images=[image]))
        inputs.pop("labels", None)
        return inputs

    def mrope_positions(self, inputs):
        positions, _ = self.checkpoint.backbone.get_rope_index(
            inputs["input_ids"],
            mm_token_type_ids=(inputs["input_ids"] == self.processor.image_token_id).int(),
            image_grid_thw=inputs["image_grid_thw"],
            attention_mask=inputs["attention_mask"],
        )
        return positions

    @torch.no_grad()
    def query_vectors(self, text):
        """Encode a query by transformers alone. Shape ``(tokens, dim)``."""
        if self.model is not None:
            return self.model(**self.processor.process_queries(text=[text])).embeddings[0].numpy()
        tokenizer = self.processor.tokenizer
        written = {
            "engine-colpali": f"<bos>{text}" + "<pad>" * 10,
            "engine-colqwen2_5": text + "<|endoftext|>" * 10,
            "engine-colqwen3": text + "<|endoftext|>" * 10,
            "engine-colidefics3": text + "<end_of_utterance>" * 10,
        }[self.kind]
        inputs = {"input_ids": tokenizer(written, return_tensors="pt")["input_ids"]}
        if self.kind == "engine-colpali":
            inputs["token_type_ids"] = torch.zeros_like(inputs["input_ids"])
        return self.projected(self.checkpoint.backbone(**inputs).last_hidden_state[0])

    def projected(self, hidden):
        return nn.functional.normalize(self.checkpoint.projection(hidden), dim=-1).numpy()


def open_tiny(kind, folder_of) -> Opened:
    """Open a tiny checkpoint of this kind as a user's is opened; ``folder_of`` builds it."""
    folder = folder_of(kind)
    checkpoint = open_checkpoint(f"tiny/{kind}", read_layout(folder), None, torch.float32)
    if kind in RETRIEVAL:
        model = RETRIEVAL[kind].from_pretrained(folder).eval()
        processor = transformers.AutoProcessor.from_pretrained(folder, backend="pil")
        return Opened(kind, checkpoint, processor, model)
    processor = copy(checkpoint.processor)
    if kind == "engine-colpali":
        processor = transformers.PaliGemmaProcessor(processor.image_processor, processor.tokenizer)
    elif kind in QWEN:
        processor.visual_prompt_prefix = QWEN_PROMPT
    return Opened(kind, checkpoint, processor)


def page_image(seed=0, size=(425, 550)) -> Image.Image:
    """A page of coloured boxes and lines, different for every seed."""
    random = np.random.default_rng(seed)
    image = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(image)
    for top in range(10, size[1] - 10, 12):
        draw.line((10, top, int(random.integers(20, size[0])), top), fill="black", width=3)
    for _ in range(6):
        x0, y0 = random.integers(0, size[0]), random.integers(0, size[1])
        width, height = random.integers(5, 100, 2)
        draw.rectangle((x0, y0, x0 + width, y0 + height), fill=tuple(map(int, random.integers(0, 256, 3))))
    return image


def page_of(image, page_index=0) -> Page:
    picture = None if image is None else np.asarray(image)
    return Page(page_index, "", NO_WORDS, TextSource.NONE, picture=picture)
