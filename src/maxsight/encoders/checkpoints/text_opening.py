"""Opening a ColBERT by sentence-transformers, which reads every layout.

sentence-transformers gives a layout without a projection a random one, and transformers fills a missing tensor with
random values. Both only print a warning. Here both are errors.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from sentence_transformers import MultiVectorEncoder
from sentence_transformers.base.modules import Dense, Transformer
from sentence_transformers.multi_vector_encoder.modules import BaseTokenPooling

from maxsight.encoders.checkpoints.layouts import module_folders, unsuitable
from maxsight.encoders.checkpoints.quiet import reading
from maxsight.encoders.checkpoints.weights import broken, read_tensors, weight_files
from maxsight.spelling import list_names

UNUSED = "pooler."
"""A BERT's pooler may be missing: the vectors of tokens do not depend on it."""


def open_text_model(folder: Path, dtype: torch.dtype, *, trust_remote_code: bool) -> MultiVectorEncoder:
    """Open a text checkpoint on the CPU.

    Pickled weights (``.bin``) are read only as tensors. A pickle of anything else is refused.

    Raises:
        ModelNotAvailableError: It can't be read, it is no late-interaction model of texts, or it lacks a part.
    """
    parts = [read_tensors(weight_files(part)) for part in module_folders(folder) or [folder]]
    with reading(folder):
        model = MultiVectorEncoder(
            str(folder),
            device="cpu",
            local_files_only=True,
            trust_remote_code=trust_remote_code,
            model_kwargs={"dtype": dtype},
        )
        missing = missing_tensors(model.transformers_model, parts[0])
    if missing:
        raise broken(folder, f"lacks {list_names(missing)}")
    if not all(_is_stored(module, parts) for module in model if isinstance(module, Dense)):
        raise unsuitable(folder, "has no projection to the vectors of late interaction")
    if problem := _unsuitable_for_text(model):
        raise unsuitable(folder, problem)
    return model.eval()


def missing_tensors(backbone: Any, tensors: dict[str, torch.Tensor]) -> list[str]:
    """Name the tensors that a model of transformers needs and its files lack.

    sentence-transformers does not pass on transformers' report: so the model is made once more.
    """
    _, report = type(backbone).from_pretrained(
        None, config=backbone.config, state_dict=tensors, output_loading_info=True
    )
    lacking = {*report["missing_keys"], *(name for name, *_ in report["mismatched_keys"])}
    return sorted(name for name in lacking if not name.startswith(UNUSED))


def _is_stored(projection: Dense, parts: list[dict[str, torch.Tensor]]) -> bool:
    """Whether a projection's weights are from the files, and not random."""
    weight = projection.linear.weight
    stored = [part["linear.weight"] for part in parts if "linear.weight" in part]
    return any(torch.equal(weight, tensor.to(weight.dtype)) for tensor in stored)


def _unsuitable_for_text(model: MultiVectorEncoder) -> str | None:
    """Say why a model's vectors can't be placed in a text, or None."""
    backbone = model[0]
    if not isinstance(backbone, Transformer) or list(backbone.modality_config) != ["text"]:
        return "does not read plain text"
    if not model.tokenizer.is_fast:
        return "has a tokenizer that does not tell the places of its tokens in the text"
    if any(isinstance(module, BaseTokenPooling) for module in model):
        return "merges its vectors by itself, so they can't be placed in the text"
    return None
