"""Search in a device's memory: exact MaxSim over all pages, without codes or candidates. Needs torch.

A GPU reads its whole memory faster than a CPU reads codes. Vectors lie there in float16, as they are stored; what
scores best is scored again in float32 from the stored vectors, so that scores are the same wherever a search ran.

Pages of about the same length lie together, each filled up with copies of its first vector: a maximum does not mind.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from maxsight.stores.base import AnyStore
from maxsight.stores.conditions import Filter
from maxsight.stores.ragged import PageVectors
from maxsight.types import Floats

DTYPE = torch.float16
"""What vectors are stored in. As large and as fast as bfloat16, which would lose three of their bits."""
SIMILARITY_BYTES = 16 * 2**20
"""Of the similarities of one piece of a bucket: little enough to stay in a GPU's cache between product and maximum."""
LENGTHS_PER_OCTAVE = 16
"""Of buckets: no page is filled up by more than this part of its length."""
SHARE_OF_MEMORY = 0.9
"""Of what is free, at most: the encoder's model may be there too."""

logger = logging.getLogger(__name__)


class DeviceEngine:
    """A store whose vectors are searched in a device's memory; everything else is the store's own."""

    def __init__(self, store: AnyStore, device: torch.device) -> None:
        """Prepare; vectors are copied by the first ``refresh``."""
        self._store = store
        self._device = device
        self._loading = threading.Lock()
        self._loaded: _Loaded | None = None
        self._version: int | None = None

    def refresh(self) -> bool:
        """Copy the vectors again if the library has changed, and say whether they are there.

        They are not where they don't fit into free memory, which is logged once for each version, nor while the
        library changes as fast as it is read.
        """
        with self._loading:
            version = self._store.version
            if version != self._version:
                self._loaded = self._version = None  # before the new ones come: both might not fit
                loaded = self._load()
                if self._store.version != version:
                    return False  # of two versions
                self._loaded, self._version = loaded, version
            return self._loaded is not None

    def nearest(
        self,
        queries: Sequence[Floats],
        limit: int,
        *,
        where: Filter | None = None,
        candidates: int | None = None,
    ) -> list[PageVectors]:
        """Find, for each query, the pages with the best MaxSim; all pages are looked at, whatever ``candidates``."""
        loaded = self._loaded
        if loaded is None:
            return self._store.nearest(queries, limit, where=where, candidates=candidates)
        kept = (
            None
            if where is None
            else {name for chunk in self.vectors(where=where) for name in chunk.page_ids}
        )
        found = loaded.best_pages(queries, limit, kept)
        dim = queries[0].shape[1]
        return [PageVectors.concatenate(list(self.vectors(page_ids=names)), dim) for names in found]

    def vectors(
        self, *, where: Filter | None = None, page_ids: Sequence[str] | None = None
    ) -> Iterator[PageVectors]:
        """The store's."""
        return self._store.vectors(where=where, page_ids=page_ids)

    def search_text(self, query: str, limit: int, *, where: Filter | None = None) -> list[str]:
        """The store's."""
        return self._store.search_text(query, limit, where=where)

    def _load(self) -> _Loaded | None:
        dim = self._store.manifest.space.dim
        layout = _Layout.of(self._store.vectors())
        needed, free = layout.vectors * dim * DTYPE.itemsize + SIMILARITY_BYTES, free_bytes(self._device)
        if free is not None and needed > SHARE_OF_MEMORY * free:
            logger.warning(
                "the library's vectors take %.1f GB and %s has %.1f GB free: searching on the CPU",
                needed / 1e9, self._device, free / 1e9,
            )  # fmt: skip
            return None
        return _Loaded.filled(layout, self._store.vectors(), dim, self._device)


