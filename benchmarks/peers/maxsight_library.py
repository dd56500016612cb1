"""maxsight's own store and ranking, without an encoder."""

import sys
from pathlib import Path

import numpy as np
from peer import answer

from maxsight.retrieval.codes import PageCodec, default_candidates
from maxsight.retrieval.kernels.loading import load_kernels
from maxsight.retrieval.search import rank_pages
from maxsight.stores.local.store import LocalStore
from maxsight.threads import one_blas_thread
from maxsight.types import QueryEmbedding

sys.path.append(str(Path(__file__).parents[1]))
from bench_scale import MANIFEST, PAGES_PER_COMMIT, page_of


def build(pages, folder):
    with LocalStore.create(folder, MANIFEST, codec=PageCodec(pages.shape[2])) as store, store.writing():
        for first in range(0, len(pages), PAGES_PER_COMMIT):
            some = pages[first : first + PAGES_PER_COMMIT].astype(np.float32)
            store.put([page_of(first + number, page) for number, page in enumerate(some)])


def settings(pages, folder):
    load_kernels()  # it depends on them
    default = default_candidates(len(pages))
    with LocalStore(folder, codec=PageCodec, read_only=True) as store, one_blas_thread():

        def search(query, **options):
            asked = QueryEmbedding("", query, (), np.zeros(len(query), np.int32))
            return [int(page.page_id[-8:]) for page in rank_pages(store, asked, limit=10, **options)]

        for part in (4, 2, 1):
            candidates = max(1, default // part)
            name = f"{candidates:,} of {len(pages):,} pages are candidates{' (default)' if part == 1 else ''}"
            yield name, lambda query, candidates=candidates: search(query, candidates=candidates)
        yield "exact", lambda query: search(query, exact=True)


if __name__ == "__main__":
    answer("maxsight", build, settings)
