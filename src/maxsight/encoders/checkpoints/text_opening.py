"""A folder with a ColBERT in it, opened by sentence-transformers, which knows every layout; refused unless whole.

sentence-transformers gives a layout without a projection a random one, and transformers a tensor that is not in the
file random values: both only say so on the terminal. Here either is an error.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from sentence_transformers import MultiVectorEncoder
from sentence_transformers.base.modules import Dense, Transformer
from sentence_transformers.multi_vector_encoder.modules import BaseTokenPooling

from maxsight.encoders.checkpoints.layouts import module_folders
from maxsight.encoders.checkpoints.quiet import quiet
from maxsight.encoders.checkpoints.weights import read_tensors, weight_files
from maxsight.errors import ModelNotAvailableError
from maxsight.spelling import list_names

UNUSED = "pooler."
"""A BERT's pooler may be missing: no token's vector depends on it."""
_AGAIN = "Get the whole folder again."
_ANOTHER = "Name another checkpoint of the ColBERT family, for example lightonai/GTE-ModernColBERT-v1."


def open_text_model(
    folder: Path, name: str, *, dtype: torch.dtype, trust_remote_code: bool = False
) -> MultiVectorEncoder:
    """Open a text checkpoint on the CPU.

    Pickled weights (``.bin``) are read as tensors alone; a pickle of anything else is refused.

    Raises:
        ModelNotAvailableError: It can't be read, it is not a late-interaction model of texts, or a part of it would
            be random.
    """
    parts = [read_tensors(weight_files(part)) for part in module_folders(folder) or [folder]]
    with quiet():
        try:
            model = MultiVectorEncoder(
                str(folder),
                device="cpu",
                local_files_only=True,
                trust_remote_code=trust_remote_code,
                model_kwargs={"dtype": dtype},
            )
            missing = _missing_tensors(model, parts[0])
        except Exception as error:  # settings, tokenizer, shapes: the libraries raise what they like
            reason = str(error).strip() or type(error).__name__
            raise _refusal(name, f"can't be opened: {reason}", _AGAIN) from error
    if missing:
        raise _refusal(name, f"lacks {list_names(missing)}", _AGAIN)
    if not all(_is_stored(module, parts) for module in model if isinstance(module, Dense)):
        raise _refusal(name, "has no projection to the vectors of late interaction", _ANOTHER)
    if unfit := _unfit(model):
        raise _refusal(name, unfit, _ANOTHER)
    return model.eval()


def _missing_tensors(model: MultiVectorEncoder, tensors: dict[str, torch.Tensor]) -> list[str]:
    """Name what the backbone needs and its files lack.

    transformers knows, but sentence-transformers does not hand it on: so the backbone is made once more.
    """
    backbone: Any = model.transformers_model
    _, report = type(backbone).from_pretrained(
        None, config=backbone.config, state_dict=tensors, output_loading_info=True
    )
    lacking = {*report["missing_keys"], *(name for name, *_ in report["mismatched_keys"])}
    return sorted(name for name in lacking if not name.startswith(UNUSED))


def _is_stored(projection: Dense, parts: list[dict[str, torch.Tensor]]) -> bool:
    """Whether a projection's weights are from the files: it may have been made up."""
    weight = projection.linear.weight
    stored = [part["linear.weight"] for part in parts if "linear.weight" in part]
    return any(torch.equal(weight, tensor.to(weight.dtype)) for tensor in stored)


def _unfit(model: MultiVectorEncoder) -> str | None:
    """Say why a model's vectors can't be placed in a text, or None."""
    backbone = model[0]
    if not isinstance(backbone, Transformer) or list(backbone.modality_config) != ["text"]:
        return "does not read plain text"
    if not model.tokenizer.is_fast:
        return "has a tokenizer that does not say where its tokens stand in the text"
    if any(isinstance(module, BaseTokenPooling) for module in model):
        return "merges its vectors by itself, so they can't be placed in the text"
    return None


def _refusal(name: str, reason: str, hint: str) -> ModelNotAvailableError:
    return ModelNotAvailableError(f"the checkpoint {name} {reason}", hint=hint)
