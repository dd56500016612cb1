"""From the paths a user names to the files to be read."""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from maxsight.documents.files import not_opened
from maxsight.documents.formats import is_supported, unsupported
from maxsight.errors import UnreadableDocumentError
from maxsight.identity import composed

_FROM_ROOT = "./"  # before a path that is matched as a whole
LIBRARY_SUFFIXES = (".library", ".lance")
LINK_OUT = "links out of the folder, see --follow-symlinks"


def discover(
    paths: Iterable[str | Path],
    *,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    follow_symlinks: bool = False,
    other_kinds: Counter[str] | None = None,
) -> Iterator[Path | UnreadableDocumentError]:
    """Find the documents below ``paths``, each once, folders in sorted order.

    Folders are searched without hidden files and folders, libraries, and files of other kinds. Globs are matched
    with the name and with the path below the given folder, which they may begin with. ``*`` matches ``/`` too, and
    upper and lower case are the same.

    Args:
        paths: Files and folders.
        include: Globs. If given, only files that match one are found in folders.
        exclude: Globs. Files and folders in folders that match one are left out.
        follow_symlinks: Also follow links that lead out of the given folder.
        other_kinds: Counts the files of other kinds in folders, by suffix, and links that are not followed.

    Yields:
        Given files, and files below given folders; or an error for one that can't be looked at.
    """
    found: set[str] = set()
    for path in map(Path, paths):
        kinds = Counter() if other_kinds is None else other_kinds
        walk = _Walk(path, tuple(include), tuple(exclude), follow_symlinks, kinds)
        for item in walk.items():
            key = os.path.abspath(item.path if isinstance(item, UnreadableDocumentError) else item)
            if key not in found:
                found.add(key)
                yield item


class _Walk:
    """One given path and everything below it."""

    def __init__(
        self,
        root: Path,
        include: tuple[str, ...],
        exclude: tuple[str, ...],
        follow_symlinks: bool,
        other_kinds: Counter[str],
    ) -> None:
        self._root = root
        self._follow_symlinks = follow_symlinks
        self._include = _below(root, include)
        self._exclude = _below(root, exclude)
        self._other_kinds = other_kinds
        self._entered: set[tuple[int, int]] = set()  # a symlink may lead back into a folder already walked

    def items(self) -> Iterator[Path | UnreadableDocumentError]:
        try:
            status = self._root.stat()
        except FileNotFoundError:
            yield UnreadableDocumentError(
                self._root,
                "there is no such file or folder",
                hint="Check the spelling and the current folder.",
            )
            return
        except OSError as error:
            yield _not_reached(self._root, error)
            return
        except ValueError as error:  # a NUL
            yield UnreadableDocumentError(self._root, f"it can't be the name of a file ({error})")
            return
        if stat.S_ISDIR(status.st_mode):
            yield from self._folder(self._root)
        elif not stat.S_ISREG(status.st_mode):
            yield UnreadableDocumentError(self._root, "it is neither a file nor a folder")
        else:
            yield self._root if is_supported(self._root) else unsupported(self._root)

    def _folder(self, folder: Path) -> Iterator[Path | UnreadableDocumentError]:
        try:
            status = folder.stat()
            names = sorted(os.listdir(folder))
        except OSError as error:
            yield _not_reached(folder, error)
            return
        identity = (status.st_dev, status.st_ino)
        if identity in self._entered:
            return
        self._entered.add(identity)
        for name in names:
            if not name.startswith("."):
                yield from self._entry(folder / name)

    def _entry(self, path: Path) -> Iterator[Path | UnreadableDocumentError]:
        if self._matches(path, self._exclude):
            return
        try:
            mode = path.stat().st_mode
        except OSError as error:
            if is_supported(path) and self._wants(path):
                yield _not_reached(path, error)
            return
        if self._leads_out(path):
            self._other_kinds[LINK_OUT] += 1
        elif stat.S_ISDIR(mode):
            if path.suffix not in LIBRARY_SUFFIXES:
                yield from self._folder(path)
        elif stat.S_ISREG(mode) and self._wants(path):
            if is_supported(path):
                yield path
            else:
                self._other_kinds[path.suffix.lower()] += 1

    def _leads_out(self, path: Path) -> bool:
        """Return whether a path is a link to something outside of the given folder, and such links are not followed."""
        if self._follow_symlinks or not path.is_symlink():
            return False
        return not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(self._root))

    def _wants(self, path: Path) -> bool:
        return not self._include or self._matches(path, self._include)

    def _matches(self, path: Path, globs: tuple[str, ...]) -> bool:
        if not globs:
            return False
        below = _folded(path.relative_to(self._root))
        names = (_folded(path.name), below, _FROM_ROOT + below)
        return any(fnmatchcase(name, glob) for name in names for glob in globs)


def _below(root: Path, globs: tuple[str, ...]) -> tuple[str, ...]:
    """Return globs as they are matched. Those that begin with the path of the folder are also matched without it."""
    roots = [f"{_folded(os.path.normpath(place))}/" for place in (root, root.absolute())]
    written = [_folded(os.path.normpath(glob)) for glob in globs]
    inside = (glob.removeprefix(place) for glob in written for place in roots if glob.startswith(place))
    return (*written, *(_FROM_ROOT + glob for glob in inside))


def _folded(path: str | Path) -> str:
    """Write a path as globs are matched with it."""
    return composed(Path(path).as_posix()).casefold()


def _not_reached(path: Path, error: OSError) -> UnreadableDocumentError:
    if path.is_symlink() and not path.exists():
        return UnreadableDocumentError(
            path, "it is a link to nothing", hint="Restore its target or remove the link."
        )
    return not_opened(path, error, hint="Check that you may read it.")
