"""The places of all pages' codes and vectors in one version of a library: a search works on this table.

A table consists of one part for each of Lance's fragments. Fragments never change, so a new table takes most parts
from the table before, and a commit costs only what it changed. Tables are frozen. A search stays with the table it
began with: mapped files stay readable even after another process has removed them.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import lance
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from maxsight.stores.base import Codec
from maxsight.stores.local.arrow_rows import from_batch
from maxsight.stores.local.mapping import MappedColumn, map_columns
from maxsight.stores.local.versioned import Version
from maxsight.stores.page_rows import Row
from maxsight.stores.ragged import PageBytes, PageCodes, PageVectors

PAGES_PER_BATCH = 64
ROW_BITS = np.uint64(32)
"""A row address has the fragment id in the high 32 bits and the row in the low 32."""


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """The pages of one fragment.

    Attributes:
        page_ids: One per page.
        row_ids: Lance's number for each page, which never changes. Shape ``(pages,)``.
        counts: Vectors of each page. Shape ``(pages,)``.
        signs: Their pooled sign codes.
        four_bit: Their 4-bit codes.
        vectors: Their vectors; None where the file can't be mapped.
        stride: Bytes from one vector to the next.
    """

    page_ids: pa.Array
    row_ids: NDArray[np.uint64]
    counts: NDArray[np.int64]
    signs: PageBytes
    four_bit: PageBytes
    vectors: PageBytes | None
    stride: int


@dataclass(frozen=True, eq=False)
class CodeTable:
    """All pages of one version.

    Attributes:
        version: Which one.
        codec: Made the codes.
        parts: The parts of its fragments in order, by a key that changes when the fragment does.
        dim: Of the vectors.
    """

    version: Version
    codec: Codec
    parts: dict[Hashable, Part]
    dim: int

    @cached_property
    def page_ids(self) -> pa.Array:
        """One per page."""
        return pa.concat_arrays([pa.array([], pa.string()), *(part.page_ids for part in self.parts.values())])

    @cached_property
    def row_ids(self) -> NDArray[np.uint64]:
        """Lance's number for each page. Shape ``(pages,)``."""
        return np.concatenate([np.empty(0, np.uint64), *(part.row_ids for part in self.parts.values())])

    @cached_property
    def codes(self) -> PageCodes:
        """The codes of all pages."""
        parts = list(self.parts.values())
        return PageCodes(
            np.concatenate([np.empty(0, np.int64), *(part.counts for part in parts)]),
            PageBytes.concatenate([part.signs for part in parts]),
            PageBytes.concatenate([part.four_bit for part in parts]),
        )

    @cached_property
    def _first_of_part(self) -> NDArray[np.int64]:
        return np.cumsum([0, *(len(part.counts) for part in self.parts.values())])

    @cached_property
    def kept(self) -> NDArray[np.int64]:
        """The positions of all pages but those that commits undone had removed."""
        removed = pa.array(sorted(self.version.removed), pa.string())
        return np.flatnonzero(~np.asarray(pc.is_in(self.page_ids, value_set=removed)))

    def positions_of_rows(self, row_ids: NDArray[np.uint64]) -> NDArray[np.int64]:
        """Return the positions of the pages with these row ids, ascending."""
        return np.flatnonzero(np.isin(self.row_ids, row_ids))

    def positions_of(self, page_ids: Sequence[str]) -> NDArray[np.int64]:
        """Return the positions of named pages, in the order asked for; unknown and removed names are left out."""
        names = [page_id for page_id in page_ids if page_id not in self.version.removed]
        found = pc.index_in(pa.array(names, pa.string()), value_set=self.page_ids)
        return np.array(found.drop_null(), np.int64)

    def names(self, positions: NDArray[np.int64]) -> list[str]:
        """Return the names of pages."""
        names: list[str] = self.page_ids.take(pa.array(positions, pa.int64())).to_pylist()
        return names

    def codes_of(self, positions: NDArray[np.int64]) -> PageCodes:
        """Return the codes of some pages."""
        codes = self.codes
        return PageCodes(codes.counts[positions], codes.signs.take(positions), codes.four_bit.take(positions))

    def vectors(self, positions: NDArray[np.int64]) -> PageVectors:
        """Return the vectors of some pages, in the order asked for; read where they can't be mapped."""
        numbers = np.searchsorted(self._first_of_part, positions, side="right") - 1
        order, pieces = [], []
        for number, part in enumerate(self.parts.values()):
            mine = np.flatnonzero(numbers == number)
            if len(mine):
                own = positions[mine] - self._first_of_part[number]
                order.append(mine)
                pieces.append(self._vectors_of_part(part, own))
        joined = PageVectors.concatenate(pieces, self.dim)
        back = np.argsort(np.concatenate([np.empty(0, np.int64), *order]))
        return joined.take(back)

    def rows(self, positions: NDArray[np.int64], columns: Sequence[str]) -> Iterator[Row]:
        """Return some columns of pages, and their vectors, in the order asked for."""
        vectors = iter(self.vectors(positions))
        for batch in self.version.dataset.take(positions.tolist(), columns=list(columns)).to_batches():
            for row in from_batch(batch):
                yield row | {"vectors": np.ascontiguousarray(next(vectors))}

    def _vectors_of_part(self, part: Part, own: NDArray[np.int64]) -> PageVectors:
        names = part.page_ids.take(pa.array(own, pa.int64())).to_pylist()
        if part.vectors is not None:
            strides = np.full(len(own), part.stride, np.int64)
            return PageVectors(tuple(names), part.counts[own], part.vectors.take(own), strides, self.dim)
        return PageVectors.from_arrays(
            names, _read(self.version.dataset, part.row_ids[own], "vectors"), self.dim
        )


