"""Data files that are parts of one: ``test-00000-of-00002.parquet`` and its like are the shards of ``test-*.parquet``.

A document's pages may lie in several shards. So they are read together, and named after the whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from maxsight.documents.records.rows import RECORD_SUFFIXES
from maxsight.errors import UnreadableDocumentError

_SHARD = re.compile(
    r"(?P<start>.*?)(?P<number>\d{5,6})-of-(?P<count>\d{5,6})(?:-[0-9a-f]{8,})?(?P<suffix>\.\w+)"
    r"|(?P<bare>0\d{3,5})(?P<bare_suffix>\.\w+)"  # of datasets that the hub has converted
)


def whole_of(file: Path) -> Path:
    """Return the name that stands for all shards of a file; a file that is no shard is its own."""
    found = _SHARD.fullmatch(file.name)
    if found is None:
        return file
    suffix = found["suffix"] or found["bare_suffix"]
    return file.with_name(f"{found['start'] or ''}*{suffix}")


def shards_of(whole: Path) -> list[Path]:
    """List the files that a name stands for, in their order; none if there is no such file."""
    if "*" not in whole.name:
        return [whole] if whole.is_file() else []
    try:
        return sorted(file for file in whole.parent.iterdir() if file.is_file() and whole_of(file) == whole)
    except OSError:
        return []


def count_missing(shards: Iterable[Path]) -> int:
    """Count the shards that are not there, by the count in the names of those that are."""
    numbers: set[int] = set()
    count = 0
    for shard in shards:
        if (found := _SHARD.fullmatch(shard.name)) and found["count"]:
            numbers.add(int(found["number"]))
            count = max(count, int(found["count"]))
    return max(0, count - len(numbers))


def find_data(paths: Iterable[Path]) -> Iterator[Path | UnreadableDocumentError]:
    """Find the data files in and below some paths, each once, all shards as one; hidden ones are left out.

    Yields:
        Names as ``whole_of`` gives them; an error for a path that is not there.
    """
    found: set[Path] = set()
    for path in paths:
        if path.is_dir():
            files = [
                file
                for file in sorted(path.rglob("*"))
                if file.suffix.lower() in RECORD_SUFFIXES
                and file.is_file()  # Spark names folders so
                and not any(part.startswith(".") for part in file.relative_to(path).parts)
            ]
        else:
            files = [path]
        for whole in map(whole_of, files):
            if whole not in found:
                found.add(whole)
                there = path.is_dir() or shards_of(whole)
                yield whole if there else UnreadableDocumentError(path, "there is no such file or folder")
