"""The guard as a step of a pipeline: it lets data through, pools small requests, and speaks up on evidence."""

from __future__ import annotations

import copy
import pickle
import threading
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import estimator_checks

import sklearn_normlock as nl
from sklearn_normlock.errors import ArtifactReadError, InputFaultError, InputFaultWarning

X, y = load_wine(return_X_y=True, as_frame=True)
TRAIN, TEST = X.iloc[::2], X.iloc[1::2]
WRONG = TEST.assign(proline=TEST.proline * 1000)


def checks():
    make = getattr(estimator_checks, "estimator_checks_generator", None)
    if make is not None:
        return list(make(nl.InputGuard()))
    return list(estimator_checks.check_estimator(nl.InputGuard(), generate_only=True))  # before 1.6


@pytest.mark.parametrize("check", checks(), ids=lambda pair: getattr(pair[1], "func", pair[1]).__name__)
@pytest.mark.filterwarnings("ignore::sklearn_normlock.errors.InputFaultWarning")
def test_check_estimator(check):
    """Every one of scikit-learn's own checks of an estimator passes."""
    estimator, test = check
    test(estimator)


@pytest.mark.parametrize("make", [pd.DataFrame, np.asarray, sparse.csr_matrix])
def test_the_same_object_comes_out(make):
    """fit_transform and transform return the object that they were given, not a copy of it."""
    train, test = make(TRAIN), make(TEST)
    guard = nl.InputGuard()
    assert guard.fit_transform(train) is train
    assert guard.transform(test) is test


def test_what_on_fault_does():
    """A fault warns, raises, or is handed to a function; nothing is checked at fit, whatever is fitted on."""
    with pytest.warns(InputFaultWarning, match='^unit_changed: column "proline" in another unit'):
        nl.InputGuard().fit(TRAIN).transform(WRONG)
    with pytest.raises(InputFaultError, match="unit_changed") as raised:
        nl.InputGuard("raise").fit(TRAIN).transform(WRONG)
    assert raised.value.path == "proline" and raised.value.actual.details["factor"] == 1000
    seen = []
    guard = nl.InputGuard(seen.append).fit(TRAIN)
    guard.fit_transform(WRONG)
    guard.fit(TRAIN).transform(TEST)
    assert not seen
    guard.transform(WRONG)
    assert [found.fault for found in seen] == ["unit_changed"]


def test_single_rows_add_up():
    """Requests of one row are judged together once there are min_rows of them, as a batch of so many would be."""
    seen = []
    guard = nl.InputGuard(seen.append, min_rows=64).fit(TRAIN)
    for i in range(63):
        guard.transform(WRONG.iloc[[i]])
    assert not seen
    guard.transform(WRONG.iloc[[63]])
    batch = nl.diagnose(guard.profile_, WRONG.iloc[:64])
    assert seen == [replace(batch, requests=64, p_value=seen[0].p_value)]  # rows that repeat are not asked for
    assert seen[0].explain().endswith(" The 64 rows of 64 requests were judged together.")
    for i in range(64):
        guard.transform(TEST.iloc[[i]])
    assert len(seen) == 1


def test_flush_judges_what_waits():
    """flush judges the rows that wait, once; without any it says nothing."""
    guard = nl.InputGuard("raise", min_rows=1000).fit(TRAIN)
    guard.transform(WRONG)
    with pytest.raises(InputFaultError):
        guard.flush()
    assert guard.flush() is None
    guard.transform(TEST)
    assert guard.flush().n_rows == len(TEST)


def test_a_request_that_comes_again_is_no_join():
    """Of gathered requests one in ten is sent twice, and that is no fault; the same rows twice in one request are."""
    X, seen = load_breast_cancer().data, []
    guard = nl.InputGuard(seen.append).fit(X)
    for i in range(256):
        for _ in range(1 + (i % 10 == 0)):
            guard.transform(X[i : i + 1])
    assert not seen
    guard.transform(np.repeat(X[:64], 2, axis=0))
    assert [found.fault for found in seen] == ["rows_repeated"]


