"""How fast is a search, what does it find and what does it hold in memory, at 1,000 pages, 10,000, 100,000?

::

    python benchmarks/bench_scale.py --pages 10000

Pages are those of ``synthetic.py``, searched through the store as a library searches it, without an encoder. A page
takes 0.36 MB on the disk, and twice that for an hour where fragments are merged. Pass ``--library`` to keep what was
built and use it again.
"""

import argparse
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from measure import folder_bytes, save, spread
from synthetic import DIM, QUERY_TOKENS, VECTORS, SyntheticPages

from maxsight.retrieval.codes import PageCodec, default_candidates
from maxsight.retrieval.kernels.loading import load_kernels
from maxsight.retrieval.search import rank_pages, rank_pages_many
from maxsight.stores.base import IndexedPage
from maxsight.stores.filters import parse_filter
from maxsight.stores.local.store import LocalStore
from maxsight.stores.manifest import Manifest
from maxsight.threads import one_blas_thread
from maxsight.types import (
    Document,
    EmbeddingSpace,
    Page,
    PageEmbedding,
    QueryEmbedding,
    Regions,
    TextSource,
    Words,
)

TOP_K = 10
PAGES_PER_COMMIT = 1040
ROUNDS = 3
THREADS = 16
MANIFEST = Manifest(EmbeddingSpace("precomputed", "1", DIM), dpi=200, ocr="none")
NO_WORDS = Words(np.empty((0, 2), np.int32), np.empty((0, 4), np.float32))
WHOLE_PAGE = Regions(np.tile(np.array([[0, 0, 1, 1]], np.float32), (VECTORS, 1)), None)


def page_of(number, vectors, name="page"):
    document = Document(f"{name}-{number}.pdf", str(number), 1, 1, 1)
    page = Page(0, "", NO_WORDS, TextSource.NONE, 612.0, 792.0)
    metadata = {"tenth": number % 10, "thousandth": number % 1000}
    return IndexedPage(f"{name}-{number:08}", document, page, PageEmbedding(vectors, WHOLE_PAGE), metadata)


def build(folder, count, beside):
    """Write the pages, and beside them the queries and the seconds it took, without making the pages up."""
    synthetic, number, batch, seconds = SyntheticPages(count), 0, [], 0.0
    with LocalStore.create(folder, MANIFEST, codec=PageCodec(DIM)) as store, store.writing():

        def put():
            start = time.perf_counter()
            store.put(batch)
            return time.perf_counter() - start

        for document in synthetic.documents():
            batch += [page_of(number + offset, vectors) for offset, vectors in enumerate(document)]
            number += len(document)
            if len(batch) >= PAGES_PER_COMMIT:
                seconds += put()
                batch = []
        if batch:
            seconds += put()
    np.savez(beside, queries=synthetic.queries()[0], seconds=seconds)


def query_of(vectors):
    return QueryEmbedding("", vectors, ("x",), np.zeros(QUERY_TOKENS, np.int32))


def timed(function, items):
    """Milliseconds for each item, after one round of warm-up, and the results."""
    results = [function(item) for item in items]
    return results, [once for _ in range(ROUNDS) for once in timed_once(function, items)[1]]


def timed_once(function, items):
    """The same without a warm-up."""
    results, taken = [], []
    for item in items:
        start = time.perf_counter()
        results.append(function(item))
        taken.append((time.perf_counter() - start) * 1000)
    return results, taken


def recall(found, exact):
    """Share of the exact top 10 that was found."""
    shares = [
        len({page.page_id for page in left} & {page.page_id for page in right}) / TOP_K
        for left, right in zip(found, exact, strict=True)
    ]
    return round(float(np.mean(shares)), 4)


