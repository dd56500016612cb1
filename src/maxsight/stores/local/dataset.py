"""The Lance dataset of one library: its newest readable version, and commits that outlast a power cut."""

from __future__ import annotations

import logging
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from shlex import quote

import lance

from maxsight.errors import InputError, LibraryNotFoundError, StoreError
from maxsight.stores.addresses import DATASET
from maxsight.stores.local import damage, versions
from maxsight.stores.local.commit_log import CommitLog, Removal, manifest_name
from maxsight.stores.local.edits import pages_in
from maxsight.stores.local.lance_errors import blames_data, damaged, is_foreign, is_gone, translated
from maxsight.stores.local.lock import HOLDER_FILE, LOCK_FILE
from maxsight.stores.local.syncing import Synced
from maxsight.stores.local.versioned import Version
from maxsight.stores.verification import Damage

SET_ASIDE = "damaged"
REPLACED = 2**32
"""Added to the numbers of versions each time the dataset's folder turns out to be another one."""

logger = logging.getLogger(__name__)


class Dataset:
    """A handle on a dataset that follows the commits of other processes."""

    def __init__(self, library: Path) -> None:
        """Open the newest readable version.

        Raises:
            LibraryNotFoundError: The folder has no dataset.
            LibraryDamagedError: No version can be read.
        """
        check_name(library)
        self.library = library
        self.place = str(library)
        self.folder = library / DATASET
        with translated(library):
            if not has_versions(library):
                raise _not_found(library)
            opened, undone, self._log = self._open_newest()
            self._open = self._versioned(0, opened, undone, self._log)
        self.storage_options: Mapping[str, str] = {}
        self._closed = False
        self._synced = Synced(self.folder)
        self._checked = -1

    def newest(self) -> Version:
        """Return the newest readable version, also one that another process wrote."""
        if self._closed:
            raise StoreError(f"{self.library} was closed", hint="Open it again.")
        with translated(self.library):
            now = self._open
            latest = now.dataset.latest_version
            replaced = self._identity(now.dataset) != now.manifest
            if latest == now.dataset.version and not replaced and not now.undone:
                return now
            log = CommitLog.read(self.folder)
            opened: lance.LanceDataset | None = None
            undone: list[Damage] = []
            if not replaced and not log.differs(manifest_name(latest)):
                opened = _checked_out(now.dataset, latest)
            lost = opened is not None and any(versions.missing_manifests(self.folder, log, latest))
            if opened is None or opened.version != latest or lost:  # a manifest of zeros reads as version 0
                opened, undone = versions.open_newest(self.folder, log)
                if not replaced and (opened.version, tuple(undone)) == (now.dataset.version, now.undone):
                    return now
            return self._take(opened, undone, log)

    def fetched(self) -> Version:
        """Return the newest readable version: its files are on this machine's disk."""
        return self.newest()

    def latest(self) -> lance.LanceDataset:
        """Return the newest readable version, as Lance opens it."""
        return self.newest().dataset

    def _identity(self, dataset: lance.LanceDataset) -> tuple[int, ...] | None:
        return versions.manifest_identity(self.folder, dataset.version)

    def _open_newest(self) -> tuple[lance.LanceDataset, list[Damage], CommitLog]:
        log = CommitLog.read(self.folder)
        return *versions.open_newest(self.folder, log), log

    def _versioned(
        self, base: int, opened: lance.LanceDataset, undone: list[Damage], log: CommitLog
    ) -> Version:
        removed = log.removed_since(opened.version)
        self._warn(undone)
        return Version(
            base + opened.version, opened, self.folder, self._identity(opened), tuple(undone), removed
        )

    def _warn(self, found: Iterable[Damage]) -> None:
        for item in found:
            logger.warning("%s: %s", self.library, item)

    def _take(self, opened: lance.LanceDataset, undone: list[Damage], log: CommitLog) -> Version:
        """Go on with another handle, with a number of its own unless it is the same version."""
        now = self._open
        base = now.number - now.dataset.version
        if self._identity(now.dataset) != now.manifest:
            base += REPLACED
        self._open = self._versioned(base, opened, undone, log)
        return self._open

    def to_commit_on(self) -> lance.LanceDataset:
        """Return the newest readable version for one writer alone: a commit changes the object it is made on."""
        newest = self.latest()
        return newest.checkout_version(newest.version)

    def went_on(self, version: Version, error: BaseException | None) -> bool:
        """Return whether an error came from reading a version that another process has removed."""
        return is_gone(error) and self.newest().number != version.number

    def damage(self) -> list[Damage]:
        """List what can't be read, as far as sizes, ends and checksums of whole files show."""
        version = self.newest()
        with translated(self.library):
            return [*version.undone, *damage.find(version.dataset, CommitLog.read(self.folder))]

    def check_deletions(self, version: Version) -> None:
        """Compare a version's lists of deleted rows with the list of commits, once.

        Raises:
            LibraryDamagedError: One differs: it could bring removed pages back.
        """
        if self._checked == version.number:
            return
        named = filter(None, map(damage.deletions_of, version.dataset.get_fragments()))
        log = CommitLog.read(self.folder)
        if differing := [name for name in named if log.differs(name)]:
            raise damaged(self.library, f"{differing[0]}: the list of deleted rows is not what was written")
        self._checked = version.number

    def settle(self) -> list[Damage]:
        """Prepare for writing: drop damaged data, and make sure that everything else is on the disk.

        Pages that were removed in commits that are undone are removed again. A kill in between leaves a library that
        the next writer settles.

        Returns:
            What was dropped.
        """
        with translated(self.library):
            opened, undone, log = self._open_newest()
            version = self._take(opened, undone, log)
            older = versions.old_manifests(self.folder, log, opened.version)
            found = [*undone, *damage.find(opened, log, unlisted=True), *older]
            self._warn(item for item in found if item not in undone)
            versions.set_aside(self.folder, [*undone, *older], self.library / SET_ASIDE)
            log.undo(opened.version)
            damage.drop(self.to_commit_on(), found)
            if version.removed:
                self.to_commit_on().delete(pages_in(sorted(version.removed)))
            if undone:
                self._synced = Synced(self.folder)  # a manifest may take the name of one that was set aside
            self._log = log
            self.sync()
            log.redo(self.newest().dataset.version)
        return found

    def sync(self, removed: Sequence[str] = ()) -> None:
        """Put what was committed on the disk.

        Args:
            removed: Ids of the pages that the last commit has removed.
        """
        removal = Removal(self.newest().dataset.version, tuple(removed)) if removed else None
        self._synced.sync(self._log, removal)

    def forget_old(self) -> None:
        """Put what was committed on the disk, and forget what was written about versions that no longer exist."""
        self.sync()
        self._log.prune()

    def translated(self, *, writing: bool = False) -> AbstractContextManager[None]:
        """Turn foreign errors into ours; see ``lance_errors.translated``."""
        return translated(self.library, writing=writing)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Turn foreign errors into ours, and name the damaged file where a quick look finds one.

        Raises:
            LibraryDamagedError: Something can't be read as it was written.
            StoreError: Something can't be read for another reason.
        """
        with translated(self.library):
            try:
                yield
            except BaseException as error:
                if not is_foreign(error):
                    raise
                # A file without permission fails here too, and is named.
                lost = [item for item in self.damage() if item.fragment_id is not None]
                if not lost or not blames_data(error):
                    raise
                more = f" (and {len(lost) - 1} more)" if len(lost) > 1 else ""
                raise damaged(self.library, f"{lost[0]}{more}") from error

    def close(self) -> None:
        """Close the dataset."""
        self._closed = True


def _checked_out(dataset: lance.LanceDataset, version: int) -> lance.LanceDataset | None:
    """Return another version, over the same caches; None where it can't be read."""
    try:
        return dataset.checkout_version(version)
    except BaseException as error:
        if not is_foreign(error):
            raise
        return None


