"""The fast path of data frames gives what scikit-learn gives: every bit, dtype, order, error and warning."""

from __future__ import annotations

import copy
import gc
import weakref

import frame_models
import numpy as np
import pandas as pd
import pytest
from fast_models import described, outcome
from frame_models import FRAME, TEXTS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import _get_feature_names

import sklearn_normlock as nl
from sklearn_normlock import preprocessing
from sklearn_normlock.kernels import METHODS, fast_paths
from sklearn_normlock.seals.mixin import usual

OBJECTS = dict(frame_models.sealed())
STOCK = {name: nl.unlock(est) for name, est in OBJECTS.items()}
CALLS = [(name, method) for name, est in OBJECTS.items() for method in METHODS if method in fast_paths(est)[""]]
CALLS = [(name, method) for name, method in CALLS if method != "inverse_transform"]
IDS = [f"{name}-{method}" for name, method in CALLS]
SETTINGS = {"deadline": None, "database": None, "derandomize": True, "suppress_health_check": list(HealthCheck)}

TEXT_DTYPES = ["as it is", "as it is", "object", "string", "category", "python strings", "numbers"]
NUMBER_DTYPES = ["f8", "f8", "f8", "f4", "i8", "i2", "?", "u8", "Float64", "Int64", "object", "M8[ns]"]
MISSING = [np.nan, None, pd.NA, pd.NA, pd.NaT, "never seen", "", "Bonn", 7, True, 2.5, float("inf"), (1, 2), [1]]


def converted(column, dtype):
    with np.errstate(all="ignore"):
        try:
            if dtype in ("i8", "i2", "?", "u8", "Int64", "M8[ns]"):
                column = np.abs(column.fillna(0)).round()
            return column.astype(dtype)
        except (TypeError, ValueError, OverflowError):
            return column


@st.composite
def frames(draw, names):
    """Draw a frame that somebody may pass to an object fitted on these columns."""
    n = draw(st.sampled_from([1, 1, 1, 1, 2, 3, 40, 0]))
    frame = frame_models.rows(n, seed=draw(st.integers(0, 999)))
    if draw(st.booleans()):
        frame = frame_models.with_gaps(frame, seed=n)
    frame = frame[list(names)]
    kind = draw(st.sampled_from(["usual", "usual", "usual", "typed", "typed", "values"]))
    if kind != "usual":
        texts, numbers = draw(st.sampled_from(TEXT_DTYPES)), draw(st.sampled_from(NUMBER_DTYPES))
        only = draw(st.sampled_from([None, None, *names]))
        for name in names:
            if only is not None and name != only:
                continue
            if name not in TEXTS:
                frame[name] = converted(frame[name], numbers)
            elif texts in ("object", "string", "category"):
                frame[name] = frame[name].astype(texts)
            elif texts == "numbers":
                frame[name] = np.arange(n)
    if kind == "values" and n:
        name = draw(st.sampled_from(list(names)))
        values = frame[name].astype(object).tolist()
        values[draw(st.integers(0, n - 1))] = draw(st.sampled_from(MISSING))
        frame[name] = pd.Series(values, dtype=object, index=frame.index)
    columns = list(names)
    change = draw(st.sampled_from(["none"] * 5 + ["shuffled", "more", "less", "twice", "numbered", "mixed"]))
    if change == "shuffled":
        columns = draw(st.permutations(columns))
        frame = frame[list(columns)]
    elif change == "more":
        frame.insert(draw(st.integers(0, len(columns))), "extra", 1)
    elif change == "less":
        frame = frame.drop(columns=draw(st.sampled_from(columns)))
    elif change == "twice":
        frame = pd.concat([frame, frame[columns[:1]]], axis=1)
    elif change == "numbered":
        frame.columns = range(frame.shape[1])
    elif change == "mixed":
        frame.columns = [*frame.columns[:-1], 7]
    if draw(st.integers(0, 3)) == 0:
        frame.index = pd.Index([f"row {i}" for i in range(n)])
    library = draw(st.sampled_from(["pandas", "pandas", "pandas", "polars", "subclass", "array", "view"]))
    if library == "polars":
        polars = pytest.importorskip("polars")
        try:
            return polars.DataFrame({name: frame[name].tolist() for name in frame.columns})
        except Exception:  # a frame that polars doesn't make
            return frame
    if library == "subclass":
        return type("Mine", (pd.DataFrame,), {})(frame)
    if library == "array":
        return frame.to_numpy()
    if library == "view":
        return pd.concat([frame, frame], ignore_index=True).iloc[::-2]
    return frame


