"""The fast path: when it is taken, when it is not, and that it sees every change that the seal sees."""

from __future__ import annotations

import gc
import os
import pickle
import subprocess
import sys
import threading
import warnings
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
import sklearn
from fast_models import X, described, outcome, y
from scipy import sparse
from sklearn.linear_model import LogisticRegression, _logistic
from sklearn.preprocessing import StandardScaler as StockScaler
from sklearn.preprocessing import _data

import sklearn_normlock as nl
from sklearn_normlock.compose import make_column_transformer
from sklearn_normlock.errors import FingerprintMismatchError, PipelineMismatchError, SealWarning
from sklearn_normlock.impute import KNNImputer
from sklearn_normlock.kernels import fast_paths, has_fast_path
from sklearn_normlock.pipeline import Pipeline, make_pipeline
from sklearn_normlock.preprocessing import MinMaxScaler, StandardScaler
from sklearn_normlock.seals.seal import watch_over


@pytest.fixture
def stock_calls(monkeypatch):
    """Record where scikit-learn's own methods are at work: each asks whether its object is fitted."""
    calls = []
    for name, module in (("scaler", _data), ("model", _logistic)):
        original = module.check_is_fitted

        def asked(*args, _name=name, _original=original, **kwargs):
            calls.append(_name)
            return _original(*args, **kwargs)

        monkeypatch.setattr(module, "check_is_fitted", asked)
    return calls


class Spied(StockScaler):
    """Counts its own calls."""

    calls = 0

    def transform(self, X, copy=None):
        type(self).calls += 1
        return super().transform(X, copy)


class LockedSpied(nl.Locked, Spied):
    pass


class Overriding(StandardScaler):
    def transform(self, X, copy=None):
        return super().transform(X, copy) + 1


class Thin(StandardScaler):
    pass


class ThinOverriding(Overriding):
    pass


def test_what_has_a_fast_path():
    """A sealed object of a known class has one; a stock object, an unfitted one and an unknown class have none."""
    assert has_fast_path(StandardScaler().fit(X))
    assert has_fast_path(Thin().fit(X))
    assert has_fast_path(pickle.loads(pickle.dumps(StandardScaler().fit(X))))
    assert has_fast_path(StandardScaler().fit(X), "transform")
    assert not has_fast_path(StandardScaler().fit(X), "predict")
    assert not has_fast_path(StandardScaler())
    assert not has_fast_path(StockScaler().fit(X))
    assert not has_fast_path(KNNImputer().fit(X))
    assert not has_fast_path(StandardScaler(copy=False).fit(X))


def test_which_steps_have_a_fast_path():
    """The steps of a composite are named by their paths, each with what it computes by a kernel in that object."""
    columns = make_column_transformer((StandardScaler(), [0, 1]), (MinMaxScaler(), [2]), remainder="drop")
    pipe = Pipeline([("columns", columns), ("more", KNNImputer()), ("model", LogisticRegression())]).fit(X, y)
    assert fast_paths(pipe) == {
        "": ("predict", "predict_proba", "decision_function"),
        "columns": ("transform",),
        "columns.standardscaler": ("transform", "inverse_transform"),
        "columns.minmaxscaler": ("transform", "inverse_transform"),
        "more": (),
        "model": ("predict", "predict_proba", "decision_function"),
    }


def test_an_override_is_called():
    """A class that overrides a method is called as it is, at any depth of inheritance."""
    data = X[:2].copy()
    for cls in (Overriding, ThinOverriding):
        scaler = cls().fit(X)
        assert not has_fast_path(scaler)
        assert np.array_equal(scaler.transform(data), StockScaler().fit(X).transform(data) + 1)
    spied = LockedSpied().fit(X)
    before = LockedSpied.calls
    spied.transform(data)
    make_pipeline(LockedSpied(), LogisticRegression()).fit(X, y).predict(data)
    assert not has_fast_path(spied)
    assert LockedSpied.calls == before + 3  # and one in fit_transform


def test_a_plain_array_takes_it_and_nothing_else_does(stock_calls):
    """A plain array never reaches scikit-learn's method; what is not plain always does."""
    scaler = StandardScaler().fit(X)
    stock_calls.clear()
    scaler.transform(X)
    scaler.transform(X.astype(np.float32))
    scaler.transform(np.asfortranarray(X)[::2])
    assert stock_calls == []
    scaler.transform(X.tolist())
    scaler.transform(X[:3].astype(int))
    scaler.transform(X.astype(">f8"))
    scaler.transform(X, copy=True)
    scaler.transform(X=X)
    scaler.transform(X, None)
    scaler.transform(np.ma.array(X))
    assert len(stock_calls) == 7


