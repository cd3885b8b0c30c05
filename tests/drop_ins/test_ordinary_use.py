"""Nothing that people do with scikit-learn every day raises or warns; warnings are errors here."""

from __future__ import annotations

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor

import joblib
import numpy as np
import pytest
import sklearn
from fault_objects import texts, with_gaps
from ordinary import RELEASE, TABLE, X, scaled_model, skops_round_trip, table_model, y
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import BaggingClassifier, StackingClassifier, VotingClassifier
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.feature_selection import RFECV
from sklearn.inspection import partial_dependence, permutation_importance
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    RandomizedSearchCV,
    cross_val_predict,
    cross_validate,
    learning_curve,
    validation_curve,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.utils import estimator_html_repr

import sklearn_normlock as nl
from sklearn_normlock.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn_normlock.decomposition import PCA, IncrementalPCA
from sklearn_normlock.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfVectorizer
from sklearn_normlock.impute import SimpleImputer
from sklearn_normlock.pipeline import FeatureUnion, make_pipeline
from sklearn_normlock.preprocessing import (
    FunctionTransformer,
    MinMaxScaler,
    Normalizer,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
    TargetEncoder,
)

# -- selection and validation --------------------------------------------------------------------


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_search_in_parallel(backend):
    """A grid search gives the same in worker processes, in threads and alone; steps may be what is searched over."""
    grid = {"standardscaler": [StandardScaler(), MinMaxScaler()], "logisticregression__C": [0.1, 1.0]}
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=5000))
    alone = GridSearchCV(model, grid, cv=2).fit(X, y)
    with joblib.parallel_backend(backend, n_jobs=2):
        search = GridSearchCV(model, grid, cv=2).fit(X, y)
        scores = cross_validate(search.best_estimator_, X, y, cv=2, return_estimator=True)
    assert search.best_estimator_.fingerprint_ == alone.best_estimator_.fingerprint_
    assert np.array_equal(search.predict_proba(X), alone.predict_proba(X))
    for estimator in scores["estimator"]:
        assert estimator.predict(X).shape == y.shape


def test_objects_sent_to_workers():
    """A fitted pipeline that is sent to worker processes is verified there and gives what it gives here."""
    model = scaled_model().fit(X, y)
    parts = np.array_split(X, 4)
    scaled = joblib.Parallel(n_jobs=2)(joblib.delayed(model[0].transform)(part) for part in parts)
    results = joblib.Parallel(n_jobs=2)(joblib.delayed(model.predict_proba)(part) for part in parts)
    assert np.array_equal(np.concatenate(scaled), model[0].transform(X))
    assert np.allclose(np.concatenate(results), model.predict_proba(X), rtol=1e-12)  # a worker has other threads


@pytest.mark.parametrize(
    "search",
    [
        lambda model: HalvingGridSearchCV(model, {"logisticregression__C": [0.1, 1.0]}, cv=2, min_resources=20),
        lambda model: RandomizedSearchCV(model, {"logisticregression__C": [0.1, 1.0]}, n_iter=2, cv=2),
        lambda model: RFECV(model, cv=2, importance_getter="named_steps.logisticregression.coef_"),
    ],
    ids=["halving", "randomized", "elimination"],
)
def test_other_searches(search):
    """Searches that clone and fit a locked pipeline over and over work, and so does what they put out."""
    found = search(scaled_model()).fit(X, y)
    assert found.predict(X).shape == y.shape
    assert pickle.loads(pickle.dumps(found)).score(X, y) == found.score(X, y)


