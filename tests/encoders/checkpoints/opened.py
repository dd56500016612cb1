"""Tiny visual checkpoints as the encoder is given them, and what transformers itself makes of a page and a query.

Native checkpoints go through ``from_pretrained``. Backbones that transformers has no retrieval class for are built in
memory; their pages and queries are written as colpali-engine 0.3.18 writes them.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import tiny
import torch
import transformers
from PIL import Image, ImageDraw
from torch import nn

from maxsight.encoders.base import EncoderOptions, Precision
from maxsight.encoders.checkpoints.checkpoint import Checkpoint, Family
from maxsight.encoders.checkpoints.visual import VisualEncoder
from maxsight.types import Page, TextSource, Words

NATIVE = ("colpali", "colqwen2", "colmodernvbert")
ENGINE = ("colpali-engine", "colqwen2_5", "colqwen3", "colidefics3")
KINDS = (*NATIVE, *ENGINE)

QWEN_PROMPT = (
    "<|im_start|>user\n<|vision_start|><|image_pad|><|vision_end|>Describe the image.<|im_end|><|endoftext|>"
)
IDEFICS_PROMPT = "<|im_start|>User:<image>Describe the image.<end_of_utterance>\nAssistant:"
NO_WORDS = Words(np.zeros((0, 2), np.int32), None)


@dataclass
class Opened:
    """A checkpoint, and transformers' own class and processor to compare with."""

    checkpoint: Checkpoint
    processor: Any
    model: nn.Module | None = None

    @property
    def kind(self):
        engine = self.checkpoint.query_format == "engine"
        return (
            "colpali-engine"
            if engine and self.checkpoint.family == "colpali"
            else self.checkpoint.family.value
        )

    def encoder(self, *, batch_size=3, devices=("cpu",), precision=Precision.FLOAT32):
        return VisualEncoder(self.checkpoint, EncoderOptions(devices, precision, batch_size))

    @torch.no_grad()
    def page_vectors(self, image):
        """What transformers makes of a page by itself. Shape ``(tokens, dim)``."""
        inputs = self.page_inputs(image)
        if self.kind in ("colpali", "colmodernvbert"):
            return self.model(**inputs).embeddings[0].numpy()
        if self.kind == "colqwen2":
            return self.model(**inputs, position_ids=self.mrope_positions(inputs)).embeddings[0].numpy()
        if self.kind in ("colqwen2_5", "colqwen3"):
            inputs["pixel_values"] = inputs["pixel_values"][0]
            inputs["mm_token_type_ids"] = (inputs["input_ids"] == self.processor.image_token_id).int()
        return self.projected(self.checkpoint.backbone(**inputs).last_hidden_state[0])

    def page_inputs(self, image):
        if self.kind == "colpali-engine":
            prompt = "<image><bos>Describe the image."
            inputs = self.processor(text=[prompt], images=[image], return_tensors="np")
            inputs = {name: torch.from_numpy(array) for name, array in inputs.items() if name != "labels"}
            return {**inputs, "token_type_ids": torch.zeros_like(inputs["input_ids"])}
        if self.kind == "colidefics3":
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
        """What transformers makes of a query by itself. Shape ``(tokens, dim)``."""
        if self.model is not None:
            return self.model(**self.processor.process_queries(text=[text])).embeddings[0].numpy()
        tokenizer = self.processor.tokenizer
        written = {
            "colpali-engine": f"<bos>{text}" + "<pad>" * 10,
            "colqwen2_5": text + "<|endoftext|>" * 10,
            "colqwen3": text + "<|endoftext|>" * 10,
            "colidefics3": text + "<end_of_utterance>" * 10,
        }[self.kind]
        inputs = {"input_ids": tokenizer(written, return_tensors="pt")["input_ids"]}
        if self.kind == "colpali-engine":
            inputs["token_type_ids"] = torch.zeros_like(inputs["input_ids"])
        return self.projected(self.checkpoint.backbone(**inputs).last_hidden_state[0])

    def projected(self, hidden):
        return nn.functional.normalize(self.checkpoint.projection(hidden), dim=-1).numpy()


def open_tiny(kind, folder_of) -> Opened:
    """Open a tiny checkpoint of this kind; ``folder_of`` builds the native ones."""
    if kind in NATIVE:
        return open_native(kind, folder_of(kind))
    if kind == "colpali-engine":
        native = open_native("colpali", folder_of("colpali"))
        processor = transformers.PaliGemmaProcessor(
            native.processor.image_processor, native.processor.tokenizer
        )
        return Opened(checkpoint_of(Family.COLPALI, "engine", native.model, processor), processor)
    backbone, processor = {"colqwen2_5": colqwen2_5, "colqwen3": colqwen3, "colidefics3": colidefics3}[kind]()
    projection = nn.Linear(backbone.config.get_text_config().hidden_size, 128)
    model = tiny.with_random_weights(nn.ModuleDict({"vlm": backbone, "embedding_proj_layer": projection}))
    return Opened(checkpoint_of(Family(kind), "engine", model, processor), processor)


