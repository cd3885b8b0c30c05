"""Section 7 of ``docs/spec.md``: the state that an object counts by is the one that the text says."""

import collections
import enum
import functools
import operator
import re
from datetime import date
from decimal import Decimal
from typing import NamedTuple

import numpy as np
import pytest
import scipy.sparse as sp
import spec_reference as reference
from scipy.interpolate import BSpline
from sklearn.base import BaseEstimator
from sklearn.neighbors import KDTree
from sklearn.preprocessing import KBinsDiscretizer, MultiLabelBinarizer
from spec_values import describe

from sklearn_normlock.fingerprints.canonical import Walker


class Pair(NamedTuple):
    left: int
    right: str


class Plain:
    def __init__(self):
        self.a, self.memory, self._mlflow_run = 1, 2, 3


class Slotted:
    __slots__ = ("__dict__", "a")

    def __init__(self):
        self.a, self.b = 1, 2


class Empty:
    pass


class Odd:
    """Hands pickle a pair that isn't of attributes and slots."""

    def __getstate__(self):
        return ([], {"a": 1})


class Items(list):
    pass


class Pairs(dict):
    pass


class Constant:
    def __reduce__(self):
        return "CONSTANT"


CONSTANT = Constant()


class Made:
    def __reduce__(self):
        return make, (1, "a")


def make(*args):
    return Made()


@functools.lru_cache
def cached(x):
    return x


class Colour(enum.Enum):
    RED = "red"


class Access(enum.Flag):
    READ = 1
    WRITE = 2


class Sub(np.ndarray):
    def __array_finalize__(self, obj):
        self.unit = "m"


class Named(BaseEstimator):
    """Has parameters, and no fit: it counts by what it hands to pickle."""

    def __init__(self, a=1, n_jobs=None):
        self.a, self.n_jobs = a, n_jobs


HERE = __name__
two_by_two = sp.csr_matrix(([1.0, 2.0], ([0, 1], [1, 0])), shape=(2, 2))
cells = {
    "data": np.array([1.0, 2.0]),
    "indices": np.array([1, 0], "i8"),
    "indptr": np.array([0, 1, 2], "i8"),
}
in_a_row = {**cells, "indices": np.array([1, 2], "i8"), "indptr": np.array([0, 2], "i8")}

# value, name, state
STATES = {
    "named tuple": (Pair(1, "a"), f"{HERE}:Pair", {"left": 1, "right": "a"}),
    "attributes": (Plain(), f"{HERE}:Plain", {"a": 1, "memory": 2}),
    "attributes and slots": (Slotted(), f"{HERE}:Slotted", {"a": 1, "b": 2}),
    "no attributes": (Empty(), f"{HERE}:Empty", {}),
    "another pair": (Odd(), f"{HERE}:Odd", {"(state)": ([], {"a": 1})}),
    "items": (Items([1, 2]), f"{HERE}:Items", {"(items)": [1, 2]}),
    "pairs": (Pairs(a=1), f"{HERE}:Pairs", {"(pairs)": {"a": 1}}),
    "arguments of a class": (Decimal("1.50"), "decimal:Decimal", {"(args)": ("1.50",)}),
    "arguments of a counter": (collections.Counter("a"), "collections:Counter", {"(args)": ({"a": 1},)}),
    "arguments of a function": (Made(), f"{HERE}:make", {"(args)": (1, "a")}),
    "a registered reducer": (re.compile("a"), "re:_compile", {"(args)": ("a", 32)}),
    "a getter": (operator.itemgetter(1), "operator:itemgetter", {"(args)": (1,)}),
    "a name": (CONSTANT, f"{HERE}:Constant", {"name": f"{HERE}:CONSTANT"}),
    "a cached function": (cached, "functools:_lru_cache_wrapper", {"name": f"{HERE}:cached"}),
    "parameters without fit": (Named(), f"{HERE}:Named", {"a": 1}),
    "enumeration": (Colour.RED, f"{HERE}:Colour", {"name": "RED"}),
    "flags": (Access.READ | Access.WRITE, f"{HERE}:Access", {"value": 3}),
    "random state": (np.random.RandomState(0), "numpy.random.mtrand:RandomState", {"bits": "MT19937"}),
    "random generator": (np.random.default_rng(0), "numpy.random:Generator", {"bits": "PCG64"}),
    "array subclass": (np.ones(2).view(Sub), f"{HERE}:Sub", {"(array)": np.ones(2), "unit": "m"}),
    "masked": (
        np.ma.masked_equal([1, 2], 2),
        "numpy.ma:MaskedArray",
        {"shape": (2,), "mask": np.array([False, True]), "values": np.array([1])},
    ),
    "sparse": (two_by_two, "scipy.sparse:csr_matrix", {"shape": (2, 2), **cells}),
    "sparse of lists": (two_by_two.tolil(), "scipy.sparse:lil_matrix", {"shape": (2, 2), **cells}),
    "spline": (
        BSpline([0.0, 1.0, 2.0], [1.0, 2.0], 0),
        "scipy.interpolate:BSpline",
        {"t": np.array([0.0, 1.0, 2.0]), "c": np.array([1.0, 2.0]), "k": 0, "extrapolate": True, "axis": 0},
    ),
}
if sp.coo_array(np.ones(4)).ndim == 1:  # SciPy 1.13 and later
    STATES["sparse vector"] = (
        sp.coo_array(np.array([0.0, 1.0, 2.0, 0.0])),
        "scipy.sparse:coo_array",
        {"shape": (4,), **in_a_row},
    )