def assert_same(found, expected):
    """Compare results of scikit-learn's tools: arrays, tuples and bunches of them."""
    if isinstance(expected, dict):
        assert found.keys() == expected.keys()
        found, expected = list(found.values()), list(expected.values())
    if isinstance(expected, (tuple, list)):
        assert len(found) == len(expected) > 0
        for one, other in zip(found, expected, strict=True):
            assert_same(one, other)
    else:
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    "use",
    [
        lambda model: learning_curve(model, X, y, cv=2, train_sizes=[0.5, 1.0]),
        lambda model: validation_curve(model, X, y, param_name="logisticregression__C", param_range=[0.1, 1.0], cv=2),
        lambda model: permutation_importance(model.fit(X, y), X, y, n_repeats=2),
        lambda model: partial_dependence(model.fit(X, y), X, [0], grid_resolution=5),
        lambda model: cross_val_predict(model, X, y, cv=2, method="predict_proba"),
    ],
    ids=["learning_curve", "validation_curve", "permutation_importance", "partial_dependence", "cross_val_predict"],
)
def test_inspection(use):
    """Curves, importances and predictions across folds are those of a stock pipeline."""
    np.random.seed(0)
    found = use(scaled_model())
    np.random.seed(0)
    assert_same(found, use(nl.unlock(scaled_model())))


@pytest.mark.parametrize(
    "wrap",
    [
        lambda model: CalibratedClassifierCV(model, cv=2),
        lambda model: BaggingClassifier(model, n_estimators=2),
        lambda model: OneVsRestClassifier(model),
        lambda model: VotingClassifier([("a", model), ("b", LogisticRegression(max_iter=5000))], voting="soft"),
        lambda model: StackingClassifier([("a", model)], final_estimator=LogisticRegression(), cv=2),
    ],
    ids=["calibrated", "bagging", "one against the rest", "vote", "stack"],
)
def test_inside_other_estimators(wrap):
    """scikit-learn's estimators of estimators take a locked pipeline, and come back from pickle with it."""
    outer = wrap(scaled_model()).fit(X, y)
    assert np.array_equal(pickle.loads(pickle.dumps(outer)).predict_proba(X), outer.predict_proba(X))


def test_a_fitted_pipeline_is_calibrated_or_frozen():
    """A fitted pipeline goes into a calibration as it is, by ``FrozenEstimator`` where there is one."""
    model = scaled_model().fit(X, y)
    if RELEASE < (1, 6):
        calibrated = CalibratedClassifierCV(model, cv="prefit")
    else:
        from sklearn.frozen import FrozenEstimator

        assert np.array_equal(FrozenEstimator(model).fit(X, 1 - y).predict(X), model.predict(X))
        calibrated = CalibratedClassifierCV(FrozenEstimator(model), cv=2)
    calibrated.fit(X, y)
    assert pickle.loads(pickle.dumps(calibrated)).predict(X).shape == y.shape
    assert model.predict(X).shape == y.shape


# -- parameters and fits -------------------------------------------------------------------------


def test_clone():
    """A clone of a fitted object is unfitted, carries nothing of the seal, and can be fitted."""
    model = table_model().fit(TABLE, y)
    fresh = clone(model)
    assert not any("fingerprint" in name or "normlock" in name for name in vars(fresh))
    assert fresh.fit(TABLE, y).fingerprint_ == model.fingerprint_


def test_parameters_before_a_fit():
    """Parameters may be set before a fit, and after one if another fit follows."""
    scaler = StandardScaler().set_params(with_std=False).fit(X)
    before = scaler.fingerprint_
    scaler.set_params(with_std=True, with_mean=False)
    assert scaler.fit(X).fingerprint_ != before
    model = scaled_model().set_params(standardscaler__with_mean=False).fit(X, y)
    model.set_params(standardscaler=RobustScaler(), logisticregression__C=0.1)
    assert model.fit(X, y).predict(X).shape == y.shape


def test_a_second_fit():
    """A stand-alone object may be fitted again: the same data, the same fingerprint; other data, another."""
    scaler = StandardScaler().fit(X)
    first = scaler.fingerprint_
    assert scaler.fit(X).fingerprint_ == first
    assert scaler.fit(X * 2).fingerprint_ != first
    loaded = pickle.loads(pickle.dumps(scaler))
    assert loaded.fit(X).fingerprint_ == first


