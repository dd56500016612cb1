"""The layouts of checkpoint folders: which family of models a folder has, saved by which library.

Only settings and tensor names are looked at. Kinds that are not supported are refused here;
:mod:`~maxsight.encoders.checkpoints.opening` refuses checkpoints whose tensors do not fit.

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
from maxsight.encoders.checkpoints.weights import broken, read_json, read_tensors, weight_files
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


@dataclass(frozen=True, slots=True)
class VisualLayout:
    """A model of page pictures, with its projection or waiting for that of an adapter.

    Attributes:
        folder: The folder of its settings and tensors.
        family: The family of its backbone.
        query_format: The library that saved it, and so how queries are written for it.
        projection: The name of the projection's tensors.
    """

    folder: Path
    family: Family
    query_format: QueryFormat
    projection: str


@dataclass(frozen=True, slots=True)
class AdapterLayout:
    """A LoRA adapter over another checkpoint.

    Attributes:
        folder: The adapter's folder.
        base: The other checkpoint: its name on the hub, or a folder.
    """

    folder: Path
    base: str


@dataclass(frozen=True, slots=True)
class TextLayout:
    """A late-interaction model of text.

    Attributes:
        folder: The model's folder.
        runs_code: Whether opening it must run Python code that comes with it.
    """

    folder: Path
    runs_code: bool


Layout = VisualLayout | AdapterLayout | TextLayout


def read_layout(folder: Path) -> Layout:
    """Find the layout of a folder.

    Raises:
        ModelNotAvailableError: It has no late-interaction model, or one of an unknown kind.
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
        raise unsuitable(folder, "lacks linear.weight, the projection of a ColBERT model")
    return TextLayout(folder, runs_code(config))


def visual_layout(folder: Path) -> VisualLayout:
    """Find the layout of a model of page pictures. Under an adapter it may lack its projection.

    Raises:
        ModelNotAvailableError: It is of another kind.
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
        ModelNotAvailableError: The file is missing or damaged.
    """
    if not (folder / "config.json").is_file():
        raise ModelNotAvailableError(
            f"{folder} has no checkpoint: there is no config.json",
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
        found = f"an adapter of type {config.get('peft_type')} over {base or 'no named model'}"
        raise unmergeable(folder, f"{found}, and only LoRA adapters over a named model can be merged")
    revision = config.get("revision")
    return AdapterLayout(folder, f"{base}@{revision}" if revision else str(base))


def _modules(folder: Path) -> Layout:
    """Read a save of sentence-transformers or PyLate: the first module's folder has the model."""
    modules = _read_modules(folder)
    config = read_config(folder / modules[0][0])
    if config.get("model_type") in NATIVE:
        return visual_layout(folder / modules[0][0])
    if config.get("model_type") in FAMILIES:
        found = f"a vision-language model ({config['model_type']}) between modules of sentence-transformers"
        raise unsuitable(folder, f"has {found}, and how pages are written for it is not known here")
    kinds = [kind.rpartition(".")[2] for _, kind in modules]
    settings = folder / "config_sentence_transformers.json"
    model_type = read_json(settings, _CONFIG).get("model_type") if settings.is_file() else None
    if any("Pooling" in kind for kind in kinds):
        raise unsuitable(
            folder, f"has a model of one vector per text ({', '.join(kinds)}), not one per token"
        )
    if "Dense" not in kinds and model_type != "MultiVectorEncoder":
        raise unsuitable(folder, f"lacks a projection (a Dense module; it has {', '.join(kinds)})")
    return TextLayout(folder, runs_code(config))


def _read_modules(folder: Path) -> list[tuple[str, str]]:
    """Read paths and classes of the modules, in order."""
    file = folder / "modules.json"
    try:
        modules = [
            (str(module["path"]), str(module["type"])) for module in json.loads(file.read_text("utf-8"))
        ]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise broken(file, f"can't be read: {error!r}") from error
    if not modules:
        raise broken(file, "names no modules")
    return modules


def runs_code(config: dict[str, Any]) -> bool:
    """Whether opening a model with these settings must run Python code that comes with it."""
    return "auto_map" in config and config.get("model_type") not in CONFIG_MAPPING


def _refused(folder: Path, config: dict[str, Any]) -> ModelNotAvailableError:
    model_type = config.get("model_type")
    kind = ", ".join(map(str, config.get("architectures", ()))) or f"model type {model_type!r}"
    if model_type in CONFIG_MAPPING and model_type not in NATIVE:
        return unsuitable(folder, f"has {kind}, which lacks the projection of a late-interaction model")
    return unsuitable(folder, f"has {kind} (model type {model_type!r}), whose layout is not known here")


def unsuitable(folder: Path, problem: str) -> ModelNotAvailableError:
    """Make the error for a model that is not one of late interaction, or of an unknown layout."""
    return ModelNotAvailableError(
        f"{folder} {problem}", hint=f"maxsight opens late-interaction models: {KINDS}."
    )


def unmergeable(folder: Path, adapter: str) -> ModelNotAvailableError:
    """Make the error for an adapter that only peft can merge."""
    return ModelNotAvailableError(
        f"{folder} has {adapter}", hint="Merge it into its model with peft, save that, and name its folder."
    )
