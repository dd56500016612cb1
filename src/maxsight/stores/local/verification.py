"""Read every row and compare it with its checksums: disks can change what they hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import lance
import numpy as np
import pyarrow as pa

from maxsight.errors import MaxSightError
from maxsight.stores.local.arrow_rows import code_checksum, from_batch, metadata_of
from maxsight.stores.local.lance_errors import blames_data, brief, is_foreign
from maxsight.stores.page_rows import Row, checksum, metadata_checksum, to_page
from maxsight.stores.ragged import are_unit
from maxsight.stores.verification import Damage, Fault, Verification

PAGES_PER_BATCH = 32


def check_rows(
    dataset: lance.LanceDataset,
    damage: Sequence[Damage],
    on_progress: Callable[[int, int], None] | None = None,
) -> Verification:
    """Read and check all rows.

    Args:
        dataset: One version.
        damage: Files that are known to be unreadable. Rows of their fragments do not count.
        on_progress: Called with the pages read so far and their total.
    """
    faults: list[Fault] = []
    seen: set[str] = set()
    skipped = {item.fragment_id for item in damage}
    fragments = [fragment for fragment in dataset.get_fragments() if fragment.fragment_id not in skipped]
    done, total = 0, sum(fragment.metadata.num_rows for fragment in fragments)
    for fragment in fragments:
        for row in _rows(dataset, fragment):
            done += 1
            reason = row.get("fault") or _fault(row)
            if reason is None and row["page_id"] in seen:
                reason = "it is there twice"
            seen.add(row["page_id"])
            if reason:
                where = row["page_id"], row["path"], row["page_number"]
                faults.append(Fault(*where, reason=reason, row_id=row["_rowid"]))
            if on_progress and (done % PAGES_PER_BATCH == 0 or done == total):
                on_progress(done, total)
    return Verification(done, tuple(faults), tuple(damage), repaired=False)


def _rows(dataset: lance.LanceDataset, fragment: lance.LanceFragment) -> Iterator[Row]:
    """Yield the rows of a fragment. If they can't be decoded together, read them one by one and mark the faulty."""
    read: set[int] = set()
    try:
        batches = fragment.to_batches(batch_size=PAGES_PER_BATCH, batch_readahead=1, with_row_id=True)
        for batch in batches:
            for row in from_batch(batch):
                read.add(row["_rowid"])
                yield row
        return
    except BaseException as error:
        if not blames_data(error):
            raise
    row_ids = fragment.to_table(columns=[], with_row_id=True).column("_rowid").to_pylist()
    for row_id in row_ids:
        if row_id in read:
            continue
        try:
            table = _read(dataset, row_id, None)
            yield from (row for batch in table.to_batches() for row in from_batch(batch))
        except BaseException as error:
            if not blames_data(error):
                raise
            yield _named(dataset, row_id) | {"fault": f"it can't be decoded ({brief(error)})"}


def _read(dataset: lance.LanceDataset, row_id: int, columns: list[str] | None) -> pa.Table:
    return dataset.to_table(columns=columns, filter=f"_rowid = {row_id}", with_row_id=True)


def _named(dataset: lance.LanceDataset, row_id: int) -> Row:
    unknown = {"page_id": "", "path": "", "page_number": 0, "_rowid": row_id}
    try:
        rows = _read(dataset, row_id, ["page_id", "path", "page_number"]).to_pylist()
    except BaseException as error:
        if not is_foreign(error):
            raise
        rows = []
    return rows[0] if rows else unknown


def _fault(row: Row) -> str | None:
    vectors = row["vectors"]
    if checksum(row) != row["checksum"]:
        return "its content is not what was written"
    if metadata_checksum(metadata_of(row)) != row["metadata_checksum"]:
        return "its metadata is not what was written"
    if not np.isfinite(vectors).all() or not are_unit(np.linalg.norm(vectors.astype(np.float32), axis=1)):
        return "a vector is not of unit norm"
    if code_checksum(row) != row["code_checksum"]:
        return "its codes are not what was written"
    try:
        to_page(row, metadata_of(row))
    except (MaxSightError, ValueError) as error:
        return f"it can't be read as a page: {error}"
    return None
