"""Odd inputs and every parameter of an encoder: the fast path gives what scikit-learn gives, or hands over."""

from __future__ import annotations

import warnings

import fast_models
import frame_models
import numpy as np
import pandas as pd
import pytest
from fast_models import WIDTH, described, outcome
from frame_models import NUMBERS, TEXTS
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from scipy import sparse

import sklearn_normlock as nl
from sklearn_normlock.feature_selection import (
    GenericUnivariateSelect,
    SelectFdr,
    SelectFpr,
    SelectFwe,
    SelectPercentile,
)
from sklearn_normlock.impute import MissingIndicator, SimpleImputer
from sklearn_normlock.kernels import fast_paths, frames
from sklearn_normlock.kernels.compiler import VERSION
from sklearn_normlock.kernels.encoders import _CODED
from sklearn_normlock.preprocessing import KBinsDiscretizer, OneHotEncoder, OrdinalEncoder, TargetEncoder

SETTINGS = {"deadline": None, "database": None, "derandomize": True, "suppress_health_check": list(HealthCheck)}
FRAMED = dict(frame_models.sealed())
STOCK_FRAMED = {name: nl.unlock(est) for name, est in FRAMED.items()}
ARRAYS = dict(fast_models.sealed())
STOCK_ARRAYS = {name: nl.unlock(est) for name, est in ARRAYS.items()}
CALLED = ("transform", "predict", "predict_proba", "decision_function")


def told(result):
    """Return all that can be told of a result: of a frame its names, index, dtypes and values, too."""
    if sparse.issparse(result):
        parts = (result.data, result.indices, result.indptr) if hasattr(result, "indptr") else (result.toarray(),)
        return type(result), result.shape, [described(part) for part in parts]
    if isinstance(result, pd.DataFrame):
        axes = [(type(axis), axis.dtype, axis.names, axis.tolist()) for axis in (result.columns, result.index)]
        return type(result), axes, [str(dtype) for dtype in result.dtypes], repr(result.to_dict("split"))
    if type(result).__name__ == "DataFrame":  # of polars
        return type(result), result.schema, repr(result.rows())
    if isinstance(result, np.ndarray) and result.dtype.hasobject:
        flags = result.flags
        return result.shape, flags.c_contiguous, flags.f_contiguous, repr(result.tolist())
    return described(result)


def same(est, stock, data):
    for method in CALLED:
        if hasattr(stock, method):
            assert outcome(est, method, data, told) == outcome(stock, method, data, told)


# -- frames of pandas ------------------------------------------------------------------------------------------------


def _missing(column):
    """Return which rows of a column are to be missing: the second, and so on, but not the only one of a single row."""
    return np.arange(len(column)) % 3 == 1 if len(column) > 1 else np.zeros(len(column), bool)


def _typed(dtype, *, missing=None, all_missing=False):
    def change(column):
        text = column.name in TEXTS
        if text != (dtype in _OF_TEXT):
            return column
        if not text:
            column = column.fillna(1).abs().round() if dtype in _WHOLE else column
        column = column.astype(dtype)
        if missing is not None:
            column[_missing(column) | all_missing] = missing
        return column

    return change


def _as_objects(value):
    def change(column):
        column = column.astype(object)
        column[_missing(column) | (len(column) == 1)] = value
        return column

    return change


