"""How fast is exact search in a GPU's memory, and how much of the memory's bandwidth does it use?

::

    python benchmarks/bench_device.py --pages 100000 --device cuda

Vectors are those of ``synthetic.py``; past ``--distinct`` pages they repeat, which changes what is found and not how
long it takes. 100,000 pages take 26 GB.
"""

import argparse
import time

import numpy as np
import torch
from bench_scale import MANIFEST
from measure import save, spread
from synthetic import DIM, QUERY_TOKENS, VECTORS, SyntheticPages

from maxsight.retrieval.device_engine import DeviceEngine
from maxsight.retrieval.search import rank_pages, rank_pages_many
from maxsight.stores.ragged import PageVectors
from maxsight.types import QueryEmbedding

TOP_K, ROUNDS, COPIES = 10, 5, 20
BATCHES = (1, 8, 32)


class RepeatedPages:
    """What the engine needs of a store: few pages, under many names."""

    manifest, version = MANIFEST, 1

    def __init__(self, count, distinct):
        synthetic = SyntheticPages(min(count, distinct))
        self._pages = np.concatenate(list(synthetic.documents())).astype(np.float16)
        self._count = count
        self.queries = synthetic.queries()[0]

    def vectors(self, *, where=None, page_ids=None):
        numbers = range(self._count) if page_ids is None else map(int, page_ids)
        some = []
        for number in numbers:
            some.append(number)
            if len(some) == 64:
                yield self._packed(some)
                some = []
        yield self._packed(some)

    def _packed(self, numbers):
        pages = [self._pages[number % len(self._pages)] for number in numbers]
        return PageVectors.from_arrays([str(number) for number in numbers], pages, DIM)


def synchronise(device):
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def copy_bytes_per_s(device, size=2**30):
    """Bytes a second that a copy within the device's memory reads and writes: what bandwidth can be had."""
    source = torch.ones(size // 4, dtype=torch.float32, device=device)
    target = torch.empty_like(source)
    taken = []
    for _ in range(COPIES):
        synchronise(device)
        start = time.perf_counter()
        target.copy_(source)
        synchronise(device)
        taken.append(time.perf_counter() - start)
    return 2 * size / min(taken)


def timed(rank, groups, device):
    """Milliseconds for each group of queries, after one round of warm-up."""
    taken = []
    for round_number in range(ROUNDS + 1):
        for group in groups:
            synchronise(device)
            start = time.perf_counter()
            rank(group)
            synchronise(device)
            if round_number:
                taken.append((time.perf_counter() - start) * 1000)
    return taken


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pages", type=int, default=100_000)
    parser.add_argument("--distinct", type=int, default=2000, help="pages that are not copies of others")
    parser.add_argument("--device", default="cuda")
    given = parser.parse_args()
    device = torch.device(given.device)
    store = RepeatedPages(given.pages, given.distinct)
    queries = [
        QueryEmbedding("", vectors, (), np.zeros(QUERY_TOKENS, np.int32)) for vectors in store.queries[:32]
    ]
    bandwidth = copy_bytes_per_s(device)
    engine = DeviceEngine(store, device)
    start = time.perf_counter()
    if not engine.refresh():
        raise SystemExit(f"{given.pages} pages do not fit into {device}")
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else str(device)
    scanned = given.pages * VECTORS * DIM * 2
    figures = {
        "device": name,
        "pages": given.pages,
        "vectors, GB": round(scanned / 1e9, 2),
        "seconds to load": round(time.perf_counter() - start, 1),
        "copying within the device, GB/s": round(bandwidth / 1e9, 1),
    }
    for size in BATCHES:
        groups = [queries[first : first + size] for first in range(0, len(queries), size)]
        taken = timed(lambda group: rank_pages_many(engine, group, limit=TOP_K), groups, device)
        figures[f"{size} at once, ms"] = spread(taken, 2)
        figures[f"{size} at once, ms a query"] = round(float(np.median(taken)) / size, 2)
        if size == 1:
            reached = scanned / (np.median(taken) / 1000)
            figures["vectors read, GB/s"] = round(float(reached) / 1e9, 1)
            figures["share of the bandwidth"] = round(float(reached / bandwidth), 3)
    if given.pages <= given.distinct:  # copies tie, and any of them may be found
        exact = [rank_pages(store, query, limit=TOP_K, exact=True) for query in queries]
        found = rank_pages_many(engine, queries, limit=TOP_K)
        same = [left == right for left, right in zip(found, exact, strict=True)]
        figures["rankings equal to scoring every page in float32"] = f"{sum(same)} of {len(same)}"
    save(f"device-{given.pages}-{device.type}", figures)


if __name__ == "__main__":
    main()
