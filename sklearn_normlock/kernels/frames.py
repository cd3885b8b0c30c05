"""The part of a data frame that a kernel reads: the names of its columns, their values and their dtypes, and no more.

scikit-learn takes a frame apart with the frame's own indexing, once for each transformer and again for each column:
that is most of what one row costs. A :class:`Frame` reads the names and the columns once. It hands out numbers or
values only where scikit-learn would get the same ones; for anything else it returns None, and scikit-learn is asked.

The libraries are never imported here: who passes a frame has imported them.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import _get_feature_names

from ..fingerprints.naming import cached

F32: np.dtype[Any] = np.dtype(np.float32)
F64: np.dtype[Any] = np.dtype(np.float64)

# Columns of these dtypes become float64 when they stand beside one another, and where floats are asked for.
_WIDENED = {F64, *map(np.dtype, ("i1", "i2", "i4", "i8", "u1", "u2", "u4", "?"))}
_FLOATS = {F64, F32}
_INTEGERS = {dtype for dtype in _WIDENED if dtype.kind in "iu"}
_MASKED = ("IntegerArray", "FloatingArray", "ArrowExtensionArray")
_TEXTS = (
    "StringArray",
    "StringArrayNumpySemantics",
    "ArrowStringArray",
    "ArrowStringArrayNumpySemantics",
    "Categorical",
)


class Frame:
    """A data frame, or some of its columns, in the form that kernels read.

    Parameters
    ----------
    source : DataFrame
        The frame that was passed.
    names : sequence of str, default=None
        Of the columns selected; None if that is all.
    columns : list, default=None
        The columns selected, in the library's own arrays.
    loose : bool, default=False
        Whether the result's layout in memory does not depend on the layout of what is read here.
    func : ufunc, default=None
        Was applied to the columns, and is yet to be applied to ``source``.
    """

    __slots__ = ("_columns", "_func", "_names", "loose", "rows", "selected", "source")

    def __init__(
        self,
        source: Any,
        names: Any = None,
        columns: list[Any] | None = None,
        *,
        loose: bool = False,
        func: Any = None,
    ) -> None:
        self.source = source
        self.rows = len(source)
        self.loose = loose
        self.selected = names is not None
        self._names: list[Any] | None = None if names is None else list(names)
        self._columns = columns
        self._func = func

    @property
    def names(self) -> list[Any]:
        """The names of the columns, in their order."""
        if self._names is None:
            self._names = self._read_names()
        return self._names

    @property
    def columns(self) -> list[Any]:
        """The columns, in their order."""
        if self._columns is None:
            self._columns = self._read_columns()
        return self._columns

    def select(self, names: list[Any], positions: Sequence[int], *, loose: bool) -> Frame:
        """Return some of the columns, by their positions here, which have these names."""
        columns = self.columns
        return type(self)(self.source, names, [columns[i] for i in positions], loose=loose, func=self._func)

    def apply(self, func: np.ufunc) -> Frame | np.ndarray | None:
        """Return what a function gives of the whole frame; None unless all its columns are plain float64."""
        raise NotImplementedError

    def frame(self) -> Any:
        """Return the frame as scikit-learn would pass it on."""
        frame = _safe_indexing(self.source, self._names, axis=1) if self.selected else self.source
        return frame if self._func is None else self._func(frame)

    def numbers(self, *, exact: bool) -> np.ndarray | None:
        """Return the columns as an array of numbers; None if that is not what scikit-learn works on.

        Parameters
        ----------
        exact : bool
            Whether scikit-learn keeps the columns' own dtype. Else it turns all that aren't floats into float64, and
            this gives float64 or float32.
        """
        raise NotImplementedError

    def values(self, i: int) -> tuple[list[Any], str] | None:
        """Return the values of a column as Python's objects, and the kind of dtype that scikit-learn sees."""
        raise NotImplementedError

    def _read_names(self) -> list[Any]:
        raise NotImplementedError

    def _read_columns(self) -> list[Any]:
        raise NotImplementedError

    def _whole(self, dtype: np.dtype) -> np.ndarray | None:
        """Return what scikit-learn's conversion of the whole gives, in the layout that it gives."""
        array = np.asarray(self.frame())
        return array if array.dtype == dtype and array.ndim == 2 else None


