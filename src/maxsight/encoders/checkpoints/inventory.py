"""What checkpoints can run on here, and which of them are on this machine already. No model is loaded."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from huggingface_hub import CacheNotFound, constants, scan_cache_dir

from maxsight.encoders.base import Precision
from maxsight.encoders.checkpoints.devices import available_devices, choose_dtype
from maxsight.encoders.checkpoints.layouts import (
    AdapterLayout,
    TextLayout,
    VisualLayout,
    read_layout,
    visual_layout,
)
from maxsight.encoders.checkpoints.weights import ADAPTER, MODEL, tensor_names, weight_files
from maxsight.errors import ModelNotAvailableError
from maxsight.settings import cpu_count


@dataclass(frozen=True, slots=True)
class Device:
    """What an encoder can run on.

    Attributes:
        name: As given to ``--device``.
        hardware: What it is.
        memory_bytes: All that it has; None where that is not known.
        dtype: What encoders compute in there unless told otherwise.
    """

    name: str
    hardware: str
    memory_bytes: int | None
    dtype: str


@dataclass(frozen=True, slots=True)
class DownloadedCheckpoint:
    """A checkpoint in the hub's cache.

    Attributes:
        name: As given to ``--encoder``.
        kind: Its family; ``text``; or what it is an adapter over.
        size_bytes: What it takes on disk.
    """

    name: str
    kind: str
    size_bytes: int


def devices() -> list[Device]:
    """Describe the devices of this machine; ``auto`` means the first."""
    return [_describe(torch.device(name)) for name in available_devices()]


def downloaded_checkpoints() -> list[DownloadedCheckpoint]:
    """Find the checkpoints in the hub's cache that can be opened by what they say of themselves."""
    try:
        cache = scan_cache_dir(constants.HF_HUB_CACHE)
    except CacheNotFound:
        return []
    newest = {
        repository.repo_id: max(repository.revisions, key=lambda revision: revision.last_modified)
        for repository in cache.repos
        if repository.repo_type == "model" and repository.revisions
    }
    folders = {name: revision.snapshot_path for name, revision in newest.items()}
    return [
        DownloadedCheckpoint(name, kind, newest[name].size_on_disk)
        for name, folder in sorted(folders.items())
        if (kind := _kind(folder, folders))
    ]


def _describe(device: torch.device) -> Device:
    dtype = str(choose_dtype(Precision.AUTO, device)).removeprefix("torch.")
    if device.type == "cuda":
        gpu = torch.cuda.get_device_properties(device)
        return Device(str(device), gpu.name, gpu.total_memory, dtype)
    if device.type == "mps":
        return Device(str(device), "Apple GPU", torch.mps.recommended_max_memory(), dtype)
    return Device(str(device), f"{cpu_count()} cores", _memory_bytes(), dtype)


def _memory_bytes() -> int | None:
    if not hasattr(os, "sysconf"):
        return None
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _kind(folder: Path, downloaded: Mapping[str, Path]) -> str | None:
    """Which kind of checkpoint a folder holds; None where it is none, or not whole, or over a model not here."""
    try:
        layout = read_layout(folder)
        match layout:
            case VisualLayout():
                names = tensor_names(weight_files(layout.folder, MODEL))
                has_projection = any(name.startswith(f"{layout.projection}.") for name in names)
                return layout.family.value if has_projection else None
            case AdapterLayout():
                name = layout.base.partition("@")[0]
                visual_layout(downloaded.get(name, Path(name)))
                return f"adapter over {layout.base}" if weight_files(folder, ADAPTER) else None
            case TextLayout():
                return "text"
    except ModelNotAvailableError:
        return None
