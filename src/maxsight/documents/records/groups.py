"""Gathers records by group, on the disk: a group may be scattered over its file, and need not fit in memory.

Records are written to one temporary file. Memory holds only their positions in it, and a group's pages are made when
they are requested.
"""

from __future__ import annotations

import hashlib
import json
import struct
import tempfile
from array import array
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from maxsight.documents.cleaning import find_words
from maxsight.documents.records.fields import Record
from maxsight.documents.text import MAX_PAGE_WORDS, layout_text
from maxsight.errors import InputError
from maxsight.pictures import PictureFit, fit_picture
from maxsight.types import MAX_VECTORS_PER_PAGE, Page, Paragraphs, Scalar, TextSource

BETWEEN_PARAGRAPHS = "\n\n"
_LENGTHS = struct.Struct("<II")  # bytes of texts, numbers in vectors


@dataclass(slots=True)
class PageCutter:
    """Decides where a group's next page begins, paragraph by paragraph.

    Attributes:
        max_paragraphs: Paragraphs of a page.
        max_words: Words of a page with more than one paragraph; None for any number.
    """

    max_paragraphs: int = MAX_VECTORS_PER_PAGE
    max_words: int | None = MAX_PAGE_WORDS
    _paragraphs: int = 0
    _words: int = 0

    def begins_page(self, paragraph: str) -> bool:
        """Add the next paragraph, and say whether it is the first of a page."""
        words = 0 if self.max_words is None else len(paragraph.split())
        full = self._paragraphs == self.max_paragraphs
        full = full or (self.max_words is not None and self._words + words > self.max_words)
        if first := full or not self._paragraphs:
            self._paragraphs = self._words = 0
        self._paragraphs += 1
        self._words += words
        return first


@dataclass(slots=True)
class Group:
    """Records that are one document.

    Attributes:
        key: The group's name.
        cutter: Finds where pages begin.
        metadata: Fields to filter by, each with the first value in the group.
        page_count: Pages of the document.
        size_bytes: Size of the texts and vectors.
        digest: SHA-256 over the texts and vectors, in their order.
        offsets: Positions of the records in the temporary file.
    """

    key: str
    cutter: PageCutter
    metadata: dict[str, Scalar] = field(default_factory=dict)
    page_count: int = 0
    size_bytes: int = 0
    digest: bytes = b""
    offsets: array[int] = field(default_factory=lambda: array("Q"))

    @property
    def content_hash(self) -> str:
        """The digest in hex."""
        return self.digest.hex()


class RecordGroups:
    """The records of a file by group, in the order of each group's first record.

    Args:
        folder: Folder of the temporary file. The file has no name and is deleted with this process.
        by_paragraph: Whether the encoder makes one vector per paragraph. Else pages are cut by their words, like those
            of plain text.
        picture: The size of every page's picture; None for no pictures.

    Raises:
        InputError: The folder can't be written to.
    """

    def __init__(self, folder: Path, *, by_paragraph: bool, picture: PictureFit | None = None) -> None:
        self._folder = folder
        self._max_words = None if by_paragraph else MAX_PAGE_WORDS
        self._picture = picture
        self._groups: dict[str, Group] = {}
        with self._writing():
            folder.mkdir(parents=True, exist_ok=True)
            self._file = tempfile.TemporaryFile(dir=folder)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def __len__(self) -> int:
        return len(self._groups)

    def __iter__(self) -> Iterator[Group]:
        return iter(self._groups.values())

    def add(self, record: Record, metadata: Mapping[str, Scalar]) -> None:
        """Add a record to its group.

        Args:
            record: The record.
            metadata: The fields of the record to filter by.

        Raises:
            InputError: The disk is full.
        """
        group = self._groups.get(record.key)
        if group is None:
            group = self._groups[record.key] = Group(record.key, PageCutter(max_words=self._max_words))
        for name, value in metadata.items():
            group.metadata.setdefault(name, value)
        group.page_count += sum(map(group.cutter.begins_page, record.paragraphs))
        texts = json.dumps(record.paragraphs, ensure_ascii=False).encode()
        vectors = b"" if record.vectors is None else record.vectors.tobytes()
        content = _LENGTHS.pack(len(texts), len(vectors) // 4) + texts + vectors
        group.digest = hashlib.sha256(group.digest + content).digest()
        group.size_bytes += len(content)
        with self._writing():
            group.offsets.append(self._file.tell())
            self._file.write(content)

    def pages(self, group: Group) -> Iterator[Page]:
        """Make a group's pages, one after the other."""
        cutter = PageCutter(max_words=self._max_words)
        texts: list[str] = []
        vectors: list[NDArray[np.float32]] = []
        page_index = 0
        for offset in group.offsets:
            paragraphs, given = self._record(offset)
            for row, paragraph in enumerate(paragraphs):
                if cutter.begins_page(paragraph) and texts:
                    yield self._page(page_index, texts, vectors)
                    texts, vectors, page_index = [], [], page_index + 1
                texts.append(paragraph)
                if given is not None:
                    vectors.append(given[row])
        yield self._page(page_index, texts, vectors)

    def _record(self, offset: int) -> tuple[list[str], NDArray[np.float32] | None]:
        self._file.seek(offset)
        text_bytes, numbers = _LENGTHS.unpack(self._file.read(_LENGTHS.size))
        texts: list[str] = json.loads(self._file.read(text_bytes))
        if not numbers:
            return texts, None
        return texts, np.frombuffer(self._file.read(4 * numbers), np.float32).reshape(len(texts), -1)

    def _page(self, page_index: int, texts: list[str], vectors: list[NDArray[np.float32]]) -> Page:
        lengths = np.array([len(text) for text in texts], np.int64)
        starts = np.cumsum(lengths + len(BETWEEN_PARAGRAPHS)) - lengths - len(BETWEEN_PARAGRAPHS)
        spans = np.stack([starts, starts + lengths], axis=1).astype(np.int32)
        text = BETWEEN_PARAGRAPHS.join(texts)
        words = find_words(text)
        picture = fit_picture(layout_text(text, words)[0], self._picture) if self._picture else None
        paragraphs = Paragraphs(spans, np.stack(vectors) if vectors else None)
        return Page(page_index, text, words, TextSource.FILE, picture=picture, paragraphs=paragraphs)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise InputError(
                f"records can't be sorted in {self._folder}: {error.strerror or error}",
                hint="They take as much space there as in their file. XDG_CACHE_HOME names another disk.",
            ) from error
