"""Claims of ``nl.fingerprint``: what it is of, what leaves it alone, what changes it."""

import copy
import enum
import functools
import operator
import pickle
import re
import tracemalloc
from collections import OrderedDict, deque

import numpy as np
import pytest
import scipy.sparse as sp
from holder import Holder, holding, of
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.decomposition import PCA
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, StandardScaler
from spec_values import LAYOUTS, laid_out

import sklearn_normlock as nl
from sklearn_normlock import pipeline as locked_pipeline
from sklearn_normlock import preprocessing as locked
from sklearn_normlock.fingerprints import arrays, naming
from sklearn_normlock.fingerprints.canonical import Walker

X = np.random.RandomState(0).normal(size=(20, 3)) * [1.0, 30.0, 0.1] + [0.0, 5.0, 1.0]
y = np.arange(20) % 2
MIB = 1 << 20


def scaler():
    return StandardScaler().fit(X)


# -- what it is ------------------------------------------------------------------------------------------------------


def test_form():
    """A fingerprint is "nl1-sha256:" and 64 lower-case hexadecimal digits."""
    assert re.fullmatch(r"nl1-sha256:[0-9a-f]{64}", nl.fingerprint(scaler()))


def test_taking_it_changes_nothing():
    """Neither attributes nor arrays of an object are changed or added by fingerprinting it."""
    fitted = make_pipeline(scaler(), PCA(2)).fit(X)
    before = pickle.dumps(fitted)
    nl.fingerprint(fitted)
    assert pickle.dumps(fitted) == before
    assert fitted[0].mean_.flags.writeable


def test_a_drop_in_goes_by_the_class_it_stands_for():
    """A locked scaler and a locked pipeline have the fingerprints of scikit-learn's own."""
    assert nl.fingerprint(locked.StandardScaler().fit(X)) == nl.fingerprint(scaler())
    stock = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
    ours = locked_pipeline.make_pipeline(locked.StandardScaler(), LogisticRegression()).fit(X, y)
    assert nl.fingerprint(ours) == nl.fingerprint(stock)


def test_a_mapping_binds_its_members():
    """A dict of names and estimators has one fingerprint: of names and members, not of their order."""
    a, b = scaler(), MinMaxScaler().fit(X)
    bundle = nl.fingerprint({"scaler": a, "model": b})
    assert nl.fingerprint({"model": b, "scaler": a}) == bundle
    assert nl.fingerprint({"scaler": b, "model": a}) != bundle
    assert nl.fingerprint({"scaler": a}) not in (bundle, nl.fingerprint(a))
    assert nl.fingerprint({"scaler": a, "model": {"inner": b}}) != bundle


def test_class_names_leave_out_private_modules():
    """A class goes by the public parts of its module's path, so that moving between private modules changes nothing."""
    assert naming.class_name(StandardScaler) == "sklearn.preprocessing:StandardScaler"
    assert naming.class_name(sp.csr_matrix) == "scipy.sparse:csr_matrix"
    assert naming.class_name(Holder) == "holder:Holder"
    assert naming.function_name(np.log1p) == "numpy:log1p"
    assert naming.function_name(str.lower) == "builtins:str.lower"


def test_a_class_that_moved_keeps_one_name():
    """A class that scikit-learn moved between public modules goes by one name under every release, on its own only."""
    threshold = pytest.importorskip("sklearn.model_selection._classification_threshold")
    assert naming.class_name(threshold._CurveScorer) == "sklearn.metrics:_CurveScorer"
    assert naming.class_name(threshold.TunedThresholdClassifierCV).startswith("sklearn.model_selection:")


# -- what leaves it alone --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layout_of_fitted_arrays(layout):
    """Fortran order, byte order, strides, alignment and the read-only flag of a fitted array don't count."""
    fitted = PCA(2).fit(X)
    expected = nl.fingerprint(fitted)
    for name in ("mean_", "components_"):
        setattr(fitted, name, laid_out(getattr(fitted, name), layout))
    assert nl.fingerprint(fitted) == expected


@pytest.mark.parametrize("mode", ["r", "c"])
def test_memory_mapped_arrays(tmp_path, mode):
    """An array that is mapped from a file counts as the array it is."""
    fitted = scaler()
    expected = nl.fingerprint(fitted)
    np.save(tmp_path / "mean.npy", fitted.mean_)
    fitted.mean_ = np.load(tmp_path / "mean.npy", mmap_mode=mode)
    assert isinstance(fitted.mean_, np.memmap)
    assert nl.fingerprint(fitted) == expected