def open_native(kind, folder) -> Opened:
    retrieval = {
        "colpali": transformers.ColPaliForRetrieval,
        "colqwen2": transformers.ColQwen2ForRetrieval,
        "colmodernvbert": transformers.ColModernVBertForRetrieval,
    }[kind]
    model = retrieval.from_pretrained(folder).eval()
    processor = transformers.AutoProcessor.from_pretrained(folder, backend="pil")
    return Opened(checkpoint_of(Family(kind), "native", model, processor), processor, model)


def checkpoint_of(family, query_format, model, processor):
    vlm, projection = (
        (model["vlm"], model["embedding_proj_layer"])
        if isinstance(model, nn.ModuleDict)
        else (model.vlm, model.embedding_proj_layer)
    )
    return Checkpoint(f"tiny/{family}", family, query_format, vlm, projection, processor, "0123456789ab")


def colqwen2_5(hidden=64):
    tokenizer = tiny.qwen_tokenizer()
    config = transformers.Qwen2_5_VLConfig(
        vision_config=dict(
            depth=2, hidden_size=32, intermediate_size=48, num_heads=2, out_hidden_size=hidden, patch_size=14,
            spatial_merge_size=2, temporal_patch_size=2, window_size=112, fullatt_block_indexes=[1],
        ),
        text_config=tiny.qwen_language_model(tokenizer, hidden),
        **tiny.qwen_image_tokens(tokenizer),
    )  # fmt: skip
    return transformers.Qwen2_5_VLModel(config), qwen_processor(tokenizer, patch_px=14)


def colqwen3(hidden=64):
    tokenizer = tiny.qwen_tokenizer()
    language_model = {**tiny.qwen_language_model(tokenizer, hidden), "head_dim": 16}
    language_model["rope_parameters"] = {
        "rope_type": "default", "rope_theta": 1e6, "mrope_section": [4, 2, 2], "mrope_interleaved": True,
    }  # fmt: skip
    config = transformers.Qwen3VLConfig(
        vision_config=dict(
            depth=2, hidden_size=32, intermediate_size=48, num_heads=2, out_hidden_size=hidden, patch_size=16,
            spatial_merge_size=2, temporal_patch_size=2, num_position_embeddings=64, deepstack_visual_indexes=[0],
        ),
        text_config=language_model,
        **tiny.qwen_image_tokens(tokenizer),
    )  # fmt: skip
    return transformers.Qwen3VLModel(config), qwen_processor(tokenizer, patch_px=16)


def qwen_processor(tokenizer, patch_px):
    image_processor = transformers.Qwen2VLImageProcessorPil(
        size={"shortest_edge": 56 * 56, "longest_edge": 300 * (2 * patch_px) ** 2},
        patch_size=patch_px, merge_size=2, temporal_patch_size=2,
    )  # fmt: skip
    return transformers.ColQwen2Processor(image_processor, tokenizer, visual_prompt_prefix=QWEN_PROMPT)


def colidefics3(hidden=64):
    tile_px, patch_px, shuffle = 128, 16, 4
    tokenizer = tiny.idefics_tokenizer()
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|im_start|>"]})
    image_processor = transformers.Idefics3ImageProcessorPil(
        size={"longest_edge": 4 * tile_px}, max_image_size={"longest_edge": tile_px},
        image_mean=[0.5] * 3, image_std=[0.5] * 3,
    )  # fmt: skip
    processor = transformers.Idefics3Processor(
        image_processor, tokenizer, image_seq_len=(tile_px // patch_px // shuffle) ** 2
    )
    end = tokenizer.convert_tokens_to_ids("<|endoftext|>")
    config = transformers.Idefics3Config(
        text_config=dict(
            model_type="llama", vocab_size=len(tokenizer), hidden_size=hidden, intermediate_size=96,
            num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=2, max_position_embeddings=4096,
            bos_token_id=end, eos_token_id=end, pad_token_id=end,
        ),
        vision_config=dict(
            hidden_size=32, intermediate_size=48, num_hidden_layers=1, num_attention_heads=2,
            image_size=tile_px, patch_size=patch_px,
        ),
        image_token_id=processor.image_token_id, scale_factor=shuffle, pad_token_id=end,
    )  # fmt: skip
    return transformers.Idefics3Model(config), processor


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
