"""The sign codes of all pages in memory: what a search scans before it reads any vectors."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from maxsight.stores.base import Codec, VectorChunk
from maxsight.types import Floats


@dataclass(frozen=True, slots=True, eq=False)
class CodeTable:
    """Codes of the pages of one dataset version.

    Attributes:
        page_ids: One per page. Shape ``(pages,)``.
        code_lo: First words, end to end. Shape ``(vectors,)``.
        code_hi: Second words, likewise.
        offsets: Page ``n`` owns ``offsets[n]:offsets[n + 1]``. Shape ``(pages + 1,)``.
    """

    page_ids: NDArray[np.str_]
    code_lo: NDArray[np.uint64]
    code_hi: NDArray[np.uint64]
    offsets: NDArray[np.int64]

    def best_pages(self, codec: Codec, query: Floats, limit: int) -> list[str]:
        """Name the pages whose codes promise the best MaxSim."""
        best = codec.best_pages(query, self.code_lo, self.code_hi, self.offsets, limit)
        names: list[str] = self.page_ids[best].tolist()
        return names

    def kept(self, page_ids: Iterable[str]) -> CodeTable:
        """The same table with only some pages."""
        keep = np.isin(self.page_ids, list(page_ids))
        lengths = np.diff(self.offsets)
        rows = np.repeat(keep, lengths)
        offsets = np.concatenate([[0], np.cumsum(lengths[keep])])
        return CodeTable(self.page_ids[keep], self.code_lo[rows], self.code_hi[rows], offsets)


def from_vectors(chunks: Iterable[VectorChunk], codec: Codec) -> CodeTable:
    """Code vectors that are stored without codes."""
    page_ids: list[str] = []
    words, lengths = [], []
    for chunk in chunks:
        page_ids.extend(chunk.page_ids)
        words.append(codec.encode(chunk.vectors))
        lengths.append(np.diff(chunk.offsets))
    lo, hi = zip(*words, strict=True) if words else ((), ())
    return CodeTable(
        np.array(page_ids, dtype=np.str_),
        np.concatenate([np.empty(0, np.uint64), *lo]),
        np.concatenate([np.empty(0, np.uint64), *hi]),
        np.cumsum(np.concatenate([[0], *lengths])),
    )
