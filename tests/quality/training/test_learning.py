import warnings
import zipfile

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR
from sklearn.utils.estimator_checks import check_estimator

from maxsight.errors import InputError
from maxsight.quality.conformal import fit_conformal
from maxsight.quality.familiarity import fit_familiarity
from maxsight.quality.training.cross_validation import check_samples, cross_predict, split_documents, tune
from maxsight.quality.training.measures import compare_srcc, measure
from maxsight.quality.training.regressors import Learner, QualityRegressor
from maxsight.quality.trees import Trees


@pytest.fixture(scope="module")
def known():
    """240 pages of 12 documents whose error rate follows two of six features."""
    random = np.random.default_rng(0)
    features = random.normal(size=(240, 6))
    target = 1 / (1 + np.exp(-(features[:, 0] + features[:, 1] ** 2 - 1))) + random.normal(0, 0.03, 240)
    return features, target.clip(0, 1), np.repeat([f"{n}.pdf" for n in range(12)], 20)


@pytest.mark.parametrize("learner", Learner)
def test_each_learner_learns(known, learner):
    features, target, documents = known
    predicted = cross_predict(features, target, documents, learner, split_documents(documents), tuned=False)
    assert measure(target, predicted).srcc > 0.85
    assert not np.isnan(predicted).any()


def test_support_vectors_with_numpy_predict_what_scikit_learn_predicts(known):
    features, target, _ = known
    ours = QualityRegressor("svr").fit(features, target)
    scaler = StandardScaler().fit(features)
    theirs = SVR(C=ours.svr_cost, gamma=ours.svr_gamma / 6, epsilon=ours.svr_tolerance)
    theirs.fit(scaler.transform(features), np.arcsin(np.sqrt(target)))
    arcsine = theirs.predict(scaler.transform(features)).clip(0, np.pi / 2)
    np.testing.assert_allclose(
        ours.predict(features), np.sin(arcsine) ** 2, atol=2e-3
    )  # its vectors are float16


def test_emphasised_features_count_three_times_as_much(known):
    """The fit is that of scikit-learn on features three times as wide."""
    features, target, _ = known
    ours = QualityRegressor("svr", emphasised=2).fit(features, target)
    wider = StandardScaler().fit_transform(features) * [1, 1, 1, 1, 3, 3]
    theirs = SVR(C=ours.svr_cost, gamma=ours.svr_gamma / (4 + 2 * 9), epsilon=ours.svr_tolerance)
    arcsine = theirs.fit(wider, np.arcsin(np.sqrt(target))).predict(wider).clip(0, np.pi / 2)
    np.testing.assert_allclose(ours.predict(features), np.sin(arcsine) ** 2, atol=5e-3)  # float16, as above


@pytest.mark.parametrize("learner", Learner)
def test_predictions_stay_in_range_for_extreme_features(known, learner):
    features, target, _ = known
    model = QualityRegressor(learner).fit(features, target)
    found = model.predict(np.concatenate([features, 1e3 * features]))
    assert found.min() >= 0 and found.max() <= 1


@pytest.mark.parametrize("wrong", [-0.1, 1.5, 40.0])
def test_an_error_rate_outside_zero_to_one_is_refused(known, wrong):
    features, target, _ = known
    with pytest.raises(ValueError, match=r"lie in \[0, 1\]"):
        QualityRegressor().fit(features, np.append(target[1:], wrong))


def test_scikit_learns_checks_fail_only_for_targets_outside_zero_to_one():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = check_estimator(QualityRegressor("svr"), on_skip=None, on_fail=None)
    failed = [result["exception"] for result in results if result["status"] == "failed"]
    others = [error for error in failed if "lie in [0, 1]" not in f"{error!r} {error.__cause__!r}"]
    assert others == []
    assert sum(result["status"] == "passed" for result in results) >= 20


def test_the_average_is_the_mean_of_both(known):
    features, target, _ = known
    each = [
        QualityRegressor(learner).fit(features, target).predict(features) for learner in ("svr", "lightgbm")
    ]
    both = QualityRegressor("average").fit(features, target).predict(features)
    np.testing.assert_allclose(both, np.mean(each, axis=0))


def test_the_regressor_keeps_scikit_learns_conventions(known):
    features, target, _ = known
    model = make_pipeline(StandardScaler(), QualityRegressor("svr", svr_cost=1.0))
    assert model.fit(features, target).score(features, target) > 0.8
    copy = clone(model)
    assert copy.named_steps["qualityregressor"].get_params()["svr_cost"] == 1.0
    assert not hasattr(copy.named_steps["qualityregressor"], "support_")
    with pytest.raises(ValueError, match="6 features"):
        model.named_steps["qualityregressor"].predict(features[:, :3])
    with pytest.raises(ValueError, match="NaN"):
        QualityRegressor().fit(np.full((40, 2), np.nan), np.arange(40.0))