def test_sparse_matrices_and_frames_of_other_names_take_scikit_learns_path(stock_calls):
    """A sparse matrix, or a frame whose names are not those that were fitted, reaches scikit-learn's method."""
    frame = pd.DataFrame(X, columns=list("abcd"))
    scaler = StandardScaler(with_mean=False).fit(frame)
    stock_calls.clear()
    scaler.transform(frame)
    assert not stock_calls
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert sparse.issparse(scaler.transform(sparse.csr_matrix(X)))
    with pytest.raises(ValueError, match="feature names"):
        scaler.transform(frame.rename(columns={"a": "A"}))
    assert len(stock_calls) == 2


def test_names_of_features_are_missed_aloud():
    """An object that was fitted with names of features still warns of an array."""
    scaler = StandardScaler().fit(pd.DataFrame(X, columns=list("abcd")))
    pipe = make_pipeline(StandardScaler(), LogisticRegression()).fit(pd.DataFrame(X, columns=list("abcd")), y)
    for est, method in ((scaler, "transform"), (pipe, "predict")):
        with pytest.warns(UserWarning, match="does not have valid feature names"):
            getattr(est, method)(X)


def test_set_output_holds():
    """``set_output``, before the first call, after it and again, gives the container that was asked for."""
    scaler = StandardScaler().fit(X)
    assert type(scaler.transform(X)) is np.ndarray
    assert type(scaler.set_output(transform="pandas").transform(X)) is pd.DataFrame
    assert type(scaler.set_output(transform="default").transform(X)) is np.ndarray
    assert has_fast_path(scaler)
    assert type(scaler.set_output(transform="pandas").transform(X)) is pd.DataFrame
    pipe = make_pipeline(StandardScaler(), MinMaxScaler()).fit(X)
    assert type(pipe.transform(X)) is np.ndarray
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the second step was fitted without the names that it sees now
        assert type(pipe.set_output(transform="pandas").transform(X)) is pd.DataFrame
    with sklearn.config_context(transform_output="pandas"):
        assert type(StandardScaler().fit(X).transform(X)) is pd.DataFrame


@pytest.mark.parametrize("option", ["enable_metadata_routing", "assume_finite", "transform_output"])
def test_scikit_learns_configuration_holds(option):
    """Under each of scikit-learn's options the result is scikit-learn's, for what is finite and what is not."""
    pipe = make_pipeline(StandardScaler(), MinMaxScaler()).fit(X)
    stock = nl.unlock(pipe)
    wrong = X.copy()
    wrong[3, 1] = np.inf
    with sklearn.config_context(**{option: "pandas" if option == "transform_output" else True}):
        for data in (X, wrong):
            assert outcome(pipe, "transform", data) == outcome(stock, "transform", data)


def test_the_switch(stock_calls):
    """``fast=False`` sends every call through scikit-learn's own methods, in this thread and until it is set back."""
    pipe = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
    stock_calls.clear()
    with nl.config_context(fast=False):
        assert nl.get_config()["fast"] is False
        slow = pipe.predict_proba(X)
        assert stock_calls[:2] == ["scaler", "model"]
    stock_calls.clear()
    assert described(pipe.predict_proba(X)) == described(slow)
    assert stock_calls == []
    for wrong in ("yes", 1):
        with pytest.raises(ValueError, match="fast is .*; it must be True or False"):
            nl.set_config(fast=wrong)


@pytest.mark.parametrize(("value", "said"), [("0", "False"), ("1", "True"), ("no", "must be '0' or '1'")])
def test_the_variable(value, said):
    """``NORMLOCK_FAST`` sets the default of a process; anything but 0 and 1 is refused by its name."""
    code = "import sklearn_normlock as nl; print(nl.get_config()['fast'])"
    result = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "NORMLOCK_FAST": value}, capture_output=True, text=True
    )
    assert said in result.stdout + result.stderr
    assert "NORMLOCK_FAST" in result.stdout + result.stderr or value in "01"


