"""Copying a library from one store to another, page by page, without encoding anything again.

Pages that are there already are compared and left. So a copy that was interrupted goes on where it stopped, and an old
copy is brought up to date. Every written page is read back and compared.
"""

from __future__ import annotations

import time
from array import array
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import compress
from os import PathLike
from pathlib import Path
from typing import NamedTuple

from maxsight.errors import EncoderMismatchError, InputError, StoreError
from maxsight.identity import page_ids
from maxsight.library.opened import Opened
from maxsight.library.opening import (
    Place,
    create_store,
    find_place,
    holder_of,
    home_of,
    library_exists,
    open_store,
    writable,
)
from maxsight.stores.addresses import Address, MilvusAddress, identify_address
from maxsight.stores.base import AnyStore, DocumentEntry, IndexedPage, Persistent, Store
from maxsight.stores.manifest import Manifest
from maxsight.stores.page_rows import metadata_checksum, to_row
from maxsight.version import __version__

BYTES_PER_GROUP = 32 * 2**20
PAGES_PER_GROUP = 4096


@dataclass(frozen=True, slots=True)
class CopyReport:
    """What a copy did. Source and destination hold the same now.

    Attributes:
        documents: Documents in the library.
        pages: Pages of all documents.
        vectors: Vectors of all pages.
        written: Pages that were written.
        unchanged: Pages that were there already, and the same.
        removed: Documents that were removed from the destination, since the source does not have them.
        checksum: Of everything both hold: page ids, contents, vectors and fields.
        seconds: Wall time.
    """

    documents: int
    pages: int
    vectors: int
    written: int
    unchanged: int
    removed: tuple[str, ...]
    checksum: str
    seconds: float


class _Group(NamedTuple):
    """Pages that are read and written together; ``replaces`` if their commit drops another content of the document."""

    ids: list[str]
    replaces: bool


def copy(
    library: Opened,
    destination: Place,
    *,
    token: str | None = None,
    root: str | PathLike[str] | None = None,
    prune: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
) -> CopyReport:
    """Make a library elsewhere hold what this one holds, without encoding anything again. A method of ``Library``.

    A call that was interrupted goes on where it stopped, and an old copy is brought up to date. The names
    of documents do not change; the copy stores the folder they are relative to.

    Args:
        library: The library to copy.
        destination: A folder or a place in Milvus: a copy of this library, or nothing yet.
        token: Of the destination's server; ``MAXSIGHT_TOKEN`` if not given.
        root: The folder that names are relative to from now on, if the files have moved.
        prune: Remove documents there that this library does not have.
        on_progress: Called with steps done and steps in all; a page is written, and later compared.

    Raises:
        EncoderMismatchError: The library there has vectors of another encoder.
        InputError: It holds documents that this one does not have, or names them differently.
        StoreError: It can't be written to, or what was written does not come back the same.
    """
    address, home = find_place(destination, token), library.listing.home
    if library.address is not None and identify_address(address) == identify_address(library.address):
        raise InputError(f"{address} is the library itself", hint="Copy it to another place.")
    if root is not None:
        if home is None:
            raise InputError("this library names its documents by absolute paths, so it has no root")
        home = Path(root).resolve()
    with closing(open_destination(address, library.store.manifest, home)) as store:
        return copy_pages(library.store, store, prune=prune, on_progress=on_progress)


def open_destination(address: Address, source: Manifest, root: Path | None) -> Store:
    """Open the store that a library is copied to, or make it.

    Args:
        address: Where it is.
        source: Of the library that is copied.
        root: The folder its documents are named relative to; None if they are named absolutely.

    Raises:
        EncoderMismatchError: The library there has vectors of another space.
        InputError: Its pages are pooled differently, or its names are relative to another folder.
    """
    if isinstance(address, MilvusAddress) and address.root:
        root = address.root
    if not library_exists(address):
        named = None if root == holder_of(address) else root.as_posix() if root else ""
        manifest = replace(source, root=named, created_by=__version__)
        return create_store(address, manifest)
    store = open_store(address)
    try:
        _check_same_kind(address, store.manifest, source, root)
        return writable(store, str(address))
    except BaseException:
        store.close()
        raise


def _check_same_kind(address: Address, found: Manifest, source: Manifest, root: Path | None) -> None:
    if not found.space.matches(source.space):
        raise EncoderMismatchError(
            str(found.space), str(source.space), hint="Copy the library to a place without one."
        )
    if found.pool_factor != source.pool_factor:
        raise InputError(
            f"the library at {address} was made with pool factor {found.pool_factor}, not {source.pool_factor}"
        )
    if (home := home_of(address, found)) != root:
        raise InputError(
            f"the library at {address} names documents relative to {home or 'nothing'}, not to {root or 'nothing'}",
            hint="Say --root as when it was made.",
        )


def copy_pages(
    source: AnyStore,
    destination: Store,
    *,
    prune: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
) -> CopyReport:
    """Make one store hold what another holds.

    Args:
        source: The store to copy. Nothing is written to it.
        destination: The store that is written to.
        prune: Remove documents that the source does not have.
        on_progress: Called with steps done and steps in all: each page is one step when it is copied, and one when it
            has been compared.

    Raises:
        InputError: The destination holds documents that the source does not have.
        StoreError: The source was changed meanwhile, or what was written does not come back the same.
    """
    start = time.monotonic()
    with destination.writing():
        copy = _Copy(source, destination, on_progress)
        removed = copy.remove_others(prune)
        copy.write()
        if isinstance(destination, Persistent):
            destination.optimize()
        total = copy.compare()
    written = sum(copy.written)
    return CopyReport(
        documents=len(copy.entries),
        pages=len(copy.written),
        vectors=sum(entry.vectors for entry in copy.entries),
        written=written,
        unchanged=len(copy.written) - written,
        removed=tuple(removed),
        checksum=f"{total:016x}",
        seconds=time.monotonic() - start,
    )