def check_name(library: Path) -> None:
    """Refuse a place that Lance can't name.

    Raises:
        InputError: Its path has control characters, or is not valid in the encoding of file names.
    """
    path = str(library.absolute())
    if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in path):
        raise InputError(
            f"a library can't be at {path!r}: its path has control characters, or is not valid here",
            hint="Rename the folder. If the name looks right to you, set a UTF-8 locale: LC_ALL=C.UTF-8.",
        )


def has_versions(library: Path) -> bool:
    """Return whether there is a dataset, even a damaged one."""
    return bool(versions.manifests(library / DATASET))


def others_in(folder: Path) -> list[str]:
    """Return the names in a folder that are no part of a library, sorted."""
    ours = {DATASET, SET_ASIDE, LOCK_FILE, HOLDER_FILE}
    return sorted(entry.name for entry in folder.iterdir() if entry.name not in ours)


def _not_found(place: Path) -> LibraryNotFoundError:
    """Return the error for a place without a library, with what to do: a folder of documents can't become one."""
    if place.is_dir() and others_in(place):
        beside = f"{place.absolute().name}.library"
        return LibraryNotFoundError(
            f"{place} is a folder, but not a library",
            hint="If it holds documents, index them into a library of their own, and search that: "
            f"maxsight index {quote(str(place))} --library {quote(beside)}",
        )
    return LibraryNotFoundError(
        f"there is no library at {place}",
        hint=f"Make one: maxsight index FOLDER --library {quote(str(place))}, or Library.create in Python.",
    )