def test_trees_read_from_their_text_predict_the_same(known):
    features, target, _ = known
    model = QualityRegressor("lightgbm").fit(features, target)
    np.testing.assert_array_equal(Trees(model.trees_.text).predict(features), model.predict(features))


def test_tuning_chooses_from_the_grids_of_both_learners(known):
    features, target, documents = known
    assert set(tune(features, target, documents, Learner.AVERAGE)) == {"svr_cost", "svr_gamma", "leaves"}


def test_given_parameters_stay_and_the_rest_is_tuned(known):
    chosen = tune(*known, Learner.SVR, given={"emphasised": 1})
    assert chosen.pop("emphasised") == 1
    assert chosen.keys() == {"svr_cost", "svr_gamma"}


def test_no_document_is_on_both_sides_of_a_split():
    documents = np.repeat(["a", "b", "c", "d", "e", "f", "g"], [1, 9, 3, 4, 2, 8, 1])
    folds = split_documents(documents, 5)
    assert sorted(np.concatenate([judge for _, judge in folds])) == list(range(28))
    for learn, judge in folds:
        assert not set(documents[learn]) & set(documents[judge])


def test_measures_by_hand():
    """Off by 0.1, 0, 0.2, 0: mean 0.075; root of (0.01 + 0.04) / 4; ranks agree; above 0.1 lie the last three."""
    found = measure(np.array([0.0, 0.2, 0.5, 0.9]), np.array([0.1, 0.2, 0.7, 0.9]))
    assert found.mae == pytest.approx(0.075)
    assert found.rmse == pytest.approx(np.sqrt(0.05 / 4))
    assert (found.srcc, found.triage_auc, found.count) == (1, 1, 4)


def test_an_undefined_measure_is_nan():
    assert np.isnan(measure(np.zeros(5), np.arange(5) / 5).srcc)
    assert np.isnan(measure(np.zeros(5), np.arange(5) / 5).triage_auc)


def test_a_better_predictor_is_better_beyond_chance(known):
    _, target, documents = known
    random = np.random.default_rng(1)
    good, poor = (target + random.normal(0, spread, len(target)) for spread in (0.05, 0.4))
    more, low, high = compare_srcc(target, good, poor, documents)
    assert 0 < low < more < high
    same, low, high = compare_srcc(target, good, good, documents)
    assert (same, low, high) == (0, 0, 0)


@pytest.mark.parametrize(
    ("samples", "documents", "message"),
    [(5, 5, "5 samples of 5 documents are too few"), (100, 1, "100 samples of 1 document are too few")],
)
def test_too_few_samples_are_refused(samples, documents, message):
    names = np.array([f"{n % documents}.pdf" for n in range(samples)])
    with pytest.raises(InputError, match=message):
        check_samples(names, np.linspace(0, 1, samples))


def test_samples_of_one_error_rate_are_refused():
    with pytest.raises(InputError, match="nothing to learn"):
        check_samples(np.array(list("abcd") * 20), np.full(80, 0.25))


@pytest.mark.parametrize("coverage", [0.8, 0.9])
def test_intervals_hold_the_true_value_as_often_as_claimed(coverage):
    """Errors that grow with the prediction, as those of real models do."""
    random = np.random.default_rng(0)
    predicted = random.random(4000)
    true = predicted + random.normal(0, 0.02 + 0.15 * predicted)
    conformal = fit_conformal(predicted[:1000], true[:1000], coverage)
    half = conformal.factor * conformal.estimate_error(predicted[1000:])
    held = np.abs(true[1000:] - predicted[1000:]) <= half
    assert held.mean() == pytest.approx(coverage, abs=0.03)
    for part in (predicted[1000:] < 0.3, predicted[1000:] > 0.7):
        assert held[part].mean() == pytest.approx(coverage, abs=0.06)


def test_too_few_errors_give_the_widest_interval():
    low, high = fit_conformal(np.array([0.1, 0.2]), np.array([0.1, 0.3]), 0.9).compute_interval(
        np.array([0.15])
    )
    assert (low[0], high[0]) == (0, 1)


def test_a_page_unlike_the_samples_is_far_from_them(known):
    features, _, documents = known
    familiar = fit_familiarity(features, documents)
    assert (familiar.measure_distance(features) <= familiar.farthest).mean() > 0.97
    odd = np.zeros(6)
    odd[4] = 30
    assert familiar.measure_distance(odd)[0] > familiar.farthest


def test_a_file_without_a_model_is_refused(tmp_path):
    from maxsight.quality.model_file import load_predictor

    file = tmp_path / "evil.quality"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("model.json", "{}")
    with pytest.raises(InputError, match="not a model of quality"):
        load_predictor(file)
