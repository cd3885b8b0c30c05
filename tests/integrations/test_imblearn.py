"""imbalanced-learn's pipeline, locked: samplers are bound, slices are sealed."""

import pickle

import numpy as np
import pytest

pytest.importorskip("imblearn", reason="the extra `ecosystem` isn't installed")

from imblearn import pipeline as stock
from imblearn.over_sampling import SMOTE, RandomOverSampler
from imblearn.under_sampling import RandomUnderSampler
from sklearn.linear_model import LogisticRegression

import sklearn_normlock as nl
from sklearn_normlock.integrations.imblearn import Pipeline, make_pipeline, trusted_types
from sklearn_normlock.preprocessing import StandardScaler

RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 3))
Y = (X[:, 0] > 0.8).astype(int)


def fitted(make=make_pipeline, sampler=None):
    sampler = sampler if sampler is not None else RandomOverSampler(random_state=0)
    return make(StandardScaler(), sampler, LogisticRegression()).fit(X, Y)


@pytest.mark.parametrize("sampler", [RandomOverSampler, RandomUnderSampler, SMOTE], ids=lambda cls: cls.__name__)
def test_it_computes_what_stock_does(sampler):
    """Predictions and fingerprint are those of imbalanced-learn's own pipeline."""
    ours, theirs = fitted(sampler=sampler(random_state=0)), fitted(stock.make_pipeline, sampler(random_state=0))
    np.testing.assert_array_equal(ours.predict_proba(X), theirs.predict_proba(X))
    assert ours.fingerprint_ == nl.fingerprint(theirs)
    assert isinstance(ours, Pipeline)


@pytest.mark.parametrize("where", [slice(None, -1), slice(1), slice(None)], ids=str)
def test_a_slice_is_sealed(where):
    """A part of it has a fingerprint, and a step that is swapped in it is refused."""
    part = fitted()[where]
    assert isinstance(part, Pipeline)
    assert part.fingerprint_ == nl.fingerprint(part)
    part.steps[0] = ("standardscaler", StandardScaler().fit(X + 1))
    with pytest.raises(nl.errors.PipelineMismatchError):
        pickle.loads(pickle.dumps(part))


@pytest.mark.parametrize("change", ["sampler", "scaler"])
def test_every_step_is_bound(change):
    """A scaler of another training, or a sampler with another parameter, is refused."""
    model = fitted()
    if change == "sampler":
        model.set_params(randomoversampler__sampling_strategy=0.9)
    else:
        model.steps[0] = ("standardscaler", StandardScaler().fit(X[:50]))
    with pytest.raises(nl.errors.PipelineMismatchError):
        model.predict(X)


@pytest.mark.parametrize("suffix", ["skops", "joblib", "pkl"])
def test_it_is_saved_and_loaded(tmp_path, suffix):
    """Every format brings it back; skops trusts what imbalanced-learn has by the list given here."""
    model, path = fitted(), tmp_path / f"m.{suffix}"
    nl.dump(model, path, lock=True)
    again = nl.load(path, lock=True, trusted=trusted_types())
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    assert pickle.loads(pickle.dumps(again)).fingerprint_ == model.fingerprint_


def test_it_is_unlocked_and_sealed_again():
    """A stock pipeline that was fitted already is sealed as it stands, and an unlocked one comes back."""
    theirs = fitted(stock.make_pipeline)
    for est in (theirs, nl.unlock(fitted())):
        assert type(est) is stock.Pipeline
        sealed = nl.seal(est)
        assert type(sealed) is Pipeline and isinstance(sealed[0], StandardScaler)
        assert sealed.fingerprint_ == nl.fingerprint(theirs)
        sealed.steps[0] = ("standardscaler", StandardScaler().fit(X + 1))
        with pytest.raises(nl.errors.PipelineMismatchError):
            sealed.predict(X)
