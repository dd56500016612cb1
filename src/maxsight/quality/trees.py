"""Boosted trees in LightGBM's text format, evaluated with numpy, so that predicting needs no LightGBM."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from maxsight.errors import InputError
from maxsight.types import Floats

_DEFAULT_LEFT = 2  # bit of LightGBM's decision_type; matters only for missing values


class _Forest(NamedTuple):
    """All trees in flat arrays. A child from 0 on is a node; below 0 it is the leaf ``~child``."""

    roots: NDArray[np.intp]  # (trees,)
    features: NDArray[np.intp]  # (nodes,)
    thresholds: NDArray[np.float64]  # (nodes,)
    children: NDArray[np.intp]  # (2, nodes): where the feature is above the threshold, and where it is not
    values: NDArray[np.float64]  # (leaves,)


@dataclass(frozen=True)
class Trees:
    """Fitted boosted trees.

    Attributes:
        text: As LightGBM writes them, with the objective ``cross_entropy``.

    Raises:
        InputError: The text is damaged, or the trees split by categories or on missing values.
    """

    text: str

    def __post_init__(self) -> None:
        try:
            sound = _is_sound(self._forest)
        except (KeyError, ValueError) as error:
            raise InputError(f"the model's trees can't be read: {error}") from error
        if not sound:
            raise InputError("the model's trees are damaged: a split leads to no node or leaf of its tree")

    def predict(self, features: Floats) -> NDArray[np.float64]:
        """Predict error rates.

        Args:
            features: Shape ``(pages, features)``.

        Returns:
            Shape ``(pages,)``.
        """
        forest = self._forest
        rows = np.arange(len(features))[:, None]
        at = np.tile(forest.roots, (len(features), 1))  # (pages, trees)
        while (is_node := at >= 0).any():
            node = np.where(is_node, at, 0)
            goes_left = features[rows, forest.features[node]] <= forest.thresholds[node]
            at = np.where(is_node, forest.children[goes_left.astype(np.intp), node], at)
        log_odds = np.cumsum(forest.values[~at], axis=1)[:, -1]  # tree by tree, as LightGBM adds them
        return np.asarray(1 / (1 + np.exp(-log_odds)))

    @cached_property
    def _forest(self) -> _Forest:
        roots, features, thresholds, children, values = [], [], [], [], []
        nodes = leaves = 0
        for block in self.text.split("\nTree=")[1:]:
            fields = dict(line.split("=", 1) for line in block.split("\n\n")[0].splitlines()[1:])
            if any(int(kind) & ~_DEFAULT_LEFT for kind in fields["decision_type"].split()):
                raise InputError("the model's trees split by categories or on missing values")
            below = np.array([fields[side].split() for side in ("right_child", "left_child")], np.intp)
            feature = np.array(fields["split_feature"].split(), np.intp)
            value = np.array(fields["leaf_value"].split(), np.float64)
            roots.append(nodes if len(feature) else ~leaves)
            features.append(feature)
            thresholds.append(np.array(fields["threshold"].split(), np.float64))
            children.append(np.where(below >= 0, below + nodes, below - leaves))
            values.append(value)
            nodes, leaves = nodes + len(feature), leaves + len(value)
        return _Forest(
            np.array(roots, np.intp),
            np.concatenate(features),
            np.concatenate(thresholds),
            np.concatenate(children, axis=1),
            np.concatenate(values),
        )


def _is_sound(forest: _Forest) -> bool:
    """Return whether every walk from a root ends at a leaf: children are leaves or later nodes."""
    nodes, leaves = len(forest.features), len(forest.values)
    ends = np.concatenate([forest.roots, forest.children.reshape(-1)])
    later = (forest.children < 0) | (forest.children > np.arange(nodes))
    same_length = forest.children.shape == (2, nodes) and len(forest.thresholds) == nodes
    in_range = ((ends >= -leaves) & (ends < nodes)).all() and (forest.features >= 0).all()
    return bool(same_length and later.all() and in_range)
