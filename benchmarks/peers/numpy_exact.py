"""Exact MaxSim in numpy, vectors in memory as float32: what there is without any engine."""

import numpy as np
from peer import answer

PAGES_PER_CHUNK = 16


def build(pages, folder):
    np.save(folder / "pages.npy", np.asarray(pages, np.float32))


def settings(pages, folder):
    stored = np.load(folder / "pages.npy")
    count, vectors, dim = stored.shape

    def search(query):
        scores = np.empty(count, np.float32)
        for first in range(0, count, PAGES_PER_CHUNK):
            some = stored[first : first + PAGES_PER_CHUNK]
            similarities = some.reshape(-1, dim) @ query.T
            scores[first : first + len(some)] = (
                similarities.reshape(len(some), vectors, -1).max(axis=1).sum(axis=1)
            )
        return np.argsort(-scores)[:10]

    yield "exact, 16 pages at a time", search


if __name__ == "__main__":
    answer("numpy", build, settings)
