"""Chooses the kind of run for a request: over files of pages, or over files of records."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from maxsight.encoders.base import Encoder
from maxsight.indexing.judges import PageJudge
from maxsight.indexing.options import IndexOptions
from maxsight.indexing.records import RecordRun
from maxsight.indexing.run import IndexRun
from maxsight.stores.base import Store


def start_run(
    store: Store,
    encoder: Encoder,
    home: Path | None,
    paths: Sequence[Path],
    options: IndexOptions,
    *,
    judge: PageJudge | None = None,
) -> IndexRun | RecordRun:
    """Prepare a run over files, or over files of records if the options name their fields.

    The arguments are those of `IndexRun`. Records have no pictures, so their run ignores ``judge``.
    """
    if options.get("records"):
        return RecordRun(store, encoder, home, paths, options)
    return IndexRun(store, encoder, home, paths, options, judge=judge)
