"""Pictures of pages, each drawn once per size and cached on the disk under a limit.

A page's id is made of its content, so a cached picture stays right, also when the file has gone.
"""

from __future__ import annotations

import io
import math
import os
import secrets
import threading
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from PIL import Image

from maxsight import Library
from maxsight.errors import UnknownPageError
from maxsight.stores.base import IndexedPage

WIDTHS_PX = (200, 400, 800, 1200, 1600, 2400)
"""A few sizes, so that cached pictures are used again; browsers scale them."""
READING_WIDTH_PX = 1200
MEDIA_TYPE = "image/jpeg"
QUALITY = 85
MAX_HEIGHT_PX = 8_000
MIN_DPI = 36
CLEANED_SHARE = 0.8  # of the limit, after the least recently used have been deleted
_STRIPES = 16


def width_for(asked: int) -> int:
    """Choose the smallest of the sizes that is wide enough."""
    return next((width for width in WIDTHS_PX if width >= asked), WIDTHS_PX[-1])


class PageImages:
    """Pictures of a library's pages, for any number of threads."""

    def __init__(self, library: Library, folder: Path, max_bytes: int) -> None:
        """List the cached images.

        Args:
            library: The library.
            folder: Where pictures are cached; it may be deleted at any time.
            max_bytes: Size of the cache.
        """
        self._library = library
        self._folder = folder
        self._max_bytes = max_bytes
        self._locks = [threading.Lock() for _ in range(_STRIPES)]
        self._size_lock = threading.Lock()
        self._indexed: tuple[int, set[str]] = (-1, set())
        self._size_bytes = sum(size for _, size, _ in self._cached())

    def check_indexed(self, page_id: str) -> None:
        """Check that a page is in the library. It is looked up once in each version of the library.

        Raises:
            UnknownPageError: It is not.
        """
        if page_id not in self._known():
            self._read(page_id)

    def get(self, page_id: str, width: int, page: IndexedPage | None = None) -> bytes:
        """Give the picture of a page, JPEG.

        Args:
            page_id: Its id.
            width: One of ``WIDTHS_PX``.
            page: The page, if the caller has just read it.

        Raises:
            UnknownPageError: It is not in the library, or was removed while it was drawn.
            UnreadableDocumentError: It is not cached, and its file has gone, has changed, or can't be drawn.
        """
        file = self._folder / f"{page_id}-{width}.jpg"
        with self._locks[int(page_id[:2], 16) % _STRIPES]:  # so that no two threads draw the same picture
            try:
                content = file.read_bytes()
                os.utime(file)  # marks it as recently used
            except OSError:
                content = self._draw(page or self._read(page_id), width)
                self._cache(file, content)
                page = None  # it may have been removed meanwhile
            if page is None:
                self._check_still_there(page_id)
        return content

    def draw_for_reading(self, page: IndexedPage) -> bytes:
        """Draw a page large enough for a model to read, JPEG; see ``get``."""
        return self.get(page.page_id, READING_WIDTH_PX, page)

    def forget(self, page_ids: Iterable[str]) -> None:
        """Delete the pictures of pages that are no longer in the library."""
        for page_id in page_ids:
            for width in WIDTHS_PX:
                (self._folder / f"{page_id}-{width}.jpg").unlink(missing_ok=True)

    def _check_still_there(self, page_id: str) -> None:
        """Check that a page is in the library; if not, delete its pictures."""
        try:
            self.check_indexed(page_id)
        except UnknownPageError:
            self.forget([page_id])
            raise

    def _known(self) -> set[str]:
        """The pages that were looked up in the current version of the library."""
        version = self._library.version
        if self._indexed[0] != version:
            self._indexed = version, set()
        return self._indexed[1]

    def _read(self, page_id: str) -> IndexedPage:
        known = self._known()
        page = self._library.page(page_id)
        known.add(page_id)
        return page

    def _draw(self, page: IndexedPage, width: int) -> bytes:
        settings = self._library.settings
        if page.page.width_pt:  # no finer than needed
            dpi = math.ceil(72 * width / page.page.width_pt)
            settings = replace(settings, dpi=max(MIN_DPI, min(settings.dpi, dpi)))
        image = self._library.picture(page, settings=settings).image
        scale = min(width / image.width, MAX_HEIGHT_PX / image.height, 1.0)
        size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
        out = io.BytesIO()
        small = image.convert("RGB").resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)
        small.save(out, "JPEG", quality=QUALITY)
        return out.getvalue()

    def _cache(self, file: Path, content: bytes) -> None:
        with suppress(OSError):  # without the cache the picture is drawn each time
            self._folder.mkdir(parents=True, exist_ok=True)
            fresh = self._folder / f"{secrets.token_hex(8)}.new"
            fresh.write_bytes(content)
            os.replace(fresh, file)
            with self._size_lock:
                self._size_bytes += len(content)
                if self._size_bytes > self._max_bytes:
                    self._make_room()

    def _make_room(self) -> None:
        cached = sorted(self._cached())
        self._size_bytes = sum(size for _, size, _ in cached)
        for _, size, file in cached:
            if self._size_bytes <= self._max_bytes * CLEANED_SHARE:
                return
            file.unlink(missing_ok=True)
            self._size_bytes -= size

    def _cached(self) -> Iterable[tuple[int, int, Path]]:
        """Time of last use, size and place of every cached picture."""
        with suppress(OSError):
            for file in self._folder.iterdir():
                with suppress(OSError):
                    stat = file.stat()
                    yield stat.st_mtime_ns, stat.st_size, file
