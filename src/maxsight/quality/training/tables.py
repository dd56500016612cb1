"""Samples as arrays to learn from: features, error rates and documents. Features are cached with the samples."""

from __future__ import annotations

import hashlib
from collections import UserDict
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from maxsight.quality.familiarity import Groups
from maxsight.quality.features import FeatureExtractor
from maxsight.quality.ocr_features import compute_ocr_features
from maxsight.quality.prediction import Target
from maxsight.quality.text_presence import InkFound, find_text
from maxsight.quality.training.page_measures import measure_page
from maxsight.quality.training.samples import Sample, SampleFolder
from maxsight.types import Floats

_CACHE = "features"
_SAVE_EVERY = 100
GLOBAL, INK = "global", "ink"


@dataclass(frozen=True, slots=True, eq=False)
class SampleTable:
    """Samples to learn from, one row each.

    Attributes:
        samples: The samples.
        features: Shape ``(samples, features)``.
        global_features: Features of the whole page, for the baseline. Shape ``(samples, 16)``.
        ink: The ink found on each.
    """

    samples: Sequence[Sample]
    features: Floats
    global_features: Floats
    ink: Sequence[InkFound]

    def __len__(self) -> int:
        return len(self.samples)

    @property
    def documents(self) -> Groups:
        """Document of each sample. Shape ``(samples,)``."""
        return np.array([sample.file for sample in self.samples])

    @property
    def kinds(self) -> Groups:
        """Degradation of each sample, ``mixed`` for several. Shape ``(samples,)``."""
        return np.array([sample.kind for sample in self.samples])

    @property
    def confidence(self) -> Floats:
        """The engine's mean confidence. Shape ``(samples,)``."""
        return np.array([sample.ocr_confidence for sample in self.samples])

    def target(self, target: Target) -> Floats:
        """Return the error rate of each sample. Shape ``(samples,)``."""
        return np.array([getattr(sample, target.value) for sample in self.samples], np.float64)

    def with_ocr(self) -> Floats:
        """Append OCR features to the features. Shape ``(samples, features + OCR features)``."""
        read = [
            compute_ocr_features(sample.ocr_confidence, sample.ocr_text, ink)
            for sample, ink in zip(self.samples, self.ink, strict=True)
        ]
        return np.hstack([self.features, np.array(read, np.float64)])


def load_table(
    folders: Sequence[SampleFolder],
    extractor: FeatureExtractor,
    *,
    on_sample: Callable[[int, int], None] = lambda done, of: None,
) -> SampleTable:
    """Make the table of all accepted samples, without blank pages.

    Args:
        folders: The samples, with their cached features.
        extractor: Makes the features.
        on_sample: Called with the number of samples done, and of all.

    Raises:
        InputError: A picture is gone or damaged.
    """
    of = sum(len(folder.accepted) for folder in folders)
    rows: list[tuple[Sample, NDArray[np.generic], NDArray[np.generic], InkFound]] = []
    for folder in folders:
        kinds = (f"{extractor.space}: {extractor.space.names}", GLOBAL, INK)
        caches = pooled, whole, ink = [_Cache(folder.folder, kind) for kind in kinds]
        for sample in folder.accepted:
            name = sample.sample_id
            if any(name not in cache for cache in caches):
                picture = folder.load_picture(sample)
                page = extractor.vectors(picture)
                pooled[name] = extractor.pool(page.vectors) if len(page) else np.zeros(0)
                whole[name] = measure_page(picture)
                ink[name] = np.array(astuple(find_text(picture)))
            if len(pooled[name]):
                rows.append((sample, pooled[name], whole[name], InkFound(*map(int, ink[name]))))
            on_sample(len(rows), of)
        for cache in caches:
            cache.save()
    samples, features, global_, inks = zip(*rows, strict=True) if rows else ((), (), (), ())
    return SampleTable(
        samples,
        np.array(features, np.float64).reshape(len(rows), -1),
        np.array(global_, np.float64).reshape(len(rows), -1),
        inks,
    )


class _Cache(UserDict[str, NDArray[np.generic]]):
    """Vectors by sample, in one file per kind of vector."""

    def __init__(self, folder: Path, kind: str) -> None:
        self._file = folder / _CACHE / f"{hashlib.sha256(kind.encode()).hexdigest()[:16]}.npz"
        super().__init__()
        if self._file.exists():
            with np.load(self._file, allow_pickle=False) as stored:
                self.data = dict(stored)
        self._saved = len(self)

    def __setitem__(self, sample_id: str, vector: NDArray[np.generic]) -> None:
        super().__setitem__(sample_id, vector)
        if len(self) >= self._saved + _SAVE_EVERY:
            self.save()

    def save(self) -> None:
        if len(self) > self._saved:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            unfinished = self._file.with_suffix(".part")
            with unfinished.open("wb") as stream:
                np.savez(stream, allow_pickle=False, **self)
            unfinished.replace(self._file)
            self._saved = len(self)