def test_every_change_is_seen_after_fast_calls():
    """What the seal finds it also finds in an object that has computed by a kernel: no kernel outlives the state."""
    scaler = StandardScaler().fit(X)
    scaler.transform(X)
    scaler.mean_ = scaler.mean_ + 1
    with pytest.raises(FingerprintMismatchError, match="mean_"):
        scaler.transform(X)
    pipe = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
    pipe.predict(X)
    pipe[0].set_params(with_std=False)
    with pytest.raises(PipelineMismatchError, match="with_std"):
        pipe.predict(X)
    pipe[0].set_params(with_std=True)
    pipe[0].fit(X[:9])
    with pytest.raises(PipelineMismatchError, match="standardscaler"):
        pipe.predict(X)
    with nl.config_context(policy="warn"), pytest.warns(SealWarning):
        served = pipe.predict(X)
    assert np.array_equal(served, nl.unlock(pipe).predict(X))


def test_an_edit_in_place_is_seen_after_fast_calls():
    """The arrays that a kernel stands on are read-only; one that was made writable is looked at anew."""
    scaler = StandardScaler().fit(X)
    scaler.transform(X)
    scaler.mean_.flags.writeable = True
    scaler.mean_[0] += 1
    with pytest.raises(FingerprintMismatchError, match="mean_"):
        scaler.transform(X)


def test_a_refit_and_a_thaw_are_followed():
    """After a refit, a partial fit or a thaw the new state computes."""
    scaler = StandardScaler().fit(X)
    scaler.transform(X)
    for change in (lambda: scaler.fit(X[:20]), lambda: scaler.partial_fit(X[20:30])):
        change()
        assert described(scaler.transform(X)) == described(nl.unlock(scaler).transform(X))
    with nl.thaw(scaler):
        scaler.mean_[0] += 1
        assert described(scaler.transform(X)) == described(nl.unlock(scaler).transform(X))
    assert described(scaler.transform(X)) == described(nl.unlock(scaler).transform(X))
    assert has_fast_path(scaler)


def test_a_pipeline_hands_over_in_the_middle():
    """Where a step can't take what the step before gave, scikit-learn's step says so, once."""
    pipe = make_pipeline(StandardScaler(), LogisticRegression()).fit(X * 1e-150, y)
    stock = nl.unlock(pipe)
    data = np.full((2, 4), 1e300)
    ours, theirs = outcome(pipe, "predict", data), outcome(stock, "predict", data)
    assert ours == theirs
    assert theirs[0][0] is ValueError and theirs[1]


def test_sixteen_threads():
    """Sixteen threads through one pipeline give what one gives, from the first call on."""
    rng = np.random.default_rng(0)
    inputs = [rng.normal(size=(rows, 4)) for rows in (1, 2, 7, 100, 3000, 5000) * 3]
    pipe = make_pipeline(StandardScaler(), MinMaxScaler(), LogisticRegression()).fit(X, y)
    stock = nl.unlock(pipe)
    expected = [described(stock.predict_proba(data)) for data in inputs]
    for _ in range(3):
        pipe = pickle.loads(pickle.dumps(pipe))
        barrier = threading.Barrier(16)

        def work(_, pipe=pipe, barrier=barrier):
            barrier.wait()
            return [described(pipe.predict_proba(data)) for data in inputs]

        with ThreadPoolExecutor(16) as pool:
            assert all(found == expected for found in pool.map(work, range(16)))


def test_kernels_keep_nothing_alive_and_travel_nowhere():
    """A kernel is neither pickled nor part of the fingerprint, and goes with its object."""
    before, fresh = (make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y) for _ in range(2))
    data, fingerprint = pickle.dumps(fresh), before.fingerprint_
    names = set(vars(before)) | set(vars(before[0]))
    before.predict_proba(X)
    before[0].inverse_transform(X)
    assert watch_over(before).kernels
    assert set(vars(before)) | set(vars(before[0])) == names
    assert len(pickle.dumps(before)) == len(data)
    assert nl.fingerprint(before) == fingerprint
    gc.collect()
    gc.disable()
    try:
        alive = weakref.ref(before)
        del before
        assert alive() is None
    finally:
        gc.enable()


def test_what_the_user_passes_is_left_alone():
    """The input is never written to, and no result shares its memory."""
    for data in (X.copy(), np.asfortranarray(X), X[:1].copy()):
        before = data.tobytes()
        for est in (StandardScaler(), MinMaxScaler(clip=True), make_pipeline(StandardScaler(), MinMaxScaler())):
            result = est.fit(X).transform(data)
            assert not np.shares_memory(result, data)
            result[...] = 0
        assert data.tobytes() == before
