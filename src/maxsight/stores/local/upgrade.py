"""Bringing a library of a previous format up to date, in place.

Format 1 has no codes, formats 2 and 3 have others. The former codes go with one commit, today's come with the next, and
the new manifest with a third, so a kill in between leaves a library that reads as what it was and goes on from there.
What an audit measured of the former codes goes too.
"""

from __future__ import annotations

from dataclasses import replace

import lance
import pyarrow as pa

from maxsight.stores.base import Codec
from maxsight.stores.local import schema
from maxsight.stores.manifest import FORMAT_VERSION, Manifest

PAGES_PER_BATCH = 64


def upgrade(dataset: lance.LanceDataset, manifest: Manifest, codec: Codec) -> Manifest:
    """Bring a dataset to today's format.

    Args:
        dataset: Its newest version.
        manifest: What it says of itself.
        codec: Makes the codes.

    Returns:
        The manifest it has now.
    """
    if manifest.format_version == FORMAT_VERSION:
        return manifest
    if "pooled_signs" not in dataset.schema.names:
        former = [name for name in schema.FORMER_CODE_COLUMNS if name in dataset.schema.names]
        if former:
            dataset.drop_columns(former)
        columns = pa.schema(schema.CODE_COLUMNS)

        def code(batch: pa.RecordBatch) -> pa.RecordBatch:
            rows = [schema.code_row(codec, row["vectors"]) for row in schema.from_batch(batch)]
            return schema.to_table(rows, columns).to_batches()[0]

        coding = lance.batch_udf(output_schema=columns)(code)
        dataset.add_columns(coding, read_columns=["vectors"], batch_size=PAGES_PER_BATCH)
    upgraded = replace(manifest, format_version=FORMAT_VERSION)
    dataset.update_schema_metadata(schema.manifest_entry(upgraded) | schema.NO_AUDIT)
    return upgraded