def encoded(value):
    return Walker().encode(value)


def expected(name, state):
    doc = {"type": "object", "class": name, "attributes": {key: describe(value) for key, value in state.items()}}
    return reference.enc(doc)


@pytest.mark.parametrize("case", STATES)
def test_state(case):
    """An object that is no estimator counts by the name and the state that clauses 7.1, 7.6 and 7.7 give it."""
    value, name, state = STATES[case]
    assert encoded(value) == expected(name, state)


@pytest.mark.parametrize("prefix", ["", "_"])
def test_a_spline_that_another_scipy_pickled(prefix):
    """SciPy 1.16 renamed what a spline keeps; one unpickled across that is what it was, though it can't be called."""
    spline, name, state = STATES["spline"]
    other = BSpline.__new__(BSpline)
    kept = {f"{prefix}{key}" if key in "tc" else key: value for key, value in state.items()}
    vars(other).update(kept)
    assert encoded(other) == encoded(spline) == expected(name, state)
    vars(other)[f"{prefix}c"] = np.nextafter(state["c"], 9)
    assert encoded(other) != encoded(spline)


def test_date():
    """A date counts by its class and the bytes it hands to pickle."""
    argument = {"type": "tuple", "items": [{"type": "bytes", "hex": "07e40102"}]}
    doc = {"type": "object", "class": "datetime:date", "attributes": {"(args)": argument}}
    assert encoded(date(2020, 1, 2)) == reference.enc(doc)


def test_neighbours_tree():
    """A tree counts without the items 7 to 10 of its state, which change when it is used."""
    tree = KDTree(np.arange(12.0).reshape(6, 2))
    before = encoded(tree)
    items = [item for i, item in enumerate(tree.__getstate__()) if not 7 <= i <= 10]
    tree.query([[1.0, 1.0]], k=2)
    assert encoded(tree) == before
    inner = b"nl1\0object" + reference.frame(b"sklearn.neighbors:KDTree") + reference.u64(1)
    inner += reference.frame(b"(state)") + b"#" + reference.sha(encoded(items))
    assert before == b"O" + reference.sha(inner)


def test_pandas_and_polars():
    """Frames, series and indices count by the names and states of the table of clause 7.7."""
    pd = pytest.importorskip("pandas")
    span = {"type": "range", **{k: describe(v) for k, v in {"start": 0, "stop": 2, "step": 1}.items()}}
    index = {"type": "object", "class": "pandas:RangeIndex", "attributes": {"name": describe(None), "range": span}}
    series = {"name": describe("x"), "dtype": describe("float64"), "values": describe(np.array([1.0, 2.0]))}
    doc = {"type": "object", "class": "pandas:Series", "attributes": {**series, "index": index}}
    assert encoded(pd.Series([1.0, 2.0], name="x")) == reference.enc(doc)
    pl = pytest.importorskip("polars")
    column = {"name": "x", "dtype": "Float64", "values": [1.0, None]}
    assert encoded(pl.Series("x", [1.0, None])) == expected("polars:Series", column)


def test_what_7_4_leaves_out():
    """A cache of MultiLabelBinarizer and the encoder's dtype in KBinsDiscretizer don't count."""
    binarizer = MultiLabelBinarizer().fit([("a", "b")])
    before = encoded(binarizer)
    binarizer.transform([("a",)])
    assert encoded(binarizer) == before
    bins = KBinsDiscretizer(2, strategy="uniform", subsample=None).fit(np.arange(6.0)[:, None])
    before = encoded(bins)
    bins._encoder.dtype = np.float32
    assert encoded(bins) == before
    bins._encoder.drop = "first"
    assert encoded(bins) != before


def test_times_of_a_search():
    """Of cv_results_ the four columns of times don't count, and a parameter whose name ends like them does."""

    def search(**results):
        found = Search()
        found.cv_results_ = {"mean_test_score": 1.0, **results}
        return encoded(found)

    times = {f"{what}_{of}_time": 3.0 for what in ("mean", "std") for of in ("fit", "score")}
    assert search(**times) == search()
    assert search(param_warmup_time=3.0) != search()


class Search(BaseEstimator):
    def fit(self, X, y=None):
        return self
