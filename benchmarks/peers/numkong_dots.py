"""NumKong: exact MaxSim put together by hand from its packed matrix products, the fairest exact baseline.

Pages lie packed in memory. Threads share them, since a packed product releases the interpreter's lock.
Int8 products of all pages choose the pages that are scored again in float32.
"""

import os
from concurrent.futures import ThreadPoolExecutor

import numkong as nk
import numpy as np
from peer import answer

PAGES_PER_CHUNK = 16
RESCORED = 20


def build(pages, folder):
    np.save(folder / "pages.npy", np.asarray(pages, np.float32))


def int8(array):
    return np.rint(np.asarray(array) * 127).astype(np.int8)


def bf16(array):
    return nk.astype(np.ascontiguousarray(array), nk.bfloat16)


def settings(pages, folder):
    stored = np.load(folder / "pages.npy", mmap_mode="r")
    count, vectors, dim = stored.shape
    starts = range(0, count, PAGES_PER_CHUNK)
    pool = ThreadPoolExecutor(len(os.sched_getaffinity(0)))

    def packed(cast):
        return [
            nk.dots_pack(cast(stored[first : first + PAGES_PER_CHUNK].reshape(-1, dim))) for first in starts
        ]

    def scores(query, chunks):
        def score(chunk):
            similarities = np.asarray(nk.dots_packed(query, chunk))  # (query_tokens, pages * vectors)
            return similarities.reshape(len(similarities), -1, vectors).max(axis=2).sum(axis=0)

        return np.concatenate(list(pool.map(score, chunks)))

    chunks = packed(bf16)
    yield "bf16, all pages", lambda query: np.argsort(-scores(bf16(query), chunks))[:10]
    chunks = packed(int8)

    def rescored(query):
        best = np.argsort(-scores(int8(query), chunks))[:RESCORED]
        exact = [(stored[page] @ query.T).max(axis=0).sum() for page in best]
        return best[np.argsort(-np.array(exact))][:10]

    yield f"int8, all pages, {RESCORED} rescored", rescored
    pool.shutdown()


if __name__ == "__main__":
    answer("numkong", build, settings)
