"""The rows of a data file as the pages of a source: row ``n`` is the page of index ``n``."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

from PIL import Image

from maxsight.documents.base import ReadSettings
from maxsight.documents.images import ImageSource
from maxsight.documents.records.images import ROWS_AT_ONCE, digest, image_bytes, row_text
from maxsight.documents.records.placing import place_words
from maxsight.documents.records.rows import count_rows, read_rows
from maxsight.errors import InputError, UnreadableDocumentError
from maxsight.tables import Row
from maxsight.types import Page, TextSource

_NEAR = 256
"""Rows to pass over rather than open the file again."""


class RowPages:
    """One data file whose rows are pages, each with an image.

    It is fast where rows are read in their order, also if some are left out.

    Args:
        path: The file.
        settings: How to read, with ``rows``.
    """

    def __init__(self, path: Path, settings: ReadSettings) -> None:
        assert settings.rows is not None  # `formats.open_source` asks
        self._path = path
        self._settings = settings
        self._fields = settings.rows
        self._columns = [name for name in (self._fields.image, self._fields.text) if name]
        self._rows: Iterator[Row] = iter(())
        self._next: int | None = None  # the row that is read next

    @property
    def page_count(self) -> int:
        """Rows of the file."""
        return count_rows(self._path)

    def read_page(self, page_index: int) -> Page:
        """Read one row: its own text if it has one, else that of its image. OCR finds where the words are."""
        row = self._row(page_index)
        with self._naming(row), closing(self._image(row)) as image:
            assert isinstance(row.values, Mapping)  # else there was no image
            text = row_text(row.values, self._fields.text)
            page = image.read_page(0)
        if text:
            page = replace(page, text=text, words=place_words(text, page), text_source=TextSource.FILE)
        return replace(page, page_index=page_index)

    def render_page(self, page_index: int) -> Image.Image:
        """Decode the image of a row."""
        row = self._row(page_index)
        with self._naming(row), closing(self._image(row)) as image:
            return image.render_page(0)

    def close(self) -> None:
        """Release the file."""
        self._rows = iter(())
        self._next = None

    def _row(self, index: int) -> Row:
        if self._next is None or not 0 <= index - self._next <= _NEAR:
            self._rows, self._next = (
                read_rows(self._path, self._columns, first=index, at_once=ROWS_AT_ONCE),
                index,
            )
        reached, self._next = self._next, None  # also if a row can't be read: the next row is read by itself
        for row in self._rows:
            reached += 1
            if reached > index:
                self._next = reached
                return row
        raise UnreadableDocumentError(self._path, f"there is no row {index + 1}")

    def _image(self, row: Row) -> ImageSource:
        if isinstance(row.values, InputError):
            raise row.values
        name = self._fields.image
        content = image_bytes(row.values.get(name), name, self._path.parent)
        if self._fields.digest not in (None, digest(content).hex()):
            raise InputError("its image has changed since it was indexed", hint="Index it again.")
        return ImageSource(self._path, self._settings, io.BytesIO(content))

    @contextmanager
    def _naming(self, row: Row) -> Iterator[None]:
        """Name the row in errors. In its image's own errors, it is a page of a file."""
        try:
            yield
        except InputError as error:
            reason = error.reason if isinstance(error, UnreadableDocumentError) else error
            raise UnreadableDocumentError(self._path, f"{row.place}: {reason}", hint=error.hint) from error