def test_the_pool_is_bounded_and_copied():
    """No more rows wait than min_rows, and a buffer that the caller reuses does not change them."""
    guard = nl.InputGuard("raise", min_rows=50).fit(TRAIN.to_numpy())
    buffer = TEST.to_numpy()[:1].copy()
    for i in range(500):
        buffer[:] = TEST.to_numpy()[i % len(TEST)]
        guard.transform(buffer)
        assert guard._pool.rows < 50


def test_threads():
    """From many threads, every row is judged exactly once."""
    judged = []
    guard = nl.InputGuard(lambda found: judged.append(found.n_rows), min_rows=40).fit(TRAIN.to_numpy())
    rows = WRONG.to_numpy()

    def serve(start):
        for i in range(start, start + 50):
            guard.transform(rows[[i % len(rows)]])

    threads = [threading.Thread(target=serve, args=(i * 50,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert judged == [40] * 10 and guard._pool.rows == 0


def test_copies():
    """clone forgets what was fitted; a copy and a pickle keep the profile, and no rows that wait."""
    guard = nl.InputGuard("raise", min_rows=80).fit(TRAIN)
    guard.transform(WRONG.iloc[:50])
    assert not hasattr(clone(guard), "profile_")
    for other in (copy.deepcopy(guard), pickle.loads(pickle.dumps(guard))):
        assert other.profile_ == guard.profile_ and other._pool.rows == 0
        other.transform(WRONG.iloc[:50])
        with pytest.raises(InputFaultError):
            other.transform(WRONG.iloc[:50])


def test_in_pipelines():
    """It stands before and behind a scaler, in stock and in locked pipelines, in cross validation."""
    raw, scaled = nl.InputGuard("raise"), nl.InputGuard("raise")
    model = make_pipeline(raw, StandardScaler(), scaled, LogisticRegression(max_iter=1000)).fit(TRAIN, y[::2])
    assert model.score(TEST, y[1::2]) > 0.9
    with pytest.raises(InputFaultError, match="double_normalised"):
        model.predict(pd.DataFrame(StandardScaler().fit(TRAIN).transform(TEST), columns=X.columns))
    assert cross_val_score(model, X, y).mean() > 0.9
    from sklearn_normlock.pipeline import make_pipeline as make_locked
    from sklearn_normlock.preprocessing import StandardScaler as Locked

    locked = make_locked(nl.InputGuard("raise"), Locked(), LogisticRegression(max_iter=1000)).fit(TRAIN, y[::2])
    again = pickle.loads(pickle.dumps(locked))
    assert again.fingerprint_ == locked.fingerprint_
    np.testing.assert_array_equal(again.predict(TEST), locked.predict(TEST))
    locked.predict(TEST.iloc[:3])  # rows that wait are no change of the object
    np.testing.assert_array_equal(locked.predict(TEST), again.predict(TEST))
    with pytest.raises(InputFaultError):
        locked.predict(WRONG)


def _locked_steps(**parameters):
    from sklearn_normlock.pipeline import make_pipeline as make_locked
    from sklearn_normlock.preprocessing import StandardScaler as Locked

    return make_locked(nl.InputGuard("raise", **parameters), Locked(), nl.InputGuard(), LogisticRegression())


def _stock_steps(**parameters):
    return make_pipeline(nl.InputGuard("raise", **parameters), StandardScaler(), nl.InputGuard(), LogisticRegression())


@pytest.mark.parametrize("make", [_stock_steps, _locked_steps])
@pytest.mark.parametrize("suffix", ["skops", "pkl", pytest.param("joblib", marks=pytest.mark.campaign)])
def test_saved_and_loaded(tmp_path, make, suffix):
    """Each format gives back a guard that judges as before, in a pipeline of the same fingerprint; no rows wait."""
    model = make(min_rows=80).fit(TRAIN, y[::2])
    model.predict(TEST.iloc[:50])
    path = tmp_path / f"model.{suffix}"
    nl.dump(model, path, lock=True)
    for again in (nl.load(path, lock=True), nl.load(path, expect=nl.fingerprint(model))):
        assert nl.fingerprint(again) == nl.fingerprint(model)
        for step in (0, 2):
            assert again[step].profile_ == model[step].profile_
            assert again[step].get_params() == model[step].get_params() and again[step]._pool.rows == 0
        np.testing.assert_array_equal(again.predict(TEST), model.predict(TEST))
        again.predict(WRONG.iloc[:50])
        with pytest.raises(InputFaultError, match="unit_changed"):
            again.predict(WRONG.iloc[50:])


def test_skops_by_itself_trusts_a_guard(tmp_path):
    """skops' own load takes a guard with trusted_types(); of what it holds, only a function needs trust of its own."""
    import skops.io

    data = skops.io.dumps(_stock_steps().fit(TRAIN, y[::2]))
    assert skops.io.get_untrusted_types(data=data) == ["sklearn_normlock.guards.transformer.InputGuard"]
    assert skops.io.loads(data, trusted=nl.trusted_types())[0].profile_ == nl.Profile.from_data(TRAIN)
    path = tmp_path / "calls.skops"
    nl.dump(nl.InputGuard(print).fit(TRAIN), path)
    with pytest.raises(ArtifactReadError, match=r"builtins\.print.*trusted="):
        nl.load(path, unsealed=True)
    assert nl.load(path, unsealed=True, trusted=["builtins.print"]).on_fault is print


def test_fingerprint_is_of_the_profile():
    """Guards fitted on the same data have the same fingerprint; on other data, another."""
    one, same, other = (nl.InputGuard().fit(data) for data in (TRAIN, TRAIN, TEST))
    assert nl.fingerprint(one) == nl.fingerprint(same) != nl.fingerprint(other)
    one.transform(TEST.iloc[:3])
    one.on_fault = lambda found: None
    assert nl.fingerprint(one) == nl.fingerprint(same)


def test_names_and_containers():
    """get_feature_names_out gives the input's names, and set_output makes frames of arrays."""
    guard = nl.InputGuard().fit(TRAIN)
    assert list(guard.get_feature_names_out()) == list(X.columns)
    out = nl.InputGuard().set_output(transform="pandas").fit(TRAIN.to_numpy()).transform(TEST.to_numpy())
    assert isinstance(out, pd.DataFrame) and list(out.columns)[:2] == ["x0", "x1"]
    with pytest.raises(ValueError, match="feature names"):
        guard.transform(TEST[TEST.columns[::-1]])


@pytest.mark.parametrize(
    "parameters", [{"on_fault": "explode"}, {"min_rows": 0}, {"min_rows": 1.5}, {"budget": 0}, {"drift": -1}]
)
def test_parameters(parameters):
    """A parameter without such a value is refused at fit, by name."""
    with pytest.raises(ValueError, match=next(iter(parameters))):
        nl.InputGuard(**parameters).fit(TRAIN)


@pytest.mark.parametrize("bad", [{"budget": "a"}, {"budget": None}, {"drift": None}, {"drift": "0.3"}])
def test_numbers_of_another_type(bad):
    """What is no number is refused by name, at fit and by hand."""
    says = f"^{next(iter(bad))} is {next(iter(bad.values()))!r}; it must be a number"
    profile = nl.Profile.from_data(TRAIN)
    for ask in (
        lambda: nl.InputGuard(**bad).fit(TRAIN),
        lambda: nl.diagnose(profile, TEST, **bad),
        lambda: nl.coverage(profile, **bad),
    ):
        with pytest.raises(TypeError, match=says):
            ask()


@pytest.mark.parametrize(
    ("rows", "error"), [(0, ValueError), (-1, ValueError), (2.5, ValueError), ("64", TypeError), (None, TypeError)]
)
def test_numbers_of_rows(rows, error):
    """A number of rows that is none is refused by name."""
    says = f"_rows is {rows!r}; it must be a whole number, 1 or more"
    with pytest.raises(error, match="^n" + says):
        nl.coverage(nl.Profile.from_data(TRAIN), StandardScaler().fit(TRAIN), n_rows=rows)
    with pytest.raises(error, match="^min" + says):
        nl.InputGuard(min_rows=rows).fit(TRAIN)


@pytest.mark.parametrize("profile", [TRAIN, TRAIN.to_numpy(), None, nl.Profile.from_data(TRAIN).to_dict()])
def test_what_is_no_profile(profile):
    """Data, or a document, in place of a profile is refused, and the message says how to make one."""
    for ask in (lambda: nl.diagnose(profile, TEST), lambda: nl.coverage(profile)):
        with pytest.raises(TypeError, match=rf"^profile is of type {type(profile).__name__}; .*Profile\.from_data"):
            ask()
