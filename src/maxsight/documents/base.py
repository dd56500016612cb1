"""The seam to file formats, and the settings all of them share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from maxsight.errors import UnreadableDocumentError
from maxsight.pictures import PictureFit, fit_picture
from maxsight.types import Page

NO_WORDS = "a page shows something, but no words were found on it"
"""What `Page.unread` says of a page with ink, which may be a photograph or writing that OCR can't read."""


class OcrChoice(StrEnum):
    """When OCR reads, and which engine."""

    AUTO = "auto"
    """What the text layer lacks: by Tesseract where it is installed, else by RapidOCR."""
    ALWAYS = "always"
    """Every page, by the same engine."""
    NEVER = "never"
    """Only text layers are read."""
    TESSERACT = "tesseract"
    """What the text layer lacks, by Tesseract."""
    RAPIDOCR = "rapidocr"
    """What the text layer lacks, by RapidOCR."""
    NONE = "never"
    """The former name of `NEVER`."""

    @classmethod
    def _missing_(cls, value: object) -> OcrChoice | None:
        return cls.NEVER if value == "none" else None  # as libraries and scripts have it


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on one file. A file or page over a bound is named and skipped.

    Attributes:
        max_pixels: Pixels of one rendered or decoded page.
        max_pages: Pages of one file.
        max_bytes: Bytes of one file.
        page_timeout_s: Seconds for one page, OCR included. Processor time may be twice as long.
        max_memory_bytes: Memory of a process that reads, and of an OCR program it runs. Linux only.
    """

    max_pixels: int = 100_000_000
    max_pages: int = 10_000
    max_bytes: int = 2_000_000_000
    page_timeout_s: float = 120.0
    max_memory_bytes: int = 2_000_000_000


@dataclass(frozen=True, slots=True)
class RowFields:
    """Where the rows of a data file, each of which is a page, have what is read.

    Attributes:
        image: The field with the page's image.
        text: The field with its text; None if OCR reads it.
        digest: What the image's digest must be, in hex; None for any.
    """

    image: str
    text: str | None = None
    digest: str | None = None


@dataclass(frozen=True, slots=True)
class ReadSettings:
    """How files become pages.

    Attributes:
        ocr: When OCR reads, and which engine.
        dpi: Resolution at which PDF pages are drawn, for OCR and for their pictures.
        password: Tried on encrypted PDFs. Never stored.
        limits: Bounds on one file.
        picture: The size of every page's picture; None to make no pictures.
        rows: The files are data files, and each row is a page; None for documents.
        ocr_languages: What Tesseract reads in, by its names (``deu``, ``jpn``); those of each page's script if empty.
    """

    ocr: OcrChoice = OcrChoice.AUTO
    dpi: int = 200
    password: str | None = field(default=None, repr=False)
    limits: Limits = field(default_factory=Limits)
    picture: PictureFit | None = None
    rows: RowFields | None = None
    ocr_languages: tuple[str, ...] = ()

    def fitted(self, draw: Callable[[], Image.Image]) -> NDArray[np.uint8] | None:
        """Draw a page and resize it to `picture`; None without drawing where no picture is wanted.

        Returns:
            `Page.picture`. Shape ``(height, width, 3)``.

        Raises:
            InputError: The page is too long and narrow for the encoder.
        """
        return None if self.picture is None else fit_picture(draw(), self.picture)


class PageSource(Protocol):
    """One opened file of some format, in a worker process. ``formats.open_source`` makes it.

    A crash ends the worker only, and its page is named.
    """

    @property
    def page_count(self) -> int:
        """Pages in the file, at least one."""
        ...

    def read_page(self, page_index: int) -> Page:
        """Read one page (0-based), with its picture where the settings ask for one.

        Raises:
            UnreadableDocumentError: The page can't be read or drawn, or there is no such page.
            InputError: OCR failed, or the picture can't be resized. The worker adds the page's name.
        """
        ...

    def render_page(self, page_index: int) -> Image.Image:
        """Draw one page (0-based) as a person sees it, RGB.

        Raises:
            UnreadableDocumentError: The page can't be drawn, or there is no such page.
            InputError: The picture of a text would have too many pixels.
        """
        ...

    def close(self) -> None:
        """Release the file."""
        ...


def check_page_index(path: Path, page_index: int, page_count: int) -> None:
    """Refuse a page (0-based) that a file does not have.

    Raises:
        UnreadableDocumentError: It names the page.
    """
    if not 0 <= page_index < page_count:
        reason = f"there is no such page; the file has {page_count}"
        raise UnreadableDocumentError(path, reason, page_number=page_index + 1)
