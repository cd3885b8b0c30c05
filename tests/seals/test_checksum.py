"""The checksum by which a state is known that was verified before: it saves time, and never comes from a file."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

import sklearn_normlock as nl
from sklearn_normlock.errors import NormLockError
from sklearn_normlock.pipeline import make_pipeline
from sklearn_normlock.preprocessing import KBinsDiscretizer, OneHotEncoder, PowerTransformer, StandardScaler
from sklearn_normlock.seals import checksum, seal
from sklearn_normlock.seals.checksum import Checksum
from sklearn_normlock.seals.seal import watch_over
from sklearn_normlock.seals.watch import RECORD

X = np.random.default_rng(0).normal(size=(40, 3))
y = X[:, 0] > 0


def scaler():
    return StandardScaler().fit(X)


def named():
    return make_pipeline(StandardScaler(), LogisticRegression()).fit(pd.DataFrame(X, columns=list("abc")), y)


def parts(obj):
    return obj.__getstate__()


def retyped(number):
    return np.float64(number) if isinstance(number, np.integer) else np.int64(number)


def arrived(obj, state):
    other = type(obj).__new__(type(obj))
    other.__setstate__(state)
    return other


@pytest.mark.parametrize("make", [scaler, named, lambda: PowerTransformer().fit(X)])
def test_a_small_object_is_fingerprinted_once(make, monkeypatch):
    """What was verified on arrival before arrives without a walk for its fingerprint, and is sealed as ever."""
    monkeypatch.setattr(checksum, "_verified", set())
    obj = make()
    data = pickle.dumps(obj)
    walks = []
    digest = seal.object_digest
    monkeypatch.setattr(seal, "object_digest", lambda *args, **kwargs: walks.append(1) or digest(*args, **kwargs))
    first = pickle.loads(data)
    assert walks
    walks.clear()
    loaded = pickle.loads(data)
    assert not walks
    assert loaded.fingerprint_ == first.fingerprint_ == obj.fingerprint_
    for arrived_ in (first, loaded):
        assert watch_over(arrived_).from_bytes
        assert all(not array.flags.writeable for array in watch_over(arrived_).arrays)
        assert len(watch_over(arrived_).arrays) == len(watch_over(obj).arrays)


def test_nothing_is_taken_from_the_file():
    """No checksum travels: an object that says of itself what it is, is fingerprinted."""
    state = parts(scaler())
    assert set(state) - set(vars(scaler())) == {RECORD}
    pickle.loads(pickle.dumps(scaler()))
    with pytest.raises(NormLockError, match="mean_"):
        arrived(scaler(), {**state, "mean_": state["mean_"] + 1, "_normlock_checksum": Checksum(scaler(), None).text})


@pytest.mark.parametrize("make", [scaler, named])
@pytest.mark.parametrize("name", ["fingerprint_", "n_features_in_", "with_mean", "mean_", "n_samples_seen_"])
def test_every_part_is_covered(make, name):
    """Whatever differs on arrival is found, though the state that left was verified before."""
    obj = make()
    pickle.loads(pickle.dumps(obj))
    inner = obj if name in vars(obj) else obj[0]
    state = parts(inner)
    value = state[name]
    if isinstance(value, np.ndarray):
        state[name] = np.nextafter(value, 9)
    elif isinstance(value, str):
        state[name] = value[:-1] + ("0" if value[-1] != "0" else "1")
    else:
        state[name] = type(value)(not value) if isinstance(value, bool) else value + 1
    with pytest.raises(NormLockError):
        arrived(inner, state)


def test_an_attribute_more_or_less_is_found():
    """An attribute that came, went, or changed its type or its dtype is found."""
    pickle.loads(pickle.dumps(scaler()))
    for change in (
        lambda state: state.update(extra=1),
        lambda state: state.pop("var_"),
        lambda state: state.update(with_std=1),
        lambda state: state.update(mean_=state["mean_"].astype(np.float32)),
        lambda state: state.update(mean_=state["mean_"].reshape(1, -1)),
        lambda state: state.update(n_samples_seen_=retyped(state["n_samples_seen_"])),
    ):
        state = parts(scaler())
        change(state)
        with pytest.raises(NormLockError):
            arrived(scaler(), state)


@pytest.mark.parametrize(
    "imitation",
    [
        list,
        tuple,
        lambda array: ("O", array.shape, array.tolist()),
        lambda array: ("objects", array.shape, array.tolist()),
    ],
)
def test_an_imitation_is_found(imitation):
    """A value of another type with the same items is not the value that was verified."""
    obj = StandardScaler().fit(pd.DataFrame(X, columns=list("abc")))
    pickle.loads(pickle.dumps(obj))
    state = parts(obj)
    state["feature_names_in_"] = imitation(np.array(state["feature_names_in_"], dtype=object))
    with pytest.raises(NormLockError, match="feature_names_in_"):
        arrived(obj, state)


def test_another_class_is_found():
    """A state that arrives in another class, or a member of another class, is found."""
    state = parts(scaler())
    with pytest.raises(NormLockError):
        arrived(PowerTransformer(), state)
    pipe = named()
    state = parts(pipe)
    other = copy.deepcopy(pipe.steps[1][1])
    other.coef_ = other.coef_ * 2
    state["steps"] = [pipe.steps[0], ("logisticregression", other)]
    with pytest.raises(NormLockError, match="logisticregression"):
        arrived(pipe, state)


@settings(max_examples=200, deadline=None, database=None, derandomize=True)
@given(st.data())
def test_a_flipped_bit_is_found(data):
    """One bit flipped anywhere in a pickle raises, or changes nothing that counts: it is never served."""
    obj = scaler()
    pickle.loads(pickle.dumps(obj))
    blob = bytearray(pickle.dumps(obj))
    at = data.draw(st.integers(0, len(blob) - 1))
    blob[at] ^= 1 << data.draw(st.integers(0, 7))
    try:
        loaded = pickle.loads(bytes(blob))
        if type(loaded) is not StandardScaler:
            return
        served = loaded.transform(X)
    except Exception:
        return  # no pickle any more, or found
    assert served.tobytes() == obj.transform(X).tobytes()


def test_compiled_memory_is_looked_at_each_time():
    """No checksum covers what it can't see: the nodes of a tree."""
    tree = make_pipeline(StandardScaler(), DecisionTreeClassifier()).fit(X, y)
    pickle.loads(pickle.dumps(tree))
    tree[1].tree_.threshold[0] += 1
    with pytest.raises(NormLockError, match="decisiontreeclassifier"):
        pickle.loads(pickle.dumps(tree))


