"""Opening a checkpoint of pictures: its tensors are put in place, an adapter is merged.

transformers fills missing tensors with random numbers and only warns. Here a checkpoint must have exactly the tensors
that backbone and projection need, each of the right shape. Any other is refused.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import transformers
from torch import nn

from maxsight.encoders.checkpoints.adapters import merge_adapter, read_adapter
from maxsight.encoders.checkpoints.checkpoint import Checkpoint, Family
from maxsight.encoders.checkpoints.fingerprints import fingerprint
from maxsight.encoders.checkpoints.layouts import AdapterLayout, VisualLayout
from maxsight.encoders.checkpoints.names import BACKBONE, PROJECTION, name_in_model
from maxsight.encoders.checkpoints.quiet import reading
from maxsight.encoders.checkpoints.weights import broken, read_tensors, weight_files
from maxsight.errors import ModelNotAvailableError
from maxsight.spelling import list_names

_CLASSES: dict[Family, tuple[Any, Any]] = {
    Family.COLPALI: (transformers.PaliGemmaModel, transformers.ColPaliProcessor),
    Family.COLQWEN2: (transformers.Qwen2VLModel, transformers.ColQwen2Processor),
    Family.COLQWEN2_5: (transformers.Qwen2_5_VLModel, transformers.ColQwen2Processor),
    Family.COLQWEN3: (transformers.Qwen3VLModel, transformers.ColQwen2Processor),
    Family.COLIDEFICS3: (transformers.Idefics3Model, transformers.Idefics3Processor),
    Family.COLMODERNVBERT: (transformers.ModernVBertModel, transformers.ColModernVBertProcessor),
}
"""Backbone and processor. Processors are of pictures and text alone: Qwen's own need torchvision, for videos."""


def open_checkpoint(
    name: str, layout: VisualLayout, adapter: AdapterLayout | None, dtype: torch.dtype
) -> Checkpoint:
    """Open a checkpoint of page pictures, on the CPU.

    Args:
        name: The encoder's name in a library.
        layout: Its folder and kind.
        adapter: The adapter to merge into it, if any.
        dtype: The type the model will compute in.

    Raises:
        ModelNotAvailableError: A tensor is missing, unknown, damaged or of another shape.
    """
    update = read_adapter(adapter, layout) if adapter else None
    tensors = _named_tensors(layout) | (update.whole if update else {})
    parts: dict[str, dict[str, torch.Tensor]] = {BACKBONE: {}, PROJECTION: {}}
    for place, tensor in tensors.items():
        part = BACKBONE if place.startswith(BACKBONE) else PROJECTION
        parts[part][place.removeprefix(part)] = tensor
    model = nn.ModuleDict(
        {
            "projection": _open_projection(layout, parts[PROJECTION], dtype),
            "backbone": _open_backbone(layout, parts[BACKBONE], dtype),
        }
    ).eval()
    del tensors, parts
    if update:
        merge_adapter(model, update)
    folders = [adapter.folder, layout.folder] if adapter else [layout.folder]
    return Checkpoint(
        name=name,
        family=layout.family,
        query_format=layout.query_format,
        backbone=model["backbone"],
        projection=model["projection"],
        processor=_open_processor(layout.family, folders),
        revision=fingerprint(folders),
    )


def _named_tensors(layout: VisualLayout) -> dict[str, torch.Tensor]:
    """Read the checkpoint's tensors, by their names in the model."""
    files = weight_files(layout.folder)
    if not files:
        raise broken(layout.folder, "lacks its weights: there is no model.safetensors")
    tensors: dict[str, torch.Tensor] = {}
    for stored, tensor in read_tensors(files).items():
        name = name_in_model(stored, layout)
        if name in tensors:
            raise broken(layout.folder, f"has {name} twice, once as {stored}")
        if name is not None:
            tensors[name] = tensor
    return tensors


def _open_projection(layout: VisualLayout, tensors: dict[str, torch.Tensor], dtype: torch.dtype) -> nn.Linear:
    stored = layout.projection
    if "weight" not in tensors:
        raise ModelNotAvailableError(
            f"{layout.folder} lacks {stored}.weight, the projection to vectors that can be searched",
            hint="A vision-language model as such can't be searched with; name one trained for late interaction, "
            "such as vidore/colpali-v1.3-hf.",
        )
    if unknown := sorted(tensors.keys() - {"weight", "bias"}):
        raise ModelNotAvailableError(
            f"{layout.folder} has a projection that is more than one layer: {stored}.{list_names(unknown)}"
        )
    dim, hidden = tensors["weight"].shape
    with torch.device("meta"):
        projection = nn.Linear(hidden, dim, bias="bias" in tensors, dtype=dtype)
    projection.load_state_dict({name: tensor.to(dtype) for name, tensor in tensors.items()}, assign=True)
    return projection


def _open_backbone(layout: VisualLayout, tensors: dict[str, torch.Tensor], dtype: torch.dtype) -> nn.Module:
    with reading(layout.folder):
        config = transformers.AutoConfig.from_pretrained(layout.folder, trust_remote_code=False)
        backbone, report = _CLASSES[layout.family][0].from_pretrained(
            None,
            config=config.vlm_config if layout.query_format == "native" else config,
            state_dict=tensors,
            dtype=dtype,
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # they are in the report, and refused below
        )
    problems = {
        "lacks": sorted(report["missing_keys"]),
        "has of another shape": sorted(name for name, *_ in report["mismatched_keys"]),
        "has and knows no use for": sorted(report["unexpected_keys"]),
        "can't use": report["error_msgs"],
    }
    for problem, names in problems.items():
        if names:
            raise broken(
                layout.folder, f"{problem} {list_names(names)}: its weights do not fit its config.json"
            )
    return backbone


def _open_processor(family: Family, folders: list[Path]) -> Any:
    """Open the adapter's own processor, else that of the model under it."""
    for folder in folders:
        has_images = any(
            (folder / name).is_file() for name in ("preprocessor_config.json", "processor_config.json")
        )
        if has_images and (folder / "tokenizer_config.json").is_file():
            with reading(folder):
                # Without an explicit False, transformers asks on the terminal and may run code.
                return _CLASSES[family][1].from_pretrained(folder, backend="pil", trust_remote_code=False)
    needed = "tokenizer_config.json beside preprocessor_config.json or processor_config.json"
    raise broken(folders[0], f"lacks its processor: expected {needed}")
