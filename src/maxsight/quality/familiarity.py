"""How far a page is from the samples that a model was trained on. A distant page deserves a warning."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from maxsight.types import Floats

Groups = NDArray[np.str_]

_MAX_REFERENCES = 300
_FAMILIAR_SHARE = (
    0.995  # quantile of the samples' distances, each with its document left out, that is still familiar
)


@dataclass(frozen=True, slots=True, eq=False)
class Familiarity:
    """Some of the samples, and how far from them a page may be.

    Attributes:
        centre: Mean of the features. Shape ``(features,)``.
        scale: Their standard deviations. Shape ``(features,)``.
        references: Some samples, in deviations. Shape ``(references, features)``.
        farthest: Largest distance to the nearest reference that is still familiar.
    """

    centre: Floats
    scale: Floats
    references: NDArray[np.float32]
    farthest: float

    def measure_distance(self, features: Floats) -> Floats:
        """Measure distances to the nearest reference: root mean square over features, in deviations."""
        standard = (np.atleast_2d(features) - self.centre) / self.scale
        return np.array([np.sqrt(((self.references - page) ** 2).mean(axis=1).min()) for page in standard])


def fit_familiarity(features: Floats, documents: Groups) -> Familiarity:
    """Choose references, and measure how far each document is from the references of others."""
    centre, deviation = features.mean(axis=0), features.std(axis=0)
    scale = np.where(deviation > 1e-9, deviation, 1.0)
    chosen = np.random.default_rng(0).permutation(len(features))[:_MAX_REFERENCES]
    references = ((features[chosen] - centre) / scale).astype(np.float32)
    apart = []
    for name in np.unique(documents):
        others = references[documents[chosen] != name]
        if len(others):
            apart.append(Familiarity(centre, scale, others, 0).measure_distance(features[documents == name]))
    return Familiarity(centre, scale, references, float(np.quantile(np.concatenate(apart), _FAMILIAR_SHARE)))