def free_bytes(device: torch.device) -> int | None:
    """Memory that can still be taken; None where only the system knows."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
        return int(torch.cuda.mem_get_info(device)[0])
    if device.type == "mps":
        return int(torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory())
    return None


@dataclass(frozen=True, slots=True)
class _Layout:
    """Which page lies where.

    Attributes:
        names: Of the pages that have vectors, by bucket.
        lengths: Of the pages of each bucket, as filled up.
        places: Bucket, and number in it, by name.
    """

    names: dict[int, list[str]]
    lengths: dict[int, int]
    places: dict[str, tuple[int, int]]

    @classmethod
    def of(cls, chunks: Iterator[PageVectors]) -> _Layout:
        layout = cls({}, {}, {})
        for chunk in chunks:
            for name, count in zip(chunk.page_ids, chunk.counts.tolist(), strict=True):
                if count:
                    bucket = bucket_of(count)
                    names = layout.names.setdefault(bucket, [])
                    layout.lengths[bucket] = max(layout.lengths.get(bucket, 0), count)
                    layout.places[name] = bucket, len(names)
                    names.append(name)
        return layout

    @property
    def vectors(self) -> int:
        """Of all pages, as filled up."""
        return sum(self.lengths[bucket] * len(names) for bucket, names in self.names.items())


def bucket_of(count: int) -> int:
    """The bucket of a page of ``count`` vectors: the most that one of its pages may have."""
    step = max(1, (1 << count.bit_length()) // (2 * LENGTHS_PER_OCTAVE))
    return -(-count // step) * step


@dataclass(frozen=True, slots=True, eq=False)
class _Loaded:
    """The vectors of one version of a library.

    Attributes:
        names: Of the pages, bucket after bucket.
        buckets: Shape ``(pages, length, dim)`` each.
    """

    names: NDArray[np.str_]
    buckets: list[torch.Tensor]

    @classmethod
    def filled(
        cls, layout: _Layout, chunks: Iterator[PageVectors], dim: int, device: torch.device
    ) -> _Loaded:
        buckets = {
            bucket: torch.zeros((len(names), layout.lengths[bucket], dim), dtype=DTYPE, device=device)
            for bucket, names in layout.names.items()
        }
        for chunk in chunks:
            places: dict[int, list[tuple[int, int]]] = {}
            for page, (name, count) in enumerate(zip(chunk.page_ids, chunk.counts.tolist(), strict=True)):
                bucket, number = layout.places.get(name, (0, 0))
                if count and bucket and count <= layout.lengths[bucket]:  # else the library has just changed
                    places.setdefault(bucket, []).append((number, page))
            for bucket, pairs in places.items():
                numbers, pages = zip(*pairs, strict=True)
                rows = np.stack([_filled_up(chunk[page], layout.lengths[bucket]) for page in pages])
                buckets[bucket][torch.tensor(numbers, device=device)] = torch.from_numpy(rows).to(device)
        names = np.array([name for pages in layout.names.values() for name in pages], dtype=np.str_)
        return cls(names, list(buckets.values()))

    def best_pages(self, queries: Sequence[Floats], limit: int, kept: set[str] | None) -> list[list[str]]:
        """Name the best pages for each query, among those of these names."""
        if not len(self.names):
            return [[] for _ in queries]
        scores = self._scores(queries)  # (queries, pages)
        wanted = min(limit, len(self.names))
        if kept is not None:
            left_out = torch.tensor([name not in kept for name in self.names.tolist()], device=scores.device)
            scores[:, left_out] = -torch.inf
            wanted = min(wanted, int((~left_out).sum()))
        best = scores.topk(wanted).indices.cpu().numpy()
        return [self.names[pages].tolist() for pages in best]

    def _scores(self, queries: Sequence[Floats]) -> torch.Tensor:
        device, dim = self.buckets[0].device, self.buckets[0].shape[2]
        tokens = torch.from_numpy(np.concatenate(queries).astype(np.float16)).to(device).T  # (dim, tokens)
        owner = torch.repeat_interleave(
            torch.eye(len(queries), device=device),
            torch.tensor([len(query) for query in queries], device=device),
            dim=0,
        )  # (tokens, queries): one where the token is the query's
        parts = []
        for bucket in self.buckets:
            length = bucket.shape[1]
            pages = max(1, SIMILARITY_BYTES // (length * tokens.shape[1] * DTYPE.itemsize))
            for piece in bucket.split(pages):
                similarities = piece.reshape(-1, dim) @ tokens  # (pages * length, tokens)
                best = similarities.reshape(len(piece), length, -1).amax(dim=1)  # (pages, tokens)
                parts.append(best.float() @ owner)
        return torch.cat(parts).T.contiguous()


def _filled_up(vectors: Floats, length: int) -> Floats:
    """A page with copies of its first vector after its last, so that they are ``length``."""
    copies = np.repeat(vectors[:1], length - len(vectors), axis=0)
    return np.concatenate([vectors, copies])
