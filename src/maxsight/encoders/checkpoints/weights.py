"""The tensors of a checkpoint on disk: which files hold them, their names, and they themselves.

safetensors are preferred. Pickled weights (``.bin``) are read only where there are none, and only as tensors: what
else a pickle holds is refused, so that opening a checkpoint never runs code of it.
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


def read_json(file: Path, kinds: Mapping[str, type | UnionType] = MappingProxyType({})) -> dict[str, Any]:
    """Read a settings file of a checkpoint.

    Args:
        file: An object in JSON.
        kinds: What some of its fields must be where they are there; null counts as not there.

    Raises:
        ModelNotAvailableError: It is not JSON, or not an object, or a field is of another kind.
    """
    try:
        fields = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelNotAvailableError(f"{file} can't be read: {error}", hint=_again(file)) from error
    if not isinstance(fields, dict):
        raise ModelNotAvailableError(f"{file} holds no settings: expected an object", hint=_again(file))
    for name, kind in kinds.items():
        if fields.get(name) is not None and not isinstance(fields[name], kind):
            raise ModelNotAvailableError(
                f"{file} can't be understood: {name} is {json.dumps(fields[name])[:60]}", hint=_again(file)
            )
    return {name: value for name, value in fields.items() if value is not None or name not in kinds}


def weight_files(folder: Path, names: tuple[str, ...] = MODEL) -> tuple[Path, ...]:
    """Find the files with a checkpoint's tensors, in one piece or in several named by an index; none if none are.

    Args:
        folder: Where to look, its subfolders aside.
        names: What they may be called in one piece, the preferred first: `MODEL` or `ADAPTER`.

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
                raise ModelNotAvailableError(f"{index} does not say where tensors lie", hint=_again(index))
            pieces = sorted({Path(str(piece)).name for piece in places.values()})
            if lacking := [piece for piece in pieces if not (folder / piece).is_file()]:
                raise ModelNotAvailableError(
                    f"{folder} lacks {list_names(lacking)}, which {index.name} names", hint=_again(folder)
                )
            return tuple(folder / piece for piece in pieces)
    return ()


def read_tensors(files: tuple[Path, ...]) -> dict[str, torch.Tensor]:
    """Map the tensors in these files into memory; their bytes are read when they are used.

    Raises:
        ModelNotAvailableError: A file is damaged, or a pickle of more than tensors.
    """
    tensors: dict[str, torch.Tensor] = {}
    for file in files:
        if file.suffix == ".safetensors":
            try:
                tensors.update(load_file(file))
            except (SafetensorError, OSError) as error:
                raise _damaged(file, error) from error
        else:
            tensors.update(_unpickle(file))
    return tensors


def _unpickle(file: Path) -> dict[str, torch.Tensor]:
    try:
        tensors = torch.load(file, map_location="cpu", weights_only=True)
    except (UnpicklingError, OSError, RuntimeError, EOFError) as error:
        raise _damaged(file, error) from error
    return {name: tensor for name, tensor in tensors.items() if isinstance(tensor, torch.Tensor)}


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
    return ModelNotAvailableError(f"{file} is damaged: {reason}", hint=_again(file))


def _again(path: Path) -> str:
    return f"Delete {path} and get it again from where it came."
