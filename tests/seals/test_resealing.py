"""``nl.seal``: a fitted stock object in drop-in classes, with the same outputs and the same fingerprint."""

from __future__ import annotations

import pickle
import warnings

import numpy as np
import pytest
from estimator_table import DROP_INS
from ordinary import TABLE, X, table_model, y
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import RandomForestClassifier, StackingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from zoo import ZOO

import sklearn_normlock as nl
from sklearn_normlock.errors import EnvironmentMismatchWarning, NormLockError, UnfingerprintableError

_NAMES = {cls.__name__ for cls in DROP_INS}


@pytest.mark.parametrize("name", [case for case in ZOO if case.partition("[")[0] in _NAMES])
def test_round_trip(name):
    """``seal(unlock(seal(x)))`` keeps the fingerprint of every estimator with a drop-in; the original stays stock."""
    stock = ZOO[name].fitted()
    before, kind = nl.fingerprint(stock), type(stock)
    sealed = nl.seal(stock)
    assert vars(sealed)["fingerprint_"] == nl.fingerprint(sealed) == before
    assert type(sealed) is DROP_INS[kind] and type(stock) is kind
    back = nl.unlock(sealed)
    assert type(back) is kind and nl.fingerprint(back) == before
    assert nl.seal(back).fingerprint_ == before
    assert nl.fingerprint(stock) == before


def search():
    model = make_pipeline(StandardScaler(), LogisticRegression())
    return GridSearchCV(model, {"logisticregression__C": [0.1, 1.0]}, cv=2).fit(X, y)


def test_every_depth():
    """What has a drop-in class is sealed wherever it lies; what has none stays stock; outputs are the same."""
    stock = search()
    sealed = nl.seal(stock)
    assert np.array_equal(sealed.predict_proba(X), stock.predict_proba(X))
    scaler = sealed.best_estimator_[0]
    assert isinstance(scaler, nl.Locked) and type(sealed.best_estimator_[1]) is LogisticRegression
    with pytest.raises(ValueError, match="read-only"):
        scaler.mean_[0] = 0
    stock.best_estimator_[0].mean_[0] = 0  # the arrays are its own
    assert scaler.mean_[0] != 0
    scaler.mean_ = np.zeros(X.shape[1])
    with pytest.raises(NormLockError, match="mean_"):
        sealed.predict(X)


@pytest.mark.parametrize(
    "make",
    [
        lambda: CalibratedClassifierCV(make_pipeline(StandardScaler(), LogisticRegression()), cv=2),
        lambda: StackingClassifier([("a", make_pipeline(StandardScaler(), LogisticRegression()))], cv=2),
    ],
)
def test_members_of_members(make):
    """A pipeline inside an object that is no estimator is taken along, and unlocked again."""
    stock = make().fit(X, y)
    sealed = nl.seal(stock)
    assert b"sklearn_normlock.preprocessing" in pickle.dumps(sealed)
    assert b"sklearn_normlock" not in pickle.dumps(nl.unlock(sealed))
    assert np.array_equal(pickle.loads(pickle.dumps(sealed)).predict_proba(X), stock.predict_proba(X))


def test_a_table():
    """A pipeline over a data frame keeps its outputs."""
    stock = nl.unlock(table_model().fit(TABLE, y))
    assert np.array_equal(nl.seal(stock).predict_proba(TABLE), stock.predict_proba(TABLE))


def test_refusals():
    """What isn't fitted, or has no drop-in class, is refused."""
    with pytest.raises(UnfingerprintableError):
        nl.seal(make_pipeline(StandardScaler()))
    with pytest.raises(NormLockError, match="RandomForestClassifier has no drop-in class"):
        nl.seal(RandomForestClassifier(2).fit(X, y))


def test_load_and_seal(tmp_path):
    """``load(lock=, seal=True)`` gives a stock pickle the seal once it is verified; without a lock it is refused."""
    path = tmp_path / "model.pkl"
    nl.dump(search(), path, lock=True)
    sealed = nl.load(path, lock=True, seal=True)
    assert isinstance(sealed, nl.Locked)
    assert nl.load(path, expect=sealed.fingerprint_, seal=True).fingerprint_ == sealed.fingerprint_
    with pytest.raises(NormLockError, match="nothing says that it is the approved one"):
        nl.load(path, seal=True)


def test_the_version_of_an_old_pickle_stays():
    """An object from a pickle of another scikit-learn is sealed as fitted under that, and says so when it is loaded."""
    stock = StandardScaler().fit(X)
    stock._sklearn_version = "1.2.2"
    sealed = nl.seal(stock)
    assert sealed.transform(X).shape == X.shape
    data = pickle.dumps(sealed)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        pickle.loads(data)
    assert [each.category for each in told] == [EnvironmentMismatchWarning]
    assert "fitted under scikit-learn 1.2.2" in str(told[0].message)
