"""What a run has embedded so far, in a folder beside the file it will become.

Vectors are appended to one file. After a page's vectors, a line about the page is appended to another. A run checks
what an earlier one left there, and continues. The file itself is written when everything is there, in the order of its
pages, and moved to its place once it is on the disk.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self
from zlib import crc32

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from maxsight.documents.events import missing_pages
from maxsight.embedding.formats import PageRows, VectorTable, writer_of
from maxsight.embedding.page_list import PageLine, SourceFile, parse_line, write_line
from maxsight.errors import InputError
from maxsight.stores.local.durability import sync_file, sync_folder
from maxsight.writing import named_errors

_NAMES = {"lock", "pages.jsonl", "vectors.f32", "finished"}


class UnfinishedFile:
    """A file of vectors that grows. Use it as a context manager. The next run continues an unfinished file.

    Attributes:
        file: The file to make.
        folder: The folder beside it.
        dim: Length of every vector.
    """

    def __init__(self, file: Path, recipe: Mapping[str, str], dim: int) -> None:
        """Open the folder, or make it.

        Args:
            file: The file to make.
            recipe: What the vectors depend on. Only a run with the same recipe continues.
            dim: Length of every vector.

        Raises:
            InputError: The place can't be written to, another process writes there, or the folder is of another
                recipe.
        """
        self.file = file
        self.folder = file.with_name(file.name + ".part")
        self._write = writer_of(file)
        self._recipe = dict(recipe)
        self.dim = dim
        self._rows = 0
        self._pages: dict[SourceFile, dict[int, PageRows]] = {}
        self._page_counts: dict[SourceFile, int] = {}
        self._is_finished = False
        with named_errors(self.file), ExitStack() as opened:
            self._open(opened)
            self._opened = opened.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):  # ``add`` has raised what could not be written
            self._opened.close()
        if self._is_finished:
            shutil.rmtree(self.folder, ignore_errors=True)

    def count(self, sources: Iterable[SourceFile]) -> int:
        """Count the stored pages of some files."""
        return sum(len(self._pages.get(source, ())) for source in sources)

    def missing(self, source: SourceFile) -> tuple[int, ...] | None:
        """List the pages (0-based) of a file that are missing, last first; None for all of them."""
        if source not in self._pages:
            return None
        return missing_pages(self._page_counts[source], self._pages[source])

    def add(self, source: SourceFile, page_count: int, page_index: int, vectors: NDArray[np.float32]) -> None:
        """Store the vectors of a page (0-based) of a file. Shape ``(vectors, dim)``.

        Raises:
            InputError: They can't be written.
        """
        content = np.ascontiguousarray(vectors, "<f4")
        state = source.state
        line = PageLine(
            source.name,
            state.size_bytes,
            state.modified_ns,
            page_count,
            page_index,
            len(content),
            crc32(content.data),
        )
        with named_errors(self.file):
            self._vectors.write(content.data)
            self._vectors.flush()  # before the line that lists them
            self._list.write(line.written())
            self._list.flush()
        self._take(line)

    def finish(self, sources: Iterable[SourceFile], *, is_pooled: bool) -> VectorTable:
        """Write the file with the pages of these sources, in this order, and move it to its place.

        Without pages no file is written.

        Raises:
            InputError: It can't be written.
        """
        pages = [page for source in sources for _, page in sorted(self._pages.get(source, {}).items())]
        table = VectorTable(pages, self._read, self.dim, is_pooled, self._recipe)
        if pages:
            with named_errors(self.file):
                made = self.folder / "finished"
                self._write(table, made)
                sync_file(made)  # else a power cut could leave an empty file and no folder
                os.replace(made, self.file)
                sync_folder(self.file.absolute().parent)
        self._is_finished = True
        return table

    def _open(self, opened: ExitStack) -> None:
        self.folder.mkdir(exist_ok=True)
        if strange := {found.name for found in self.folder.iterdir()} - _NAMES:
            raise InputError(
                f"{self.folder} is in the way: it holds {min(strange)}, which no earlier run made",
                hint="Choose another --out.",
            )
        lock = FileLock(self.folder / "lock")
        try:
            opened.enter_context(lock.acquire(timeout=0))
        except Timeout as error:
            raise InputError(
                f"another process is writing {self.file}", hint="Wait for it, or choose another --out."
            ) from error
        self._list = opened.enter_context(_open_or_make(self.folder / "pages.jsonl"))
        self._vectors = opened.enter_context(_open_or_make(self.folder / "vectors.f32"))
        self._recover()

    def _recover(self) -> None:
        """Take the whole pages, cut off the rest, and leave both files at their ends."""
        head = self._list.readline()
        recipe = parse_line(head)
        if recipe is None:
            self._list.seek(0)
            self._list.write(head := write_line(self._recipe))
        elif recipe != self._recipe:
            raise InputError(
                f"{self.folder} holds pages of a run with other settings: "
                f"{', '.join(f'{name} {value}' for name, value in recipe.items())}",
                hint="Give these settings to continue it, or delete the folder to start again.",
            )
        end = len(head)
        for written in self._list if recipe else ():
            line = PageLine.parsed(written)
            if line is None or not self._take_if_whole(line):
                break
            end += len(written)
        for file, size in ((self._list, end), (self._vectors, 4 * self.dim * self._rows)):
            file.truncate(size)
            file.seek(size)

    def _take_if_whole(self, line: PageLine) -> bool:
        size = 4 * self.dim * line.vectors
        if not 0 <= size <= os.fstat(self._vectors.fileno()).st_size:
            return False
        content = self._vectors.read(size)
        if len(content) < size or crc32(content) != line.crc32:
            return False
        self._take(line)
        return True

    def _take(self, line: PageLine) -> None:
        page = PageRows(line.name, line.page_index + 1, self._rows, line.vectors)
        self._pages.setdefault(line.source, {})[line.page_index] = page
        self._page_counts[line.source] = line.page_count
        self._rows += line.vectors

    def _read(self, page: PageRows) -> NDArray[np.float32]:
        row_bytes = 4 * self.dim
        values = np.fromfile(
            self._vectors.name, "<f4", count=page.count * self.dim, offset=page.start * row_bytes
        )
        return values.reshape(page.count, self.dim)


def _open_or_make(file: Path) -> BinaryIO:
    file.touch()
    return file.open("r+b")
