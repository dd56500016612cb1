"""The files of a checkpoint: its settings and its tensors.

safetensors are preferred. Pickled weights (``.bin``) are read only without them, and only as tensors. A pickle of
anything else is refused, so that opening a checkpoint never runs its code.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError
from types import MappingProxyType, UnionType
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from maxsight.errors import ModelNotAvailableError
from maxsight.spelling import list_names

MODEL = ("model.safetensors", "pytorch_model.bin")
ADAPTER = ("adapter_model.safetensors", "adapter_model.bin")
_GIT_LFS_POINTER = b"version https://git-lfs"


def broken(place: Path, problem: str) -> ModelNotAvailableError:
    """Make the error for a file or folder that is damaged or lacks something."""
    return ModelNotAvailableError(
        f"{place} {problem}", hint=f"Delete {place} and get it again from where it came."
    )


def read_json(file: Path, kinds: Mapping[str, type | UnionType] = MappingProxyType({})) -> dict[str, Any]:
    """Read a settings file of a checkpoint.

    Args:
        file: A JSON object.
        kinds: The types of some fields. They may be missing or null.

    Raises:
        ModelNotAvailableError: It is no JSON object, or a field is of another type.
    """
    try:
        fields = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise broken(file, f"can't be read: {error}") from error
    if not isinstance(fields, dict):
        raise broken(file, "has no settings: expected an object")
    for name, kind in kinds.items():
        if fields.get(name) is not None and not isinstance(fields[name], kind):
            raise broken(file, f"can't be understood: {name} is {json.dumps(fields[name])[:60]}")
    return {name: value for name, value in fields.items() if value is not None or name not in kinds}


def weight_files(folder: Path, names: tuple[str, ...] = MODEL) -> tuple[Path, ...]:
    """Find the files with a checkpoint's tensors: one file, several named by an index, or none.

    Args:
        folder: Where to look, without subfolders.
        names: The names of a single file, the preferred first: `MODEL` or `ADAPTER`.

    Raises:
        ModelNotAvailableError: The index is damaged, or names a file that is not there.
    """
    for name in names:
        if (folder / name).is_file():
            return (folder / name,)
        index = folder / f"{name}.index.json"
        if index.is_file():
            places = read_json(index).get("weight_map")
            if not isinstance(places, dict):
                raise broken(index, "does not say where tensors lie")
            files = sorted({Path(str(file)).name for file in places.values()})
            if lacking := [file for file in files if not (folder / file).is_file()]:
                raise broken(folder, f"lacks {list_names(lacking)}, which {index.name} names")
            return tuple(folder / file for file in files)
    return ()


def read_tensors(files: tuple[Path, ...]) -> dict[str, torch.Tensor]:
    """Map the tensors in these files into memory; their bytes are read when they are used.

    Raises:
        ModelNotAvailableError: A file is damaged, or a pickle of more than tensors.
    """
    tensors: dict[str, torch.Tensor] = {}
    for file in files:
        try:
            if file.suffix == ".safetensors":
                found = load_file(file)
            else:
                found = torch.load(file, map_location="cpu", weights_only=True)
        except (SafetensorError, UnpicklingError, OSError, RuntimeError, EOFError) as error:
            raise _damaged(file, error) from error
        tensors |= {name: tensor for name, tensor in found.items() if isinstance(tensor, torch.Tensor)}
    return tensors


def _damaged(file: Path, error: Exception) -> ModelNotAvailableError:
    with file.open("rb") as content:
        if content.read(len(_GIT_LFS_POINTER)) == _GIT_LFS_POINTER:
            return ModelNotAvailableError(
                f"{file} is a Git LFS pointer, not the weights themselves",
                hint="Get the weights: git lfs pull",
            )
    reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    if isinstance(error, UnpicklingError):
        return ModelNotAvailableError(
            f"{file} can't be read as tensors alone, and may run code if it is read otherwise",
            hint="Use a checkpoint with .safetensors files.",
        )
    return broken(file, f"is damaged: {reason}")
