"""lateweave: exact MaxSim over pages that lie end to end in memory."""

import os

import numpy as np
from lateweave import maxsim_scores_packed
from peer import answer


def build(pages, folder):
    np.save(folder / "pages.npy", np.asarray(pages, np.float32))


def settings(pages, folder):
    stored = np.load(folder / "pages.npy")
    count, vectors, dim = stored.shape
    flat, lengths = stored.reshape(-1, dim), np.full(count, vectors)
    threads = len(os.sched_getaffinity(0))

    def search(query):
        return np.argsort(-np.asarray(maxsim_scores_packed(query, flat, lengths, threads=threads)))[:10]

    yield "exact, all pages", search


if __name__ == "__main__":
    answer("lateweave", build, settings)
