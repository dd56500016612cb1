"""Token pooling: a page in a half or a third of its vectors, each the mean of some similar ones.

Clavié, Chaffin and Adams 2024, "Reducing the Footprint of Multi-Vector Retrieval with Minimal Performance Impact via
Token Pooling" (https://arxiv.org/abs/2409.14683). Ward's hierarchical clustering is cut at ``vectors / factor``
clusters, and the mean of each is taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maxsight.encoders.base import Encoder
from maxsight.encoders.merging import map_regions, mean_directions, unions
from maxsight.errors import InputError
from maxsight.types import Floats, Page, PageEmbedding, QueryEmbedding, Regions

COMPACT = 2.0
"""A cluster's region may be at most this many times as large as its members' regions together."""


def pool_tokens(embedding: PageEmbedding, factor: int) -> PageEmbedding:
    """Merge a page's vectors to ``1 / factor`` of their number, or fewer if vectors are identical.

    Vectors that stand for the whole page stay as they are. A cluster whose members lie together gets the smallest
    region that holds them. A cluster of scattered members gets the region of the member nearest to the mean: a region
    around all of them would mostly show what lies between them.

    Args:
        embedding: A page of any encoder.
        factor: 1 leaves the page as it is.

    Returns:
        Unit-norm float32 vectors: clusters in the order of their first members, then vectors of the whole page. The
        same page always gives the same result.

    Raises:
        InputError: ``factor`` is less than 1.
    """
    if factor < 1:
        raise InputError(f"a pool factor is a whole number from 1, got {factor}")
    whole = embedding.regions.whole_page
    placed = np.flatnonzero(~whole)
    count = max(len(placed) // factor, 1)
    if count >= len(placed):
        return embedding
    members, firsts = _clusters(embedding.vectors[placed].astype(np.float32), count)
    members, unpooled = placed[members], np.flatnonzero(whole)
    vectors = embedding.vectors[members].astype(np.float32)
    means = mean_directions(vectors, firsts)
    nearest = members[_nearest(vectors, means, firsts)]
    compact = _are_compact(embedding.regions.of(members), firsts)

    def pooled(extents: NDArray[Any]) -> NDArray[Any]:
        together = unions(extents[members], firsts)
        return np.concatenate([np.where(compact[:, None], together, extents[nearest]), extents[unpooled]])

    return PageEmbedding(
        np.concatenate([means, embedding.vectors[unpooled].astype(np.float32)]),
        map_regions(embedding.regions, pooled),
    )


def _of_encoder(name: str) -> Any:
    """Pass a property of the wrapped encoder on."""
    return property(attrgetter(f"_encoder.{name}"))


class PoolingEncoder(Encoder):
    """An encoder whose pages are pooled; queries keep all their vectors. It has no hidden states.

    Args:
        encoder: Makes the vectors.
        factor: As for ``pool_tokens``.
    """

    def __init__(self, encoder: Encoder, factor: int) -> None:
        self._encoder = encoder
        self._factor = factor

    space = _of_encoder("space")
    picture = _of_encoder("picture")
    batch_size = _of_encoder("batch_size")
    encodes_paragraphs = _of_encoder("encodes_paragraphs")
    encodes_remotely = _of_encoder("encodes_remotely")
    is_multilingual = _of_encoder("is_multilingual")
    devices = _of_encoder("devices")
    precision = _of_encoder("precision")

    def encode_pages(self, pages: Sequence[Page]) -> list[PageEmbedding]:
        """Encode pages, and pool each."""
        return [pool_tokens(embedding, self._factor) for embedding in self._encoder.encode_pages(pages)]

    def encode_query(self, text: str) -> QueryEmbedding:
        """Encode a query. Its vectors are not pooled."""
        return self._encoder.encode_query(text)

    def encode_phrases(self, phrases: Sequence[str]) -> QueryEmbedding:
        """Encode a query that is a list of phrases."""
        return self._encoder.encode_phrases(phrases)

    def notice(self, text: str) -> str | None:
        """Say what the encoder says."""
        return self._encoder.notice(text)


def _clusters(vectors: NDArray[np.float32], count: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Cluster vectors.

    Returns:
        The vectors' indices, cluster by cluster, and where in them each cluster begins.
    """
    # Between unit vectors, cosines give the distances. Double precision makes near ties fall the same way everywhere.
    exact = vectors.astype(np.float64)
    merges = sorted(_ward(np.maximum(2 - 2 * exact @ exact.T, 0)))
    highest = merges[len(vectors) - count - 1][0]
    merged_into = list(range(len(vectors)))  # a vector with a smaller index of its cluster
    for height, *pair in merges:
        if height <= highest:
            low, high = sorted(_root(merged_into, vector) for vector in pair)
            merged_into[high] = low
    first_member = np.array([_root(merged_into, vector) for vector in range(len(vectors))])  # (vectors,)
    order = np.argsort(first_member, kind="stable")
    return order, np.flatnonzero(np.diff(first_member[order], prepend=-1))


def _root(merged_into: list[int], vector: int) -> int:
    while merged_into[vector] != vector:
        vector = merged_into[vector]
    return vector


def _ward(squares: NDArray[np.float64]) -> list[tuple[float, int, int]]:
    """Cluster by Ward's method, with chains of nearest neighbours (Murtagh 1983).

    Args:
        squares: Squared distances between vectors. Shape ``(vectors, vectors)``. Written over.

    Returns:
        For each merge its height squared and a vector of each of the two clusters.
    """
    sizes = np.ones(len(squares))
    np.fill_diagonal(squares, np.inf)
    chain: list[int] = []
    merges: list[tuple[float, int, int]] = []
    while len(merges) < len(squares) - 1:
        one = chain[-1] if chain else int(np.argmax(sizes > 0))
        chain = chain or [one]
        other = int(squares[one].argmin())
        height = squares[one, other]
        if len(chain) < 2 or squares[one, chain[-2]] > height:
            chain.append(other)
            continue
        other = chain[-2]
        del chain[-2:]
        merges.append((float(height), one, other))
        both = (sizes + sizes[one]) * squares[one] + (sizes + sizes[other]) * squares[other]
        both -= sizes * height
        both /= sizes + sizes[one] + sizes[other]
        both[[one, other]] = np.inf
        squares[other] = squares[:, other] = both
        squares[one] = squares[:, one] = np.inf
        sizes[other] += sizes[one]
        sizes[one] = 0
    return merges


def _nearest(vectors: Floats, means: Floats, firsts: NDArray[np.intp]) -> NDArray[np.intp]:
    """Find the member nearest to each cluster's mean, the first of equals. Shape ``(clusters,)``."""
    cluster = np.repeat(np.arange(len(firsts)), np.diff(firsts, append=len(vectors)))
    similarities = np.einsum("vd,vd->v", vectors, means[cluster])
    # Sort by cluster, then by similarity: the first of each cluster is the nearest.
    return np.lexsort((-similarities, cluster))[firsts]


def _are_compact(regions: Regions, firsts: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Tell which clusters have members that lie together. Shape ``(clusters,)``."""
    compact = np.ones(len(firsts), bool)
    for extents in (regions.boxes, regions.spans):
        if extents is not None:
            covered = np.add.reduceat(_size(extents), firsts)
            compact &= _size(unions(extents, firsts)) <= COMPACT * covered
    return compact


def _size(extents: NDArray[Any]) -> NDArray[Any]:
    """Measure the area of boxes or the length of spans. Shape ``(extents,)``."""
    half = extents.shape[1] // 2
    size: NDArray[Any] = np.prod(extents[:, half:] - extents[:, :half], axis=1)
    return size
