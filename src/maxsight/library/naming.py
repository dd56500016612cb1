"""Finding a document by the name a person types: a path on disk, a path in the library, or the end of one."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from functools import cached_property
from heapq import nlargest
from pathlib import Path, PurePosixPath

from maxsight.errors import InputError, UnknownDocumentError, UnknownPageError
from maxsight.identity import RECORD_MARK, composed, document_path, record_file
from maxsight.spelling import suggest

MAX_TYPED_CHARS = 300
MAX_COMPARED = 500
MAX_SUGGESTIONS = 3


class Names:
    """The paths of a library's documents, indexed by file name so that one is found without a look at all others."""

    def __init__(self, paths: Iterable[str]) -> None:
        """Index paths as the library has them."""
        self._paths = {composed(path): path for path in sorted(paths)}
        self._by_file: dict[str, list[str]] = {}
        self._by_group: dict[str, list[str]] = {}
        for path in self._paths:
            self._by_file.setdefault(_last_part(path), []).append(path)
            if RECORD_MARK in path and (records := record_file(path)):
                self._by_group.setdefault(path[len(records) + 1 :], []).append(path)

    def find_on_disk(self, asked: str, home: Path | None) -> str:
        """Find a document by a path on disk, a path in the library, or the end of one.

        Args:
            asked: What a person typed.
            home: The folder that the paths are relative to; None if they are absolute.

        Raises:
            UnknownDocumentError: None fits.
            InputError: Several fit.
        """
        on_disk = document_path(Path(asked), home)
        return self.find(asked if composed(asked) in self._paths or on_disk not in self._paths else on_disk)

    def find(self, asked: str) -> str:
        """Find a document by its path in the library, the end of one, or its group, without a look at the disk.

        Raises:
            UnknownDocumentError: None fits.
            InputError: Several fit.
        """
        asked = composed(asked)
        tail = PurePosixPath(asked).parts
        if asked in self._paths or not tail:
            return self.find_exactly(asked)
        namesakes = self._by_file.get(tail[-1], [])
        fitting = [path for path in namesakes if PurePosixPath(path).parts[-len(tail) :] == tail]
        fitting = fitting or self._by_group.get(asked, [])
        if len(fitting) > 1:
            raise InputError(
                f"{asked!r} fits {len(fitting)} documents: {', '.join(fitting[:5])}",
                hint="Give more of the path.",
            )
        return self.find_exactly(fitting[0] if fitting else asked)

    def find_exactly(self, asked: str) -> str:
        """Find the document whose path in the library this is.

        Raises:
            UnknownDocumentError: No document has this path. The message suggests similar names.
        """
        if (path := self._paths.get(composed(asked))) is not None:
            return path
        count = len(self._paths)
        known = "1 document" if count == 1 else f"{count:,} documents"
        raise UnknownDocumentError(
            f"{asked!r} is not in the library ({known}){suggest(self._similar(asked))}",
            hint="`maxsight list` names them.",
        )

    def find_with_groups(self, asked: str, home: Path | None) -> list[str]:
        """Find a document as ``find_on_disk`` does, or all documents made from a file of records.

        Raises:
            UnknownDocumentError: None fits.
            InputError: Several fit.
        """
        names, groups = self._and_records
        found = names.find_on_disk(asked, home)
        return groups.get(found, [found])

    @cached_property
    def _and_records(self) -> tuple[Names, dict[str, list[str]]]:
        """All paths and those of the files of records, and the documents made from each of these files."""
        groups: dict[str, list[str]] = {}
        for path in self._paths.values():
            if records := record_file(path):
                groups.setdefault(records, []).append(path)
        return (Names([*self._paths.values(), *groups]) if groups else self), groups

    @cached_property
    def _spellings(self) -> dict[str, list[str]]:
        """Documents by path and by file name, in lower case; groups by the name of their file of records, too."""
        spellings: dict[str, list[str]] = {}
        for path in self._paths:
            records = record_file(path)
            for name in dict.fromkeys((path, _last_part(path), *([_last_part(records)] if records else ()))):
                spellings.setdefault(name.lower(), []).append(path)
        return spellings

    def _similar(self, asked: str) -> list[str]:
        """The few documents whose names are most like the typed one."""
        typed = asked.lower()[:MAX_TYPED_CHARS]
        pairs = {typed[start : start + 2] for start in range(len(typed) - 1)}
        # A close comparison takes 0.1 ms a name, so it is made only with names that share most letter pairs.
        candidates = nlargest(
            MAX_COMPARED, self._spellings, key=lambda name: sum(pair in name for pair in pairs)
        )
        found = [
            path
            for name in get_close_matches(typed, candidates, n=MAX_SUGGESTIONS, cutoff=0.7)
            for path in self._spellings[name]
        ]
        return list(dict.fromkeys(found))[:MAX_SUGGESTIONS]


def unknown_page(path: str, page_count: int, page_number: int) -> UnknownPageError:
    """Say that a document has no such page."""
    pages = "1 page" if page_count == 1 else f"{page_count} pages"
    return UnknownPageError(f"{path} has {pages}; page {page_number} is not in the library")


def _last_part(path: str) -> str:
    """Return ``PurePosixPath(path).parts[-1]``; most often without pathlib, which is ten times slower."""
    last = path.rpartition("/")[2]
    return last if last not in ("", ".") else "".join(PurePosixPath(path).parts[-1:])
