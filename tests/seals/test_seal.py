"""The seal: what a fit takes, and what opens it."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
import sklearn
from ordinary import RELEASE, TABLE, X, joblib_round_trip, scaled_model, table_model, y
from sklearn import preprocessing as stock_preprocessing
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.utils.validation import check_is_fitted

import sklearn_normlock as nl
from sklearn_normlock.decomposition import PCA
from sklearn_normlock.errors import (
    FingerprintMismatchError,
    MissingFingerprintError,
    NormLockError,
    SealWarning,
    UnfingerprintableError,
)
from sklearn_normlock.feature_extraction.text import TfidfVectorizer
from sklearn_normlock.pipeline import Pipeline, make_pipeline
from sklearn_normlock.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    OneHotEncoder,
    SplineTransformer,
    StandardScaler,
)
from sklearn_normlock.seals.freeze import arrays_in

# -- what a fit takes ----------------------------------------------------------------------------


@pytest.mark.parametrize("sealing", ["fit", "fit_transform", "partial_fit"])
def test_a_fit_seals(sealing):
    """Every way to fit takes the fingerprint, the environment, and makes the fitted arrays read-only."""
    scaler = StandardScaler()
    assert not hasattr(scaler, "fingerprint_")
    getattr(scaler, sealing)(X)
    assert scaler.fingerprint_ == nl.fingerprint(scaler)
    assert scaler._normlock_environment.startswith(f"scikit-learn {sklearn.__version__}, numpy ")
    for array in (scaler.mean_, scaler.scale_, scaler.var_):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0.0


@pytest.mark.parametrize(
    ("make", "data"),
    [
        (lambda: OneHotEncoder(), TABLE[["city"]]),
        (lambda: KBinsDiscretizer(3, encode="ordinal", strategy="uniform", subsample=None), X),
        (lambda: SplineTransformer(), X),
        (lambda: TfidfVectorizer(), ["red fox", "blue fox"]),
        (lambda: table_model(), TABLE),
        (lambda: make_pipeline(StandardScaler(), LogisticRegression()), X),
        (lambda: make_pipeline(TfidfVectorizer(), SGDClassifier()), ["red fox", "blue fox"]),
    ],
    ids=["lists", "object arrays", "splines", "texts", "table", "final estimator", "text model"],
)
@pytest.mark.parametrize("trip", [lambda obj: obj, joblib_round_trip], ids=["live", "loaded"])
def test_fitted_arrays_are_read_only(make, data, trip):
    """Fitted arrays are read-only at any depth: in lists, in members, in scikit-learn's own final estimator."""

    def found(obj: Any) -> list[np.ndarray]:
        arrays = []
        for name, value in vars(obj).items():
            if name.endswith("_") and not name.startswith("__"):
                arrays += list(arrays_in(value))
            for item in value if isinstance(value, list) else [value]:
                for member in item if isinstance(item, tuple) else [item]:
                    if isinstance(member, BaseEstimator):
                        arrays += found(member)
        return arrays

    obj = trip(make().fit(data, np.arange(len(data)) % 2))
    arrays = found(obj)
    assert arrays or RELEASE < (1, 5)  # up to 1.4 the weights of a TfidfTransformer are private
    assert not any(array.flags.writeable for array in arrays)


def test_parameters_are_the_users():
    """An array that the user passed as a parameter is left alone: writable, and the same object."""
    categories = [np.array(["Bergen", "Lyon", "Turin"])]
    encoder = OneHotEncoder(categories=categories).fit(TABLE[["city"]])
    assert encoder.categories is categories
    assert categories[0].flags.writeable