def test_only_so_many_are_remembered(monkeypatch):
    """A process that loads ever other objects does not remember them all."""
    monkeypatch.setattr(checksum, "_verified", set())
    monkeypatch.setattr(checksum, "_REMEMBERED", 3)
    for shift in range(10):
        pickle.loads(pickle.dumps(StandardScaler().fit(X + shift)))
        assert len(checksum._verified) <= 3


def test_no_edit_is_vouched_for():
    """An edit that no watch can see is found where the object arrives."""
    hidden = scaler()
    pickle.loads(pickle.dumps(hidden))
    hidden.mean_.setflags(write=True)
    hidden.mean_[0] += 1
    hidden.mean_.setflags(write=False)
    with pytest.raises(NormLockError, match="mean_"):
        pickle.loads(pickle.dumps(hidden))


@pytest.mark.parametrize(
    "make",
    [
        lambda: KBinsDiscretizer(strategy="uniform", subsample=None).fit(X),
        lambda: OneHotEncoder().fit(X.round()),
        lambda: StandardScaler().fit(np.zeros((2, 20_000))),
        lambda: make_pipeline(StandardScaler(), LogisticRegression(class_weight={False: 1.0, True: 2.0})).fit(X, y),
    ],
)
def test_anything_else_is_fingerprinted(make):
    """What has more to it, or is large, arrives as before."""
    obj = make()
    assert Checksum(obj, lambda member: None).text is None
    assert pickle.loads(pickle.dumps(obj)).fingerprint_ == nl.fingerprint(obj)
