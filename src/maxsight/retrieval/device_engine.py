"""Search in a device's memory: exact MaxSim over all pages, without codes or candidates. Needs torch.

A GPU reads its whole memory faster than a CPU reads codes. Vectors lie there in float16, as they are stored. The best
pages are scored again in float32 from the stored vectors, so scores do not depend on where a search ran.

Pages of similar length lie together in a bucket. Copies of its first vector fill up a page, which changes no maximum.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from maxsight.stores.base import AnyStore
from maxsight.stores.conditions import Filter
from maxsight.stores.ragged import PageVectors
from maxsight.types import Floats

DTYPE = torch.float16
"""As large and as fast as bfloat16, which would lose three bits of the stored vectors."""
SIMILARITY_BYTES = 16 * 2**20
"""Size of the similarities that are computed at a time: they stay in a GPU's cache between product and maximum."""
LENGTHS_PER_OCTAVE = 16
"""Bucket lengths between one power of two and the next: no page is filled up by more than this part of its length."""
MAX_SHARE_OF_MEMORY = 0.9
"""Share of the free memory that vectors may take: the encoder's model may be there too."""

logger = logging.getLogger(__name__)


class DeviceEngine:
    """A store whose vectors are searched in a device's memory; the store does everything else."""

    def __init__(self, store: AnyStore, device: torch.device) -> None:
        """Prepare; the first ``refresh`` copies the vectors."""
        self._store = store
        self._device = device
        self._loading = threading.Lock()
        self._loaded: _Loaded | None = None
        self._version: int | None = None

    def refresh(self) -> bool:
        """Copy the vectors if the library has changed, and return whether they are in the device's memory.

        They are not if they don't fit, which is logged once per version, or if the library changed while they were
        copied.
        """
        with self._loading:
            version = self._store.version
            if version != self._version:
                self._loaded = self._version = None  # first, since both might not fit
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
        """Find, for each query, the pages with the best MaxSim. Score all pages; ``candidates`` has no effect."""
        loaded = self._loaded
        if loaded is None:
            return self._store.nearest(queries, limit, where=where, candidates=candidates)
        passing = (
            None
            if where is None
            else {name for chunk in self.vectors(where=where) for name in chunk.page_ids}
        )
        found = loaded.best_pages(queries, limit, passing)
        dim = queries[0].shape[1]
        return [PageVectors.concatenate(list(self.vectors(page_ids=names)), dim) for names in found]

    def vectors(
        self, *, where: Filter | None = None, page_ids: Sequence[str] | None = None
    ) -> Iterator[PageVectors]:
        """Read the store's vectors."""
        return self._store.vectors(where=where, page_ids=page_ids)

    def find_phrase(self, phrase: str, limit: int, *, where: Filter | None = None) -> list[str]:
        """Search the store's text."""
        return self._store.find_phrase(phrase, limit, where=where)

    def _load(self) -> _Loaded | None:
        dim = self._store.manifest.space.dim
        layout = _Layout()
        layout.add(self._store.vectors())
        needed, free = layout.vectors * dim * DTYPE.itemsize + SIMILARITY_BYTES, free_bytes(self._device)
        if free is not None and needed > MAX_SHARE_OF_MEMORY * free:
            logger.warning(
                "the library's vectors take %.1f GB and %s has %.1f GB free: searching on the CPU",
                needed / 1e9, self._device, free / 1e9,
            )  # fmt: skip
            return None
        return _Loaded.copy(layout, self._store.vectors(), dim, self._device)


def free_bytes(device: torch.device) -> int | None:
    """Return the free memory of a device; None where only the system knows."""
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
        names: Names of the pages with vectors, by bucket.
        lengths: Length of the filled up pages, by bucket.
        places: Bucket and number in it, by name.
    """

    names: dict[int, list[str]] = field(default_factory=dict)
    lengths: dict[int, int] = field(default_factory=dict)
    places: dict[str, tuple[int, int]] = field(default_factory=dict)

    def add(self, chunks: Iterator[PageVectors]) -> None:
        """Give each page that has vectors its place."""
        for chunk in chunks:
            for name, count in zip(chunk.page_ids, chunk.counts.tolist(), strict=True):
                if count:
                    bucket = bucket_of(count)
                    names = self.names.setdefault(bucket, [])
                    self.lengths[bucket] = max(self.lengths.get(bucket, 0), count)
                    self.places[name] = bucket, len(names)
                    names.append(name)

    @property
    def vectors(self) -> int:
        """Vectors of all pages, filled up."""
        return sum(self.lengths[bucket] * len(names) for bucket, names in self.names.items())


def bucket_of(count: int) -> int:
    """Return the bucket of a page of ``count`` vectors: the largest count in it."""
    step = max(1, (1 << count.bit_length()) // (2 * LENGTHS_PER_OCTAVE))
    return -(-count // step) * step


@dataclass(frozen=True, slots=True, eq=False)
class _Loaded:
    """The vectors of one version of a library.

    Attributes:
        names: Names of the pages, bucket after bucket.
        buckets: Shape ``(pages, length, dim)`` each.
    """

    names: NDArray[np.str_]
    buckets: list[torch.Tensor]

    @classmethod
    def copy(cls, layout: _Layout, chunks: Iterator[PageVectors], dim: int, device: torch.device) -> _Loaded:
        """Copy vectors to a device."""
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
                rows = np.stack([_fill_up(chunk[page], layout.lengths[bucket]) for page in pages])
                buckets[bucket][torch.tensor(numbers, device=device)] = torch.from_numpy(rows).to(device)
        names = np.array([name for pages in layout.names.values() for name in pages], dtype=np.str_)
        return cls(names, list(buckets.values()))

    def best_pages(self, queries: Sequence[Floats], limit: int, passing: set[str] | None) -> list[list[str]]:
        """Name the best pages for each query, of the ``passing`` ones if these are given."""
        if not len(self.names):
            return [[] for _ in queries]
        scores = self._scores(queries)  # (queries, pages)
        wanted = min(limit, len(self.names))
        if passing is not None:
            left_out = torch.tensor(
                [name not in passing for name in self.names.tolist()], device=scores.device
            )
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
        )  # (tokens, queries): 1 where the token is the query's
        parts = []
        for bucket in self.buckets:
            length = bucket.shape[1]
            pages = max(1, SIMILARITY_BYTES // (length * tokens.shape[1] * DTYPE.itemsize))
            for part in bucket.split(pages):
                similarities = part.reshape(-1, dim) @ tokens  # (pages * length, tokens)
                best = similarities.reshape(len(part), length, -1).amax(dim=1)  # (pages, tokens)
                parts.append(best.float() @ owner)
        return torch.cat(parts).T.contiguous()


def _fill_up(vectors: Floats, length: int) -> Floats:
    """Append copies of a page's first vector up to ``length``."""
    copies = np.repeat(vectors[:1], length - len(vectors), axis=0)
    return np.concatenate([vectors, copies])
