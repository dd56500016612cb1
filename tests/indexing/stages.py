"""An encoder and a store that stop where a test wants them to, and tell what they are given."""

from __future__ import annotations

import queue
import threading

import numpy as np

from maxsight.encoders.fake import FakeEncoder
from maxsight.stores.memory import MemoryStore
from store_pages import MANIFEST

SOON_S = 60.0


class Gate:
    """Where a thread stops until it is let through, unless the gate stands open."""

    def __init__(self, *, is_open):
        self._arrivals = queue.Queue()
        self._passes = threading.Semaphore(0)
        self._is_open = is_open

    def pass_through(self, what):
        self._arrivals.put(what)
        if not self._is_open:
            assert self._passes.acquire(timeout=SOON_S)

    def arrival(self):
        """What has come to the gate; waits for it."""
        return self._arrivals.get(timeout=SOON_S)

    @property
    def nobody_came(self):
        return self._arrivals.empty()

    def let_through(self):
        self._passes.release()

    def open(self):
        self._is_open = True
        self._passes.release()


class GatedEncoder(FakeEncoder):
    """The fake encoder, behind a gate.

    Attributes:
        seen: Page numbers by batch.
        pictures: Of all pages it was given.
    """

    def __init__(self, *, batch_size=4, is_open=True, picture=None, fails_on=None):
        super().__init__(dim=MANIFEST.space.dim)
        self.gate = Gate(is_open=is_open)
        self.seen, self.pictures = [], []
        self.fails_on = fails_on
        self._batch_size, self._picture = batch_size, picture

    @property
    def batch_size(self):
        return self._batch_size

    @property
    def picture(self):
        return self._picture

    def encode_pages(self, pages):
        self.seen.append([page.page_number for page in pages])
        self.pictures += [None if page.picture is None else np.array(page.picture) for page in pages]
        self.gate.pass_through(len(self.seen))
        if self.fails_on and len(self.seen) in self.fails_on:
            raise self.fails_on[len(self.seen)]
        return super().encode_pages(pages)


class GatedStore(MemoryStore):
    """The store in memory, behind a gate.

    Attributes:
        commits: Pages of each commit, as given, and whether it replaced documents.
    """

    def __init__(self, *, is_open=True, fails_on=None):
        super().__init__(MANIFEST)
        self.gate = Gate(is_open=is_open)
        self.commits = []
        self.fails_on = fails_on

    def put(self, pages, *, replace_documents=False, keep=()):
        self.commits.append((list(pages), replace_documents))
        self.gate.pass_through(len(self.commits))
        if self.fails_on and len(self.commits) in self.fails_on:
            raise self.fails_on[len(self.commits)]
        super().put(pages, replace_documents=replace_documents, keep=keep)

    @property
    def stored(self):
        """Page numbers by document."""
        return {
            entry.document.path: [index + 1 for index in entry.page_indices] for entry in self.documents()
        }
