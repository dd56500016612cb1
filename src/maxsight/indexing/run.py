"""One indexing run: files in, committed pages out, going on where the last run stopped.

A run is an iterator of events, so that the caller can show progress and stop it at any time. Encoded pages are
committed and stay. The next run compares files with the stored pages and does the rest. Pages are read
ahead in processes, and encoded and committed in threads (`batch`). A caller that asks slowly for events slows reading.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from maxsight.documents import ReadSettings
from maxsight.encoders.base import Encoder
from maxsight.indexing.copies import copy_equal_documents
from maxsight.indexing.events import IndexEvent
from maxsight.indexing.judges import PageJudge
from maxsight.indexing.judging import Judging, unjudged_notice
from maxsight.indexing.options import IndexOptions
from maxsight.indexing.placement import Here, Placement
from maxsight.indexing.plan import Plan
from maxsight.indexing.pruning import look_for_gone
from maxsight.notices import Notices
from maxsight.stores.base import Store


class IndexRun:
    """One run over one request. Iterate ``events`` once."""

    def __init__(
        self,
        store: Store,
        encoder: Encoder,
        home: Path | None,
        paths: Sequence[Path],
        options: IndexOptions,
        *,
        judge: PageJudge | None = None,
        placement: Placement | None = None,
    ) -> None:
        """Prepare a run; nothing is read before ``events`` is iterated.

        Args:
            store: Where the pages go.
            encoder: Makes their vectors.
            home: The folder that documents are named relative to.
            paths: Files and folders.
            options: How to index. Its ``quality`` is ignored; ``judge`` is used instead.
            judge: Judges the pages after they are stored.
            placement: Where files are read and encoded; here if None.

        Raises:
            InputError: The judge needs more than a picture.
        """
        self._store = store
        self._encoder = encoder
        self._home = home
        self._paths = paths
        self._options = options
        self._settings = options.get("settings", ReadSettings())
        self._placement = placement or Here(options.get("workers"))
        self._plan = Plan(store, home, options)
        self._notices = Notices(encoder.notice)
        self._judging = Judging(store, judge, self._settings) if judge else None

    def events(self) -> Iterator[IndexEvent]:
        """Do the work and report each step. If the iteration stops early, commit the encoded pages."""
        plan = self._plan
        yield from plan.events(self._paths)
        # Copies of stored documents come first: reading may replace these.
        yield from copy_equal_documents(self._store, self._home, plan.copies)
        yield from self._read()
        yield from copy_equal_documents(self._store, self._home, plan.copies)
        # The other copies are of documents that could not be read as a whole.
        plan.work |= {work.file: work for copies in plan.copies.values() for work in copies}
        yield from self._read()
        prune = self._options.get("prune", False)
        yield from look_for_gone(self._store, self._home, self._paths, plan, prune=prune)
        if self._judging:
            yield from self._judging.events(plan.files, self._options.get("workers"))
        else:
            yield from unjudged_notice(self._store)
        yield from self._notices.events()

    def _read(self) -> Iterator[IndexEvent]:
        """Read, encode and commit the documents of the plan that are to be read."""
        due = self._plan.work
        if not due:
            return
        yield from self._placement.index(
            self._store,
            self._encoder,
            due,
            replace(self._settings, picture=self._encoder.picture),
            self._notices,
        )
