"""What has no stable name is refused: with the path of what it is, by one kind of error, and never guessed."""

import functools
import re
import threading

import numpy as np
import pytest
from holder import holding, of
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

import sklearn_normlock as nl
from sklearn_normlock.errors import NormLockError, UnfingerprintableError

X = np.arange(12.0).reshape(6, 2)


def _local():
    class Local:
        pass

    return Local


def _cyclic_list():
    cycle = [1]
    cycle.append({"back": cycle})
    return cycle


def _cyclic_dict():
    cycle = {}
    cycle["self"] = (cycle,)
    return cycle


def _cyclic_array():
    cycle = np.empty(1, object)
    cycle[0] = [cycle]
    return cycle


class Node:
    def __init__(self):
        self.next = self


class Raising:
    def __reduce__(self):
        raise RuntimeError("no way out")


class Unreadable(dict):
    def __reduce_ex__(self, protocol):
        raise OSError("gone")


def _deep():
    nest = []
    for _ in range(100_000):
        nest = [nest]
    return nest


def _replaced():
    return 1


_first = _replaced


def _replaced():  # noqa: F811
    return 2


class Strided(np.void):
    """Stands in for the scalar of an extension dtype of kind V."""


# value -> where below the attribute, what is said
REFUSED = {
    "lambda": (lambda: lambda x: x, "", "a lambda"),
    "cached lambda": (lambda: functools.lru_cache(lambda x: x), "", "a lambda"),
    "partial of a lambda": (lambda: functools.partial(lambda x: x, 1), ".func", "a lambda"),
    "local class": (_local, "", "made inside a function"),
    "object of a local class": (lambda: _local()(), "", "made inside a function"),
    "function that was replaced": (lambda: _first, "", "replaced since"),
    "open file": (lambda: open(__file__), "", "TextIOWrapper"),  # noqa: SIM115
    "lock": (threading.Lock, "", "lock"),
    "generator": (lambda: (i for i in range(3)), "", "generator"),
    "module": (lambda: re, "", "module"),
    "memory view": (lambda: memoryview(b"x"), "", "memoryview"),
    "ufunc of nobody": (lambda: np.frompyfunc(len, 1, 1), "", "neither NumPy's nor SciPy's"),
    "cyclic list": (_cyclic_list, "[1]['back']", "refers back to itself"),
    "cyclic dict": (_cyclic_dict, "['self'][0]", "refers back to itself"),
    "cyclic array": (_cyclic_array, "[0][0]", "refers back to itself"),
    "cyclic object": (Node, ".next", "refers back to itself"),
    "object that doesn't pickle": (Raising, "", "RuntimeError: no way out"),
    "dict that doesn't pickle": (Unreadable, "", "OSError: gone"),
    "too deep a nest": (_deep, None, "nested too deeply"),
    "long double": (lambda: np.ones(2, np.longdouble), "", "layout on every platform"),
    "complex long double": (lambda: np.ones(2, np.clongdouble), "", "layout on every platform"),
    "long double, scalar": (lambda: np.longdouble(1), "", "layout on every platform"),
    "long double, class": (lambda: np.longdouble, "", "layout on every platform"),
    "long double in a field": (lambda: np.ones(2, [("a", "f8"), ("b", "g")]), "['b']", "layout on every platform"),
    "extension dtype": (lambda: np.zeros(2, np.dtype((Strided, 2))), "", "no canonical bytes"),
    "deep inside": (lambda: [{"a": (1, [lambda: 0])}], "[0]['a'][1][0]", "a lambda"),
    "in an array of objects": (lambda: np.array(["a", lambda: 0], object), "[1]", "a lambda"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    """Nothing without a stable name gets a fingerprint; the error says where it is, what it is, and has the path."""
    make, below, said = REFUSED[name]
    value = make()
    with pytest.raises(UnfingerprintableError, match=re.escape(said)) as caught:
        of(value)
    if hasattr(value, "close") and name == "open file":
        value.close()
    error = caught.value
    assert isinstance(error, NormLockError)
    if below is not None:
        assert error.path == "held_" + below
    assert str(error).startswith("Holder.held_")
    assert len(str(error)) < 1000


@pytest.mark.skipif(np.dtype("g").itemsize == 8, reason="long double is double on this platform")
def test_long_doubles_are_what_the_table_says():
    """The rows of long doubles are about a type wider than a double."""
    assert np.dtype("g").itemsize > 8


def test_what_is_allowed_beside_it():
    """A nest of 64 levels, a list met twice, an empty array and a class of this module are no reason to refuse."""
    nest = []
    for _ in range(64):
        nest = [nest]
    twice = [1]
    for value in (nest, [twice, twice], {"a": twice, "b": twice}, np.empty((0, 3)), Node, _local):
        assert of(value) == of(value)


def test_path_leads_through_steps():
    """The path names a pipeline's step, then its attribute; the message names the object that was asked about."""
    fitted = make_pipeline(StandardScaler(), FunctionTransformer(lambda x: x), LogisticRegression()).fit(X, [0, 1] * 3)
    with pytest.raises(UnfingerprintableError, match=r"^Pipeline\.functiontransformer\.func can't be") as caught:
        nl.fingerprint(fitted)
    assert caught.value.path == "functiontransformer.func"
    assert "top level of a module" in str(caught.value)
    with pytest.raises(UnfingerprintableError) as caught:
        nl.fingerprint({"first": fitted})
    assert caught.value.path == "first.functiontransformer.func"


def test_an_error_is_no_state():
    """After a refusal the same object, mended, has the fingerprint that it always had."""
    holder = holding([1, 2])
    expected = nl.fingerprint(holder)
    holder.held_.append(lambda: None)
    with pytest.raises(UnfingerprintableError):
        nl.fingerprint(holder)
    holder.held_.pop()
    assert nl.fingerprint(holder) == expected


class Stateless(BaseEstimator):
    """Is fitted by declaration."""

    def fit(self, X, y=None):
        return self

    def __sklearn_is_fitted__(self):
        return True


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (StandardScaler(), "StandardScaler is not fitted"),
        (make_pipeline(StandardScaler()), "not fitted"),
        (StandardScaler, "not a fitted estimator"),
        (5, "int is not a fitted estimator"),
        (None, "NoneType is not a fitted estimator"),
        ({}, "dict is not a fitted estimator"),
        ([StandardScaler().fit(X)], "list is not a fitted estimator"),
        ({"a": StandardScaler().fit(X), "b": StandardScaler()}, r"\['b'\] StandardScaler is not fitted"),
        ({"a": 5}, r"\['a'\] int is not a fitted estimator"),
        ({1: StandardScaler().fit(X)}, "can't be fingerprinted"),
    ],
    ids=str,
)
def test_what_is_no_fitted_object(value, said):
    """What isn't fitted, no estimator or not named by text is refused, and the member of a mapping is named."""
    with pytest.raises(UnfingerprintableError, match=said):
        nl.fingerprint(value)


def test_what_counts_as_fitted():
    """An estimator that says that it is fitted is, and one that asks for no fit."""
    assert nl.fingerprint(Stateless()) == nl.fingerprint(Stateless())
    assert nl.fingerprint(FunctionTransformer().fit(X)) == nl.fingerprint(FunctionTransformer().fit(X))
    assert nl.fingerprint(holding()) == nl.fingerprint(holding())