def read_table(version: Version, codec: Codec, dim: int, before: CodeTable | None) -> CodeTable:
    """Read the table of a version.

    Args:
        version: Which one.
        codec: Makes the codes that another codec has made.
        dim: Of the vectors.
        before: The table of an earlier version, if there is one.
    """
    fragments = {_key(fragment, codec): fragment for fragment in version.dataset.get_fragments()}
    known = before.parts if before is not None else {}
    fresh = {key: fragment for key, fragment in fragments.items() if key not in known}
    made = _Parts(version.dataset, version.folder, codec, dim).read(fresh) if fresh else {}
    parts = {key: known[key] if key in known else made[key] for key in fragments}
    return CodeTable(version, codec, parts, dim)


def _key(fragment: lance.LanceFragment, codec: Codec) -> Hashable:
    metadata = fragment.metadata
    files = tuple(file.path for file in metadata.files)
    return fragment.fragment_id, files, str(metadata.deletion_file), id(codec)


@dataclass(frozen=True, slots=True)
class _Parts:
    """Reads what fragments hold."""

    dataset: lance.LanceDataset
    folder: Path | None
    codec: Codec
    dim: int

    def read(self, fragments: dict[Hashable, lance.LanceFragment]) -> dict[Hashable, Part]:
        rows = self.dataset.scanner(
            columns=["page_id", "vector_count", "code_version"],
            fragments=list(fragments.values()),
            with_row_id=True,
            with_row_address=True,
        ).to_table()
        addresses = np.asarray(rows.column("_rowaddr"))
        in_fragment = addresses >> ROW_BITS
        return {
            key: self._part(fragment, rows.filter(pa.array(in_fragment == fragment.fragment_id)))
            for key, fragment in fragments.items()
        }

    def _part(self, fragment: lance.LanceFragment, rows: pa.Table) -> Part:
        page_ids = rows.column("page_id").combine_chunks()
        row_ids = np.asarray(rows.column("_rowid"))
        counts = np.asarray(rows.column("vector_count")).astype(np.int64)
        places = (np.asarray(rows.column("_rowaddr")) & np.uint64(2**32 - 1)).astype(np.int64)
        vectors, signs, four_bit = map_columns(self.folder, fragment, self._field_ids())
        mapped = vectors.items(places, counts, 2 * self.dim) if vectors else None
        if set(rows.column("code_version").to_pylist()) <= {self.codec.version}:
            codes = (
                self._bytes(signs, places, self.codec.sign_bytes(counts), row_ids, "pooled_signs"),
                self._bytes(four_bit, places, self.codec.four_bit_bytes(counts), row_ids, "four_bit_codes"),
            )
        else:
            codes = self._encoded(row_ids)
        return Part(page_ids, row_ids, counts, *codes, *(mapped or (None, 0)))

    def _field_ids(self) -> list[int]:
        fields = {field.name(): field for field in self.dataset.lance_schema.fields()}
        innermost = []
        for name in ("vectors", "pooled_signs", "four_bit_codes"):
            field = fields[name]
            while field.children():
                field = field.children()[0]
            innermost.append(field.id())
        return innermost

    def _bytes(
        self,
        column: MappedColumn | None,
        places: NDArray[np.int64],
        sizes: NDArray[np.int64],
        row_ids: NDArray[np.uint64],
        name: str,
    ) -> PageBytes:
        """Return a column of bytes: mapped where it can be, else read."""
        mapped = column.values(places, sizes) if column else None
        return PageBytes.from_arrays(_read(self.dataset, row_ids, name)) if mapped is None else mapped

    def _encoded(self, row_ids: NDArray[np.uint64]) -> tuple[PageBytes, PageBytes]:
        codes = [self.codec.encode(page) for page in _read(self.dataset, row_ids, "vectors")]
        return PageBytes.from_arrays([page.signs for page in codes]), PageBytes.from_arrays(
            [page.four_bit for page in codes]
        )


def _read(dataset: lance.LanceDataset, row_ids: NDArray[np.uint64], column: str) -> list[Any]:
    """Return the values of a column in some rows."""
    stored: dict[int, Any] = {}
    for first in range(0, len(row_ids), PAGES_PER_BATCH):
        numbers = ", ".join(map(str, row_ids[first : first + PAGES_PER_BATCH].tolist()))
        table = dataset.to_table(columns=[column], filter=f"_rowid IN ({numbers})", with_row_id=True)
        for batch in table.to_batches():
            stored |= {row["_rowid"]: row[column] for row in from_batch(batch)}
    return [stored[row_id] for row_id in row_ids.tolist()]
