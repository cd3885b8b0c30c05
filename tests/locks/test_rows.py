"""Rows in a lock come back exactly as they were: values, types, dtypes, names, order and index; or they are refused."""

# ruff: noqa: E501  (tables: one kind a line)

from __future__ import annotations

import datetime as dt
import json
import zoneinfo
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.preprocessing import FunctionTransformer, OrdinalEncoder

import sklearn_normlock as nl
from sklearn_normlock.documents.wellformed import rows_problem
from sklearn_normlock.errors import LockFormatError, NormLockError
from sklearn_normlock.probes.rows import decoded_rows, encoded_rows

BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")
EAST = dt.timezone(dt.timedelta(hours=2))


def back(rows: Any) -> Any:
    """Return rows after the way into a document, through JSON and its reader, and back."""
    document = json.loads(json.dumps(encoded_rows(rows)))
    assert rows_problem(document, False) is None
    return decoded_rows(document)


def same(a: Any, b: Any) -> bool:
    """Tell whether two values are of one type and equal, a missing one to itself."""
    if type(a) is not type(b):
        return False
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, dt.datetime) and a is not pd.NaT:
        return a == b and str(a.tzinfo) == str(b.tzinfo) and a.fold == b.fold
    return a is b or repr(a) == repr(b)


WHOLE = st.integers() | st.floats(allow_nan=True) | st.booleans() | st.none() | st.text()
TIMES = (
    st.dates()
    | st.times()
    | st.timedeltas()
    | st.datetimes()
    | st.datetimes(timezones=st.sampled_from([BERLIN, EAST, dt.timezone.utc]))
)
NUMPY = st.sampled_from(
    [np.float32(1.5), np.int8(-3), np.uint64(2**63), np.bool_(True), np.str_("a"), np.float64("nan")]
)
PANDAS = st.sampled_from([
    pd.NaT, pd.NA, pd.Timestamp("2024-10-27 02:30:00.123456789"), pd.Timestamp("2024-10-27 00:30", tz=BERLIN),
    pd.Timedelta("1ns"), pd.Timestamp("1900-01-01").as_unit("s"),
])  # fmt: skip
PLAIN = WHOLE | TIMES | NUMPY | PANDAS | st.decimals() | st.binary() | st.complex_numbers()
VALUES = st.recursive(
    PLAIN, lambda inner: st.lists(inner, max_size=3) | st.lists(inner, max_size=3).map(tuple) | st.dictionaries(st.text(), inner, max_size=3), max_leaves=5
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(VALUES, max_size=6))
def test_any_value_comes_back(values: list[Any]) -> None:
    """A list, and an array of objects, hold the same values of the same types as before."""
    assert same(back(values), values)
    array = np.empty(len(values), dtype=object)
    for i, value in enumerate(values):
        array[i] = value
    found = back(array)
    assert found.dtype == object
    assert same(found.tolist(), array.tolist())


COLUMNS = {
    "floats": [1.5, np.nan, -0.0],
    "float32": np.array([1, 2, 3], "f4"),
    "bytes": np.array([1, 2, 3], "u1"),
    "truths": [True, False, True],
    "mixed": pd.Series([1, "a", None], dtype=object),
    "dates": np.array(["2024-01-01", "NaT", "2024-02-29T12:00:00.000001"], "M8[ns]"),
    "seconds": np.array(["2024-01-01", "NaT", "1677-01-01"], "M8[s]"),
    "spans": np.array([1, 2, 3], "m8[ms]"),
    "zone": pd.Series(np.array(["2024-10-27T00:30", "NaT", "2024-01-01"], "M8[ns]")).dt.tz_localize("UTC").dt.tz_convert("Europe/Berlin"),
    "offset": pd.Series(np.array(["2024-10-27T00:30", "NaT", "2024-01-01"], "M8[ns]")).dt.tz_localize(EAST),
    "categories": pd.Categorical(["x", "y", None], categories=["y", "x", "unused"], ordered=True),
    "numbered": pd.Categorical([3, 1, 1]),
    "dated": pd.Categorical(pd.DatetimeIndex(["2024-01-01", "2023-01-01", None])),
    "nullable": pd.array([1, None, 2**60], "Int64"),
    "nullable floats": pd.array([1.5, None, np.inf], "Float32"),
    "nullable truths": pd.array([True, None, False], "boolean"),
    "text": pd.array(["a", None, ""], "string"),
    "decimals": pd.Series([Decimal("1.50"), Decimal("NaN"), None], dtype=object),
    "days": pd.Series([dt.date(2024, 2, 29), None, dt.date(1, 1, 1)], dtype=object),
    "moments": pd.Series([dt.datetime(2024, 10, 27, 2, 30, tzinfo=BERLIN, fold=1), None, pd.NaT], dtype=object),
}  # fmt: skip
INDEXES = [None, pd.Index([5, 7, 9]), pd.Index(["a", "b", "c"], name="key"), pd.RangeIndex(0, 6, 2),
           pd.date_range("2024-01-01", periods=3, tz="UTC")]  # fmt: skip


