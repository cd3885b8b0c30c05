"""The watch belongs to the process: it keeps nothing alive, and nothing in the object."""

import copy
import gc
import pickle
import weakref

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from sklearn_normlock.pipeline import make_pipeline
from sklearn_normlock.preprocessing import FunctionTransformer, StandardScaler
from sklearn_normlock.seals import seal
from sklearn_normlock.seals.seal import watch_over

X = np.random.default_rng(0).normal(size=(40, 3))
y = X[:, 0] > 0


@pytest.mark.parametrize(
    "make",
    [
        lambda: StandardScaler().fit(X),
        lambda: make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y),
        lambda: pickle.loads(pickle.dumps(StandardScaler().fit(X))),
        lambda: copy.copy(StandardScaler().fit(X)),
        lambda: FunctionTransformer(lambda x: x).fit(X),
    ],
)
def test_a_watch_keeps_nothing_alive(make):
    """A sealed object goes when its last reference goes, without the garbage collector, and its watch with it."""
    gc.collect()
    gc.disable()
    try:
        before = len(seal._watches), len(seal._references)
        obj = make()
        assert watch_over(obj) is not None
        alive = weakref.ref(obj)
        del obj
        assert alive() is None
        assert (len(seal._watches), len(seal._references)) == before
    finally:
        gc.enable()


def test_an_untouched_object_is_not_hashed(monkeypatch):
    """A call on an object that nobody touched hashes nothing."""
    pipe = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
    pipe.predict(X)

    def hashed(*args, **kwargs):
        raise AssertionError("hashed")

    monkeypatch.setattr(seal, "object_digest", hashed)
    pipe.predict(X)
    pipe.predict_proba(X)
    pipe[0].transform(X)


def test_what_does_not_count_may_move():
    """A change of what does not count is looked at once, and is in place from then on."""
    scaler = StandardScaler().fit(X)
    scaler.set_output(transform="default")
    assert not watch_over(scaler).intact(scaler)
    scaler.transform(X)
    assert watch_over(scaler).intact(scaler)


def test_a_watch_does_not_show():
    """Nothing of the watch is in the object: neither in its attributes nor in what is pickled."""
    scaler = StandardScaler().fit(X)
    assert {name for name in vars(scaler) if "normlock" in name} == {"_normlock_environment"}
    assert b"Watch" not in pickle.dumps(scaler)