_OF_TEXT = ("string", "string[python]", "string[pyarrow]", "object", "category", "large_string[pyarrow]")
_WHOLE = ("Int64", "Int8", "UInt16", "int8", "uint8", "int64[pyarrow]", "?", "boolean")
COLUMNS = {
    "as they are": lambda column: column,
    **{
        f"{dtype}": _typed(dtype)
        for dtype in ("int8", "uint8", "f2", ">f8", "?", "Float32", "Int8", "UInt16", "boolean")
    },
    **{
        f"{dtype} with NA": _typed(dtype, missing=pd.NA)
        for dtype in ("Float64", "Int64", "boolean", "string", "string[python]", "object")
    },
    **{f"{dtype} all NA": _typed(dtype, missing=pd.NA, all_missing=True) for dtype in ("Float64", "Int64", "string")},
    **{f"{dtype} with NaN": _typed(dtype, missing=np.nan) for dtype in ("category", "object", "string", "f4")},
    "object with None": _typed("object", missing=None),
    "arrow numbers": _typed("double[pyarrow]"),
    "arrow numbers with NA": _typed("double[pyarrow]", missing=pd.NA),
    "arrow integers": _typed("int64[pyarrow]"),
    "arrow texts": _typed("string[pyarrow]"),
    "arrow texts with NA": _typed("string[pyarrow]", missing=pd.NA),
    "large arrow texts": _typed("large_string[pyarrow]"),
    "sparse": lambda column: column if column.name in TEXTS else column.astype(pd.SparseDtype(float, np.nan)),
    "complex": lambda column: column if column.name in TEXTS else column + 0j,
    "times": lambda column: column if column.name in TEXTS else pd.to_datetime(column.fillna(0)),
    **{
        f"objects with {value!r}": _as_objects(value)
        for value in (1, 1.5, True, None, np.nan, pd.NaT, "7", b"Bonn", np.str_("Bonn"), np.float64(2), 10**30, ())
    },
}
SHAPES = {
    "as it is": lambda frame: frame,
    "named axes": lambda frame: frame.rename_axis(columns="feature", index="customer"),
    "dates as index": lambda frame: frame.set_index(pd.date_range("2020-01-01", periods=len(frame), name="day")),
    "two levels of index": lambda frame: frame.set_index(
        pd.MultiIndex.from_arrays([range(len(frame)), range(len(frame))], names=["a", None])
    ),
    "two levels of columns": lambda frame: frame.set_axis(pd.MultiIndex.from_product([["a"], frame.columns]), axis=1),
    "categories as names": lambda frame: frame.set_axis(pd.CategoricalIndex(frame.columns), axis=1),
    "objects as names": lambda frame: frame.set_axis(pd.Index(frame.columns.tolist(), dtype=object), axis=1),
    "strings as names": lambda frame: frame.set_axis(pd.Index(frame.columns.tolist(), dtype="string"), axis=1),
    "one name missing": lambda frame: frame.set_axis([*frame.columns[:-1], None], axis=1),
    "one name twice": lambda frame: frame.set_axis([frame.columns[-1], *frame.columns[1:]], axis=1),
    "another name": lambda frame: frame.set_axis([*frame.columns[:-1], "other"], axis=1),
    "reversed": lambda frame: frame[frame.columns[::-1]],
    "a column more": lambda frame: frame.assign(more="text"),
    "a slice": lambda frame: pd.concat([frame, frame], ignore_index=True)[::2],
    "a transposed block": lambda frame: frame.T.copy().T,
    "no rows": lambda frame: frame[:0],
    "no columns": lambda frame: frame[[]],
    "a subclass": lambda frame: type("Mine", (pd.DataFrame,), {})(frame),
    "one column as series": lambda frame: frame[frame.columns[0]],
    "an array": lambda frame: frame.to_numpy(),
    "column by column": lambda frame: pd.concat([frame[[name]] for name in frame], axis=1),
    "read-only": lambda frame: _read_only(frame),
}


def _read_only(frame):
    for column in frame.columns:
        values = frame[column].to_numpy()
        if isinstance(values, np.ndarray):
            values.flags.writeable = False
    return frame


@st.composite
def odd_frames(draw, names):
    frame = frame_models.rows(draw(st.sampled_from([1, 1, 2, 7])), seed=draw(st.integers(0, 99)))[list(names)]
    change = COLUMNS[draw(st.sampled_from(list(COLUMNS)))]
    only = draw(st.sampled_from([None, None, *names]))
    for name in names if only is None else [only]:
        try:
            frame[name] = change(frame[name])
        except Exception:  # a dtype that this pandas doesn't make, or that wants another library
            pass
    try:
        return SHAPES[draw(st.sampled_from(["as it is"] * 8 + list(SHAPES)))](frame)
    except Exception:
        return frame