def test_order_of_a_dict():
    """The order in which a vocabulary or the attributes were filled doesn't count."""
    words = CountVectorizer().fit(["one two three"])
    expected = nl.fingerprint(words)
    words.vocabulary_ = dict(reversed(words.vocabulary_.items()))
    assert nl.fingerprint(words) == expected
    vars(words).update({name: vars(words).pop(name) for name in reversed(list(vars(words)))})
    assert nl.fingerprint(words) == expected


def test_parameters_of_how_and_not_what():
    """n_jobs, verbose, memory, the output container and what tools write onto an estimator don't count."""
    steps = [("scale", scaler()), ("fit", LogisticRegression().fit(X, y))]
    plain = Pipeline(steps).fit(X, y)
    expected = nl.fingerprint(plain)
    plain.set_params(memory="cache", verbose=True, fit__n_jobs=2, fit__verbose=1)
    plain.set_output(transform="default")
    plain._mlflow_run_id = plain[0]._wandb_run = "a4f0"
    assert nl.fingerprint(plain) == expected


class Window(TransformerMixin, BaseEstimator):
    """A user's class, whose `memory` is how many rows it looks back and whose members have but these names."""

    def __init__(self, memory=2):
        self.memory = memory

    def fit(self, X, y=None):
        self.named_estimators_ = {"scale": StandardScaler().fit(X)}
        self.refit_time_ = 3
        return self


@pytest.mark.parametrize("name", ["memory", "named_estimators_", "refit_time_"])
def test_a_name_of_scikit_learn_s_counts_in_another_class(name):
    """A class that isn't scikit-learn's may mean anything by a name that its classes keep a cache or a view under."""
    one = Window().fit(X)
    other = copy.deepcopy(one)
    setattr(other, name, 9)
    assert nl.fingerprint(one) != nl.fingerprint(other)


def test_sharing_is_not_content():
    """Two attributes that are one array count as two equal arrays, and a copy as its original."""
    shared = np.arange(3.0)
    assert nl.fingerprint(holding(shared, other_=shared)) == nl.fingerprint(holding(shared, other_=shared.copy()))
    assert nl.fingerprint(copy.deepcopy(scaler())) == nl.fingerprint(scaler())


class Colour(enum.Enum):
    RED = 1


class Access(enum.Flag):
    READ = 1
    WRITE = 2
    RUN = 4


class Sub(np.ndarray):
    pass


class Slotted:
    __slots__ = ("a", "b")

    def __init__(self, a, b):
        self.a, self.b = a, b


csr = sp.csr_matrix(([1.0, 2.0], ([0, 1], [1, 0])))

SAME = {
    "NumPy's and Python's integers": (np.int64(5), 5),
    "NumPy's and Python's floats": (np.float64(0.1), 0.1),
    "NumPy's and Python's truth": (np.True_, True),
    "text scalars": (np.str_("a"), "a"),
    "scalar NaNs": (float("nan"), -float("nan")),
    "ordered dict": (OrderedDict(b=1, a=2), {"a": 2, "b": 1}),
    "frozen set": (frozenset("ab"), {"b", "a"}),
    "memory of bytes": (bytearray(b"x"), b"x"),
    "index width": (csr, sp.csr_matrix((csr.data, csr.indices.astype(np.int64), csr.indptr.astype(np.int64)))),
    "array subclass in Fortran order": (np.ones((2, 3)).view(Sub), np.ones((2, 3), order="F").view(Sub)),
    "matrix": (np.matrix([[1.0]]), np.array([[1.0]])),
    "position of a random stream": (np.random.RandomState(0), np.random.RandomState(1)),
    "item getters": (operator.itemgetter(1), operator.itemgetter(1)),
}


@pytest.mark.parametrize("name", SAME)
def test_same(name):
    """Two ways to hold one content have one fingerprint."""
    a, b = SAME[name]
    assert of(a) == of(b) == of(copy.deepcopy(a))


# -- what changes it -------------------------------------------------------------------------------------------------

