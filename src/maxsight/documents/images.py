"""Image files by Pillow: every frame is a page, and OCR reads it."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from maxsight.documents.base import ReadSettings, check_page_index
from maxsight.documents.files import not_opened
from maxsight.documents.ocr import choosing as ocr
from maxsight.errors import InputError, UnreadableDocumentError, UnsupportedFormatError
from maxsight.types import Page

_FORMATS = ("PNG", "JPEG", "TIFF", "WEBP", "GIF", "AVIF", "JPEG2000")
_NAMES = "PNG, JPEG, TIFF, WebP, GIF, AVIF, HEIC or JPEG 2000"

_HEIC = (".heic", ".heif")

# Tags of TIFF (TIFF 6.0, section 8) and their values.
_COMPRESSION, _OLD_STYLE_JPEG = 259, 6
_NEW_SUBFILE_TYPE, _REDUCED_OR_MASK = 254, 0b101

# Programs write 72 or 96 dpi when they don't know the resolution.
_MIN_BELIEVED_DPI = 100
_ASSUMED_DPI = 150
NEARLY_WHITE = 250
DARKEST_WHITE = 1 << 11
"""A picture of 16 bits that stays below this would be black on a screen."""


class ImageSource:
    """One opened image file.

    Args:
        path: Its name in errors.
        settings: How to read.
        content: Its bytes, if the file holds them together with others.

    Raises:
        UnreadableDocumentError: It is damaged or too large.
        UnsupportedFormatError: It is not one of these formats.
    """

    def __init__(self, path: Path, settings: ReadSettings, content: BinaryIO | None = None) -> None:
        self._path = path
        self._settings = settings
        self._named_as = "named as" if content is None else "given as"
        with self._translated(None):
            self._image = Image.open(content or path, formats=_readable_formats())
        try:
            self._frames = self._find_frames()
        except UnreadableDocumentError:
            self.close()
            raise

    @property
    def page_count(self) -> int:
        """Pages of a TIFF, else 1."""
        return len(self._frames)

    def read_page(self, page_index: int) -> Page:
        """Read one frame by OCR."""
        image = self.render_page(page_index)
        reading = ocr.read_image(image, self._settings)
        points_per_px = 72 / self._dpi()
        width_pt, height_pt = image.width * points_per_px, image.height * points_per_px
        picture = self._settings.fitted(lambda: image)
        return Page(
            page_index,
            reading.text,
            reading.words,
            reading.source,
            width_pt,
            height_pt,
            picture,
            unread=ocr.name_unread(reading.words, self._settings, lambda: image),
        )

    def render_page(self, page_index: int) -> Image.Image:
        """Decode one frame in its own resolution, on white, rotated as its EXIF tag says."""
        check_page_index(self._path, page_index, self.page_count)
        with self._translated(page_index):
            self._image.seek(self._frames[page_index])
            self._check_size(page_index)
            if self._tag(_COMPRESSION) == _OLD_STYLE_JPEG:
                raise UnreadableDocumentError(
                    self._path,
                    "it holds a JPEG of the old style (TIFF compression 6), which is not read",
                    page_number=page_index + 1,
                    hint="Convert it: tiffcp -c lzw FILE NEW.tif",
                )
            return to_rgb(ImageOps.exif_transpose(self._image))

    def close(self) -> None:
        """Release the file."""
        self._image.close()

    def _find_frames(self) -> list[int]:
        """Find the frames that are pages, and leave out thumbnails, masks and frames of an animation."""
        with self._translated(None):
            if self._image.format == "TIFF" and (count := int(getattr(self._image, "n_frames", 1))) > 1:
                return [frame for frame in range(count) if self._is_page(frame)] or [0]
            self._check_size(None)
            return [0]

    def _is_page(self, frame: int) -> bool:
        try:
            self._image.seek(frame)
        except Exception:  # a page that can't be read is named when it is read
            return True
        return not (self._tag(_NEW_SUBFILE_TYPE) or 0) & _REDUCED_OR_MASK

    def _tag(self, number: int) -> int | None:
        """Return a tag of the present frame of a TIFF."""
        value = getattr(self._image, "tag_v2", {}).get(number)
        return value if isinstance(value, int) else None

    def _check_size(self, page_index: int | None) -> None:
        """Refuse a large image by its header, before it is decoded."""
        width, height = self._image.size
        if width * height > self._settings.limits.max_pixels:
            raise self._too_large(f"{width:,} x {height:,} pixels", page_index)

    def _too_large(self, size: str, page_index: int | None) -> UnreadableDocumentError:
        return UnreadableDocumentError(
            self._path,
            f"the image has {size}, more than the limit of {self._settings.limits.max_pixels:,}",
            page_number=None if page_index is None else page_index + 1,
            hint="Raise the limit on pixels per page (--max-pixels) if you trust the file.",
        )

    def _damaged(self, how: str, page_number: int | None) -> UnreadableDocumentError:
        return UnreadableDocumentError(self._path, f"it is damaged ({how})", page_number=page_number)

    def _dpi(self) -> float:
        declared = self._image.info.get("dpi", (0, 0))
        try:
            dpi = float(min(declared))
        except (TypeError, ValueError, ZeroDivisionError):
            return _ASSUMED_DPI
        return dpi if dpi >= _MIN_BELIEVED_DPI else _ASSUMED_DPI

    @contextmanager
    def _translated(self, page_index: int | None) -> Iterator[None]:
        """Translate the errors of Pillow, whose decoders raise nearly anything."""
        page_number = None if page_index is None else page_index + 1
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # about damaged tags, and about sizes, which are checked here
                yield
        except InputError:
            raise
        except UnidentifiedImageError as error:
            raise UnsupportedFormatError(
                self._path,
                f"it is {self._named_as} an image but is not a {_NAMES}",
                hint="HEIC needs: pip install pillow-heif"
                if self._path.suffix.lower() in _HEIC and "HEIF" not in _readable_formats()
                else "Give the file the extension of what it holds.",
            ) from error
        except Image.DecompressionBombError as error:
            raise self._too_large("far too many pixels", page_index) from error
        except OSError as error:
            if error.strerror:
                raise not_opened(self._path, error) from error
            raise self._damaged(str(error), page_number) from error
        except Exception as error:
            raise self._damaged(f"{type(error).__name__}: {error}", page_number) from error


@cache
def _readable_formats() -> tuple[str, ...]:
    """Return Pillow's names of the formats that are read: HEIC if its plug-in is installed."""
    try:
        from pillow_heif import register_heif_opener
    except ImportError:
        return _FORMATS
    register_heif_opener()
    return (*_FORMATS, "HEIF")


