"""What a Milvus server supports, by its version. ``collections`` also checks what it makes of a schema."""

from __future__ import annotations

import re
from dataclasses import dataclass

from maxsight.errors import StoreError

MIN_VERSION = (2, 3)


@dataclass(frozen=True, slots=True)
class Capabilities:
    """The version of a server, and what follows from it.

    Attributes:
        version: The version of the server, or of Milvus Lite: ``(2, 6, 4)``.
        lite: It is Milvus Lite, a database in this process.
    """

    version: tuple[int, ...]
    lite: bool

    def __str__(self) -> str:
        """Write it for people: ``Milvus 2.6.4``."""
        return f"Milvus {'Lite ' if self.lite else ''}{'.'.join(map(str, self.version))}"

    @property
    def full_text(self) -> bool:
        """Whether it ranks text by BM25."""
        return self.lite or self.version >= (2, 5)

    @property
    def embedding_lists(self) -> bool:
        """Whether a page can be one entity with all its vectors, which the server ranks by MaxSim."""
        return not self.lite and self.version >= (2, 6, 4)

    @property
    def strategies(self) -> bool:
        """Whether embedding lists can be indexed in several ways."""
        return not self.lite and self.version >= (3, 0)

    @property
    def maps_files(self) -> bool:
        """Whether a collection can be mapped from disk instead of being held in memory."""
        return not self.lite and self.version >= (2, 4)

    @property
    def like_anywhere(self) -> bool:
        """Whether ``LIKE`` takes ``%`` anywhere, not only at the end."""
        return self.lite or self.version >= (2, 4)

    @property
    def json_in(self) -> bool:
        """Whether ``IN`` takes a key of a JSON column."""
        return not self.lite

    @property
    def text_index(self) -> str:
        """The index type for columns of text. 2.3 has ``Trie`` for text and ``STL_SORT`` for numbers."""
        return "INVERTED" if self.lite or self.version >= (2, 4) else "Trie"

    @property
    def number_index(self) -> str:
        """The index type for columns of whole numbers."""
        return "INVERTED" if self.lite or self.version >= (2, 4) else "STL_SORT"


def parse_version(text: str, *, lite: bool) -> Capabilities:
    """Read a server's version, such as ``v2.3.5-lite`` or ``milvus_lite-3.2.2``.

    Raises:
        StoreError: The version is too old, or can't be read.
    """
    found = re.search(r"\d+(\.\d+)+", text)
    if found is None:
        raise StoreError(f"the server's version can't be read: {text!r}")
    version = tuple(map(int, found[0].split(".")))
    if not lite and version < MIN_VERSION:
        raise StoreError(f"the server is Milvus {found[0]}; maxsight needs 2.3 or newer")
    return Capabilities(version, lite)
