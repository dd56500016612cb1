"""Token pooling: a page in a half or a third of its vectors, each the mean of some similar ones.

Clavié, Chaffin and Adams 2024, "Reducing the Footprint of Multi-Vector Retrieval with Minimal Performance Impact via
Token Pooling" (https://arxiv.org/abs/2409.14683). Ward's hierarchical clustering is cut at ``vectors / factor``
clusters, and the mean of each is taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from maxsight.encoders.base import Encoder
from maxsight.encoders.merging import map_regions, mean_directions, unions
from maxsight.errors import InputError
from maxsight.pictures import PictureFit
from maxsight.types import EmbeddingSpace, Floats, Page, PageEmbedding, QueryEmbedding, Regions

COMPACT = 2.0
"""A cluster's region may be at most this many times as large as its members' regions together."""


def pool_tokens(embedding: PageEmbedding, factor: int) -> PageEmbedding:
    """Merge a page's vectors to ``1 / factor`` of their number, or fewer where many are equal.

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
    members, kept = placed[members], np.flatnonzero(whole)
    vectors = embedding.vectors[members].astype(np.float32)
    means = mean_directions(vectors, firsts)
    return PageEmbedding(
        np.concatenate([means, embedding.vectors[kept].astype(np.float32)]),
        _regions(embedding.regions, members, firsts, _nearest(vectors, means, firsts), kept),
    )


class PoolingEncoder(Encoder):
    """An encoder whose pages are pooled; queries keep all their vectors. It has no hidden states.

    Args:
        encoder: Makes the vectors.
        factor: As for ``pool_tokens``.
    """

    def __init__(self, encoder: Encoder, factor: int) -> None:
        self._encoder = encoder
        self._factor = factor

    @property
    def space(self) -> EmbeddingSpace:
        """The encoder's: means of vectors are in the space of the vectors."""
        return self._encoder.space

    @property
    def picture(self) -> PictureFit | None:
        """The encoder's."""
        return self._encoder.picture

    @property
    def batch_size(self) -> int:
        """The encoder's."""
        return self._encoder.batch_size

    @property
    def encodes_paragraphs(self) -> bool:
        """The encoder's."""
        return self._encoder.encodes_paragraphs

    @property
    def devices(self) -> tuple[str, ...]:
        """The encoder's."""
        return self._encoder.devices

    @property
    def precision(self) -> str:
        """The encoder's."""
        return self._encoder.precision

    def encode_pages(self, pages: Sequence[Page]) -> list[PageEmbedding]:
        """Encode pages, and pool each."""
        return [pool_tokens(embedding, self._factor) for embedding in self._encoder.encode_pages(pages)]

    def encode_query(self, text: str) -> QueryEmbedding:
        """Encode a query.

        Raises:
            EmptyQueryError: Nothing in ``text`` can be searched for.
        """
        return self._encoder.encode_query(text)

    def encode_phrases(self, phrases: Sequence[str]) -> QueryEmbedding:
        """Encode a query that is a list of phrases.

        Raises:
            EmptyQueryError: Nothing in one of them can be searched for.
        """
        return self._encoder.encode_phrases(phrases)

    def notice(self, text: str) -> str | None:
        """The encoder's."""
        return self._encoder.notice(text)


def _clusters(vectors: NDArray[np.float32], count: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Cluster vectors.

    Returns:
        The vectors' indices, cluster by cluster, and where in them each cluster begins.
    """
    # Ward's linkage wants Euclidean distances. Between unit vectors, cosines give them faster than scipy does from the
    # coordinates. Double precision makes near ties fall the same way on every machine.
    exact = vectors.astype(np.float64)
    distances = np.sqrt(np.maximum(2 - 2 * exact @ exact.T, 0))
    labels = fcluster(linkage(squareform(distances, checks=False), "ward"), count, "maxclust")
    _, first_members, cluster = np.unique(labels, return_index=True, return_inverse=True)
    first_member = first_members[cluster]  # (vectors,)
    order = np.argsort(first_member, kind="stable")
    return order, np.flatnonzero(np.diff(first_member[order], prepend=-1))


def _nearest(vectors: Floats, means: Floats, firsts: NDArray[np.intp]) -> NDArray[np.intp]:
    """Find the member nearest to each cluster's mean, the first of equals. Shape ``(clusters,)``."""
    cluster = np.repeat(np.arange(len(firsts)), np.diff(firsts, append=len(vectors)))
    similarities = np.einsum("vd,vd->v", vectors, means[cluster])
    # Sort by cluster, then by similarity: the first of each cluster is the nearest.
    return np.lexsort((-similarities, cluster))[firsts]


def _regions(
    regions: Regions,
    members: NDArray[np.intp],
    firsts: NDArray[np.intp],
    nearest: NDArray[np.intp],
    kept: NDArray[np.intp],
) -> Regions:
    compact = np.ones(len(firsts), bool)
    for extents in (regions.boxes, regions.spans):
        if extents is not None:
            covered = np.add.reduceat(_size(extents[members]), firsts)
            compact &= _size(unions(extents[members], firsts)) <= COMPACT * covered

    def pooled(extents: NDArray[Any]) -> NDArray[Any]:
        whole = unions(extents[members], firsts)
        return np.concatenate([np.where(compact[:, None], whole, extents[members[nearest]]), extents[kept]])

    return map_regions(regions, pooled)


def _size(extents: NDArray[Any]) -> NDArray[Any]:
    """Measure the area of boxes or the length of spans. Shape ``(extents,)``."""
    half = extents.shape[1] // 2
    size: NDArray[Any] = np.prod(extents[:, half:] - extents[:, :half], axis=1)
    return size
