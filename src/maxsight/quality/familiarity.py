"""Is a page like those that were learned from? A prediction for one that is not deserves a warning."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from maxsight.types import Floats

Groups = NDArray[np.str_]

_REFERENCES = 300
_FARTHEST_SHARE = 0.995  # of samples of documents left out that count as familiar


@dataclass(frozen=True, slots=True, eq=False)
class Familiarity:
    """What the samples looked like.

    Attributes:
        centre: Of the features. Shape ``(features,)``.
        scale: Their deviations. Shape ``(features,)``.
        references: Some of the samples, in deviations. Shape ``(references, features)``.
        farthest: A page is unfamiliar if it is farther from the nearest of them.
    """

    centre: Floats
    scale: Floats
    references: NDArray[np.float32]
    farthest: float

    def distance(self, features: Floats) -> Floats:
        """How far pages are from the nearest reference: the root mean square over features, in deviations."""
        standard = (np.atleast_2d(features) - self.centre) / self.scale
        return np.array([np.sqrt(((self.references - page) ** 2).mean(axis=1).min()) for page in standard])

    def unusual(self, features: Floats) -> int:
        """Tell which feature of one page lies farthest from the samples' mean."""
        return int(np.abs((features - self.centre) / self.scale).argmax())


def fit_familiarity(features: Floats, documents: Groups, seed: int = 0) -> Familiarity:
    """Keep some samples, and how far those of a document are from the kept ones of others."""
    centre, deviation = features.mean(axis=0), features.std(axis=0)
    scale = np.where(deviation > 1e-9, deviation, 1.0)
    kept = np.random.default_rng(seed).permutation(len(features))[:_REFERENCES]
    references = ((features[kept] - centre) / scale).astype(np.float32)
    apart = np.concatenate(
        [
            Familiarity(centre, scale, references[documents[kept] != name], 0).distance(
                features[documents == name]
            )
            for name in np.unique(documents)
            if (documents[kept] != name).any()
        ]
    )
    return Familiarity(centre, scale, references, float(np.quantile(apart, _FARTHEST_SHARE)))
