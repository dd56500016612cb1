"""An open library, as its methods see it that are functions in modules of their own.

These are the functions of ``runs``, ``copying``, ``explaining``, ``auditing`` and ``upkeep`` that take an ``Opened``.
"""

from __future__ import annotations

from typing import Protocol

from maxsight.documents import PageRenderer, ReadSettings
from maxsight.encoders import Encoder
from maxsight.library.listing import Listing
from maxsight.library.opening import writable
from maxsight.library.searching import Searcher
from maxsight.stores.addresses import Address
from maxsight.stores.base import AnyStore, Store


class Opened(Protocol):
    """The parts of a library; ``Library`` describes them."""

    store: AnyStore
    address: Address | None
    listing: Listing
    searcher: Searcher
    renderer: PageRenderer
    is_new: bool
    discards_if_empty: bool

    @property
    def encoder(self) -> Encoder:
        """Makes every vector in it."""
        ...

    @property
    def settings(self) -> ReadSettings:
        """How files are read."""
        ...

    @property
    def place(self) -> str:
        """Where it is, for people."""
        ...


def store_to_write(library: Opened) -> Store:
    """Return the store of a library, to be written to.

    Raises:
        LibraryReadOnlyError: It can only be read.
    """
    return writable(library.store, library.place)
