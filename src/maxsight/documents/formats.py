"""Which file names are documents, and what opens them."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import cast

from maxsight.documents.base import PageSource, ReadSettings
from maxsight.documents.files import FileState
from maxsight.documents.records.rows import RECORD_SUFFIXES
from maxsight.errors import UnreadableDocumentError, UnsupportedFormatError

# By name, so that only the worker that needs pdfium or Pillow imports it.
IMAGE_SUFFIXES = (
    *(".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".gif", ".avif", ".heic", ".heif"),
    *(".jp2", ".j2k", ".jpx"),
)
_SOURCES = {
    **dict.fromkeys((".pdf",), ("maxsight.documents.pdf", "PdfSource")),
    **dict.fromkeys(IMAGE_SUFFIXES, ("maxsight.documents.images", "ImageSource")),
    **dict.fromkeys((".txt", ".md"), ("maxsight.documents.text", "PlainTextSource")),
}

SUFFIXES = tuple(sorted(_SOURCES))


def is_supported(path: Path) -> bool:
    """Say by a file's name whether maxsight reads it."""
    return path.suffix.lower() in _SOURCES


def is_drawn(path: Path) -> bool:
    """Say by a file's name whether its pages have a look, as those of plain text have not."""
    module, _ = _SOURCES.get(path.suffix.lower(), ("", ""))
    return module in ("maxsight.documents.pdf", "maxsight.documents.images")


def unsupported(path: Path) -> UnsupportedFormatError:
    """Make the error for a file of an unknown kind."""
    kind = f"files of kind {path.suffix}" if path.suffix else "files without an extension"
    hint = f"It reads {', '.join(SUFFIXES)}."
    if path.suffix.lower() in RECORD_SUFFIXES:
        hint = (
            "If it holds records, index it by their fields: --group-by FIELD --text-field FIELD, "
            "or --image-field FIELD if each is a page."
        )
    return UnsupportedFormatError(path, f"maxsight does not read {kind}", hint=hint)


def open_source(path: Path, settings: ReadSettings) -> PageSource:
    """Open a file by its suffix, within the limits.

    Raises:
        UnreadableDocumentError: It is missing, empty, damaged, encrypted or over a limit.
        UnsupportedFormatError: It is of an unknown kind, or not of the kind that its suffix says.
    """
    if settings.rows is not None:  # they are read one by one, so that a file may have any size
        from maxsight.documents.records.row_pages import RowPages

        return RowPages(path, settings)
    if not is_supported(path):
        raise unsupported(path)
    _check_size(path, settings)
    module, name = _SOURCES[path.suffix.lower()]
    source = cast(PageSource, getattr(import_module(module), name)(path, settings))
    if source.page_count > settings.limits.max_pages:
        count = source.page_count
        source.close()
        raise UnreadableDocumentError(
            path,
            f"it has {count:,} pages, more than the limit of {settings.limits.max_pages:,}",
            hint="Raise the limit on pages per file (--max-pages) if you trust the file.",
        )
    return source


def _check_size(path: Path, settings: ReadSettings) -> None:
    size = FileState.of(path).size_bytes
    if size == 0:
        raise UnreadableDocumentError(path, "the file is empty (0 bytes)", hint="Fetch or save it again.")
    if size > settings.limits.max_bytes:
        raise UnreadableDocumentError(
            path,
            f"it has {size:,} bytes, more than the limit of {settings.limits.max_bytes:,}",
            hint="Raise the limit on bytes per file (--max-bytes) if you trust the file.",
        )
