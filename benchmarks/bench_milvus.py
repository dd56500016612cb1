"""How fast is a library on a Milvus server, layout rows, and does it find the right pages in each state of its index?

Real Milvus 2.3.5 (as the tests start it), pages of `synthetic.py` (1,030 x 128): insert, index build, memory of the
server, and searches for 20 query vectors with recall@10 against scoring every page. The states: just written, flushed,
half indexed, indexed, compacted; and a collection in the form of tutorials, before its index is built. Beside it, in
the same run and on the same collections, the search that tutorials show: the nearest 50 vectors of every query token,
then one filtered query a page on 300 threads. Filters that keep one page in 10 and in 1,000 are measured by the bytes
of the requests.

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
ROWS_PER_INSERT = 10_300


def stored_pages(documents):
    """Pages as a library stores them, numbered by a field."""
    from maxsight.identity import page_id
    from maxsight.stores.base import IndexedPage
    from maxsight.types import Document, Page, PageEmbedding, Regions, TextSource, Words

    regions = Regions(np.zeros((VECTORS, 4), np.float32), None)
    words = Words(np.empty((0, 2), np.int32), None)
    count = 0
    for number, pages in enumerate(documents):
        document = Document(f"{number}.pdf", str(number), 1, 1, len(pages))
        stored = []
        for index, vectors in enumerate(pages):
            name = page_id(document.path, document.content_hash, index)
            page = Page(index, f"page {index}", words, TextSource.LAYER)
            stored.append(IndexedPage(name, document, page, PageEmbedding(vectors, regions), {"n": count}))
            count += 1
        yield stored


def wait(store):
    """Until the server has indexed what was flushed, and searches use it."""
    start = time.perf_counter()
    for _ in store.building():
        pass
    return time.perf_counter() - start


def exact_ids(query, vectors):
    """The best pages by scoring all of them, on what is stored."""
    scores = {name: float((query @ page.T).max(axis=1).sum()) for name, page in vectors.items()}
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


def resident_mb(pid):
    """Memory of a process."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) // 1024


