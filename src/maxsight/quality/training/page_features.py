"""Turns pictures of pages into features, as the first step of a scikit-learn pipeline."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin

from maxsight.quality.features import FeatureExtractor, PagePooling, load_extractor


class PageFeatures(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Encodes and pools pictures of pages. Fitting only loads the encoder.

    Args:
        features: ``patches``, or a checkpoint with a length, as for ``maxsight quality train``.
        pooling: ``mean``, ``max``, ``std``, ``concat``, or for patches ``concat-text``; if not given, the last of these
            that the features have.
    """

    def __init__(self, features: str = "patches", pooling: str | None = None) -> None:
        self.features = features
        self.pooling = pooling

    def fit(self, X: Sequence[NDArray[np.uint8]], y: Any = None) -> Self:
        """Load the encoder.

        Raises:
            InputError: There are no such features.
        """
        self.extractor_: FeatureExtractor = load_extractor(
            self.features, PagePooling(self.pooling) if self.pooling else None
        )
        return self

    def transform(self, X: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """Make features of pictures, grey or RGB. Shape ``(pages, features)``.

        Raises:
            InputError: A page is blank or too small.
        """
        extractor = self.extractor_
        return np.stack([extractor.pool(extractor.vectors(picture).vectors) for picture in X])

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Return one name per feature."""
        return np.array(self.extractor_.space.names, dtype=object)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "extractor_")
