"""Chooses the kind of run for a request: over files of pages, or over files of records."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from maxsight.encoders.base import Encoder
from maxsight.errors import InputError
from maxsight.indexing.judges import PageJudge
from maxsight.indexing.options import IndexOptions
from maxsight.indexing.records import RecordRun
from maxsight.indexing.run import IndexRun
from maxsight.stores.base import Store

FOR_RECORDS = {"records", "prune", "again", "settings"}


def start_run(
    store: Store,
    encoder: Encoder,
    home: Path | None,
    paths: Sequence[Path],
    options: IndexOptions,
    *,
    judge: PageJudge | None = None,
) -> IndexRun | RecordRun:
    """Prepare a run; nothing is read before its ``events`` are iterated.

    Args:
        store: Where the pages go.
        encoder: Makes their vectors.
        home: The folder that documents are named relative to.
        paths: Files and folders, or files of records.
        options: How to index. ``judge`` stands for ``quality``.
        judge: Judges the pages after they are stored. Records have no pictures, so their run ignores it.

    Raises:
        InputError: An option does not apply to records.
    """
    fields = options.get("records")
    if fields is None:
        return IndexRun(store, encoder, home, paths, options, judge=judge)
    if others := sorted(name for name, value in options.items() if value and name not in FOR_RECORDS):
        raise InputError(
            f"{', '.join(others)}: not for records", hint="The fields of a record are its metadata."
        )
    return RecordRun(
        store,
        encoder,
        home,
        paths,
        fields,
        prune=options.get("prune", False),
        again=options.get("again", False),
    )