def test_a_step_fitted_again_on_the_same_data():
    """What a refit did not change is no mismatch."""
    model = make_pipeline(StandardScaler(), PCA(2), LogisticRegression()).fit(X, y)
    model[0].fit(X)
    assert model.predict(X).shape == y.shape


def test_how_to_compute_may_change():
    """``n_jobs``, ``verbose`` and ``memory`` may change after the fit."""
    union = FeatureUnion([("a", StandardScaler()), ("b", MinMaxScaler())])
    model = make_pipeline(union, LogisticRegression()).fit(X, y)
    fingerprint = model.fingerprint_
    model.set_params(verbose=True, memory="unused", featureunion__n_jobs=1, logisticregression__verbose=0)
    model.predict(X)
    assert nl.fingerprint(model) == fingerprint
    pickle.loads(pickle.dumps(model)).predict(X)


def test_cache(tmp_path):
    """``memory=`` gives the cached steps of the first fit to the second, and both pipelines work."""
    make = lambda: make_pipeline(StandardScaler(), PCA(2), LogisticRegression(), memory=str(tmp_path))  # noqa: E731
    first, second = make().fit(X, y), make().fit(X, y)
    assert first.fingerprint_ == second.fingerprint_ == nl.fingerprint(second)
    assert np.array_equal(first.predict_proba(X), second.predict_proba(X))
    assert np.array_equal(pickle.loads(pickle.dumps(second)).predict_proba(X), first.predict_proba(X))


def test_training_on_a_stream():
    """``partial_fit`` goes on and on with a live object, and the end is the same as of any other stream of the same."""
    for make in (StandardScaler, MinMaxScaler, lambda: IncrementalPCA(2)):
        scaler = make()
        fingerprints = {scaler.partial_fit(part).fingerprint_ for part in np.array_split(X, 4)}
        assert len(fingerprints) == 4
        other = make()
        for part in np.array_split(X, 4):
            other.partial_fit(part)
        assert other.fingerprint_ == scaler.fingerprint_
        with nl.thaw(pickle.loads(pickle.dumps(scaler))) as thawed:
            thawed.partial_fit(X)


def test_random_state_objects():
    """A generator that the user passes may go on being used: its position is no state."""
    rng = np.random.RandomState(0)
    scaler = QuantileTransformer(n_quantiles=10, subsample=30, random_state=rng).fit(X)
    rng.uniform(size=9)
    scaler.transform(X)
    assert nl.fingerprint(scaler) == scaler.fingerprint_
    pickle.loads(pickle.dumps(scaler)).transform(X)


def test_metadata_routing():
    """Metadata requests reach a locked step, in a fit and in a validation."""
    with sklearn.config_context(enable_metadata_routing=True):
        model = make_pipeline(
            StandardScaler().set_fit_request(sample_weight=True),
            LogisticRegression().set_fit_request(sample_weight=True).set_score_request(sample_weight=True),
        )
        weights = np.arange(1.0, len(y) + 1)
        plain = scaled_model().fit(X, y)
        weighted = model.fit(X, y, sample_weight=weights)
        assert not np.array_equal(plain[0].mean_, weighted[0].mean_)
        cross_validate(model, X, y, cv=2, params={"sample_weight": weights})
        fingerprint = weighted.fingerprint_
        weighted[-1].set_score_request(sample_weight=False)
        assert weighted.predict(X).shape == y.shape
    assert nl.fingerprint(weighted) == fingerprint


# -- use -----------------------------------------------------------------------------------------


def test_threads_share_a_pipeline():
    """Many threads use one pipeline at once, and fit clones of it at once."""
    model = table_model().fit(TABLE, y)
    expected = model.predict_proba(TABLE)
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda _: model.predict_proba(TABLE), range(32)))
        prints = list(pool.map(lambda _: clone(model).fit(TABLE, y).fingerprint_, range(8)))
    assert all(np.array_equal(result, expected) for result in results)
    assert set(prints) == {model.fingerprint_}


