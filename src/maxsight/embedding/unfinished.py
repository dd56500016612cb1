"""What a run has embedded so far, in a folder beside the file it will become.

Vectors are appended to one file, and a line for each page to another after its vectors. What a run that was stopped,
killed or cut off has left there is checked and gone on from. Only when everything is there is the file itself written,
in the order of its pages, and moved to its place once it is on the disk.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from dataclasses import fields as dataclass_fields
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self
from zlib import crc32

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from maxsight.embedding.formats import writer_of
from maxsight.embedding.table import PageRows, VectorTable
from maxsight.errors import InputError
from maxsight.stores.local.durability import sync_file, sync_folder

_NAMES = {"lock", "pages.jsonl", "vectors.f32", "finished"}


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file as it was when its pages were embedded: another size or time, and they are embedded again."""

    name: str
    size_bytes: int
    modified_ns: int


@dataclass(frozen=True, slots=True)
class _Line:
    """One page in the list of what is there."""

    name: str
    size_bytes: int
    modified_ns: int
    page_count: int
    page_index: int
    vectors: int
    crc32: int

    @classmethod
    def of(cls, fields: Mapping[str, Any] | None) -> Self | None:
        """The line with these fields; None if there is none."""
        kinds = {field.name: str if field.name == "name" else int for field in dataclass_fields(cls)}
        if fields is None or {name: type(value) for name, value in fields.items()} != kinds:
            return None
        return cls(**fields)


class UnfinishedFile:
    """A file of vectors in the making. Use it as a context manager; what is not finished is kept.

    Args:
        file: What it will become.
        recipe: What makes its vectors: only a run with the same one goes on with them.
        dim: Length of every vector.

    Raises:
        InputError: The place can't be written to, another process is writing there, or what lies there is of
            another recipe.
    """

    def __init__(self, file: Path, recipe: Mapping[str, str], dim: int) -> None:
        self.file = file
        self.folder = file.with_name(file.name + ".part")
        self._write = writer_of(file)
        self._recipe = dict(recipe)
        self.dim = dim
        self._rows = 0
        self._pages: dict[SourceFile, dict[int, PageRows]] = {}
        self._page_counts: dict[SourceFile, int] = {}
        self._is_finished = False
        with self._errors_translated(), ExitStack() as opened:
            self._open(opened)
            self._opened = opened.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):  # what could not be written was told when it was added
            self._opened.close()
        if self._is_finished:
            shutil.rmtree(self.folder, ignore_errors=True)

    def count(self, sources: Iterable[SourceFile]) -> int:
        """How many pages of these files are there."""
        return sum(len(self._pages.get(source, ())) for source in sources)

    def missing(self, source: SourceFile) -> tuple[int, ...] | None:
        """Which pages (0-based) of a file are not there, last first; None for all, however many that may be.

        From its other end, a file that was given up after several pages in a row may be read further.
        """
        if source not in self._pages:
            return None
        return tuple(sorted(set(range(self._page_counts[source])) - set(self._pages[source]), reverse=True))

    def add(self, source: SourceFile, page_count: int, page_index: int, vectors: NDArray[np.float32]) -> None:
        """Keep the vectors of a page (0-based) of a file. Shape ``(vectors, dim)``.

        Raises:
            InputError: They can't be written.
        """
        content = np.ascontiguousarray(vectors, "<f4")
        line = _Line(
            **asdict(source),
            page_count=page_count,
            page_index=page_index,
            vectors=len(content),
            crc32=crc32(content.data),
        )
        with self._errors_translated():
            self._vectors.write(content.data)
            self._vectors.flush()  # before the line that says it is there
            self._list.write(_json_line(asdict(line)))
            self._list.flush()
        self._take(line)

    def finish(self, sources: Iterable[SourceFile], *, is_pooled: bool) -> VectorTable:
        """Write the file with the pages of these sources, in this order, and move it to its place.

        Without any pages there is no file.

        Raises:
            InputError: It can't be written.
        """
        pages = [page for source in sources for _, page in sorted(self._pages.get(source, {}).items())]
        table = VectorTable(pages, self._read, self.dim, is_pooled, self._recipe)
        if pages:
            with self._errors_translated():
                made = self.folder / "finished"
                self._write(table, made)
                sync_file(made)  # else a power cut could leave the name and neither the file nor this folder
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
        """Take what is whole and cut off the rest; both files are left at their ends."""
        head = self._list.readline()
        recipe = _parsed(head)
        if recipe is None:
            self._list.seek(0)
            self._list.write(head := _json_line(self._recipe))
        elif recipe != self._recipe:
            raise InputError(
                f"{self.folder} holds what a run with other settings has begun: "
                f"{', '.join(f'{name} {value}' for name, value in recipe.items())}",
                hint="Give these settings to go on with it, or delete the folder to begin anew.",
            )
        end = len(head)
        for written in self._list if recipe else ():
            line = _Line.of(_parsed(written))
            if line is None or not self._take_if_whole(line):
                break
            end += len(written)
        for file, size in ((self._list, end), (self._vectors, 4 * self.dim * self._rows)):
            file.truncate(size)
            file.seek(size)

    def _take_if_whole(self, line: _Line) -> bool:
        size = 4 * self.dim * line.vectors
        if not 0 <= size <= os.fstat(self._vectors.fileno()).st_size:
            return False
        content = self._vectors.read(size)
        if len(content) < size or crc32(content) != line.crc32:
            return False
        self._take(line)
        return True

    def _take(self, line: _Line) -> None:
        source = SourceFile(line.name, line.size_bytes, line.modified_ns)
        page = PageRows(line.name, line.page_index + 1, self._rows, line.vectors)
        self._pages.setdefault(source, {})[line.page_index] = page
        self._page_counts[source] = line.page_count
        self._rows += line.vectors

    def _read(self, page: PageRows) -> NDArray[np.float32]:
        row_bytes = 4 * self.dim
        values = np.fromfile(
            self._vectors.name, "<f4", count=page.count * self.dim, offset=page.start * row_bytes
        )
        return values.reshape(page.count, self.dim)

    @contextmanager
    def _errors_translated(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise InputError(f"{self.file} can't be written: {error.strerror or error}") from error


def _open_or_make(file: Path) -> BinaryIO:
    file.touch()
    return file.open("r+b")


def _json_line(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value).encode() + b"\n"


def _parsed(line: bytes) -> dict[str, Any] | None:
    """A line's fields; None where it was cut off."""
    if not line.endswith(b"\n"):
        return None
    try:
        fields = json.loads(line)
    except ValueError:
        return None
    return fields if isinstance(fields, dict) else None
