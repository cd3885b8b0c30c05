"""What holds a pipeline is sealed like one: searches, calibrated models, ensembles, chains, selectors."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import joblib
import numpy as np
import pytest
import sklearn
from ordinary import X, y
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import make_scorer, precision_score
from sklearn.tree import DecisionTreeClassifier

import sklearn_normlock as nl
from sklearn_normlock import calibration, ensemble, feature_selection, model_selection, multiclass, multioutput
from sklearn_normlock.errors import FingerprintMismatchError, NormLockError, SealWarning
from sklearn_normlock.model_selection import GridSearchCV, KFold
from sklearn_normlock.pipeline import make_pipeline
from sklearn_normlock.preprocessing import StandardScaler

VERSION = tuple(int(part) for part in sklearn.__version__.split(".")[:2])
GRID = {"logisticregression__C": [0.1, 1.0]}
TWO = np.column_stack([y, 1 - y])


def model() -> Any:
    return make_pipeline(StandardScaler(), LogisticRegression())


def last_first(results: dict[str, Any]) -> int:
    """Stand in for a user's rule of which candidate to take."""
    return len(results["params"]) - 1


HOLDERS = {
    "grid": (lambda: GridSearchCV(model(), GRID, cv=3), y),
    "random": (lambda: model_selection.RandomizedSearchCV(model(), GRID, n_iter=2, cv=3, random_state=0), y),
    "halving": (lambda: model_selection.HalvingGridSearchCV(model(), GRID, cv=3, min_resources=15), y),
    "calibrated": (lambda: calibration.CalibratedClassifierCV(model(), cv=3), y),
    "stacking": (lambda: ensemble.StackingClassifier([("a", model()), ("b", DecisionTreeClassifier())], cv=3), y),
    "voting": (lambda: ensemble.VotingClassifier([("a", model())], voting="soft"), y),
    "bagging": (lambda: ensemble.BaggingClassifier(model(), n_estimators=3, random_state=0), y),
    "one-vs-rest": (lambda: multiclass.OneVsRestClassifier(model()), y),
    "chain": (lambda: multioutput.ClassifierChain(model()), TWO),
    "outputs": (lambda: multioutput.MultiOutputClassifier(model()), TWO),
    "from-model": (lambda: feature_selection.SelectFromModel(LogisticRegression()), y),
}
if VERSION >= (1, 5):
    HOLDERS["threshold"] = (lambda: model_selection.TunedThresholdClassifierCV(model(), cv=3), y)
each_holder = pytest.mark.parametrize("name", HOLDERS)


def fitted(name: str) -> Any:
    make, target = HOLDERS[name]
    return make().fit(X, target)


def outcome(holder: Any) -> np.ndarray:
    return np.asarray(holder.predict(X) if hasattr(holder, "predict") else holder.transform(X))


def scalers(value: Any, seen: set[int] | None = None) -> list[Any]:
    """Return the fitted scalers, and the fitted models without one, at any depth of an object."""
    seen = set() if seen is None else seen
    if id(value) in seen:
        return []
    seen.add(id(value))
    if isinstance(value, (StandardScaler, LogisticRegression)):
        return [value] if hasattr(value, "n_features_in_") else []
    items = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else ()
    if hasattr(value, "__dict__"):
        items = vars(value).values()
    return [found for item in items for found in scalers(item, seen)]


@each_holder
def test_is_sealed_and_travels(name, tmp_path):
    """A holder has a fingerprint after its fit, that every way back from bytes keeps, with the same outputs."""
    holder = fitted(name)
    assert holder.fingerprint_ == nl.fingerprint(holder) == nl.fingerprint(nl.unlock(holder))
    nl.dump(holder, tmp_path / "holder.joblib")
    for back in (pickle.loads(pickle.dumps(holder)), copy.deepcopy(holder), nl.load(tmp_path / "holder.joblib")):
        assert back.fingerprint_ == holder.fingerprint_
        assert np.array_equal(outcome(back), outcome(holder))
    assert not hasattr(clone(holder), "fingerprint_")


@each_holder
def test_a_change_inside_is_seen(name):
    """A member that is edited, at whatever depth, is a mismatch at the next call of the holder."""
    holder = fitted(name)
    outcome(holder)
    member = scalers(holder)[-1]
    attribute = "scale_" if isinstance(member, StandardScaler) else "coef_"
    setattr(member, attribute, getattr(member, attribute) * 2)
    with pytest.raises(NormLockError, match=attribute):
        outcome(holder)


@each_holder
def test_a_change_in_a_file_is_seen(name):
    """A holder one of whose members was changed does not come back from bytes."""
    holder = fitted(name)
    with nl.config_context(policy="ignore"):
        member = scalers(holder)[-1]
        attribute = "scale_" if isinstance(member, StandardScaler) else "coef_"
        setattr(member, attribute, getattr(member, attribute) * 2)
        data = pickle.dumps(holder)
    with pytest.raises(NormLockError, match=attribute):
        pickle.loads(data)


@pytest.mark.parametrize("delegated", ["predict", "predict_proba", "decision_function", "score", "transform"])
def test_another_best_estimator_is_seen(delegated):
    """Another ``best_estimator_``, sound as it is, is not the one that the search found: each delegated method says."""
    search = GridSearchCV(StandardScaler(), {"with_mean": [True]}, cv=2, scoring=last_first_score)
    search = search if delegated == "transform" else GridSearchCV(model(), GRID, cv=2)
    search.fit(X, y)
    assert hasattr(search, delegated)
    search.best_estimator_ = clone(search.best_estimator_).fit(X[:40], y[:40])
    with pytest.raises(NormLockError, match="best_estimator_"):
        getattr(search, delegated)(*((X, y) if delegated == "score" else (X,)))