def odd_frames_are_the_same(name, examples):
    names = FRAMED[name].feature_names_in_.tolist()

    @settings(max_examples=examples, **SETTINGS)
    @given(odd_frames(names))
    def check(data):
        same(FRAMED[name], STOCK_FRAMED[name], data)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what pandas says of such a frame
        check()


@pytest.mark.parametrize("name", FRAMED)
def test_odd_frames(name):
    """Columns and axes of any kind give scikit-learn's values, names and index, or its error."""
    odd_frames_are_the_same(name, 12)


@pytest.mark.campaign
@pytest.mark.parametrize("name", FRAMED)
def test_odd_frames_at_length(name):
    """As above, over more frames."""
    odd_frames_are_the_same(name, 150)


@pytest.mark.parametrize("name", FRAMED)
def test_a_pandas_that_keeps_its_columns_otherwise(name, monkeypatch):
    """Without what is not public of pandas, the same comes out."""
    expected = {rows: told(STOCK_FRAMED[name].__getattribute__(_first(name))(_of(name, rows))) for rows in (1, 9)}
    monkeypatch.setattr(frames.PandasFrame, "_blocks", lambda self: ())
    for rows, each in expected.items():
        assert told(getattr(FRAMED[name], _first(name))(_of(name, rows))) == each


def _first(name):
    return next(method for method in CALLED if hasattr(STOCK_FRAMED[name], method))


def _of(name, rows):
    return frame_models.FRAME[FRAMED[name].feature_names_in_.tolist()][:rows]


# -- frames of polars ------------------------------------------------------------------------------------------------


POLARS = {
    "as they are": lambda polars, column: column,
    "nulls": lambda polars, column: column.set(polars.Series([True] + [False] * (len(column) - 1)), None),
    "all nulls": lambda polars, column: polars.Series(column.name, [None] * len(column), dtype=column.dtype),
    "of null": lambda polars, column: polars.Series(column.name, [None] * len(column)),
    "categories": lambda polars, column: column.cast(polars.Categorical) if column.name in TEXTS else column,
    "an enum": lambda polars, column: (
        column.cast(polars.Enum(sorted({*column.to_list()}))) if column.name in TEXTS else column
    ),
    **{
        dtype: lambda polars, column, dtype=dtype: (
            column if column.name in TEXTS else column.fill_nan(0).abs().clip(0, 99).cast(getattr(polars, dtype))
        )
        for dtype in ("Float32", "Int64", "Int8", "UInt8", "Boolean", "Date", "Datetime", "Decimal")
    },
    "NaN": lambda polars, column: column * float("nan") if column.dtype == polars.Float64 else column,
    "infinite": lambda polars, column: column * float("inf") if column.dtype == polars.Float64 else column,
    "objects": lambda polars, column: polars.Series(column.name, column.to_list(), dtype=polars.Object),
    "lists": lambda polars, column: polars.Series(column.name, [[value] for value in column.to_list()]),
    "chunks": lambda polars, column: column[:1].append(column[1:]),
}


@st.composite
def odd_polars(draw, names):
    polars = pytest.importorskip("polars")
    frame = frame_models.rows(draw(st.sampled_from([1, 1, 2, 7])), seed=draw(st.integers(0, 99)))[list(names)]
    columns = [polars.Series(name, frame[name].tolist()) for name in names]
    change, only = POLARS[draw(st.sampled_from(list(POLARS)))], draw(st.sampled_from([None, None, *names]))
    for i, name in enumerate(names):
        if only is None or only == name:
            try:
                columns[i] = change(polars, columns[i])
            except Exception:  # a dtype that this polars doesn't make
                pass
    shape = draw(st.sampled_from(["as it is"] * 6 + ["reversed", "no rows", "lazy", "another name", "subclass"]))
    made = polars.DataFrame(columns[::-1] if shape == "reversed" else columns)
    if shape == "no rows":
        return made[:0]
    if shape == "lazy":
        return made.lazy()
    if shape == "another name":
        return made.rename({names[0]: "other"})
    return type("Mine", (polars.DataFrame,), {})(made) if shape == "subclass" else made


def odd_polars_are_the_same(name, examples):
    @settings(max_examples=examples, **SETTINGS)
    @given(odd_polars(FRAMED[name].feature_names_in_.tolist()))
    def check(data):
        same(FRAMED[name], STOCK_FRAMED[name], data)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check()


