"""The sign codes of all pages in memory: what a search scans before it reads any vectors."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from maxsight.stores import schema
from maxsight.stores.base import Codec
from maxsight.types import Floats


@dataclass(frozen=True, slots=True, eq=False)
class CodeTable:
    """Codes of the pages of one dataset version.

    Attributes:
        page_ids: One per page. Shape ``(pages,)``.
        row_ids: Lance's number for each page. Shape ``(pages,)``.
        code_lo: First words, end to end. Shape ``(vectors,)``.
        code_hi: Second words, likewise.
        offsets: Page ``n`` owns ``offsets[n]:offsets[n + 1]``. Shape ``(pages + 1,)``.
    """

    page_ids: NDArray[np.str_]
    row_ids: NDArray[np.uint64]
    code_lo: NDArray[np.uint64]
    code_hi: NDArray[np.uint64]
    offsets: NDArray[np.int64]

    def best_pages(self, codec: Codec, query: Floats, limit: int) -> list[str]:
        """Name the pages whose codes promise the best MaxSim."""
        best = codec.best_pages(query, self.code_lo, self.code_hi, self.offsets, limit)
        names: list[str] = self.page_ids[best].tolist()
        return names

    def kept(self, row_ids: NDArray[np.uint64]) -> CodeTable:
        """The same table with only some pages."""
        keep = np.isin(self.row_ids, row_ids)
        lengths = np.diff(self.offsets)
        words = np.repeat(keep, lengths)
        offsets = np.concatenate([[0], np.cumsum(lengths[keep])])
        return CodeTable(
            self.page_ids[keep], self.row_ids[keep], self.code_lo[words], self.code_hi[words], offsets
        )


def from_batches(batches: Iterable[pa.RecordBatch], codec: Codec) -> CodeTable:
    """Collect the codes of all pages.

    Args:
        batches: Columns ``page_id``, ``_rowid``, and either the codes or the vectors to make them of.
        codec: Makes them.
    """
    page_ids: list[str] = []
    row_ids, code_lo, code_hi, lengths = [], [], [], []
    for batch in batches:
        page_ids.extend(batch.column("page_id").to_pylist())
        row_ids.append(np.asarray(batch.column("_rowid")))
        if "code_lo" in batch.schema.names:
            lo, offsets = schema.packed_values(batch.column("code_lo"))
            hi, _ = schema.packed_values(batch.column("code_hi"))
        else:
            chunk = schema.vector_chunk(batch)
            offsets = chunk.offsets
            lo, hi = codec.encode(chunk.vectors)
        code_lo.append(lo)
        code_hi.append(hi)
        lengths.append(np.diff(offsets))
    no_words = np.empty(0, np.uint64)
    return CodeTable(
        page_ids=np.array(page_ids, dtype=np.str_),
        row_ids=np.concatenate([no_words, *row_ids]),
        code_lo=np.concatenate([no_words, *code_lo]),
        code_hi=np.concatenate([no_words, *code_hi]),
        offsets=np.cumsum(np.concatenate([np.zeros(1, np.int64), *lengths])),
    )