def told(result):
    if sparse.issparse(result):
        parts = (result.data, result.indices, result.indptr)
        return type(result), result.shape, result.has_sorted_indices, [described(part) for part in parts]
    if isinstance(result, np.ndarray) and result.dtype.hasobject:
        flags = result.flags
        return result.shape, flags.c_contiguous, flags.f_contiguous, repr(result.tolist())
    return result


def same(name, method, data):
    fast, plain = (outcome(est, method, data, told) for est in (OBJECTS[name], STOCK[name]))
    assert fast == plain


def names_of(name):
    return OBJECTS[name].feature_names_in_.tolist()


@pytest.mark.parametrize(("name", "method"), CALLS, ids=IDS)
def test_the_fast_path_changes_nothing(name, method):
    """Whatever frame is passed: the same bits, dtype, order and container, or the same error; and the same warnings."""

    @settings(max_examples=8, **SETTINGS)
    @given(frames(names_of(name)))
    def check(data):
        same(name, method, data)

    check()


@pytest.mark.campaign
@pytest.mark.parametrize(("name", "method"), CALLS, ids=IDS)
def test_the_fast_path_changes_nothing_at_length(name, method):
    """As above, over more frames each."""

    @settings(max_examples=40, **SETTINGS)
    @given(frames(names_of(name)))
    def check(data):
        same(name, method, data)

    check()


def test_these_have_a_fast_path():
    """What is compared here is the fast path, and not scikit-learn's with itself."""
    assert {name for name, _ in CALLS} == set(OBJECTS)


@pytest.mark.parametrize(("name", "method"), CALLS, ids=IDS)
@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_an_ordinary_row_never_reaches_scikit_learn(name, method, library, monkeypatch):
    """One row of the columns that were fitted, in any order that is allowed, takes the fast path."""
    est = OBJECTS[name]
    if library == "polars":
        polars = pytest.importorskip("polars")
        if _get_feature_names(polars.DataFrame({"a": [1.0]})) is None:
            pytest.skip("this scikit-learn doesn't see the names of this polars")
        if names_of(name) == ["visits", "plan"] or "scikit-learn's own" in name:
            pytest.skip("polars converts integers and texts as a whole")
        if "rest" in name or name == "columns of functions":
            pytest.skip("polars' integers are joined as scikit-learn does")
        if name == "FunctionTransformer of logarithms":
            pytest.skip("a function makes an array of polars' columns, and the next step misses their names")
    if "scikit-learn's own" in name:
        pytest.skip("one of its transformers is scikit-learn's")
    row = FRAME[names_of(name)][:1]
    if library == "polars":
        row = polars.DataFrame({column: row[column].tolist() for column in row})
    expected = outcome(STOCK[name], method, row, told)

    def refused(*args, **kwargs):
        raise AssertionError("scikit-learn's own method was called")

    monkeypatch.setattr("sklearn.utils.validation.check_is_fitted", refused)
    for module in ("preprocessing._encoders", "preprocessing._data", "impute._base", "compose._column_transformer"):
        monkeypatch.setattr(f"sklearn.{module}.check_is_fitted", refused)
    assert usual()
    assert outcome(est, method, row, told) == expected


def test_a_kernel_does_not_keep_its_object_alive():
    """An object that was used goes when nobody holds it, and its kernels with it."""
    copies = [copy.deepcopy(est) for est in OBJECTS.values()]
    assert all(fast_paths(est)[""] for est in copies)
    alive = [weakref.ref(est) for est in copies]
    copies.clear()
    gc.collect()
    assert [name for name, reference in zip(OBJECTS, alive, strict=True) if reference() is not None] == []


class Flat(BaseEstimator, TransformerMixin):
    """Gives one dimension too few, but not when it is fitted."""

    def fit(self, X, y=None):
        return self

    def fit_transform(self, X, y=None):
        return np.zeros((len(X), 1))

    def transform(self, X):
        return np.zeros(len(X))


def test_what_a_transformer_of_the_users_gives_is_judged_by_scikit_learn():
    """A transformer without a kernel, beside others that have one, raises and warns as it does in scikit-learn's."""
    est = frame_models.on_columns(preprocessing.StandardScaler(), Flat()).fit(FRAME)
    stock = nl.unlock(est)
    assert fast_paths(est)[""] == ("transform",)
    for data in (FRAME[:1], FRAME[:7], FRAME.drop(columns="city"), FRAME[FRAME.columns[::-1]]):
        told_by = [outcome(each, "transform", data) for each in (est, stock)]
        assert told_by[0] == told_by[1]
        assert told_by[0][0][0] is ValueError
