"""LanceDB: multivectors in a table, flat or by IVF_PQ with exact refinement."""

import lancedb
import pyarrow as pa
from lancedb.index import IvfPq
from peer import answer

PAGES_PER_BATCH = 100
SUB_VECTORS = 32
LADDER = ((8, 2), (20, 5), (50, 10), (100, 20))
"""Partitions probed, and how many times the results are looked at exactly."""


def build(pages, folder):
    count, vectors, dim = pages.shape
    schema = pa.schema(
        [pa.field("id", pa.int64()), pa.field("vector", pa.list_(pa.list_(pa.float32(), dim)))]
    )

    def batches():
        for first in range(0, count, PAGES_PER_BATCH):
            some = pages[first : first + PAGES_PER_BATCH].astype("float32")
            tokens = pa.FixedSizeListArray.from_arrays(pa.array(some.reshape(-1)), dim)
            offsets = pa.array(range(0, len(some) * vectors + 1, vectors), pa.int32())
            rows = pa.ListArray.from_arrays(offsets, tokens)
            ids = pa.array(range(first, first + len(some)))
            yield pa.RecordBatch.from_arrays([ids, rows], schema=schema)

    table = lancedb.connect(folder).create_table("pages", batches(), schema=schema)
    table.create_index("vector", config=IvfPq(distance_type="cosine", num_sub_vectors=SUB_VECTORS))


def settings(pages, folder):
    table = lancedb.connect(folder).open_table("pages")

    def ids(request):
        return [row["id"] for row in request.select(["id"]).limit(10).to_list()]

    for probes, refine in LADDER:
        yield (
            f"IVF_PQ, {SUB_VECTORS} sub-vectors, nprobes {probes}, refine {refine}",
            lambda query, probes=probes, refine=refine: ids(
                table.search(query).distance_type("cosine").nprobes(probes).refine_factor(refine)
            ),
        )
    yield "flat", lambda query: ids(table.search(query).distance_type("cosine").bypass_vector_index())


if __name__ == "__main__":
    answer("lancedb", build, settings)