def last_first_score(estimator: Any, X: Any, y: Any = None) -> float:
    """Stand in for a user's own scorer."""
    return 0.5


@pytest.mark.parametrize(
    "options",
    [
        {"refit": last_first},
        {"refit": "precision", "scoring": {"precision": make_scorer(precision_score), "accuracy": "accuracy"}},
        {"scoring": last_first_score},
        {"scoring": ["accuracy", "precision"], "refit": False},
        {"cv": KFold(3, shuffle=True, random_state=np.random.RandomState(0))},
        {"cv": [(np.arange(30), np.arange(30, 60))]},
        {"return_train_score": True, "error_score": "raise"},
    ],
    ids=lambda options: "-".join(options),
)
def test_options_of_a_search(options):
    """Scorers, splitters, a rule of the user's, several metrics, no refit: sealed, and a copy has the fingerprint."""
    search = GridSearchCV(model(), GRID, **{"cv": 3, **options}).fit(X, y)
    assert pickle.loads(pickle.dumps(search)).fingerprint_ == search.fingerprint_
    if options.get("refit") is False:
        assert not hasattr(search, "predict")
    else:
        assert search.score(X, y) is not None


def test_the_clock_does_not_count():
    """Two searches of the same candidates have one fingerprint, whatever time they took; their scores count."""
    one, two = fitted("grid"), fitted("grid")
    assert one.cv_results_["mean_fit_time"].tobytes() != two.cv_results_["mean_fit_time"].tobytes()
    assert one.fingerprint_ == two.fingerprint_
    two.cv_results_["mean_test_score"] = two.cv_results_["mean_test_score"] + 1
    with pytest.raises(FingerprintMismatchError, match="cv_results_"):
        two.predict(X)


def test_text_among_the_parameters_of_a_search():
    """Masked arrays of text in ``cv_results_``, of a grid whose parts differ, can be sealed and travel."""
    grid = [{"solver": ["lbfgs"], "C": [0.1, 1.0]}, {"solver": ["newton-cg"]}]
    search = GridSearchCV(LogisticRegression(), grid, cv=2).fit(X / X.std(axis=0) - 3, y)
    assert pickle.loads(pickle.dumps(search)).fingerprint_ == search.fingerprint_


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_backends(backend):
    """With workers a search, and a bag that sends itself to its workers in mid-fit, find what they find without."""
    bag, search = fitted("bagging"), fitted("grid")
    with joblib.parallel_backend(backend, n_jobs=2):
        assert GridSearchCV(model(), GRID, cv=3, n_jobs=2).fit(X, y).fingerprint_ == search.fingerprint_
        again = clone(bag).set_params(n_jobs=2).fit(X, y)
        assert np.array_equal(again.fit(X, y).predict(X), bag.predict(X))
        assert again.fingerprint_ == bag.fingerprint_


@pytest.mark.skipif(VERSION < (1, 6), reason="scikit-learn 1.6 brought FrozenEstimator")
@pytest.mark.parametrize("fit", [True, False], ids=["fitted", "used"])
def test_a_frozen_estimator(fit):
    """A FrozenEstimator is sealed by its ``fit`` or its first use, and notices a change of a stock model in it."""
    from sklearn_normlock.frozen import FrozenEstimator

    held = Ridge().fit(X, y)
    frozen = FrozenEstimator(held)
    if fit:
        frozen.fit(X[:10], None)
    assert not hasattr(frozen, "transform")
    assert np.array_equal(frozen.predict(X), held.predict(X))
    assert nl.fingerprint(frozen) == vars(frozen)["fingerprint_"] == pickle.loads(pickle.dumps(frozen)).fingerprint_
    held.coef_ = held.coef_ + 1
    with pytest.raises(NormLockError, match="coef_"):
        frozen.predict(X)


def stock_holders() -> dict[str, Any]:
    from sklearn.ensemble import StackingClassifier
    from sklearn.model_selection import GridSearchCV as StockSearch
    from sklearn.pipeline import make_pipeline as stock_pipeline

    return {
        "search": StockSearch(model(), GRID, cv=2),
        "pipeline": stock_pipeline(StandardScaler(), LogisticRegression()),
        "stacking": StackingClassifier([("a", model())], cv=2),
    }


@pytest.mark.parametrize("name", ["search", "pipeline", "stacking"])
def test_a_stock_holder_of_sealed_members(name, tmp_path):
    """A stock holder is loaded with a warning that nothing binds its members; an altered member is still refused."""
    holder, path = stock_holders()[name].fit(X, y), tmp_path / "model.joblib"
    joblib.dump(holder, path)
    with pytest.warns(SealWarning, match="are what was fitted, and nothing binds them to one another") as told:
        assert np.array_equal(nl.load(path).predict(X), holder.predict(X))
    assert told[0].filename == __file__
    nl.load(path, expect=nl.fingerprint(holder))  # this binds them: no warning
    member = next(each for each in scalers(holder) if isinstance(each, StandardScaler))
    with nl.config_context(policy="ignore"):
        member.mean_ = member.mean_ + 1
        joblib.dump(holder, path)
    with pytest.raises(NormLockError, match="mean_"):
        nl.load(path)
