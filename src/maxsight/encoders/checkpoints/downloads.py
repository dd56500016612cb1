"""The checkpoints that are on this machine already. None is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import CacheNotFound, constants, scan_cache_dir

from maxsight.encoders.checkpoints.layouts import (
    AdapterLayout,
    TextLayout,
    VisualLayout,
    read_layout,
    visual_layout,
)
from maxsight.encoders.checkpoints.weights import ADAPTER, MODEL, read_tensors, weight_files
from maxsight.errors import ModelNotAvailableError


@dataclass(frozen=True, slots=True)
class DownloadedCheckpoint:
    """A checkpoint in the hub's cache.

    Attributes:
        name: As given to ``--encoder``.
        kind: Its family; ``text``; or the model it is an adapter over.
        size_bytes: Its size on disk.
    """

    name: str
    kind: str
    size_bytes: int


def downloaded_checkpoints() -> list[DownloadedCheckpoint]:
    """Find the checkpoints in the hub's cache that can be opened, judged by their settings."""
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


def _kind(folder: Path, downloaded: Mapping[str, Path]) -> str | None:
    """Find the kind of checkpoint in a folder; None if it is not complete or lacks its base model."""
    try:
        layout = read_layout(folder)
        match layout:
            case VisualLayout():
                names = read_tensors(weight_files(layout.folder, MODEL))
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
