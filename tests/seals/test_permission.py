"""The permission for ``partial_fit``: it travels, counts for nothing, and keeps what is unfinished out of locks."""

import copy
import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import SGDClassifier as StockSGDClassifier

import sklearn_normlock as nl
from sklearn_normlock import Locked
from sklearn_normlock.decomposition import IncrementalPCA
from sklearn_normlock.errors import FingerprintMismatchError, LockMismatchError, NormLockError
from sklearn_normlock.multiclass import OneVsRestClassifier
from sklearn_normlock.pipeline import make_pipeline
from sklearn_normlock.preprocessing import Normalizer, StandardScaler

X = np.random.default_rng(0).normal(size=(120, 3))
Y = np.arange(120) % 3
WAYS = {
    "pickle": lambda est: pickle.loads(pickle.dumps(est)),
    "deep copy": copy.deepcopy,
    "copy": copy.copy,
}


class SGDClassifier(Locked, StockSGDClassifier):
    pass


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("make", [StandardScaler, lambda: IncrementalPCA(2)], ids=["scaler", "pca"])
def test_a_permission_travels_with_copies_and_clones(way, make):
    """Trained by turns in copies, an object is what it is when it is trained in one place; then it is closed."""
    here = make()
    there = clone(nl.allow_partial_fit(make()))
    for batch in np.split(X, 3):
        here.partial_fit(batch)
        there = WAYS[way](there).partial_fit(batch)
    assert there.fingerprint_ == here.fingerprint_
    assert nl.allow_partial_fit(there, False) is there
    nl.verify(there, nl.lock(here))
    with pytest.raises(FingerprintMismatchError, match="allow_partial_fit"):
        WAYS[way](there).partial_fit(X)
    with pytest.raises(FingerprintMismatchError, match="allow_partial_fit"):
        WAYS[way](clone(there).fit(X)).partial_fit(X)


def test_a_permission_reaches_members_that_learn():
    """What trains members of its own, and their clones, is allowed to go on training them."""
    model = nl.allow_partial_fit(OneVsRestClassifier(SGDClassifier(random_state=0)))
    for k in range(2):
        model = pickle.loads(pickle.dumps(model)).partial_fit(X, Y, classes=[0, 1, 2] if k == 0 else None)
    assert model.predict(X).shape == (120,)


def test_a_permission_is_for_partial_fit_alone():
    """Every other change is found as ever; what can't be trained takes no permission."""
    scaler = pickle.loads(pickle.dumps(nl.allow_partial_fit(StandardScaler().fit(X))))
    scaler.with_mean = False
    with pytest.raises(FingerprintMismatchError, match="with_mean"):
        scaler.transform(X)
    stock = nl.unlock(nl.allow_partial_fit(StandardScaler().fit(X)))
    assert "_normlock_partial_fit" not in vars(stock)
    for wrong, said in ((Normalizer(), "has no partial_fit"), (stock, "not a locked"), (StandardScaler, "not a lock")):
        with pytest.raises(NormLockError, match=said):
            nl.allow_partial_fit(wrong)


def test_an_object_that_is_its_own_clone_stays_so():
    """A frozen estimator is not cloned, with a permission in it or without."""
    pytest.importorskip("sklearn.frozen", reason="scikit-learn has it from 1.6 on")
    from sklearn_normlock.frozen import FrozenEstimator

    frozen = FrozenEstimator(nl.allow_partial_fit(StandardScaler().fit(X)))
    assert clone(frozen) is frozen


@pytest.mark.parametrize("inside", [False, True], ids=["alone", "in a pipeline"])
def test_locks_and_files_are_for_what_is_finished(tmp_path, inside):
    """While it may be trained further, an object is refused by lock, dump and load, and is a mismatch for verify."""
    scaler = StandardScaler().fit(X)
    whole = make_pipeline(scaler, Normalizer()).fit(X) if inside else scaler
    member = whole[0] if inside else whole
    approved = nl.lock(whole)
    nl.allow_partial_fit(member)
    (tmp_path / "open.pkl").write_bytes(pickle.dumps(whole))
    for refused in (
        lambda: nl.lock(whole),
        lambda: nl.lock({"model": whole}),
        lambda: nl.dump(whole, tmp_path / "model.pkl"),
        lambda: nl.load(tmp_path / "open.pkl"),
    ):
        with pytest.raises(NormLockError, match="may be trained further.*allow_partial_fit"):
            refused()
    with pytest.raises(LockMismatchError, match="partial_fit"):
        nl.verify(whole, approved)
    nl.allow_partial_fit(member, False)
    nl.verify(whole, approved)
    with pytest.raises(LockMismatchError, match="partial_fit"):
        nl.load(tmp_path / "open.pkl", lock=approved, trust_file=True)