@pytest.mark.parametrize("name", COLUMNS)
@pytest.mark.parametrize("index", INDEXES, ids=str)
def test_a_frame_comes_back(name: str, index: Any) -> None:
    """Names, order, dtypes and index are what they were, and each value its own type."""
    frame = pd.DataFrame({name: COLUMNS[name], "other": [1, 2, 3]})
    frame = frame if index is None else frame.set_axis(index)
    found = back(frame)
    pd.testing.assert_frame_equal(found, frame, check_exact=True, check_freq=False, check_column_type=False)
    assert found.columns.tolist() == frame.columns.tolist()
    assert found.index.name == frame.index.name
    if frame[name].dtype == object:
        assert same(found[name].tolist(), frame[name].tolist())


def test_arrow_columns_come_back() -> None:
    """Arrow's dtypes, with their parameters, are what they were."""
    pa = pytest.importorskip("pyarrow", reason="columns of Arrow", exc_type=ImportError)
    decimals = pd.Series([Decimal("1.50"), None, Decimal("2.25")], dtype=pd.ArrowDtype(pa.decimal128(5, 2)))
    texts = pd.array(["a", None, "c"], dtype="string[pyarrow]")
    frame = pd.DataFrame({"whole": pd.Series([1, None, 3], dtype="int64[pyarrow]"), "exact": decimals, "text": texts})
    pd.testing.assert_frame_equal(back(frame), frame, check_exact=True)


def test_polars_frames_come_back() -> None:
    """Every kind of column of polars, missing values, units and zones."""
    pl = pytest.importorskip("polars")
    from polars.testing import assert_frame_equal

    frame = pl.DataFrame({
        "whole": [1, None, 3], "float": [1.5, float("nan"), None], "text": ["a", None, ""], "truth": [True, None, False],
        "date": [dt.date(2024, 1, 1), None, dt.date(1900, 1, 1)], "time": [dt.time(1, 2), None, None],
        "moment": [dt.datetime(2024, 1, 1), None, None], "bytes": [b"x", None, b""],
        "exact": [Decimal("1.50"), None, Decimal("2.25")], "span": [dt.timedelta(1), None, None],
    }).with_columns(
        zone=pl.col("moment").dt.replace_time_zone("Europe/Berlin"), fine=pl.col("moment").cast(pl.Datetime("ns")),
        named=pl.col("text").cast(pl.Categorical), few=pl.Series(["x", "y", None], dtype=pl.Enum(["y", "x"])),
        small=pl.Series([1, 2, 3], dtype=pl.UInt8),
    )  # fmt: skip
    found = back(frame)
    assert_frame_equal(found, frame, check_exact=True)
    assert found.schema == frame.schema


@pytest.mark.parametrize(
    "matrix",
    [sp.csr_matrix([[0, 1.5], [2, 0]]), sp.csc_matrix(np.eye(3, dtype="f4")), sp.coo_matrix([[0, 1], [1, 0]]),
     sp.lil_matrix([[0, 1.0]]), sp.csr_matrix((3, 4)), sp.csr_array([[0, 1.5]])],
    ids=lambda matrix: type(matrix).__name__,
)  # fmt: skip
def test_a_sparse_matrix_comes_back(matrix: Any) -> None:
    """Its layout, class, dtype and shape are what they were; nothing of it is made dense."""
    found = back(matrix)
    assert type(found) is type(matrix)
    assert (found.dtype, found.shape) == (matrix.dtype, matrix.shape)
    np.testing.assert_array_equal(found.toarray(), matrix.toarray())
    wide = sp.csr_matrix(([1.0], ([0], [999_999])), shape=(2, 1_000_000))
    assert len(json.dumps(encoded_rows(wide))) < 1_000


