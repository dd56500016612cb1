"""The revision of a checkpoint: a fingerprint of everything that its vectors depend on.

It covers names and contents of the files of tensors, and the settings of model, tokenizer and image processor. For an
adapter it covers those of the model under it as well. Folder, dates, other files and the precision do not count. So
copies of one checkpoint have the same revision on every machine.
"""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from maxsight.encoders.checkpoints.layouts import module_folders
from maxsight.encoders.checkpoints.weights import ADAPTER, MODEL, weight_files
from maxsight.settings import cache_folder

SETTINGS = (
    "config.json", "adapter_config.json", "preprocessor_config.json", "processor_config.json",
    "modules.json", "config_sentence_transformers.json", "sentence_bert_config.json", "artifact.metadata",
    "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
    "tokenizer.model", "spiece.model", "sentencepiece.bpe.model", "vocab.json", "vocab.txt", "merges.txt",
)  # fmt: skip
REMEMBERED_BYTES = 2**24
"""Digests of larger files are stored between runs."""
_SHA256 = re.compile(r"[0-9a-f]{64}")


def fingerprint(folders: Sequence[Path]) -> str:
    """Compute the revision of the checkpoint in these folders: the first 12 hex digits of a SHA-256."""
    total = hashlib.sha256()
    for folder in folders:
        parts = {folder, *module_folders(folder)}
        for file in sorted(file for part in parts for file in _files(part)):
            total.update(f"{file.relative_to(folder).as_posix()} {_digest(file)}\n".encode())
    return total.hexdigest()[:12]


def _files(folder: Path) -> list[Path]:
    settings = [folder / name for name in SETTINGS if (folder / name).is_file()]
    return [*settings, *weight_files(folder, MODEL), *weight_files(folder, ADAPTER)]


def _digest(file: Path) -> str:
    """Compute the SHA-256 of a file's content, hex."""
    content = file.resolve()
    if content.parent.name == "blobs" and _SHA256.fullmatch(content.name):
        return content.name  # the hub's cache names large files by their SHA-256
    status = content.stat()
    if status.st_size < REMEMBERED_BYTES:
        return _hash(content)
    state = [status.st_size, status.st_mtime_ns, status.st_ctime_ns]
    known = _recall()
    match known.get(str(content)):
        case [str(digest), *then] if then == state:
            return digest
    digest = _hash(content)
    _remember({**known, str(content): [digest, *state]})
    return digest


def _hash(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _memory() -> Path:
    return cache_folder() / "fingerprints.json"


def _recall() -> dict[str, Any]:
    try:
        known = json.loads(_memory().read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _remember(known: dict[str, Any]) -> None:
    """Store digests if possible: without them the next run only takes longer."""
    there = {path: state for path, state in known.items() if Path(path).is_file()}
    with suppress(OSError):
        _memory().parent.mkdir(parents=True, exist_ok=True)
        # The temporary folder is removed even when the disk is full.
        with tempfile.TemporaryDirectory(dir=_memory().parent, ignore_cleanup_errors=True) as folder:
            written = Path(folder) / _memory().name
            written.write_text(json.dumps(there), "utf-8")
            written.replace(_memory())
