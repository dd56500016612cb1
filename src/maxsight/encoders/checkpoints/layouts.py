"""What a folder with a checkpoint holds: which family of models, and in whose layout.

Only settings and tensor names are looked at. What can't be opened without leaving tensors to chance is refused here or,
where that takes the tensors themselves, in :mod:`~maxsight.encoders.checkpoints.opening`.

- transformers' own ``*ForRetrieval`` (``vidore/colpali-v1.3-hf``), also inside a sentence-transformers save
- colpali-engine's classes: a backbone's tensors and a projection beside them (``vidore/colSmol-256M``)
- a LoRA adapter over either (``vidore/colpali-v1.3``)
- text models: Stanford ColBERT, PyLate, sentence-transformers
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transformers import CONFIG_MAPPING

from maxsight.encoders.checkpoints.checkpoint import Family, QueryFormat
from maxsight.encoders.checkpoints.weights import read_json, read_tensors, weight_files
from maxsight.errors import ModelNotAvailableError

NATIVE = ("colpali", "colqwen2", "colmodernvbert")
"""Model types of transformers' ``*ForRetrieval``; the backbone's own is in their ``vlm_config``."""
FAMILIES = {
    "paligemma": Family.COLPALI,
    "qwen2_vl": Family.COLQWEN2,
    "qwen2_5_vl": Family.COLQWEN2_5,
    "qwen3_vl": Family.COLQWEN3,
    "idefics3": Family.COLIDEFICS3,
    "modernvbert": Family.COLMODERNVBERT,
}
"""Families by the model type of the backbone."""
KINDS = "ColPali, ColQwen2, ColQwen2.5, ColQwen3, ColIdefics3, ColModernVBERT, ColBERT"
_CONFIG = {"model_type": str, "architectures": list, "vlm_config": dict, "auto_map": dict}
_ADAPTER_CONFIG = {"peft_type": str, "base_model_name_or_path": str, "revision": str}
_OTHER_MODEL = f"maxsight opens late-interaction models: {KINDS}."


@dataclass(frozen=True, slots=True)
class VisualLayout:
    """A model of page pictures, whole or to be made whole by an adapter.

    Attributes:
        folder: Where its settings and tensors lie.
        family: Says which backbone it is.
        query_format: Whose layout it is, and so how queries are written for it.
        projection: What the tensors of the projection are called.
    """

    folder: Path
    family: Family
    query_format: QueryFormat
    projection: str


@dataclass(frozen=True, slots=True)
class AdapterLayout:
    """A LoRA adapter over another checkpoint.

    Attributes:
        folder: Where it lies.
        base: The other checkpoint: its name on the hub, or a folder.
    """

    folder: Path
    base: str


@dataclass(frozen=True, slots=True)
class TextLayout:
    """A late-interaction model of text.

    Attributes:
        folder: Where it lies.
        runs_code: Whether it comes with Python code that must run to open it.
    """

    folder: Path
    runs_code: bool


Layout = VisualLayout | AdapterLayout | TextLayout


def read_layout(folder: Path) -> Layout:
    """Say what a folder holds.

    Raises:
        ModelNotAvailableError: No late-interaction model, or one of an unknown kind.
    """
    if (folder / "adapter_config.json").is_file():
        return _adapter(folder)
    if (folder / "modules.json").is_file():
        return _modules(folder)
    config = read_config(folder)
    if config.get("model_type") in (*NATIVE, *FAMILIES):
        return visual_layout(folder)
    if "HF_ColBERT" not in config.get("architectures", ()):
        raise _refused(folder, config)
    if "linear.weight" not in read_tensors(weight_files(folder)):
        raise ModelNotAvailableError(
            f"{folder} lacks linear.weight, the projection of a ColBERT model", hint=_OTHER_MODEL
        )
    return TextLayout(folder, _runs_code(config))


def visual_layout(folder: Path) -> VisualLayout:
    """Say which model of page pictures a folder holds, be it with its projection or, under an adapter, without.

    Raises:
        ModelNotAvailableError: None of those that can be opened.
    """
    config = read_config(folder)
    model_type = config.get("model_type")
    if model_type in NATIVE:
        backbone = config.get("vlm_config", {}).get("model_type")
        if isinstance(backbone, str) and backbone in FAMILIES:
            return VisualLayout(folder, FAMILIES[backbone], "native", "embedding_proj_layer")
    elif model_type in FAMILIES:
        family = FAMILIES[model_type]
        projection = "linear" if family is Family.COLIDEFICS3 else "custom_text_proj"
        return VisualLayout(folder, family, "engine", projection)
    raise _refused(folder, config)


def read_config(folder: Path) -> dict[str, Any]:
    """Read ``config.json``.

    Raises:
        ModelNotAvailableError: There is none, or it is damaged.
    """
    if not (folder / "config.json").is_file():
        raise ModelNotAvailableError(
            f"{folder} holds no checkpoint: it has no config.json",
            hint="Name the folder that a model was saved to, or a model on the hub such as vidore/colpali-v1.3-hf.",
        )
    return read_json(folder / "config.json", _CONFIG)


def module_folders(folder: Path) -> list[Path]:
    """Name the folders of the parts of a sentence-transformers save; the first may be the folder itself."""
    file = folder / "modules.json"
    return [folder / path for path, _ in _read_modules(folder)] if file.is_file() else []


def _adapter(folder: Path) -> AdapterLayout:
    config = read_json(folder / "adapter_config.json", _ADAPTER_CONFIG)
    base = config.get("base_model_name_or_path")
    if config.get("peft_type") != "LORA" or not base:
        raise ModelNotAvailableError(
            f"{folder} holds an adapter of type {config.get('peft_type')} over {base or 'no named model'}, "
            "and only LoRA adapters over a named model can be merged",
            hint="Merge it into its model with peft, save that, and name its folder.",
        )
    revision = config.get("revision")
    return AdapterLayout(folder, f"{base}@{revision}" if revision else str(base))


def _modules(folder: Path) -> Layout:
    """A save of sentence-transformers or PyLate: a model in the first module's folder, then what its output passes."""
    modules = _read_modules(folder)
    config = read_config(folder / modules[0][0])
    if config.get("model_type") in NATIVE:
        return visual_layout(folder / modules[0][0])
    if config.get("model_type") in FAMILIES:
        raise ModelNotAvailableError(
            f"{folder} holds a vision-language model ({config['model_type']}) between modules of "
            "sentence-transformers, and how pages are written for it is not known here",
            hint=_OTHER_MODEL,
        )
    kinds = [kind.rpartition(".")[2] for _, kind in modules]
    settings = folder / "config_sentence_transformers.json"
    model_type = read_json(settings, _CONFIG).get("model_type") if settings.is_file() else None
    if any("Pooling" in kind for kind in kinds):
        raise ModelNotAvailableError(
            f"{folder} holds a model of one vector per text ({', '.join(kinds)}), not of one per token",
            hint=_OTHER_MODEL,
        )
    if "Dense" not in kinds and model_type != "MultiVectorEncoder":
        raise ModelNotAvailableError(
            f"{folder} lacks a projection (a Dense module; it has {', '.join(kinds)})", hint=_OTHER_MODEL
        )
    return TextLayout(folder, _runs_code(config))


def _read_modules(folder: Path) -> list[tuple[str, str]]:
    """Paths and classes of the modules, in order."""
    file = folder / "modules.json"
    try:
        modules = [
            (str(module["path"]), str(module["type"])) for module in json.loads(file.read_text("utf-8"))
        ]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelNotAvailableError(f"{file} can't be read: {error!r}", hint="Get it again.") from error
    if not modules:
        raise ModelNotAvailableError(f"{file} names no modules", hint="Get it again.")
    return modules


def _runs_code(config: dict[str, Any]) -> bool:
    return "auto_map" in config and config.get("model_type") not in CONFIG_MAPPING


def _refused(folder: Path, config: dict[str, Any]) -> ModelNotAvailableError:
    model_type = config.get("model_type")
    kind = ", ".join(map(str, config.get("architectures", ()))) or f"model type {model_type!r}"
    if model_type in CONFIG_MAPPING and model_type not in NATIVE:
        return ModelNotAvailableError(
            f"{folder} holds {kind}, which lacks the projection of a late-interaction model",
            hint=_OTHER_MODEL,
        )
    return ModelNotAvailableError(
        f"{folder} holds {kind} (model type {model_type!r}), whose layout is not known here",
        hint=_OTHER_MODEL,
    )