def test_a_failed_fit_is_no_fit():
    """If a fit fails, the old seal stays: what was changed until then is a mismatch, and nothing else."""
    broken = np.full_like(X, np.inf)
    pca = PCA(2).fit(X)
    fingerprint, expected = pca.fingerprint_, pca.transform(X)
    with pytest.raises(ValueError):
        pca.fit(broken)
    assert pca.fingerprint_ == fingerprint
    assert not pca.components_.flags.writeable
    assert np.array_equal(pca.transform(X), expected)
    scaler = StandardScaler().fit(X)
    with pytest.raises(ValueError):
        scaler.fit(broken)  # which forgets what it had before it looks at the data
    with pytest.raises((FingerprintMismatchError, sklearn.exceptions.NotFittedError)):
        scaler.transform(X)
    assert scaler.fit(X).transform(X).shape == X.shape
    unfitted = make_pipeline(StandardScaler(), LogisticRegression())
    with pytest.raises(ValueError):
        unfitted.fit(X, np.zeros(len(X)))  # one class: the scaler is fitted, the model is not
    with pytest.raises((MissingFingerprintError, sklearn.exceptions.NotFittedError)):
        unfitted.predict(X)
    assert unfitted.fit(X, y).predict(X).shape == y.shape


class Given(TransformerMixin, BaseEstimator):
    """A step that uses a transformer as it was given."""

    def __init__(self, given: Any) -> None:
        self.given = given

    def fit(self, X: Any, y: Any = None) -> Given:
        self.fitted_ = True
        return self

    def transform(self, X: Any) -> Any:
        return self.given.transform(X)


def test_a_fit_takes_what_is_there():
    """A pipeline takes over the fingerprint of a member only while the member is what that fingerprint says."""
    scaler = StandardScaler().fit(X)
    scaler.mean_ = np.zeros(4)
    with nl.config_context(policy="ignore"):
        model = make_pipeline(Given(scaler), LogisticRegression()).fit(X, y)
    assert model.fingerprint_ == nl.fingerprint(model)
    with pytest.raises(FingerprintMismatchError, match=r"mean_"):
        model.predict(X)  # the member says so, as it would by itself


def test_an_unfitted_object_carries_nothing():
    """An object without a fit has no fingerprint and says what scikit-learn says."""
    scaler = pickle.loads(pickle.dumps(StandardScaler()))
    with pytest.raises(sklearn.exceptions.NotFittedError):
        scaler.transform(X)
    with pytest.raises(sklearn.exceptions.NotFittedError):
        check_is_fitted(scaler)


# -- thaw and unlock -----------------------------------------------------------------------------


def test_thaw():
    """Inside ``thaw`` parameters, attributes and arrays may change; afterwards the object is sealed as it is."""
    scaler = StandardScaler().fit(X)
    before = scaler.fingerprint_
    with nl.thaw(scaler) as thawed:
        assert thawed is scaler
        scaler.mean_[0] = 0.0
        scaler.scale_ = np.ones(4)
        scaler.set_params(with_std=False)
        scaler.transform(X)
    assert before != scaler.fingerprint_ == nl.fingerprint(scaler)
    assert not scaler.mean_.flags.writeable
    assert pickle.loads(pickle.dumps(scaler)).fingerprint_ == scaler.fingerprint_
    scaler.with_std = True
    with pytest.raises(FingerprintMismatchError, match="with_std False when fitted, True now"):
        scaler.transform(X)


@pytest.mark.parametrize("trip", [lambda obj: obj, joblib_round_trip], ids=["live", "loaded"])
def test_thaw_a_pipeline(trip):
    """Thawing a pipeline thaws its members, nested ones and the final estimator; they are sealed again with it."""
    model = trip(table_model().fit(TABLE, y))
    scaler = model[0].named_transformers_["num"]["standardscaler"]
    with nl.thaw(model):
        scaler.mean_[:] = 0.0
        model[-1].coef_[:] = 0.0
        model[-1].C = 9.0
    assert len(set(model.predict(TABLE))) == 1
    assert scaler.fingerprint_ == nl.fingerprint(scaler)
    assert not scaler.mean_.flags.writeable and not model[-1].coef_.flags.writeable
    assert pickle.loads(pickle.dumps(model)).fingerprint_ == model.fingerprint_