@pytest.mark.parametrize("name", FRAMED)
def test_odd_frames_of_polars(name):
    """Nulls, categories, enums and dtypes of any kind give scikit-learn's result, or its error."""
    odd_polars_are_the_same(name, 8)


@pytest.mark.campaign
@pytest.mark.parametrize("name", FRAMED)
def test_odd_frames_of_polars_at_length(name):
    """As above, over more frames."""
    odd_polars_are_the_same(name, 80)


# -- many rows: the codes that a library has of its own ------------------------------------------------------------


ENCODERS = [name for name in FRAMED if name.startswith(("OneHotEncoder", "OrdinalEncoder", "TargetEncoder"))]
TEXTUAL = ["as they are", "category", "category with NaN", "object with None", "string", "string with NA"]
TEXTUAL += ["arrow texts", "arrow texts with NA", "large arrow texts", "string[python]", "objects with 1"]


def many_rows(seed):
    """Yield frames of several hundred rows: as drawn, with a city that was never seen, and with an empty text."""
    frame = frame_models.rows(_CODED + seed, seed=seed)
    yield frame
    for odd in ("never seen", ""):
        frame = frame.copy()
        frame["city"] = frame["city"].astype(object)
        frame.loc[7, "city"] = odd
        yield frame


@pytest.mark.parametrize("name", ENCODERS)
def test_many_rows_of_texts(name):
    """Columns of texts and categories that are looked up by their own codes give what scikit-learn gives."""
    names = FRAMED[name].feature_names_in_.tolist()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for frame in many_rows(seed=1):
            for kind in TEXTUAL:
                data = frame[names].copy()
                for column in names:
                    try:
                        data[column] = COLUMNS[kind](data[column])
                    except Exception:  # a dtype that this pandas doesn't make
                        pass
                same(FRAMED[name], STOCK_FRAMED[name], data)
                same(FRAMED[name], STOCK_FRAMED[name], pd.concat([data, data[:3]], ignore_index=True))  # in chunks


@pytest.mark.parametrize("name", ENCODERS)
def test_many_rows_of_texts_of_polars(name):
    """The same, of polars."""
    polars = pytest.importorskip("polars")
    names = FRAMED[name].feature_names_in_.tolist()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for frame in many_rows(seed=2):
            for kind in ("as they are", "nulls", "categories", "an enum", "chunks"):
                columns = [POLARS[kind](polars, polars.Series(each, frame[each].tolist())) for each in names]
                same(FRAMED[name], STOCK_FRAMED[name], polars.DataFrame(columns))


@pytest.mark.parametrize("kind", ["pandas", "polars"])
def test_texts_are_read_by_codes(kind, monkeypatch):
    """What is compared above are the codes: a column is not read text by text."""
    frame = frame_models.rows(_CODED)[TEXTS]
    if kind == "pandas":
        frame, reader = frame.astype("category"), frames.PandasFrame
    else:
        # A text that is no category is read one by one.
        frame = frame.replace({"city": ["Celle", "Dessau", "Essen"]}, "Bonn").to_dict("list")
        frame, reader = pytest.importorskip("polars").DataFrame(frame), frames.PolarsFrame
    if frames.frame_of(frame) is None:
        pytest.skip("this scikit-learn doesn't see the names of its columns")
    expected = told(STOCK_FRAMED["OneHotEncoder that ignores"].transform(frame))
    monkeypatch.setattr(reader, "values", None)
    assert told(FRAMED["OneHotEncoder that ignores"].transform(frame)) == expected


# -- arrays ----------------------------------------------------------------------------------------------------------


class Plain:
    """Something that is an array only if it is asked."""

    def __init__(self, array):
        self.array = array

    def __array__(self, dtype=None, copy=None):
        return np.array(self.array, dtype=dtype)

    def __len__(self):
        return len(self.array)


def _mixed(array):
    found = array.astype(object)
    found[0, 0] = "text"
    return found


def _with_none(array):
    found = array.astype(object)
    found[-1, -1] = None
    return found


