"""Classes of others under the seal, and objects of other environments."""

from __future__ import annotations

import copy
import inspect
import pickle
from typing import Any

import numpy as np
import pytest
import sklearn
from ordinary import FRAME, X
from sklearn import preprocessing as stock_preprocessing
from sklearn.base import BaseEstimator, TransformerMixin

import sklearn_normlock as nl
from sklearn_normlock.decomposition import IncrementalPCA
from sklearn_normlock.errors import (
    EnvironmentMismatchWarning,
    FingerprintMismatchError,
    NormLockError,
)
from sklearn_normlock.preprocessing import (
    StandardScaler,
)

# -- other environments --------------------------------------------------------------------------


def _blank(cls: type) -> Any:
    return cls.__new__(cls)


class Restamped:
    """Pickles as a locked object does that was fitted under other versions."""

    def __init__(self, obj: Any, environment: str) -> None:
        self.obj, self.environment = obj, environment

    def __reduce__(self) -> Any:
        state = {**self.obj.__getstate__(), "_normlock_environment": self.environment}
        return _blank, (type(self.obj),), state


def test_another_environment_warns():
    """An object fitted under other versions warns at its load, as scikit-learn's do, and names both environments."""
    from sklearn.exceptions import InconsistentVersionWarning

    old = "scikit-learn 1.0.2, numpy 1.21.6, scipy 1.7.3, python 3.9"
    data = pickle.dumps(Restamped(StandardScaler().fit(X), old))
    with pytest.warns(EnvironmentMismatchWarning) as told:
        loaded = pickle.loads(data)
    assert len(told) == 1
    assert issubclass(EnvironmentMismatchWarning, InconsistentVersionWarning)
    assert told[0].message.fitted == old
    assert told[0].message.here == StandardScaler().fit(X)._normlock_environment
    assert f"fitted under {old}; this is scikit-learn {sklearn.__version__}" in str(told[0].message)
    loaded.transform(X)  # told of once
    with pytest.warns(EnvironmentMismatchWarning):  # what it was fitted under stays with it
        pickle.loads(pickle.dumps(loaded))
    assert loaded.fit(X)._normlock_environment == told[0].message.here
    with nl.config_context(policy="ignore"):
        pickle.loads(data)


def test_an_altered_object_of_another_environment_is_a_mismatch():
    """Another environment excuses nothing."""
    scaler = StandardScaler().fit(X)
    with nl.config_context(policy="ignore"):
        scaler.mean_ = np.zeros(4)
    with pytest.raises(FingerprintMismatchError, match="mean_"):
        pickle.loads(pickle.dumps(Restamped(scaler, "scikit-learn 1.0.2")))


def test_the_record_is_not_needed():
    """Without the record that locates a mismatch, or with a damaged one, a load still decides by the fingerprint."""
    for record in (None, "", "{", "[1]", '{"mean_": 3}'):
        scaler = pickle.loads(pickle.dumps(StandardScaler().fit(X)))
        state = {**scaler.__getstate__(), "_normlock_record": record}
        again = StandardScaler.__new__(StandardScaler)
        again.__setstate__(state)
        assert np.array_equal(again.transform(X), scaler.transform(X))
        broken = StandardScaler.__new__(StandardScaler)
        with pytest.raises(FingerprintMismatchError):
            broken.__setstate__({**state, "with_mean": False})


# -- classes of others ---------------------------------------------------------------------------


class Halver(TransformerMixin, BaseEstimator):
    """A transformer of another package.

    Parameters
    ----------
    by : float
    """

    def __init__(self, by: float = 2.0) -> None:
        self.by = by

    def fit(self, X: Any, y: Any = None) -> Halver:
        self.centre_ = np.mean(np.asarray(X), axis=0)
        return self

    def transform(self, X: Any) -> Any:
        return (np.asarray(X) - self.centre_) / self.by


class LockedHalver(nl.Locked, Halver):
    pass


class Loud(StandardScaler):
    """A drop-in that computes something else."""

    def transform(self, X: Any, copy: bool | None = None) -> Any:
        return super().transform(X, copy) * 2


class MineAlone(StandardScaler):
    pass


class Bare:
    """A transformer that knows nothing of scikit-learn."""

    def fit(self, X: Any) -> Bare:
        self.most_ = np.max(X, axis=0)
        return self

    def transform(self, X: Any) -> Any:
        return X / self.most_


class LockedBare(nl.Locked, Bare):
    pass


def test_one_line_locks_a_class_of_others():
    """``class Mine(Locked, Theirs): pass`` seals, checks, travels, and has the parent's signature and fingerprint."""
    halver = LockedHalver(by=4.0).fit(X)
    assert halver.fingerprint_ == nl.fingerprint(Halver(by=4.0).fit(X))
    assert np.array_equal(pickle.loads(pickle.dumps(halver)).transform(X), Halver(by=4.0).fit(X).transform(X))
    assert inspect.signature(LockedHalver.fit) == inspect.signature(Halver.fit)
    assert LockedHalver.__doc__.startswith("``test_locked_classes.Halver``, locked")
    assert type(nl.unlock(halver)) is Halver
    halver.by = 3.0
    with pytest.raises(FingerprintMismatchError, match="by 4.0 when fitted, 3.0 now"):
        halver.transform(X)


def test_set_output_of_a_class_of_others():
    """scikit-learn's wrapping for ``set_output`` is kept, once."""
    from sklearn.base import OneToOneFeatureMixin

    class Named(OneToOneFeatureMixin, Halver):
        def fit(self, X: Any, y: Any = None) -> Any:
            self.feature_names_in_, self.n_features_in_ = np.asarray(X.columns, dtype=object), X.shape[1]
            return super().fit(X)

    class LockedNamed(nl.Locked, Named):
        pass

    output = LockedNamed().set_output(transform="pandas").fit(FRAME).transform(FRAME)
    assert list(output.columns) == list(FRAME.columns)


def test_a_class_that_knows_nothing_of_scikit_learn():
    """A class with nothing but ``fit`` and ``transform`` can be locked, too."""
    bare = LockedBare().fit(X)
    again = pickle.loads(pickle.dumps(bare))
    assert again.fingerprint_ == bare.fingerprint_ == nl.fingerprint(bare)
    bare.most_ = bare.most_ * 2
    with pytest.raises(FingerprintMismatchError, match="most_"):
        bare.transform(X)


def test_subclasses_of_drop_ins():
    """A subclass with methods of its own has a fingerprint of its own, too; one without goes by the stock's."""
    loud, plain = Loud().fit(X), StandardScaler().fit(X)
    assert np.array_equal(loud.transform(X), plain.transform(X) * 2)
    assert loud.fingerprint_ != plain.fingerprint_
    assert pickle.loads(pickle.dumps(loud)).fingerprint_ == loud.fingerprint_
    with pytest.raises(NormLockError, match="Loud defines methods of its own"):
        nl.unlock(loud)
    loud.with_mean = False
    with pytest.raises(FingerprintMismatchError, match="^Loud: with_mean"):
        loud.transform(X)
    assert MineAlone().fit(X).fingerprint_ == plain.fingerprint_
    assert type(nl.unlock(MineAlone().fit(X))) is stock_preprocessing.StandardScaler


def test_trained_on_in_parts():
    """A copy is not the original: ``partial_fit`` is for the object that was fitted here, copies need ``thaw``."""
    pca = IncrementalPCA(2).partial_fit(X)
    with pytest.raises(FingerprintMismatchError, match="is a copy"):
        copy.deepcopy(pca).partial_fit(X)
    assert pca.partial_fit(X).n_samples_seen_ == 2 * len(X)
