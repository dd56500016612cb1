"""The background of a library: what queries find on its average page. It is estimated again as the library grows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from maxsight.errors import InputError
from maxsight.stores.background import MIN_PAGES, Background
from maxsight.stores.base import Store
from maxsight.types import QueryEmbedding

QUERIES, PAGES = 64, 32
SEED = 0


def refresh_background(store: Store, page_ids: list[str], encode: Callable[[str], QueryEmbedding]) -> None:
    """Estimate the background again if the library has grown or shrunk much since the last time.

    Args:
        store: The library's pages.
        page_ids: All of them.
        encode: Encodes a query.
    """
    from maxsight.evaluation.sampling import sample_queries

    before = store.manifest.background
    if before is not None and before.holds_for(len(page_ids)):
        return
    drawn = np.random.default_rng(SEED).permutation(sorted(page_ids))[:PAGES].tolist()
    pages = [page.embedding.vectors for page in store.read(drawn) if len(page.embedding.vectors)]
    if len(pages) < MIN_PAGES:
        return
    try:
        queries, _ = sample_queries(store, page_ids, QUERIES, encode=encode, seed=SEED)
    except InputError:  # vectors that came with the data have no encoder that takes a text
        return
    if queries:
        tokens = np.concatenate([query.vectors for query in queries])
        background = Background.fit(tokens, pages, of_pages=len(page_ids))
        store.store_manifest(replace(store.manifest, background=background))