FORMS = {
    **{
        dtype: lambda array, dtype=dtype: array.astype(dtype)
        for dtype in ("f2", ">f8", ">f4", "<f4", "O", "longdouble")
    },
    **{
        dtype: lambda array, dtype=dtype: np.clip(np.nan_to_num(array), 0, 99).astype(dtype)
        for dtype in ("i1", "u1", ">i4", "?")
    },
    "texts": lambda array: array.astype(str),
    "times": lambda array: np.nan_to_num(array).astype("i8").astype("M8[s]"),
    "texts among numbers": _mixed,
    "None among numbers": _with_none,
    "a matrix": np.asmatrix,
    "masked": lambda array: np.ma.masked_less(array, 0),
    "a subclass": lambda array: array.view(type("Mine", (np.ndarray,), {})),
    "lists": lambda array: array.tolist(),
    "tuples": lambda array: tuple(map(tuple, array.tolist())),
    "an array if asked": Plain,
    "a frame": pd.DataFrame,
    "a series": lambda array: pd.Series(array[:, 0]),
    "read-only": lambda array: _frozen(array),
    "columns first, read-only": lambda array: _frozen(np.asfortranarray(array)),
    "every second column": lambda array: np.repeat(array, 2, axis=1)[:, ::2],
    "upside down": lambda array: array[::-1],
    "unaligned": lambda array: _unaligned(array),
    "three dimensions": lambda array: array[None],
    "one dimension": lambda array: array[0],
    "no dimension": lambda array: np.array(1.0),
    "no rows": lambda array: array[:0],
    "no columns": lambda array: array[:, :0],
    "a column more": lambda array: np.column_stack([array, array[:, 0]]),
    "sparse rows": lambda array: sparse.csr_matrix(np.nan_to_num(array)),
    "sparse columns": lambda array: sparse.csc_array(np.nan_to_num(array)),
    "None": lambda array: None,
}


def _frozen(array):
    array = array.copy(order="K")
    array.flags.writeable = False
    return array


def _unaligned(array):
    raw = np.zeros(array.nbytes + 1, np.uint8)[1:]
    found = np.ndarray(array.shape, array.dtype, raw)
    found[...] = array
    return found


def odd_arrays_are_the_same(name, examples):
    width = ARRAYS[name].n_features_in_

    @settings(max_examples=examples, **SETTINGS)
    @given(st.sampled_from(list(FORMS)), st.sampled_from([1, 1, 2, 9]), st.booleans(), st.integers(0, 50))
    @example("read-only", 1, False, 0)  # forms that kernels take, which are seldom drawn
    @example("upside down", 9, False, 20)
    @example("columns first, read-only", 9, True, 20)
    def check(form, rows, gaps, start):
        source = fast_models.GAPS if gaps else fast_models.X
        same(ARRAYS[name], STOCK_ARRAYS[name], FORMS[form](source[start : start + rows, np.arange(width) % WIDTH]))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # NumPy, of a matrix
        check()


@pytest.mark.parametrize("name", ARRAYS)
def test_odd_arrays(name):
    """What is an array, nearly one, or none, gives scikit-learn's result, or its error."""
    odd_arrays_are_the_same(name, 8)


@pytest.mark.campaign
@pytest.mark.parametrize("name", ARRAYS)
def test_odd_arrays_at_length(name):
    """As above, over more arrays."""
    odd_arrays_are_the_same(name, 100)


# -- every parameter -------------------------------------------------------------------------------------------------