class PandasFrame(Frame):
    """Reads a ``pandas.DataFrame``."""

    __slots__ = ()

    def _read_names(self) -> list[Any]:
        names: list[Any] = self.source.columns.tolist()
        return names

    def _read_columns(self) -> list[Any]:
        # Not public, and two orders of magnitude cheaper than a Series for each column.
        each = getattr(self.source, "_iter_column_arrays", None)
        return list(each()) if each is not None else [series._values for _, series in self.source.items()]

    def numbers(self, *, exact: bool) -> np.ndarray | None:
        """As for any frame, by the rules that scikit-learn has for dtypes of this library."""
        if self._columns is None and self._begins_with_objects():
            return None
        columns = self.columns
        dtypes = {column.dtype for column in columns}
        one = len(dtypes) == 1
        if one and dtypes <= (_INTEGERS | _FLOATS if exact else _FLOATS):
            (dtype,) = dtypes
        elif F64 in dtypes and dtypes <= _INTEGERS | {F64}:
            dtype = F64
        elif exact or not dtypes:
            return None
        elif dtypes <= _WIDENED or dtypes == {F32, F64}:
            dtype = F64
        else:
            masked = [self._unmasked(column) for column in columns]
            if any(column is None for column in masked):
                return None
            dtype, columns, one = F64, masked, False
        if self.rows == 1:
            return np.array([[column.item() for column in columns]], dtype=dtype)
        if not self.loose:
            return self._whole(dtype) if one else None
        out = np.empty((self.rows, len(columns)), dtype=dtype)
        for i, column in enumerate(columns):
            out[:, i] = column
        return out

    def apply(self, func: np.ufunc) -> Frame | None:
        """As for any frame: pandas applies the function, and returns a frame of the same names."""
        columns = self.columns
        if self._func is not None or any(type(column) is not np.ndarray or column.dtype != F64 for column in columns):
            return None
        found = [func(column) for column in columns]
        return type(self)(self.source, self._names if self.selected else None, found, loose=self.loose, func=func)

    def values(self, i: int) -> tuple[list[Any], str] | None:
        """As for any frame; None for a dtype that scikit-learn converts in some other way."""
        column = self.columns[i]
        if type(column) is not np.ndarray:
            name = type(column).__name__
            if name not in _TEXTS:
                return None
            if self.rows == 1 and name != "Categorical":
                return [column[0]], "O"  # pandas takes ten times as long to convert the column
            column = np.asarray(column)
        kind = column.dtype.kind
        return (column.tolist(), kind) if kind in "Oiufb" else None

    def _begins_with_objects(self) -> bool:
        """Tell whether the first column is of objects: the rest needn't be read, which takes long."""
        each = getattr(self.source, "_iter_column_arrays", None)
        first = None if each is None else next(each(), None)
        return type(first) is np.ndarray and first.dtype.hasobject

    def _unmasked(self, column: Any) -> Any:
        """Return a column of numbers as an array of float64, what is missing as NaN; None if it is another."""
        if type(column) is np.ndarray:
            return column if column.dtype in _WIDENED or column.dtype == F32 else None
        if type(column).__name__ not in _MASKED or column.dtype.kind not in "iuf":
            return None
        return column.to_numpy(dtype=F64, na_value=np.nan)


class PolarsFrame(Frame):
    """Reads a ``polars.DataFrame``."""

    __slots__ = ()

    def _read_names(self) -> list[Any]:
        names: list[Any] = self.source.columns
        return names

    def _read_columns(self) -> list[Any]:
        columns: list[Any] = self.source.get_columns()
        return columns

    def numbers(self, *, exact: bool) -> np.ndarray | None:
        """As for any frame, by the rules that scikit-learn has for dtypes of this library."""
        columns = self.columns
        polars = sys.modules["polars"]
        one = all(column.dtype == polars.Float64 for column in columns)
        if not one and (exact or not all(column.dtype in (polars.Float64, polars.Int64) for column in columns)):
            return None
        if self.rows == 1:
            return np.array([[column.item() for column in columns]], dtype=F64)
        if not self.loose:
            return self._whole(F64) if one else None
        out = np.empty((self.rows, len(columns)), dtype=F64)
        for i, column in enumerate(columns):
            out[:, i] = column.to_numpy()
        return out

    def apply(self, func: np.ufunc) -> np.ndarray | None:
        """As for any frame: polars converts itself as a whole, and the function returns an array."""
        if any(column.dtype != sys.modules["polars"].Float64 for column in self.columns):
            return None
        array = self._whole(F64)
        return None if array is None else func(array)

    def values(self, i: int) -> tuple[list[Any], str] | None:
        """As for any frame; None for a dtype that scikit-learn converts in some other way."""
        column = self.columns[i]
        if column.dtype != sys.modules["polars"].String:
            return None  # a frame of other columns is converted as a whole
        return column.to_list(), "O"


def frame_of(X: Any) -> Frame | None:
    """Return a reader of a data frame; None if it is not one of a library that is known, or a subclass."""
    reader = _reader(type(X))
    if reader is None:
        return None
    frame = reader(X)
    return frame if frame.rows else None


@cached
def is_series(cls: type) -> bool:
    """Tell whether a class is the series of pandas or polars."""
    return any(cls is getattr(sys.modules.get(name), "Series", None) for name in ("pandas", "polars"))


@cached
def _reader(cls: type) -> type[Frame] | None:
    for name, reader in (("pandas", PandasFrame), ("polars", PolarsFrame)):
        if cls.__name__ == "DataFrame" and cls is getattr(sys.modules.get(name), "DataFrame", None):
            # Whether scikit-learn sees the names of its columns depends on the versions of both.
            names = _get_feature_names(cls({"a": [0.0], "b": [0.0]}))
            return reader if names is not None and list(names) == ["a", "b"] else None
    return None
