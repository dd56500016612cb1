"""qdrant-edge: exact MaxSim over multivectors, and over int8 and binary codes with exact rescoring.

An HNSW over multivectors takes hours to build (qdrant's own advice is to leave it out), so codes are scanned.
"""

from peer import answer
from qdrant_edge import (
    BinaryQuantizationConfig,
    Distance,
    EdgeConfig,
    EdgeShard,
    EdgeVectorParams,
    HnswIndexConfig,
    MultiVectorComparator,
    MultiVectorConfig,
    Point,
    QuantizationSearchParams,
    Query,
    QueryRequest,
    ScalarQuantizationConfig,
    ScalarType,
    SearchParams,
    UpdateOperation,
)

PAGES_PER_BATCH = 20
CODES = {
    "int8": ScalarQuantizationConfig(ScalarType.Int8, always_ram=True),
    "binary": BinaryQuantizationConfig(always_ram=True),
}
WITHOUT_CODES = QuantizationSearchParams(ignore=True)
OVERSAMPLING = (2, 5, 20)


def build(pages, folder):
    for name, codes in CODES.items():
        params = EdgeVectorParams(
            size=pages.shape[2],
            distance=Distance.Dot,
            multivector_config=MultiVectorConfig(MultiVectorComparator.MaxSim),
            hnsw_config=HnswIndexConfig(m=0, ef_construct=4, full_scan_threshold=1),
            quantization_config=codes,
        )
        place = folder / name
        place.mkdir()
        shard = EdgeShard.create(str(place), EdgeConfig(vectors=params))
        for first in range(0, len(pages), PAGES_PER_BATCH):
            some = pages[first : first + PAGES_PER_BATCH].astype("float32")
            points = [Point(first + number, page.tolist(), {}) for number, page in enumerate(some)]
            shard.update(UpdateOperation.upsert_points(points))
        shard.optimize()
        shard.flush()
        shard.close()


def settings(pages, folder):
    for name in CODES:
        shard = EdgeShard.load(str(folder / name))

        def search(query, shard=shard, **params):
            request = QueryRequest(
                query=Query.Nearest(query.tolist()), limit=10, params=SearchParams(exact=True, **params)
            )
            return [point.id for point in shard.query(request)]

        if name == next(iter(CODES)):
            yield "exact", lambda query, search=search: search(query, quantization=WITHOUT_CODES)
        for times in OVERSAMPLING:
            codes = QuantizationSearchParams(rescore=True, oversampling=times)
            yield (
                f"{name} codes, {10 * times} rescored",
                lambda query, search=search, codes=codes: search(query, quantization=codes),
            )
        shard.close()


if __name__ == "__main__":
    answer("qdrant-edge-py", build, settings)
