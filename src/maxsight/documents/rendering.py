"""Draws single pages, in worker processes that wait for the next one."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from threading import Lock

from PIL import Image

from maxsight.documents.base import ReadSettings
from maxsight.documents.workers.pool import WorkerPool
from maxsight.errors import UnreadableDocumentError
from maxsight.threads import cpu_count, wait_for

MAX_WORKERS = 2


def render_page(path: Path, page_index: int, settings: ReadSettings) -> Image.Image:
    """Draw one page (0-based, RGB) in a process of its own.

    Raises:
        UnreadableDocumentError: It can't be drawn.
    """
    with closing(PageRenderer()) as renderer:
        return renderer.render(path, page_index, settings)


class PageRenderer:
    """Draws pages for any number of threads. The first page starts its processes."""

    def __init__(self) -> None:
        self._pool: WorkerPool | None = None
        self._lock = Lock()

    def render(self, path: Path, page_index: int, settings: ReadSettings) -> Image.Image:
        """Draw one page (0-based, RGB).

        Raises:
            UnreadableDocumentError: It can't be drawn.
        """
        with self._lock:
            if self._pool is None:
                self._pool = WorkerPool(settings, min(MAX_WORKERS, cpu_count()))
            drawing = self._pool.submit("render", path, page_index, settings)
        wait_for(drawing)
        reply = drawing.result()
        if isinstance(reply, UnreadableDocumentError):
            raise reply
        assert isinstance(reply, Image.Image)
        return reply

    @property
    def pids(self) -> list[int]:
        """Ids of the running processes."""
        with self._lock:
            return [] if self._pool is None else self._pool.pids

    def close(self) -> None:
        """End the processes. A later page starts others."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.close()
