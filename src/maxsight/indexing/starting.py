"""Which kind of run a request is: over files of pages, or of records."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from maxsight.encoders.base import Encoder
from maxsight.errors import InputError
from maxsight.indexing.judges import PageJudge
from maxsight.indexing.records import RecordRun
from maxsight.indexing.run import IndexOptions, IndexRun
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
        store: Where pages are kept.
        encoder: Makes their vectors.
        home: What documents are named relative to.
        paths: Files and folders, or files of records.
        options: How to index; ``quality`` is decided by ``judge``.
        judge: Looks at the pages once they are stored; records have no pictures.

    Raises:
        InputError: An option is not for records.
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