@pytest.mark.parametrize(
    "array",
    [np.array(["a", "bcd"]), np.array([b"a", b"bcd"]), np.array([1, 2], ">i4"), np.zeros((0, 3)), np.array(["2024"], "M8[D]"),
     np.asfortranarray([[1.0, 2.0], [3.0, 4.0]]), np.array([["a", 1], [None, 2.5]], dtype=object)],
    ids=lambda array: f"{array.dtype}",
)  # fmt: skip
def test_an_array_comes_back(array: np.ndarray) -> None:
    """Its dtype and shape are what they were."""
    found = back(array)
    assert (found.dtype, found.shape) == (array.dtype.newbyteorder("="), array.shape)
    np.testing.assert_array_equal(found, array)


class Foreign:
    """A value that no document can hold."""


@pytest.mark.parametrize(
    ("rows", "named"),
    [
        (pd.DataFrame({"a": [1], "place": [Foreign()]}), "column 'place' holds a test_rows.Foreign"),
        (pd.DataFrame({"month": pd.period_range("2024", periods=1, freq="M")}), "column 'month': its dtype is period"),
        (pd.DataFrame({"s": pd.array([1, 0], dtype="Sparse[int]")}), "column 's': its dtype is Sparse"),
        ([Foreign()], "hold a test_rows.Foreign"),
        (np.array([1j]), "complex128"),
        (pd.DataFrame([[1]], columns=pd.MultiIndex.from_tuples([("a", "b")])), "several levels"),
    ],
)
def test_what_can_not_be_kept_is_refused_by_name(rows: Any, named: str) -> None:
    """The message names the column and the type, and nothing is dropped."""
    with pytest.raises(TypeError, match=named):
        encoded_rows(rows)
    if not isinstance(rows, list):
        with pytest.raises(NormLockError, match=named):
            nl.lock(FunctionTransformer().fit(np.zeros((1, rows.shape[-1]))), rows)


def test_rows_of_the_user_decide() -> None:
    """A function over named columns of dates is probed with rows that are handed over."""
    frame = pd.DataFrame({"when": COLUMNS["dates"], "kind": COLUMNS["categories"]}).iloc[[0, 2]]
    est = OrdinalEncoder().fit(frame[["kind"]].astype(str))
    assert nl.lock(FunctionTransformer(year).fit(frame), frame).probes[0].outputs
    assert nl.verify(est, nl.lock(est, frame[["kind"]].astype(str))).ok


def year(frame: Any) -> Any:
    """Stand in for a user's own function over columns."""
    return frame[["when"]].apply(lambda column: column.dt.year)


def mutations(document: Any) -> Any:
    """Yield copies of a document with one value replaced or removed."""
    for bad in (None, -1, "x", [], {}, 1e400):
        for path in _paths(document):
            copy = json.loads(json.dumps(document))
            place = copy
            for key in path[:-1]:
                place = place[key]
            place[path[-1]] = bad
            yield copy


def _paths(node: Any, path: tuple[Any, ...] = ()) -> Any:
    for key, value in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        yield (*path, key)
        yield from _paths(value, (*path, key))


@pytest.mark.parametrize("name", ["zone", "categories", "nullable", "text", "moments", "mixed"])
def test_a_damaged_document_is_named(name: str) -> None:
    """Whatever stands in place of a value is refused by the reader, or read, or raises an error of ours."""
    document = json.loads(json.dumps(encoded_rows(pd.DataFrame({name: COLUMNS[name]}))))
    for damaged in mutations(document):
        if rows_problem(damaged, False) is None:
            try:
                decoded_rows(damaged)
            except (LockFormatError, NormLockError):
                pass


def test_texts_of_pyarrow_are_read_without_it(monkeypatch):
    """The same texts are had from pandas alone: what differs is where they lie."""
    pytest.importorskip("pyarrow")
    try:
        dtype = pd.StringDtype("pyarrow", na_value=np.nan)
    except TypeError:
        pytest.skip("pandas 2.3 brought texts with NaN")
    frame = pd.DataFrame({"a": pd.array(["x", None], dtype=dtype)})
    document = encoded_rows(frame)
    monkeypatch.setattr("sklearn_normlock.probes.columns.find_spec", lambda name: None)
    again = decoded_rows(document)
    assert again["a"].dtype.storage == "python"
    assert again["a"][0] == "x" and again["a"].isna().tolist() == [False, True]
