"""Tools patch scikit-learn's methods, and pickle an object in the middle of its fit: the seal holds either way."""

import copy
import pickle

import numpy as np
import pytest
from sklearn import impute, pipeline, preprocessing
from sklearn.base import TransformerMixin
from sklearn.linear_model import LogisticRegression

import sklearn_normlock as nl
from sklearn_normlock.impute import KNNImputer
from sklearn_normlock.pipeline import make_pipeline
from sklearn_normlock.preprocessing import FunctionTransformer, StandardScaler

X = np.random.default_rng(0).normal(size=(40, 3))
y = X[:, 0] > 0


def logged(monkeypatch, cls, name, log):
    """Patch a method as tracking tools do: call the original, then log the object."""
    original = getattr(cls, name)

    def patched(self, *args, **kwargs):
        result = original(self, *args, **kwargs)
        log(self)
        return result

    monkeypatch.setattr(cls, name, patched)


@pytest.mark.parametrize(
    ("owner", "name", "use"),
    [
        (preprocessing.StandardScaler, "fit", lambda: StandardScaler().fit(X)),
        (preprocessing.StandardScaler, "partial_fit", lambda: StandardScaler().partial_fit(X)),
        (preprocessing.StandardScaler, "fit_transform", lambda: StandardScaler().fit_transform(X)),
        (TransformerMixin, "fit_transform", lambda: StandardScaler().fit_transform(X)),
        (pipeline.Pipeline, "fit", lambda: make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)),
        (impute.KNNImputer, "transform", lambda: KNNImputer().fit(X).transform(X)),
    ],
)
def test_a_later_patch_of_the_parent_is_called(owner, name, use, monkeypatch):
    """A method that is patched on scikit-learn's class after the drop-in was made is the one that runs."""
    seen = []
    logged(monkeypatch, owner, name, seen.append)
    use()
    assert len(seen) == 1


@pytest.mark.parametrize("again", [False, True])
def test_what_is_pickled_in_a_fit_is_sealed(again, monkeypatch):
    """A pickle taken at the end of a patched fit loads, and has the fingerprint that the object gets a moment later."""
    data = []
    model = make_pipeline(StandardScaler(), LogisticRegression())
    if again:
        model.fit(X[:20], y[:20])
    logged(monkeypatch, pipeline.Pipeline, "fit", lambda self: data.append(pickle.dumps(self)))
    model.fit(X, y)
    loaded = pickle.loads(data[0])
    assert loaded.fingerprint_ == model.fingerprint_
    assert np.array_equal(loaded.predict_proba(X), model.predict_proba(X))
    loaded.steps[0] = ("standardscaler", StandardScaler().fit(X * 2))
    with pytest.raises(nl.errors.PipelineMismatchError, match="standardscaler"):
        loaded.predict(X)


def test_what_is_pickled_before_anything_was_fitted_has_no_seal():
    """A pickle taken before the first step is fitted loads as an object that isn't fitted."""
    data = []

    class Early(nl.Locked, preprocessing.StandardScaler):
        def fit(self, X, y=None):
            data.append(self.__getstate__())
            return super().fit(X, y)

    Early().fit(X)
    assert not any(name.endswith("_") or "normlock" in name for name in data[0])


def test_what_has_no_fingerprint_says_so_when_it_leaves_a_fit(monkeypatch):
    """A lambda can't be vouched for elsewhere: the state that leaves in the middle of a fit says why."""
    states = []
    logged(monkeypatch, pipeline.Pipeline, "fit", lambda self: states.append(self.__getstate__()))
    make_pipeline(FunctionTransformer(lambda values: values), StandardScaler()).fit(X)
    assert "can't be fingerprinted" in states[0]["_normlock_unfingerprintable"]


def test_what_is_pickled_in_a_thaw_is_sealed_as_it_leaves():
    """The state that leaves a block of ``thaw`` carries its own fingerprint, not that of before the block."""
    scaler = StandardScaler().fit(X)
    with nl.thaw(scaler):
        scaler.mean_[0] = 5.0
        data = pickle.dumps(scaler)
    assert pickle.loads(data).fingerprint_ == scaler.fingerprint_
    assert pickle.loads(data).mean_[0] == 5.0
    assert copy.deepcopy(scaler).fingerprint_ == scaler.fingerprint_
