"""LoRA adapters (https://arxiv.org/abs/2106.09685): reading them, and merging them into their model."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import torch
from peft import LoraConfig, PeftModel, set_peft_model_state_dict
from torch import nn

from maxsight.encoders.checkpoints.layouts import AdapterLayout, VisualLayout, unmergeable
from maxsight.encoders.checkpoints.names import name_in_model
from maxsight.encoders.checkpoints.weights import ADAPTER, broken, read_json, read_tensors, weight_files
from maxsight.errors import ModelNotAvailableError
from maxsight.spelling import list_names

_PEFT = "base_model.model."
_LORA = re.compile(r"^(?P<module>.+)\.(?P<part>lora_(?:A|B|embedding_A|embedding_B|magnitude_vector)\b.*)$")
_UNSUPPORTED = ("rank_pattern", "alpha_pattern", "layer_replication", "trainable_token_indices")
"""Settings that name modules or change the model, and can't be carried over to other names."""


@dataclass(frozen=True, slots=True, eq=False)
class Adapter:
    """A LoRA adapter, its tensors named as in the model.

    Attributes:
        layout: Its folder and the model it is for.
        settings: Its ``adapter_config.json``.
        updates: Low-rank updates, by module, then by part (``lora_A.weight``).
        whole: Whole tensors that replace the model's.
    """

    layout: AdapterLayout
    settings: dict[str, Any]
    updates: dict[str, dict[str, torch.Tensor]]
    whole: dict[str, torch.Tensor]


def read_adapter(layout: AdapterLayout, base: VisualLayout) -> Adapter:
    """Read an adapter for a model of this layout.

    Raises:
        ModelNotAvailableError: Its file is missing or damaged, or it is of a kind that can't be merged.
    """
    settings = read_json(layout.folder / "adapter_config.json", {"r": int, "lora_alpha": int | float})
    if lacking := [name for name in ("r", "lora_alpha") if name not in settings]:
        raise broken(layout.folder, f"has an adapter that does not say its {list_names(lacking)}")
    if used := [name for name in _UNSUPPORTED if settings.get(name)]:
        raise unmergeable(layout.folder, f"an adapter with {list_names(used)}, which can't be merged here")
    files = weight_files(layout.folder, ADAPTER)
    if not files:
        raise broken(layout.folder, f"lacks {ADAPTER[0]}, the adapter's tensors")
    adapter = Adapter(layout, settings, {}, {})
    for stored, tensor in read_tensors(files).items():
        if low_rank := _LORA.match(stored):
            weight = name_in_model(f"{low_rank['module']}.weight", base)
            if weight is not None:  # the language head is not used
                adapter.updates.setdefault(weight.removesuffix(".weight"), {})[low_rank["part"]] = tensor
        elif name := name_in_model(stored, base):
            adapter.whole[name] = tensor
    return adapter


def merge_adapter(model: nn.Module, adapter: Adapter) -> None:
    """Add an adapter's low-rank updates to the model's weights, in place.

    Raises:
        ModelNotAvailableError: The model lacks a module that the adapter updates, or one of another shape.
    """
    if not adapter.updates:
        return
    there = {name for name, _ in model.named_modules()}
    if unknown := sorted(adapter.updates.keys() - there):
        raise _does_not_fit(adapter, f"{adapter.layout.base} has no {list_names(unknown)}")
    settings = adapter.settings
    wrapped = PeftModel(
        model,
        LoraConfig(
            r=settings["r"],
            lora_alpha=settings["lora_alpha"],
            use_rslora=settings.get("use_rslora", False),
            use_dora=settings.get("use_dora", False),
            target_modules=sorted(adapter.updates),
        ),
    )
    tensors = {
        f"{_PEFT}{module}.{part}": tensor
        for module, parts in adapter.updates.items()
        for part, tensor in parts.items()
    }
    try:
        report = set_peft_model_state_dict(wrapped, tensors)
    except RuntimeError as error:
        raise _does_not_fit(adapter, str(error).strip().splitlines()[-1].strip()) from error
    if missing := [name for name in report.missing_keys if "lora_" in name]:
        raise _does_not_fit(adapter, f"it lacks {list_names(missing)}")
    if report.unexpected_keys:
        raise _does_not_fit(adapter, f"it has {list_names(report.unexpected_keys)} besides")
    wrapped.merge_and_unload()


def _does_not_fit(adapter: Adapter, why: str) -> ModelNotAvailableError:
    return ModelNotAvailableError(
        f"the adapter in {adapter.layout.folder} does not fit its model: {why}",
        hint=f"It was made for {adapter.layout.base}; check that this is the version it names.",
    )
