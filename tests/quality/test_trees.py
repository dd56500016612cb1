"""Trees evaluated with numpy predict what LightGBM predicts."""

import numpy as np
import pytest

from maxsight.errors import InputError
from maxsight.quality.model_file import load_predictor
from maxsight.quality.prediction import Target
from maxsight.quality.trees import Trees

BY_HAND = """tree
objective=cross_entropy

Tree=0
num_leaves=3
split_feature=1 0
threshold=0.5 -2
decision_type=2 2
left_child=1 -2
right_child=-1 -3
leaf_value=0.25 -1 2

Tree=1
num_leaves=1
split_feature=
threshold=
decision_type=
left_child=
right_child=
leaf_value=0.5

end of trees
"""


def test_two_trees_by_hand():
    """Feature 1 above 0.5: 0.25. Else feature 0 up to -2: -1, above: 2. The second tree adds 0.5 to each."""
    found = Trees(BY_HAND).predict(np.array([[0.0, 0.6], [-2.0, 0.5], [-1.9, 0.5]]))
    np.testing.assert_allclose(found, 1 / (1 + np.exp(-np.array([0.75, -0.5, 2.5]))), rtol=1e-15)


@pytest.mark.parametrize("kind", ["1", "4", "10"], ids=["categories", "missing zeros", "missing values"])
def test_splits_by_categories_or_missing_values_are_refused(kind):
    with pytest.raises(InputError, match="split by categories or on missing values"):
        Trees(BY_HAND.replace("decision_type=2 2", f"decision_type=2 {kind}")).predict(np.zeros((1, 2)))


@pytest.mark.parametrize("target", Target)
def test_the_shipped_trees_predict_what_lightgbm_predicts(target):
    lightgbm = pytest.importorskip("lightgbm")
    trees = load_predictor().targets[target].trees
    booster = lightgbm.Booster(model_str=trees.text)
    features = np.random.default_rng(0).normal(0, 2, (200, booster.num_feature()))
    features[:50] = np.round(features[:50])
    np.testing.assert_allclose(trees.predict(features), booster.predict(features, num_threads=1), rtol=1e-14)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("left_child=1 -2", "left_child=0 -2"),  # a circle
        ("left_child=1 -2", "left_child=9 -2"),
        ("right_child=-1 -3", "right_child=-1 -9"),
        ("split_feature=1 0", "split_feature=-1 0"),
        ("threshold=0.5 -2", "threshold=0.5"),
        ("leaf_value=0.25 -1 2", "leaf_value=0.25 x 2"),
        ("decision_type=2 2", ""),
    ],
)
def test_damaged_trees_are_refused_when_they_are_read(old, new):
    with pytest.raises(InputError, match="trees"):
        Trees(BY_HAND.replace(old, new, 1))
