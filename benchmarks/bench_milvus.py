"""How fast is a library on a Milvus server, layout rows, and does it find the right pages?

Real Milvus 2.3.5 (as the tests start it), pages of `synthetic.py` (1,030 x 128): insert, index build, search for 20
query vectors, and recall@10 against scoring every page. Beside it, in the same run and on the same collection, the form
that tutorials show: the nearest 50 vectors of every query token, then one filtered query a page on 300 threads.

    python benchmarks/bench_milvus.py --pages 200 --queries 30
"""

import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from measure import HERE, arguments, save, spread
from synthetic import DIM, VECTORS, SyntheticPages

sys.path.insert(0, str(HERE.parent / "tests"))

TOP_K = 10
NAIVE_QUERIES, NAIVE_HITS, NAIVE_THREADS, NAIVE_LIMIT = 5, 50, 300, 1000
PAGES_PER_PUT = 20


def stored_pages(documents):
    """Pages as a library stores them."""
    from maxsight.identity import page_id
    from maxsight.stores.base import IndexedPage
    from maxsight.types import Document, Page, PageEmbedding, Regions, TextSource, Words

    regions = Regions(np.zeros((VECTORS, 4), np.float32), None)
    words = Words(np.empty((0, 2), np.int32), None)
    for number, pages in enumerate(documents):
        document = Document(f"{number}.pdf", str(number), 1, 1, len(pages))
        yield [
            IndexedPage(
                page_id(document.path, document.content_hash, index),
                document,
                Page(index, f"page {index}", words, TextSource.LAYER),
                PageEmbedding(vectors, regions),
            )
            for index, vectors in enumerate(pages)
        ]


def wait_until_indexed(client, collection):
    """Until the server has indexed every vector that was flushed."""
    while True:
        state = client.describe_index(collection, "vector")
        if state.get("pending_index_rows", 0) == 0 and state.get("indexed_rows") == state.get("total_rows"):
            return
        time.sleep(0.5)


def exact_ids(query, vectors):
    """The best pages by scoring all of them, on what is stored."""
    scores = {
        name: float((query @ page.astype(np.float32).T).max(axis=1).sum()) for name, page in vectors.items()
    }
    return sorted(scores, key=lambda name: (-scores[name], name))[:TOP_K]


def naive(client, collection, query):
    """The search as tutorials have it."""
    found = client.search(
        collection,
        data=query,
        limit=NAIVE_HITS,
        output_fields=["doc_id"],
        search_params={"metric_type": "IP", "params": {}},
    )
    names = {hit["entity"]["doc_id"] for token in found for hit in token}

    def score(name):
        rows = client.query(
            collection, filter=f'doc_id in ["{name}"]', output_fields=["vector"], limit=NAIVE_LIMIT
        )
        page = np.vstack([row["vector"] for row in rows])
        return float((query @ page.T).max(axis=1).sum()), name

    with ThreadPoolExecutor(NAIVE_THREADS) as pool:
        scored = sorted(pool.map(score, names), reverse=True)
    return [name for _, name in scored[:TOP_K]]


def timed(search, queries, exact):
    """Milliseconds of each search, and recall@10."""
    times, hits = [], 0
    for query, expected in zip(queries, exact, strict=False):
        start = time.perf_counter()
        found = search(query)
        times.append((time.perf_counter() - start) * 1000)
        hits += len(set(found) & set(expected))
    return {"milliseconds": spread(times), "recall_at_10": round(hits / TOP_K / len(times), 4)}


def measure(server, pages, queries):
    from pymilvus import MilvusClient

    from maxsight.retrieval.search import rank_pages
    from maxsight.stores.manifest import Manifest
    from maxsight.stores.milvus import create_milvus_store
    from maxsight.types import EmbeddingSpace, QueryEmbedding
    from stores.milvus.server import TOKEN

    made = SyntheticPages(pages)
    store = create_milvus_store(
        server.address("bench"), Manifest(EmbeddingSpace("synthetic", "1", DIM), dpi=200, ocr="none")
    )
    insert = 0.0
    for document in stored_pages(made.documents()):
        start = time.perf_counter()
        store.put(document)
        insert += time.perf_counter() - start
    client = MilvusClient(server.uri, token=TOKEN)
    start = time.perf_counter()
    store.optimize()
    wait_until_indexed(client, "bench")
    build = time.perf_counter() - start
    asked, _ = made.queries(queries)
    kept = {
        name: page
        for chunk in store.vectors()
        for name, page in zip(chunk.page_ids, map(np.array, chunk), strict=True)
    }
    exact = [exact_ids(query, kept) for query in asked]

    def search(query):
        words = tuple(map(str, range(len(query))))
        embedding = QueryEmbedding("", query, words, np.arange(len(query), dtype=np.int32))
        return [page.page_id for page in rank_pages(store, embedding, limit=TOP_K)]

    search(asked[0])  # loads what was just indexed
    ours = timed(search, asked, exact)
    theirs = timed(lambda query: naive(client, "bench", query), asked[:NAIVE_QUERIES], exact)
    store.close()
    return {
        "pages": pages,
        "vectors": pages * VECTORS,
        "insert_s": round(insert, 1),
        "index_build_s": round(build, 1),
        "search": ours,
        "naive": theirs,
        "times_faster": round(theirs["milliseconds"]["p50"] / ours["milliseconds"]["p50"], 1),
    }


def main():
    from stores.milvus.server import VERSION, running_server

    given = arguments(__doc__, pages=200, queries=30)
    with tempfile.TemporaryDirectory() as folder, running_server(Path(folder)) as server:
        figures = measure(server, given.pages, given.queries)
    save(f"milvus-rows-{given.pages}", {"server": f"Milvus {VERSION}", **figures})


if __name__ == "__main__":
    main()
