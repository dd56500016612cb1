"""A library as a Parquet file, for pandas, Polars, DuckDB and training code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from maxsight.stores.base import IndexedPage, Readable
from maxsight.stores.fields import FieldType
from maxsight.stores.local.schema import METADATA_TYPES
from maxsight.writing import check_suffix, moved_when_whole

PAGES_PER_ROW_GROUP = 64
_RUN = [("source", pa.string()), ("words", pa.int32()), ("reason", pa.string())]


def export_parquet(store: Readable, page_ids: Sequence[str], file: Path) -> int:
    """Write stored pages to a file, one row each, and return how many.

    Columns: ``page_id, path, file, page_number, page_count`` (of its document), ``text, text_source`` (of most words),
    ``text_runs`` (``Page.text_runs``), ``vectors`` (lists of ``dim`` float32), ``boxes`` (lists of four fractions of
    the page), ``spans`` (lists of two character offsets), then the user's fields. Boxes or spans are null if the
    encoder has none.

    Raises:
        InputError: The file can't be written, or does not end in ``.parquet``.
    """
    check_suffix(file, (".parquet",), "an export is")
    schema = _schema(store.manifest.space.dim, store.fields())
    count = 0
    with (
        moved_when_whole(file) as unfinished,
        pq.ParquetWriter(unfinished, schema, compression="zstd") as writer,
    ):
        for first in range(0, len(page_ids), PAGES_PER_ROW_GROUP):
            pages = store.read(page_ids[first : first + PAGES_PER_ROW_GROUP])
            writer.write_batch(pa.RecordBatch.from_pylist([_row(page) for page in pages], schema=schema))
            count += len(pages)
    return count


def _schema(dim: int, fields: Mapping[str, FieldType]) -> pa.Schema:
    return pa.schema(
        [
            ("page_id", pa.string()),
            ("path", pa.string()),
            ("file", pa.string()),
            ("page_number", pa.int32()),
            ("page_count", pa.int32()),
            ("text", pa.string()),
            ("text_source", pa.string()),
            ("text_runs", pa.list_(pa.struct(_RUN))),
            ("vectors", pa.list_(pa.list_(pa.float32(), dim))),
            ("boxes", pa.list_(pa.list_(pa.float32(), 4))),
            ("spans", pa.list_(pa.list_(pa.int32(), 2))),
            *((f"metadata_{name}", METADATA_TYPES[kind]) for name, kind in fields.items()),
        ]
    )


def _row(page: IndexedPage) -> dict[str, Any]:
    regions = page.embedding.regions
    return {
        "page_id": page.page_id,
        "path": page.document.path,
        "file": page.document.file,
        "page_number": page.page.page_number,
        "page_count": page.document.page_count,
        "text": page.page.text,
        "text_source": page.page.text_source.value,
        "text_runs": [asdict(run) for run in page.page.text_runs],
        "vectors": list(page.embedding.vectors.astype(np.float32)),
        "boxes": None if regions.boxes is None else list(regions.boxes),
        "spans": None if regions.spans is None else list(regions.spans),
        **{f"metadata_{name}": value for name, value in page.metadata.items()},
    }