DIFFERENT = {
    "truth and integer": (True, 1),
    "integer and float": (1, 1.0),
    "signed zeros": (0.0, -0.0),
    "list and tuple": ([1], (1,)),
    "set and list": ({1}, [1]),
    "text and bytes": ("a", b"a"),
    "none and false": (None, False),
    "float widths": (np.float32(1), np.float64(1)),
    "integer widths": (np.int32(1), 1),
    "composed text": ("\u00e9", "e\u0301"),
    "time differences and integers": (np.timedelta64(5, "ns"), 5),
    "units of time differences": (np.timedelta64(1, "s"), np.timedelta64(1000, "ms")),
    "a missing time and none": (np.timedelta64("NaT", "s"), None),
    "dtype of an array": (np.ones(2, np.float32), np.ones(2)),
    "shape": (np.ones((2, 3)), np.ones((3, 2))),
    "order of an array": (np.array([1.0, 2.0]), np.array([2.0, 1.0])),
    "empty arrays": (np.empty((0, 2)), np.empty((2, 0))),
    "payload of an array's NaN": (np.array([np.nan]), np.array([-np.nan])),
    "signed zeros of an array": (np.array([0.0]), np.array([-0.0])),
    "objects and text": (np.array(["a"], object), np.array(["a"])),
    "names of fields": (np.zeros(1, [("a", "f8")]), np.zeros(1, [("b", "f8")])),
    "order of fields": (np.dtype([("a", "f8"), ("b", "f8")]), np.dtype([("b", "f8"), ("a", "f8")])),
    "subarray dtypes": (np.dtype(("f8", (2,))), np.dtype(("i8", (2,)))),
    "abstract and concrete classes": (np.number, np.float64),
    "abstract classes": (np.floating, np.inexact),
    "sparse formats": (csr, csr.tocsc()),
    "sparse array and matrix": (csr, sp.csr_array(csr)),
    "sparse shapes": (csr, sp.csr_matrix((csr.data, csr.indices, csr.indptr), shape=(2, 3))),
    "combined flags": (Access.READ | Access.WRITE, Access.READ | Access.RUN),
    "enumeration and value": (Colour.RED, 1),
    "greatest length of a deque": (deque([1], maxlen=2), deque([1])),
    "functions": (np.log1p, np.expm1),
    "function and its name": (np.log1p, "numpy:log1p"),
    "bound methods": ("a".lower, "b".lower),
    "partial arguments": (functools.partial(pow, 2), functools.partial(pow, 3)),
    "patterns": (re.compile("a"), re.compile("a", re.IGNORECASE)),
    "mask": (np.ma.array([1, 2], mask=[0, 1]), np.ma.array([1, 2], mask=[1, 0])),
    "array and its subclass": (np.ones(2).view(Sub), np.ones(2)),
    "slots": (Slotted(1, 2), Slotted(2, 1)),
    "order of a dict in a list": ([{"a": 1}, {"b": 1}], [{"b": 1}, {"a": 1}]),
    "key and value": ({"a": "b"}, {"b": "a"}),
}


if sp.coo_array(np.ones(6)).ndim == 1:  # SciPy 1.13 and later
    DIFFERENT["a sparse vector and a matrix of one row"] = (sp.coo_array(np.ones(6)), sp.coo_array(np.ones((1, 6))))


@pytest.mark.parametrize("name", DIFFERENT)
def test_different(name):
    """Two contents that are easily taken for one have two fingerprints."""
    a, b = DIFFERENT[name]
    assert of(a) != of(b)
    assert of(a) == of(a)


def test_units_that_numpy_calls_equal():
    """A dtype is named as it was declared, whichever of two that compare equal was met first in the process."""
    first, second = (of(np.zeros(77, unit)) for unit in ("M8[1000ms]", "M8[s]"))
    assert first != second


@pytest.mark.parametrize("mode", [np.inf, -np.inf])
def test_one_unit_in_the_last_place(mode):
    """The next float after any fitted number is another fingerprint."""
    fitted = scaler()
    seen = {nl.fingerprint(fitted)}
    for name in ("mean_", "var_", "scale_"):
        for i in range(3):
            other = copy.deepcopy(fitted)
            getattr(other, name)[i] = np.nextafter(getattr(other, name)[i], mode)
            seen.add(nl.fingerprint(other))
    assert len(seen) == 10


def test_what_makes_another_fingerprint():
    """A parameter, a class, a fitted attribute, an attribute more or less, a step, its name, the order: each counts."""
    fitted, variants = make_pipeline(scaler(), MinMaxScaler()).fit(X), []
    for change in (
        lambda p: p[0].set_params(with_mean=False),
        lambda p: setattr(p[0], "mean_", p[0].mean_.astype(np.float32)),
        lambda p: setattr(p[0], "n_samples_seen_", 21),
        lambda p: setattr(p[0], "added_", 1),
        lambda p: delattr(p[0], "var_"),
        lambda p: setattr(p[0], "__class__", type(p[1])),
        lambda p: p.steps.reverse(),
        lambda p: p.steps.append(("more", "passthrough")),
        lambda p: p.steps.__setitem__(0, ("scaler", p.steps[0][1])),
    ):
        variants.append(copy.deepcopy(fitted))
        change(variants[-1])
    assert len({nl.fingerprint(each) for each in [fitted, *variants]}) == 10