def to_rgb(image: Image.Image) -> Image.Image:
    """Convert any mode to RGB. Scale 16-bit and float greys to 8 bits.

    White is put under transparency, or black if all that is not transparent is white.
    """
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return _grey_from_deep(image).convert("RGB")
    if image.has_transparency_data:
        coloured = image.convert("RGBA")
        on_white = _on_paper(coloured, "white")
        if np.min(on_white.getextrema()) <= NEARLY_WHITE:
            return on_white
        on_black = _on_paper(coloured, "black")
        return on_black if on_black.getbbox() else on_white
    return image.convert("RGB")


def _on_paper(image: Image.Image, colour: str) -> Image.Image:
    return Image.alpha_composite(Image.new("RGBA", image.size, colour), image).convert("RGB")


def _grey_from_deep(image: Image.Image) -> Image.Image:
    values = np.asarray(image, dtype=np.float32)
    # Integers have 16 bits in every format read here, but cameras and microscopes may use few of them. Floats have no
    # fixed range.
    low, high = float(values.min()), float(values.max())
    if image.mode != "F" and high >= DARKEST_WHITE:
        low, high = 0.0, 65535.0
    scaled = (values - low) * (255 / max(high - low, 1e-6))
    return Image.fromarray(scaled.clip(0, 255).astype(np.uint8))