class Measured:
    """One server, one set of pages and queries."""

    def __init__(self, server, pages, queries):
        from pymilvus import MilvusClient

        from stores.milvus.server import TOKEN

        made = SyntheticPages(pages)
        self.server = server
        self.client = MilvusClient(server.uri, token=TOKEN)
        self.documents = list(stored_pages(made.documents()))
        self.queries, _ = made.queries(queries)
        self.vectors = {
            page.page_id: page.embedding.vectors.astype(np.float16).astype(np.float32)
            for document in self.documents
            for page in document
        }
        self.exact = [exact_ids(query, self.vectors) for query in self.queries]
        self.states = {}

    def create(self, name):
        from maxsight.stores.manifest import Manifest
        from maxsight.stores.milvus import create_milvus_store
        from maxsight.types import EmbeddingSpace

        manifest = Manifest(EmbeddingSpace("synthetic", "1", DIM), dpi=200, ocr="none")
        return create_milvus_store(self.server.address(name), manifest)

    def state(self, name, store, collection, names=None):
        """Measure both searches in the present state of a collection."""
        from maxsight.retrieval.search import rank_pages
        from maxsight.types import QueryEmbedding

        def search(query):
            words = tuple(map(str, range(len(query))))
            embedding = QueryEmbedding("", query, words, np.arange(len(query), dtype=np.int32))
            found = [page.page_id for page in rank_pages(store, embedding, limit=TOP_K)]
            return [names[each] for each in found] if names else found

        search(self.queries[0])
        ours = timed(search, self.queries, self.exact)
        theirs = timed(
            lambda query: naive(self.client, collection, query), self.queries[:NAIVE_QUERIES], self.exact
        )
        faster = theirs["milliseconds"]["p50"] / ours["milliseconds"]["p50"]
        self.states[name] = {"search": ours, "tutorial": theirs, "times_faster": round(faster, 1)}
        print(name, self.states[name], flush=True)

    def own_states(self):
        """A library from its first page to a compacted index."""
        store, insert = self.create("bench"), 0.0
        for document in self.documents:
            start = time.perf_counter()
            store.put(document)
            insert += time.perf_counter() - start
        self.state("just written", store, "bench")
        store.optimize()
        self.state("flushed", store, "bench")
        build = wait(store)
        self.state("indexed", store, "bench")
        job = self.client.compact("bench")
        while self.client.get_compaction_state(job) != "Completed":
            time.sleep(1)
        self.state("compacted", store, "bench")
        filters = self.filters(store)
        store.discard()
        store.close()
        return {"insert_s": round(insert, 1), "index_build_s": round(build, 1)}, filters

    def half_indexed(self):
        """The second half is written after the first is indexed."""
        store, middle = self.create("half"), len(self.documents) // 2
        for document in self.documents[:middle]:
            store.put(document)
        store.optimize()
        wait(store)
        for document in self.documents[middle:]:
            store.put(document)
        self.state("half indexed", store, "half")
        store.discard()
        store.close()

    def tutorial(self):
        """The collection of tutorials, just written."""
        from pymilvus import DataType

        from maxsight.stores.milvus import open_milvus_store

        client = self.client
        schema = client.create_schema(auto_id=True, enable_dynamic_field=True)
        schema.add_field("pk", DataType.INT64, is_primary=True)
        schema.add_field("vector", DataType.FLOAT_VECTOR, dim=DIM)
        schema.add_field("seq_id", DataType.INT16)
        schema.add_field("doc_id", DataType.VARCHAR, max_length=500)
        schema.add_field("doc", DataType.VARCHAR, max_length=65535)
        client.create_collection("tutorial", schema=schema)
        index = client.prepare_index_params()
        index.add_index(
            "vector", index_type="HNSW", metric_type="IP", params={"M": 16, "efConstruction": 500}
        )
        client.create_index("tutorial", index)
        client.load_collection("tutorial")
        for name, page in self.vectors.items():
            rows = [
                {"vector": vector, "seq_id": number, "doc_id": name, "doc": "" if number else f"{name}.png"}
                for number, vector in enumerate(page)
            ]
            client.insert("tutorial", rows)
        store = open_milvus_store(self.server.address("tutorial"))
        paths = {page: entry.document.path for entry in store.documents() for page in store_ids(entry)}
        names = {page: path.removesuffix(".png") for page, path in paths.items()}
        self.state("tutorial's collection", store, "tutorial", names)
        store.close()

    def filters(self, store):
        """The bytes that searches with filters send, and whether they find what they should."""
        from maxsight.stores.filters import parse_filter
        from maxsight.stores.milvus.connection import Connection

        sent, call = [], Connection.call

        def recorded(connection, method, *arguments, **options):
            sent.append(len(str(options.get("filter", ""))))
            return call(connection, method, *arguments, **options)

        figures = {}
        Connection.call = recorded
        try:
            for name, every in (("1 in 10", 10), ("1 in 1,000", 1000)):
                kept = {f"{number}" for number in range(0, len(self.vectors), every)}
                where = parse_filter(f"n IN ({', '.join(sorted(kept))})", store.fields())
                if every == 10:
                    where = parse_filter(f"n < {len(self.vectors) // every}", store.fields())
                sent.clear()
                start = time.perf_counter()
                (found,) = store.nearest([self.queries[0]], 48, where=where)
                figures[name] = {
                    "pages_found": len(found),
                    "requests": len(sent),
                    "bytes_of_expressions": sum(sent),
                    "largest_expression": max(sent),
                    "milliseconds": round((time.perf_counter() - start) * 1000, 1),
                }
        finally:
            Connection.call = call
        return figures


def store_ids(entry):
    """The ids of a document's pages."""
    from maxsight.identity import page_ids

    return page_ids(entry.document, entry.page_indices)


def measure(server, pages, queries):
    measured = Measured(server, pages, queries)
    written, filters = measured.own_states()
    memory = resident_mb(server.pid)
    measured.half_indexed()
    measured.tutorial()
    return {
        "pages": pages,
        "vectors": pages * VECTORS,
        **written,
        "server_memory_mb": memory,
        "states": measured.states,
        "filters": filters,
    }


def main():
    from stores.milvus.server import VERSION, running_server

    given = arguments(__doc__, pages=200, queries=30)
    with tempfile.TemporaryDirectory() as folder, running_server(Path(folder)) as server:
        figures = measure(server, given.pages, given.queries)
    save(f"milvus-rows-{given.pages}", {"server": f"Milvus {VERSION}", **figures})


if __name__ == "__main__":
    main()
