"""The progress of a run."""

from __future__ import annotations

import time

from maxsight.indexing.events import Progress
from maxsight.types import Document


class Meter:
    """Estimates the time left from the bytes of the files that were read."""

    def __init__(self, size_bytes: int, *, judging: bool = False) -> None:
        self._total = max(1, size_bytes)
        self._done = 0.0
        self._pages = 0
        self._judging = judging
        self._start = time.monotonic()

    def add(self, document: Document) -> None:
        """Count one page of a document."""
        self._pages += 1
        self._done += document.size_bytes / max(1, document.page_count)

    def progress(self, path: str) -> Progress:
        """Report the progress."""
        elapsed = max(1e-6, time.monotonic() - self._start)
        share = min(1.0, self._done / self._total)
        remaining = elapsed * (1 - share) / share if share > 0 else None
        return Progress(path, self._pages, share, self._pages / elapsed, remaining, self._judging)
