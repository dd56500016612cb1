"""What checkpoints can run on here, and which of them are on this machine already. No model is loaded."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import torch
from huggingface_hub import CachedRepoInfo, CacheNotFound, constants, scan_cache_dir

from maxsight.encoders.base import Precision
from maxsight.encoders.checkpoints.devices import available_devices, choose_dtype
from maxsight.encoders.checkpoints.layouts import AdapterLayout, TextLayout, VisualLayout, read_layout
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
    found = (
        _describe_repository(repository) for repository in cache.repos if repository.repo_type == "model"
    )
    return sorted((checkpoint for checkpoint in found if checkpoint), key=lambda checkpoint: checkpoint.name)


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


def _describe_repository(repository: CachedRepoInfo) -> DownloadedCheckpoint | None:
    if not repository.revisions:
        return None
    newest = max(repository.revisions, key=lambda revision: revision.last_modified)
    kind = _kind(newest.snapshot_path)
    return DownloadedCheckpoint(repository.repo_id, kind, newest.size_on_disk) if kind else None


def _kind(folder: Path) -> str | None:
    """Which kind of checkpoint a folder holds; None where it is none, or not whole."""
    try:
        layout = read_layout(folder)
        match layout:
            case VisualLayout():
                names = tensor_names(weight_files(layout.folder, MODEL))
                has_projection = any(name.startswith(f"{layout.projection}.") for name in names)
                return layout.family.value if has_projection else None
            case AdapterLayout():
                return f"adapter over {layout.base}" if weight_files(folder, ADAPTER) else None
            case TextLayout():
                return "text"
    except ModelNotAvailableError:
        return None
