"""Models that other libraries keep in compiled objects: equal models are equal, whatever was called before."""

import copy
import pickle
import subprocess
import sys

import numpy as np
import pytest

import sklearn_normlock as nl
from sklearn_normlock.pipeline import make_pipeline
from sklearn_normlock.preprocessing import StandardScaler

RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 3))
Y = (X[:, 0] > 0).astype(int)
pytestmark = pytest.mark.filterwarnings("ignore")


def catboost(**kwargs):
    module = pytest.importorskip("catboost", reason="the extra `ecosystem` isn't installed")
    return module.CatBoostClassifier(iterations=3, verbose=0, allow_writing_files=False, **kwargs)


def lightgbm(**kwargs):
    module = pytest.importorskip("lightgbm", reason="the extra `ecosystem` isn't installed")
    return module.LGBMClassifier(n_estimators=3, min_child_samples=3, verbose=-1, n_jobs=1, **kwargs)


def xgboost(**kwargs):
    module = pytest.importorskip("xgboost", reason="the extra `ecosystem` isn't installed")
    return module.XGBClassifier(n_estimators=3, n_jobs=1, **kwargs)


def use(model):
    model.predict(X)
    model.predict_proba(X)
    _ = model.feature_importances_
    if hasattr(model, "get_booster"):
        model.get_booster().get_dump()
        model.get_booster().get_score()
    if hasattr(model, "booster_"):
        model.booster_.dump_model()
        _ = model.evals_result_
    if hasattr(model, "get_feature_importance"):
        model.get_feature_importance()
        list(model.staged_predict(X))
        model.calc_leaf_indexes(X)


@pytest.mark.parametrize("make", [catboost, lightgbm, xgboost], ids=lambda make: make.__name__)
def test_a_booster_is_what_it_learned(make):
    """Refits, use, pickle and copies leave the fingerprint; another label, parameter or row does not."""
    model = make().fit(X, Y)
    before = nl.fingerprint(model)
    assert nl.fingerprint(make().fit(X, Y)) == before
    use(model)
    assert nl.fingerprint(model) == before
    assert nl.fingerprint(pickle.loads(pickle.dumps(model))) == before
    assert nl.fingerprint(copy.deepcopy(model)) == before
    assert nl.fingerprint(make(max_depth=2).fit(X, Y)) != before
    assert nl.fingerprint(make().fit(X[1:], Y[1:])) != before


@pytest.mark.parametrize("make", [catboost, lightgbm, xgboost], ids=lambda make: make.__name__)
def test_a_locked_pipeline_with_a_booster(make, tmp_path):
    """It is sealed, saved with its lock, loaded by it and probed; a booster of another training is refused."""
    model = make_pipeline(StandardScaler(), make()).fit(X, Y)
    use(model[-1])
    nl.dump(model, tmp_path / "m.joblib", lock=True)
    loaded = nl.load(tmp_path / "m.joblib", lock=True)
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
    assert nl.verify(loaded, tmp_path / "m.joblib.normlock.json").probed
    loaded.steps[-1] = ("other", make().fit(X, 1 - Y))
    with pytest.raises(nl.errors.PipelineMismatchError):
        loaded.predict(X)


def test_labels_of_catboost_count():
    """Two CatBoost models with the same trees and other names of classes are two models."""
    names = np.array(["no", "yes"])
    assert nl.fingerprint(catboost().fit(X, Y)) != nl.fingerprint(catboost().fit(X, names[Y]))


SKLEARNEX = """
import warnings; warnings.simplefilter("ignore")
from sklearnex import patch_sklearn; patch_sklearn(verbose=False)
import pickle, numpy as np, sklearn_normlock as nl
from sklearn_normlock.pipeline import make_pipeline
from sklearn_normlock.preprocessing import StandardScaler
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.ensemble import ExtraTreesRegressor, RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC
X = np.random.default_rng(0).normal(size=(200, 3)); y = (X[:, 0] > 0).astype(int)
for make in (lambda: RandomForestClassifier(5, random_state=0), lambda: ExtraTreesRegressor(3, random_state=0),
             KNeighborsClassifier, SVC, LogisticRegression, Ridge, LinearRegression, lambda: PCA(1),
             lambda: KMeans(2, random_state=0, n_init=1)):
    model = make_pipeline(StandardScaler(), make()).fit(X, y)
    use = model.predict if hasattr(model, "predict") else model.transform
    lock = nl.lock(nl.unlock(model))
    use(X), use(X)
    if hasattr(model[-1], "estimators_"): model[-1].estimators_[0]; use(X)
    assert type(model[-1]).__module__.startswith("sklearnex"), type(model[-1])
    again = pickle.loads(pickle.dumps(model))
    (again.predict if hasattr(again, "predict") else again.transform)(X)
    assert nl.verify(nl.unlock(again), lock).ok
    assert make_pipeline(StandardScaler(), make()).fit(X, y).fingerprint_ == model.fingerprint_, type(model[-1])
    assert make_pipeline(StandardScaler(), make()).fit(X[9:], y[9:]).fingerprint_ != model.fingerprint_, type(model[-1])
"""


def test_estimators_of_intel(tmp_path):
    """A patched scikit-learn: use, pickles and refits leave fingerprint and seal; other rows do not."""
    pytest.importorskip("sklearnex", reason="the extra `ecosystem` isn't installed")
    done = subprocess.run([sys.executable, "-c", SKLEARNEX], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