class _Copy:
    """One run.

    Attributes:
        entries: Documents of the source.
        written: For each page, in the order they are copied, whether it was written.
    """

    def __init__(
        self, source: AnyStore, destination: Store, on_progress: Callable[[int, int], None] | None
    ) -> None:
        self._source = source
        self._destination = destination
        self._on_progress = on_progress
        self._done = 0
        self.entries = source.documents()
        self._there = {entry.document.path: entry for entry in destination.documents()}
        self._replaced = {
            entry.document.path
            for entry in self.entries
            if (old := self._there.get(entry.document.path)) and _has_other_pages(old, entry)
        }
        self._checksums = array("Q")
        self.written = bytearray()

    def remove_others(self, prune: bool) -> list[str]:
        """Remove documents that the source does not have, or refuse to copy if ``prune`` is false."""
        others = sorted(set(self._there) - {entry.document.path for entry in self.entries})
        if others and not prune:
            raise InputError(
                f"the destination holds {len(others)} documents that the source does not have, such as {others[0]}",
                hint="Copy to another place, or remove them there: --prune.",
            )
        if others:
            self._destination.remove(others)
        return others

    def write(self) -> None:
        """Write the pages that are missing or differ."""
        stored = {
            page
            for path, entry in self._there.items()
            if path not in self._replaced
            for page in page_ids(entry.document, entry.page_indices)
        }
        for group in self._groups():
            pages = self._source.read(group.ids)
            if len(pages) < len(group.ids):
                raise StoreError(
                    "the source was changed while it was being copied", hint="Run the same command again."
                )
            old = self._destination.read([name for name in group.ids if name in stored])
            there = {page.page_id: _checksum(page) for page in old}
            sums = [_checksum(page) for page in pages]
            changed = [there.get(page.page_id) != total for page, total in zip(pages, sums, strict=True)]
            if any(changed):
                self._destination.put(list(compress(pages, changed)), replace_documents=group.replaces)
            self._checksums.extend(sums)
            self.written.extend(changed)
            self._advance(len(pages))

    def compare(self) -> int:
        """Read back what was written, and return the sum of all pages' checksums, in 64 bits.

        Raises:
            StoreError: Something is not as it was in the source.
        """
        first = 0
        for group in self._groups():
            last = first + len(group.ids)
            expected = dict(zip(group.ids, self._checksums[first:last], strict=True))
            back = list(compress(group.ids, self.written[first:last]))
            found = {page.page_id: _checksum(page) for page in self._destination.read(back)}
            if differing := [name for name in back if found.get(name) != expected[name]]:
                raise StoreError(
                    f"{len(differing)} pages did not come back as they were written, such as {differing[0]}",
                    hint="Run the same command again. If it fails again, do not trust the destination's storage.",
                )
            first = last
            self._advance(len(group.ids))
        copied = [
            replace(entry, mixed=False) for entry in self.entries
        ]  # of a mixed document, its entry is copied
        if self._destination.documents() != copied:
            raise StoreError(
                "the destination does not hold the same documents: another process has written there meanwhile",
                hint="Run the same command again.",
            )
        return sum(self._checksums) % 2**64

    def _groups(self) -> Iterator[_Group]:
        """All pages in groups. A document that takes another's place begins one, whose commit drops the other."""
        max_vectors = BYTES_PER_GROUP // (2 * self._source.manifest.space.dim)
        ids: list[str] = []
        vectors, replaces = 0.0, False
        for entry in sorted(self.entries, key=lambda entry: entry.document.path in self._replaced):
            vectors_per_page = entry.vectors / len(entry.page_indices)
            begins = entry.document.path in self._replaced
            for name in page_ids(entry.document, entry.page_indices):
                if begins or len(ids) == PAGES_PER_GROUP or vectors + vectors_per_page > max_vectors:
                    if ids:
                        yield _Group(ids, replaces)
                    ids, vectors, replaces, begins = [], 0.0, begins, False
                ids.append(name)
                vectors += vectors_per_page
        if ids:
            yield _Group(ids, replaces)

    def _advance(self, pages: int) -> None:
        self._done += pages
        if self._on_progress:
            self._on_progress(self._done, 2 * sum(len(entry.page_indices) for entry in self.entries))


def _has_other_pages(old: DocumentEntry, new: DocumentEntry) -> bool:
    """Whether a stored document has pages that must be dropped: of another content, or more than the new one has."""
    same = old.document.content_hash == new.document.content_hash and not old.mixed
    return not (same and set(old.page_indices) <= set(new.page_indices))


def _checksum(page: IndexedPage) -> int:
    """64 bits of everything a page holds, the same in every store."""
    content, metadata = to_row(page)["checksum"], metadata_checksum(page.metadata)
    return int.from_bytes(sha256(f"{page.page_id} {content} {metadata}".encode()).digest()[:8])
