"""The seam to file formats, and the settings all of them share."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from PIL import Image

from maxsight.types import Page


class OcrChoice(StrEnum):
    """Which OCR engine reads pages without a usable text layer."""

    AUTO = "auto"
    """Tesseract where it is installed, else RapidOCR."""
    TESSERACT = "tesseract"
    RAPIDOCR = "rapidocr"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Limits:
    """What a single file may cost. Whatever is over a limit is named and skipped, never half-read.

    Attributes:
        max_pixels: Pixels of one rendered or decoded page.
        max_pages: Pages of one file.
        max_bytes: Bytes of one file.
        page_timeout_s: Seconds one page may take, OCR included.
    """

    max_pixels: int = 100_000_000
    max_pages: int = 10_000
    max_bytes: int = 2_000_000_000
    page_timeout_s: float = 120.0


@dataclass(frozen=True, slots=True)
class ReadSettings:
    """How files become pages.

    Attributes:
        ocr: Engine for pages without a usable text layer.
        dpi: Resolution at which such pages are rendered.
        password: Tried on encrypted PDFs. Never stored.
        limits: What a file may cost.
    """

    ocr: OcrChoice = OcrChoice.AUTO
    dpi: int = 200
    password: str | None = field(default=None, repr=False)
    limits: Limits = field(default_factory=Limits)


class PageSource(Protocol):
    """One opened file of some format. Lives in a worker process: a crash names a page and stops nothing.

    Made by ``formats.open_source(path, settings)``, which raises an `UnreadableDocumentError` for a file that
    can't be read.
    """

    @property
    def page_count(self) -> int:
        """Pages in the file, at least one."""
        ...

    def read_page(self, page_index: int) -> Page:
        """Read one page (0-based).

        Raises:
            UnreadableDocumentError: The page can't be read, with the reason.
        """
        ...

    def render_page(self, page_index: int) -> Image.Image:
        """Draw one page (0-based) as a person sees it, RGB.

        Raises:
            UnreadableDocumentError: The page can't be drawn.
        """
        ...

    def close(self) -> None:
        """Release the file."""
        ...