def test_thaw_of_a_step_is_seen_by_the_pipeline():
    """Thawing a step alone is a change of the pipeline that it belongs to."""
    model = scaled_model().fit(X, y)
    with nl.thaw(model[0]):
        model[0].mean_[0] = 0.0
    model[0].transform(X)
    with pytest.raises(NormLockError, match=r"standardscaler.*mean_\[0\]"):
        model.predict(X)


def test_thaw_keeps_the_old_seal_after_an_error():
    """If the block raises, the old seal stays: what was changed until then is a mismatch."""
    scaler = StandardScaler().fit(X)
    with pytest.raises(KeyError), nl.thaw(scaler):
        scaler.mean_[0] = 0.0
        raise KeyError
    with pytest.raises(FingerprintMismatchError, match=r"mean_\[0\]"):
        scaler.transform(X)


def test_thaw_vouches_for_what_is_there():
    """``with thaw(obj): pass`` seals an object that was put together by hand, as its error says."""
    model = scaled_model().fit(X, y)
    parts = Pipeline(model.steps)
    with pytest.raises(MissingFingerprintError, match="thaw"):
        parts.predict(X)
    with nl.thaw(parts):
        pass
    assert parts.fingerprint_ == model.fingerprint_
    assert parts.predict(X).shape == y.shape


def test_thaw_allows_further_training():
    """``partial_fit`` inside ``thaw`` is the way to train a loaded object further."""
    scaler = pickle.loads(pickle.dumps(StandardScaler().fit(X)))
    with nl.thaw(scaler):
        scaler.partial_fit(X * 2)
    assert scaler.n_samples_seen_ == 2 * len(X)
    assert scaler.fingerprint_ == nl.fingerprint(scaler)


def test_thaw_needs_a_seal():
    """What isn't locked can't be thawed."""
    with pytest.raises(NormLockError, match="A LogisticRegression has no seal to open"), nl.thaw(LogisticRegression()):
        raise AssertionError("the block was entered")


def test_unlock():
    """``unlock`` gives a stock copy, all the way down, writable, with the same fingerprint and outputs."""
    model = table_model().fit(TABLE, y)
    stock = nl.unlock(model)
    assert nl.fingerprint(stock) == model.fingerprint_
    assert np.array_equal(stock.predict_proba(TABLE), model.predict_proba(TABLE))
    assert b"normlock" not in pickle.dumps(stock)
    scaler = stock[0].named_transformers_["num"]["standardscaler"]
    assert type(scaler) is stock_preprocessing.StandardScaler
    scaler.mean_[:] = 0.0
    assert nl.fingerprint(model) == model.fingerprint_
    model.predict(TABLE)


# -- what can't be named -------------------------------------------------------------------------


def test_a_lambda_is_watched_but_not_vouched_for():
    """A lambda can be fitted and used, and is watched; fingerprint and dump refuse it, by path."""
    model = make_pipeline(FunctionTransformer(lambda x: x + 1), StandardScaler(), LogisticRegression()).fit(X, y)
    model.predict(X)
    model[0].transform(X)
    assert not hasattr(model, "fingerprint_")
    with pytest.raises(UnfingerprintableError) as caught:
        nl.fingerprint(model)
    assert caught.value.path == "functiontransformer.func"
    with pytest.raises(UnfingerprintableError):
        nl.dump(model, "never written.pkl")
    assert model[1].fingerprint_ == nl.fingerprint(model[1])
    model.set_params(standardscaler__with_mean=False)
    with pytest.raises(NormLockError):
        model.predict(X)


def test_a_lambda_that_travelled_says_so():
    """An object that no fingerprint could be made of warns, when it comes back, that nothing vouches for it."""
    import cloudpickle

    transformer = FunctionTransformer(lambda x: x + 1).fit(X)
    with pytest.warns(SealWarning, match="Nothing vouches for it"):
        again = pickle.loads(cloudpickle.dumps(transformer))
    assert np.array_equal(again.transform(X), X + 1)