def test_parts_of_a_pipeline():
    """Slices and steps of a fitted pipeline are used by themselves, and survive a pickle."""
    model = make_pipeline(StandardScaler(), PCA(3), LogisticRegression()).fit(X, y)
    head, tail = model[:-1], model[1:]
    assert np.array_equal(tail.predict(model[0].transform(X)), model.predict(X))
    assert np.array_equal(model[-1].predict(head.transform(X)), model.predict(X))
    assert np.array_equal(model["pca"].transform(model.named_steps["standardscaler"].transform(X)), head.transform(X))
    for part in (head, tail, model[0:1]):
        assert pickle.loads(pickle.dumps(part)).fingerprint_ == part.fingerprint_


def test_looking_at_it():
    """Names, parameters, text and notebook displays of fitted and unfitted objects."""
    for model in (table_model(), table_model().fit(TABLE, y)):
        repr(model), estimator_html_repr(model), model.get_params(), model._repr_html_()
        model._repr_mimebundle_()
    assert model[:-1].get_feature_names_out()[0] == "num__age"
    assert dir(model) and model.n_features_in_ == 6 and list(model.feature_names_in_) == list(TABLE)


def test_gaps_and_categories():
    """A table with gaps, categories, a rest that passes through and columns that nobody asked for."""
    table, target = with_gaps()
    columns = ColumnTransformer(
        [
            ("num", make_pipeline(SimpleImputer(add_indicator=True), PowerTransformer()), ["age", "income"]),
            ("cat", TargetEncoder(cv=2), ["city"]),
            ("none", "drop", ["plan"]),
        ],
        remainder="passthrough",
    )
    model = make_pipeline(columns, LogisticRegression(max_iter=5000)).fit(table, target)
    assert model.predict(table.assign(extra=1)).shape == target.shape
    assert skops_round_trip(model).fingerprint_ == model.fingerprint_


def test_texts():
    """Vectorizers, also those that are used without a fit, on one text and on many."""
    words, target = texts()
    model = make_pipeline(TfidfVectorizer(stop_words=["red"]), LogisticRegression()).fit(words, target)
    for _ in range(2):
        model.predict(words)
        model.predict(words[:1])
    assert nl.fingerprint(model) == model.fingerprint_
    for vectorizer in (HashingVectorizer(n_features=16), CountVectorizer(vocabulary=["red", "blue"])):
        assert vectorizer.transform(words).shape[0] == vectorizer.transform(words[:9]).shape[0] + 31


def test_without_state():
    """Transformers that need no fit work without one, as often as one likes, and travel."""
    for transformer in (Normalizer(), FunctionTransformer(np.log1p), FunctionTransformer(lambda x: x)):
        transformer.transform(X)
        transformer.transform(X)
    pickle.loads(pickle.dumps(Normalizer())).transform(X)
    for unfitted in (StandardScaler(), scaled_model(), table_model()):
        assert vars(copy.deepcopy(unfitted)).keys() == vars(unfitted).keys()


def test_targets():
    """A transformed target, with a transformer and with functions."""
    for kwargs in ({"transformer": StandardScaler()}, {"func": np.log1p, "inverse_func": np.expm1}):
        model = TransformedTargetRegressor(make_pipeline(RobustScaler(), Ridge()), **kwargs).fit(X[:, 1:], X[:, 0])
        assert np.array_equal(pickle.loads(pickle.dumps(model)).predict(X[:, 1:]), model.predict(X[:, 1:]))


def test_notes_of_tools():
    """Attributes that trackers write onto an estimator are no change."""
    model = scaled_model().fit(X, y)
    before, expected = nl.fingerprint(model), model.predict(X)
    model._mlflow_run_id = model[0]._wandb_id = "1f"
    assert np.array_equal(model.predict(X), expected)
    loaded = pickle.loads(pickle.dumps(model))
    assert np.array_equal(loaded.predict(X), expected)
    assert nl.fingerprint(loaded) == nl.fingerprint(model) == before