def anonymous_mb():
    """Memory of this process that no file backs; None where the system does not tell."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return None
    return next(int(line.split()[1]) / 1000 for line in lines if line.startswith("RssAnon"))


def throughput(store, queries, threads, seconds=5.0):
    """Queries a second with some threads asking, and how many cores that keeps busy."""
    used, start = time.process_time(), time.perf_counter()
    stop = start + seconds
    lock, counter = threading.Lock(), iter(range(10**9))

    def ask():
        answered = 0
        while time.perf_counter() < stop:
            with lock:
                number = next(counter)
            rank_pages(store, queries[number % len(queries)], limit=TOP_K)
            answered += 1
        return answered

    with ThreadPoolExecutor(threads) as pool:
        answered = sum(future.result() for future in [pool.submit(ask) for _ in range(threads)])
    took = time.perf_counter() - start  # those that were asked before the end have answered
    return answered / took, (time.process_time() - used) / took


def opening_ms(folder):
    """Until a store that was just opened is ready to search."""
    start = time.perf_counter()
    with LocalStore(folder, codec=PageCodec, read_only=True) as store:
        store.nearest([], 1)
        return (time.perf_counter() - start) * 1000


def adding_ms(folder, queries):
    """Until searches know a page that was just handed in, and until one has found it, in a library that is in use."""
    known, taken = [], []
    with LocalStore(folder, codec=PageCodec) as store, store.writing():
        for query in queries[5:]:
            rank_pages(store, query, limit=TOP_K)
        for number in range(5):
            vectors = np.resize(queries[number].vectors, (VECTORS, DIM))
            start = time.perf_counter()
            store.put([page_of(number, vectors, name="added")])
            store.nearest([], 1)
            known.append((time.perf_counter() - start) * 1000)
            found = rank_pages(store, queries[number], limit=1)
            taken.append((time.perf_counter() - start) * 1000)
            assert found[0].page_id == f"added-{number:08}", "what was added is not found"
        store.remove([f"added-{number}.pdf" for number in range(5)])
    return known, taken


def _ladder(candidates):
    return f"search, {candidates} candidates, ms"


def figures(folder, count, beside):
    load_kernels()
    with np.load(beside) as held:
        queries, seconds = [query_of(vectors) for vectors in held["queries"]], float(held["seconds"])
    result = {"pages": count, "vectors": count * VECTORS, "queries": len(queries)}
    result["seconds to code and write"] = round(seconds, 1)
    result["bytes per page on disk"] = round(folder_bytes(folder) / count)
    base = anonymous_mb()
    result["open, ms"] = spread([opening_ms(folder) for _ in range(5)])
    with LocalStore(folder, codec=PageCodec, read_only=True) as store:

        def rank(**options):
            return lambda query: rank_pages(store, query, limit=TOP_K, **options)

        few = queries[: max(20, min(len(queries), 1_000_000 // count))]
        found, taken = timed(rank(), queries)
        result["search, ms"] = spread(taken)
        if base is not None:
            result["anonymous memory over base, MB"] = round(anonymous_mb() - base)
        default, found_by = default_candidates(count), {}
        shares = (0.1, 0.25, 0.5, 0.75, 2) if 2 * default <= count else (0.1, 0.25, 0.5, 0.75)
        for candidates in (int(share * default) for share in shares):
            found_by[candidates], taken = timed(rank(candidates=candidates), few)
            result[_ladder(candidates)] = spread(taken)
        for field, value in (("tenth", 3), ("thousandth", 7)):
            where = parse_filter(f"{field} = {value}", store.fields())
            result[f"search, one page in a {field}, ms"] = spread(timed(rank(where=where), few)[1])
        start = time.perf_counter()
        rank_pages_many(store, queries[:64], limit=TOP_K)
        result["64 searches at once, ms each"] = round((time.perf_counter() - start) * 1000 / 64, 1)
        for threads in (1, THREADS):
            rate, cores = throughput(store, queries, threads)
            result[f"searches per second, {threads} threads"] = {
                "rate": round(rate, 1),
                "cores busy": round(cores, 2),
            }
        exact, taken = timed_once(rank(exact=True), few)  # last: it may push what is searched out of memory
        result["search, exact, ms"] = spread(taken)
        result["recall@10 against exact"] = recall(found[: len(few)], exact)
        for candidates, pages in found_by.items():
            result[_ladder(candidates)]["recall@10"] = recall(pages, exact)
    known, found = adding_ms(folder, queries)
    result["add a page until searches know it, ms"] = spread(known)
    result["add a page and find it, ms"] = spread(found)
    return result


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pages", type=int, default=1000)
    parser.add_argument("--library", type=Path)
    parser.add_argument("--build", action="store_true", help="write the library, and nothing else")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary, one_blas_thread():
        folder = given.library or Path(temporary) / "scale.library"
        beside = folder.with_suffix(".npz")
        if given.build:
            build(folder, given.pages, beside)
            return
        if not beside.exists():  # in a process of its own, whose memory is not counted
            again = [
                sys.executable,
                __file__,
                "--pages",
                str(given.pages),
                "--library",
                str(folder),
                "--build",
            ]
            subprocess.run(again, check=True)
        save(f"scale-{given.pages}", figures(folder, given.pages, beside))


if __name__ == "__main__":
    main()
