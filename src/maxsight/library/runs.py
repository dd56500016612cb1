"""Changing what a library holds: index runs, and removing documents.

The public functions are methods of ``Library``.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from functools import partial
from glob import glob
from os import PathLike
from pathlib import Path
from typing import Unpack

from maxsight import extras
from maxsight.documents import ImageFields
from maxsight.errors import InputError, MaxSightError
from maxsight.indexing import (
    Building,
    Found,
    ImageRun,
    IndexEvent,
    IndexOptions,
    IndexReport,
    IndexRun,
    Judges,
    Noticed,
    PageJudge,
    Placement,
    Progress,
    RecordRun,
    judges_of,
    load_judge,
)
from maxsight.library.background import refresh_background
from maxsight.library.encoder import load_page_encoder, page_encoder, store_encoder_folder
from maxsight.library.listing import Listing
from maxsight.library.opened import Opened, store_to_write
from maxsight.library.upkeep import dropped_damage
from maxsight.retrieval.kernels.loading import compile_for
from maxsight.spelling import list_names
from maxsight.stores.addresses import MilvusAddress
from maxsight.stores.base import Awaited, Persistent, Store

Paths = Sequence[str | PathLike[str]] | str | PathLike[str]
"""Files and folders, or one of them."""


def index(
    library: Opened,
    paths: Paths,
    *,
    on_event: Callable[[IndexEvent], None] | None = None,
    **options: Unpack[IndexOptions],
) -> IndexReport:
    """Index files and folders, and report what was done.

    Files that can't be read are named in the report; all others are indexed. Unchanged files are skipped, so the
    same call after an interruption goes on where it stopped.

    Args:
        library: Stores their pages.
        paths: Files and folders.
        on_event: Called with each step as it happens.
        **options: See ``IndexOptions``.

    Raises:
        InputError: None of the files and folders is there, and ``prune`` does not ask to remove what is gone; or as for
            ``indexing``.
    """
    outcomes: list[IndexEvent] = []
    start = time.monotonic()
    files = _listed(paths)
    if (
        files
        and not options.get("prune")
        and not any(os.path.lexists(file) or glob(str(file)) for file in files)
    ):
        library.discards_if_empty = library.is_new
        raise InputError(
            f"there is no file or folder {list_names([str(file) for file in files])}",
            hint=f"Relative paths start at {os.getcwd()}.",
        )
    with closing(indexing(library, files, **options)) as events:
        for event in events:
            if not isinstance(event, Progress | Found | Building):
                outcomes.append(event)
            if on_event:
                on_event(event)
    return IndexReport.of(outcomes, time.monotonic() - start)


def indexing(
    library: Opened, paths: Paths, **options: Unpack[IndexOptions]
) -> Generator[IndexEvent, None, None]:
    """Index files and folders step by step: nothing happens unless the steps are iterated.

    Closing it early commits the encoded pages. The next run does the rest.

    Args:
        library: Stores their pages.
        paths: Files and folders.
        **options: See ``IndexOptions``.

    Raises:
        LibraryBusyError: Another process is writing.
        LibraryReadOnlyError: The library can't be written to.
        MissingExtraError: ``quality`` is asked for, and its packages are not installed.
    """
    files = _listed(paths)
    encoder = page_encoder(library.encoder, library.store.manifest.pool_factor)
    options = {"settings": library.settings, **options}
    store = store_to_write(library)
    with store.writing():  # damage is dropped first
        quality = options.get("quality")
        try:
            judge = _choose_judge(library.listing, quality)
        except MaxSightError as error:
            if quality is not None:
                raise
            judge = None  # not requested
            yield Noticed(f"these pages are not judged: {error}")
        library.discards_if_empty = library.is_new
        store_encoder_folder(store, lambda: library.encoder)
        for damage in dropped_damage(store):
            yield Noticed(
                f"damaged and dropped: {damage}",
                hint="documents that are indexed again come back, with their own fields if --metadata gives them",
            )
        home = library.listing.home
        records = options.get("records")
        if records and options.get("cluster"):
            raise InputError(
                "only documents are indexed on a cluster, not rows of data files", hint="Leave --ray out."
            )
        if isinstance(records, ImageFields):
            yield from ImageRun(store, encoder, home, files, options, records).events()
        elif records:
            yield from RecordRun(store, encoder, home, files, options, records).events()
        else:
            yield from IndexRun(
                store, encoder, home, files, options, judge=judge, placement=_placement(store, options)
            ).events()
        if library.is_new and isinstance(library.address, MilvusAddress) and store.page_count():
            yield Noticed(f"the library was made in {store.description}")
        if not encoder.encodes_remotely:
            refresh_background(store, library.listing.page_ids(), library.searcher.encode)
        if isinstance(store, Persistent):
            store.optimize()
        if isinstance(store, Awaited) and options.get("wait", True):
            yield from _wait_for_index(store)
        compile_for(sum(entry.vectors for entry in library.listing.documents()))


def _listed(paths: Paths) -> list[Path]:
    return [Path(path) for path in ([paths] if isinstance(paths, str | PathLike) else paths)]


def _placement(store: Store, options: IndexOptions) -> Placement | None:
    """Choose where files are read and encoded; None for here."""
    if not (cluster := options.get("cluster")):
        return None
    extras.require("ray")
    from maxsight.indexing.on_ray import OnRay

    return OnRay(cluster, partial(load_page_encoder, store.manifest))


def _wait_for_index(store: Awaited) -> Generator[IndexEvent, None, None]:
    share = 1.0
    for share in store.building():
        yield Building(share)
    if share < 1:
        yield Noticed(
            f"the server has indexed {share:.0%} of the vectors and goes on by itself: until then, searches are slower"
        )


def remove(library: Opened, files: Sequence[str], *, exact: bool = False) -> list[str]:
    """Remove documents by path or file name, all or none, and return their paths.

    The name of a file of records means all documents made from it.

    Args:
        library: Holds them.
        files: Paths or file names.
        exact: Take each for the whole path of one document, as a ``Hit`` has it, and for nothing else.

    Raises:
        InputError: A name fits no document, or several.
    """
    store = store_to_write(library)
    with store.writing():
        paths = library.listing.find_paths(files, exact=exact)
        store.remove(paths)
    return paths


def _choose_judge(listing: Listing, quality: bool | PageJudge | None) -> PageJudge | None:
    """The given judge of new pages, the model that comes with maxsight, none, or the one that judged the others."""
    if quality is None:
        return Judges().choose_judge(judges_of(listing.documents()))
    return load_judge() if quality is True else quality or None