@st.composite
def encoders(draw):
    """Draw an encoder, imputer or selector with any of its parameters, and the columns that it is fitted on."""
    kind = draw(st.sampled_from([OneHotEncoder, OneHotEncoder, OneHotEncoder, OrdinalEncoder, TargetEncoder, "others"]))
    rare = draw(
        st.sampled_from(
            [{}, {}, {"min_frequency": 2}, {"min_frequency": 0.2}, {"max_categories": 2}, {"max_categories": 9}]
        )
    )
    gaps, columns = draw(st.booleans()), TEXTS
    if kind is OneHotEncoder:
        known = ["error", "ignore", "infrequent_if_exist"] + ["warn"] * (VERSION >= (1, 6))
        est = OneHotEncoder(
            handle_unknown=draw(st.sampled_from(known)),
            drop=draw(st.sampled_from([None, None, "first", "if_binary", ["Bonn", "plus"]])),
            sparse_output=draw(st.booleans()),
            dtype=draw(st.sampled_from([np.float64, np.float64, np.float32, np.int32, np.uint8, bool])),
            **rare,
        )
    elif kind is OrdinalEncoder:
        unknown = draw(st.sampled_from([{}, {"handle_unknown": "use_encoded_value", "unknown_value": -1}]))
        missing = draw(st.sampled_from([np.nan, -2]))
        est = OrdinalEncoder(encoded_missing_value=missing, **unknown, **rare)
    elif kind is TargetEncoder:
        est = TargetEncoder(smooth=draw(st.sampled_from(["auto", 2.0])), random_state=0)
    else:
        est = draw(
            st.sampled_from(
                [
                    SimpleImputer(strategy="median", add_indicator=True),
                    SimpleImputer(strategy="constant", fill_value=3.5, keep_empty_features=True),
                    MissingIndicator(features="all"),
                    MissingIndicator(features="missing-only", error_on_new=False),
                    KBinsDiscretizer(3, encode="onehot", subsample=None),
                    KBinsDiscretizer(3, encode="onehot-dense", subsample=None, dtype=np.float32),
                    SelectPercentile(percentile=40),
                    SelectFpr(alpha=0.5),
                    SelectFdr(alpha=0.9),
                    SelectFwe(alpha=0.9),
                    GenericUnivariateSelect(mode="k_best", param=2),
                ]
            )
        )
        gaps, columns = isinstance(est, (SimpleImputer, MissingIndicator)), NUMBERS
    return est, gaps, columns


def every_parameter_is_the_same(drawn, data):
    est, gaps, columns = drawn
    source = frame_models.GAPS if gaps else frame_models.FRAME
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            est = est.fit(source[columns], frame_models.TARGET)
        except (ValueError, AttributeError):  # parameters that don't go together: scikit-learn says so or fails
            return
        stock = nl.unlock(est)
    for each in data:
        same(est, stock, each[columns])


@st.composite
def rows_of_people(draw):
    frame = frame_models.rows(draw(st.sampled_from([1, 1, 3, 30])), seed=draw(st.integers(0, 999)))
    frame = frame_models.with_gaps(frame, seed=len(frame)) if draw(st.booleans()) else frame
    if draw(st.booleans()):
        frame["city"] = frame["city"].astype(object)
        frame.loc[frame.index[-1], "city"] = draw(st.sampled_from(["never seen", None, np.nan, "", "Celle"]))
    return frame


@settings(max_examples=60, **SETTINGS)
@given(encoders(), st.lists(rows_of_people(), min_size=3, max_size=3))
def test_every_parameter(drawn, data):
    """Whatever an encoder does with unknown, rare, dropped and missing categories, it is the same."""
    every_parameter_is_the_same(drawn, data)


@pytest.mark.campaign
@settings(max_examples=1000, **SETTINGS)
@given(encoders(), st.lists(rows_of_people(), min_size=3, max_size=3))
def test_every_parameter_at_length(drawn, data):
    """As above, over more of them."""
    every_parameter_is_the_same(drawn, data)


def test_these_encoders_have_a_fast_path():
    """What is compared here of the selectors and encoders is the fast path."""
    for est, columns in (
        (OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=2, drop="if_binary"), TEXTS),
        (OrdinalEncoder(max_categories=2), TEXTS),
        (TargetEncoder(smooth=2.0, random_state=0), TEXTS),
        (SelectFwe(alpha=0.9), NUMBERS),
        (GenericUnivariateSelect(mode="k_best", param=2), NUMBERS),
        (KBinsDiscretizer(3, encode="onehot", subsample=None), NUMBERS),
    ):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a default that changes in another version
            est.fit(frame_models.FRAME[columns], frame_models.TARGET)
        assert fast_paths(est)[""] == ("transform",) or isinstance(est, KBinsDiscretizer), est
