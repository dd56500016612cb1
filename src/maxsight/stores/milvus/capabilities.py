"""What a Milvus server can do, as its version tells. What it makes of a schema is looked at too: ``collections``."""

from __future__ import annotations

import re
from dataclasses import dataclass

from maxsight.errors import StoreError
from maxsight.stores.milvus.expressions import Dialect

OLDEST = (2, 3)


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What depends on the server.

    Attributes:
        version: Of the server, or of Milvus Lite: ``(2, 6, 4)``.
        lite: Whether it is Milvus Lite, a database in this process.
    """

    version: tuple[int, ...]
    lite: bool

    def __str__(self) -> str:
        """For people: ``Milvus 2.6.4``."""
        return f"Milvus {'Lite ' if self.lite else ''}{'.'.join(map(str, self.version))}"

    @property
    def full_text(self) -> bool:
        """Whether text can be ranked by BM25."""
        return self.lite or self.version >= (2, 5)

    @property
    def embedding_lists(self) -> bool:
        """Whether a page can be one entity with all its vectors, and MaxSim computed by the server."""
        return not self.lite and self.version >= (2, 6, 4)

    @property
    def strategies(self) -> bool:
        """Whether there is a choice of how embedding lists are indexed."""
        return not self.lite and self.version >= (3, 0)

    @property
    def text_index(self) -> str:
        """The index for a column of text. 2.3 has none but ``Trie`` for it; ``STL_SORT`` is for numbers there."""
        return "INVERTED" if self.lite or self.version >= (2, 4) else "Trie"

    @property
    def number_index(self) -> str:
        """The index for a column of whole numbers."""
        return "INVERTED" if self.lite or self.version >= (2, 4) else "STL_SORT"

    @property
    def dialect(self) -> Dialect:
        """What filters can say."""
        return Dialect(like_anywhere=self.lite or self.version >= (2, 4), json_in=not self.lite)


def parse_version(text: str, *, lite: bool) -> Capabilities:
    """Read what a server says of its version: ``v2.3.5-lite``, ``milvus_lite-3.2.2``.

    Raises:
        StoreError: It is older than what is supported, or says nothing that can be understood.
    """
    found = re.search(r"\d+(\.\d+)+", text)
    if found is None:
        raise StoreError(f"the server's version can't be understood: {text!r}")
    version = tuple(map(int, found[0].split(".")))
    if not lite and version < OLDEST:
        raise StoreError(f"the server is Milvus {found[0]}; maxsight needs 2.3 or newer")
    return Capabilities(version, lite)
