"""Opening a reranker: what kind of model a folder has, and whether all of it is there.

transformers fills missing tensors with random numbers, so a model without a trained head would give random scores. Here
such a model is refused.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import torch
import transformers
from sentence_transformers import CrossEncoder
from torch import nn

from maxsight.encoders.base import EncoderOptions
from maxsight.encoders.checkpoints.devices import choose_devices, choose_dtype
from maxsight.encoders.checkpoints.hub import locate
from maxsight.encoders.checkpoints.layouts import module_folders, read_config, runs_code
from maxsight.encoders.checkpoints.loading import refuse_code
from maxsight.encoders.checkpoints.quiet import reading
from maxsight.encoders.checkpoints.text_opening import missing_tensors
from maxsight.encoders.checkpoints.weights import broken, read_tensors, weight_files
from maxsight.errors import InputError, ModelNotAvailableError
from maxsight.reranking.base import Reads, Reranker
from maxsight.reranking.checkpoint import CheckpointReranker
from maxsight.reranking.text import TextScorer
from maxsight.reranking.visual import MAX_PIXELS, MIN_PIXELS, VisualScorer
from maxsight.spelling import list_names

VISUAL = "qwen3_vl"


def open_reranker(name: str, reads: Reads | None, pages: int, options: EncoderOptions) -> Reranker:
    """Open a reranker; see ``load_reranker``."""
    source = locate(name, trust_remote_code=options.trust_remote_code)
    folder = source.folder
    part, *_ = module_folders(folder) or [folder]
    config = read_config(part)
    dtype = choose_dtype(options.precision, choose_devices(options.devices)[0])
    if config.get("model_type") == VISUAL:
        return _open_visual(source.name, part, reads or Reads.IMAGE, pages, options, dtype)
    if reads not in (None, Reads.TEXT):
        raise InputError(
            f"{name} reads text alone, and can't look at pictures",
            hint="Leave out what it reads, or name a Qwen3-VL-Reranker.",
        )
    if runs_code(config):
        refuse_code(name, options)
    model = _open_text(folder, part, options, dtype)
    return CheckpointReranker(source.name, Reads.TEXT, pages, model, TextScorer, options)


def _open_text(folder: Path, part: Path, options: EncoderOptions, dtype: torch.dtype) -> CrossEncoder:
    tensors = read_tensors(weight_files(part))
    with reading(folder):
        model = CrossEncoder(
            str(folder),
            device="cpu",
            local_files_only=True,
            trust_remote_code=options.trust_remote_code,
            model_kwargs={"dtype": dtype},
        )
        missing = missing_tensors(model.transformers_model, tensors)
    if missing:
        raise _no_reranker(folder, f"lacks {list_names(missing)}, and so has no trained scores")
    if model.num_labels != 1:
        raise _no_reranker(folder, f"gives {model.num_labels} scores for a pair, not one")
    if not model.tokenizer.is_fast:
        raise _no_reranker(folder, "has a tokenizer that does not tell the places of its tokens in the text")
    return model.eval()


def _open_visual(
    name: str, folder: Path, reads: Reads, pages: int, options: EncoderOptions, dtype: torch.dtype
) -> Reranker:
    with reading(folder):
        model, report = transformers.Qwen3VLForConditionalGeneration.from_pretrained(
            folder, dtype=dtype, local_files_only=True, output_loading_info=True
        )
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
        image_processor = transformers.Qwen2VLImageProcessorPil.from_pretrained(
            folder, local_files_only=True, size={"shortest_edge": MIN_PIXELS, "longest_edge": MAX_PIXELS}
        )
    if missing := report["missing_keys"]:
        raise broken(folder, f"lacks {list_names(sorted(missing))}")
    words = tokenizer.get_vocab()
    if not {"yes", "no"} <= words.keys():
        raise _no_reranker(folder, "has no tokens for yes and no")
    weights = model.lm_head.weight.detach().float()
    answer = nn.Linear(weights.shape[1], 1, bias=False)
    answer.weight.data = (weights[words["yes"]] - weights[words["no"]])[None]
    scorer = partial(VisualScorer, tokenizer=tokenizer, image_processor=image_processor)
    return CheckpointReranker(name, reads, pages, nn.ModuleList([model.model, answer]), scorer, options)


def _no_reranker(folder: Path, problem: str) -> ModelNotAvailableError:
    return ModelNotAvailableError(
        f"{folder} {problem}",
        hint="Name a cross-encoder with one score, such as BAAI/bge-reranker-v2-m3, or a Qwen3-VL-Reranker.",
    )