def test_a_selector_by_dtype_is_stable():
    """The everyday `make_column_selector(dtype_include=np.number)` has a fingerprint, and another than for floats."""
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(X, columns=list("abc"))

    def columns(kind):
        selector = make_column_selector(dtype_include=kind)
        return nl.fingerprint(ColumnTransformer([("scale", StandardScaler(), selector)]).fit(frame))

    assert columns(np.number) == columns(np.number) != columns(np.float64)


def test_a_function_counts_by_its_name():
    """A FunctionTransformer counts by the functions that it names."""
    prints = {nl.fingerprint(FunctionTransformer(function).fit(X)) for function in (np.log1p, np.sqrt, np.mean, None)}
    assert len(prints) == 4


# -- large arrays ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", [None, "fortran", "strided", "big-endian", "reversed"])
def test_threads_and_parts_of_a_large_array(monkeypatch, layout):
    """Several threads, one thread and reading in parts give a large array one fingerprint; an element changes it."""
    large = np.random.RandomState(0).bytes(9 * MIB)
    large = np.frombuffer(large, "<i8").reshape(-1, 9).copy()
    expected = of(large)
    with monkeypatch.context() as single:
        single.setattr(arrays.os, "cpu_count", lambda: 1)
        assert of(laid_out(large, layout)) == expected
    monkeypatch.setattr(arrays.os, "cpu_count", lambda: 3)
    assert of(laid_out(large, layout)) == expected
    large[-1, -1] ^= 1
    assert of(laid_out(large, layout)) != expected


@pytest.mark.parametrize(
    ("make", "most"),
    [
        pytest.param(lambda: np.ones(64 * MIB, np.uint8), 4, id="contiguous"),
        pytest.param(lambda: np.ones((8 * MIB, 2), np.uint8)[:, 0], 16, id="strided"),
        pytest.param(lambda: np.ones((4096, 2048), np.uint8).T, 16, id="fortran"),
        pytest.param(lambda: np.broadcast_to(np.uint8(1), (16 * MIB,)), 16, id="broadcast"),
    ],
)
def test_a_large_array_is_not_copied(make, most):
    """Fingerprinting takes a few MiB beside an array of any size: none for a contiguous one, a buffer for others."""
    large = holding(make())
    nl.fingerprint(holding())
    tracemalloc.start()
    try:
        nl.fingerprint(large)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < most * MIB


def test_a_pipeline_in_many_pipelines():
    """Thirty levels are fitted, named, locked and verified at a cost that grows with the depth, not with its power."""
    pipeline = locked_pipeline.make_pipeline(locked.StandardScaler())
    for _ in range(29):
        pipeline = locked_pipeline.make_pipeline(pipeline)
    pipeline.fit([[0.0], [2.0]])
    lock = nl.lock(pipeline)
    assert nl.compare(pipeline, lock).ok
    pipeline.transform(np.array([[1.0]]))  # a list takes scikit-learn's own path, whose cost doubles with each level
    assert nl.fingerprint(nl.unlock(pipeline)) == lock.fingerprint


@pytest.mark.parametrize(
    "values",
    [
        [f"word {i}" * (1 + i % 40) for i in range(300)],
        ["a\0b", "\ud800", "\udc00", "é", "", *map(str, range(100))],
        [*range(-150, 150), 10**30],
        [*np.arange(99)],
        [0.5, -0.0, float("nan"), float("inf"), *map(float, range(1, 90))],
        ["x" * n for n in (255, 256, 257, 511, 512, 65_536, *range(80))],
        ["x" * n for n in (70_000, *range(80))],
        [f"feature_of_a_long_name_{i * 7919 % 500}" for i in range(500)],
        [f"{i * 7919 % 500:b}".replace("0", "\0").replace("1", "é") for i in range(500)],
        ["".join(chr(97 + i * p % 3) for p in (1, 2, 5, 7, 11, 13, 17, 19, 23)) + str(i) for i in range(400)],
    ],
)
def test_many_plain_values_are_encoded_as_one_by_one(values, monkeypatch):
    """A long list, dict or array of texts or numbers has the bytes that its items give one after the other."""
    array = np.empty(len(values), dtype=object)
    array[:] = values
    distinct = {value: i for i, value in enumerate(values)}
    state = {
        "list": values,
        "tuple": tuple(values),
        "array": array,
        "keys": distinct,
        "values": {i: value for i, value in enumerate(values)},
        "mixed": dict(zip(values, [None, *values], strict=False)),
    }
    whole = Walker().encode(state)
    monkeypatch.setattr("sklearn_normlock.fingerprints.bulk._MOVED", 1 << 17)
    assert Walker().encode(state) == whole
    monkeypatch.setattr("sklearn_normlock.fingerprints.canonical.BULK", float("inf"))
    assert Walker().encode(state) == whole
