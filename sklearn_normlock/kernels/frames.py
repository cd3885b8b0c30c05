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
_OBJECTS = np.dtype(object)
_INTEGERS = {dtype for dtype in _WIDENED if dtype.kind in "iu"}
_MASKED = ("IntegerArray", "FloatingArray", "ArrowExtensionArray")
_ARROW = ("ArrowStringArray", "ArrowStringArrayNumpySemantics")
_TEXTS = ("StringArray", "StringArrayNumpySemantics", *_ARROW, "Categorical")


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
    rows : int, default=None
        The length of ``source``, if it is known.
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
        rows: int | None = None,
    ) -> None:
        self.source = source
        self.rows = len(source) if rows is None else rows
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
        chosen = [columns[i] for i in positions]
        return type(self)(self.source, names, chosen, loose=loose, func=self._func, rows=self.rows)

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

    def coded(self, i: int, texts: tuple[str, ...]) -> tuple[list[Any], np.ndarray] | None:
        """Return values of a column of Python's objects, and for each row the number of its value among them.

        None if the library has no quick way to it, or the column is of another kind.

        Parameters
        ----------
        i : int
            Which column.
        texts : tuple of str
            Those that are expected; others cost time.
        """
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
        names = self.source.columns.values
        return _texts(names._pa_array, names) if hasattr(names, "_pa_array") else list(names.tolist())

    def _read_columns(self) -> list[Any]:
        blocks = [block if block.ndim == 2 else (block,) for block in self._blocks()]
        if not blocks:
            return [series._values for _, series in self.source.items()]
        # To go through an array is quicker than to take its rows one by one.
        blocks = [list(block) if type(block) is np.ndarray else block for block in blocks]
        manager = self.source._mgr
        places = zip(manager.blknos.tolist(), manager.blklocs.tolist(), strict=True)
        return [blocks[block][row] for block, row in places]

    def _blocks(self) -> Sequence[Any]:
        """Return the arrays that hold the columns, some of them several; empty if this pandas keeps them otherwise.

        They are not public, and two orders of magnitude cheaper than a Series for each column.
        """
        manager: Any = getattr(self.source, "_mgr", None)
        return manager.arrays if hasattr(manager, "blknos") else ()

    def numbers(self, *, exact: bool) -> np.ndarray | None:
        """As for any frame, by the rules that scikit-learn has for dtypes of this library."""
        if self._columns is None and any(block.dtype == _OBJECTS for block in self._blocks()):
            return None  # the columns needn't be read
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
            if name in _ARROW and hasattr(column, "_pa_array"):
                return _texts(column._pa_array, column), "O"
            if self.rows == 1 and name != "Categorical":
                return [column[0]], "O"  # pandas takes ten times as long to convert the column
            column = np.asarray(column)
        kind = column.dtype.kind
        return (column.tolist(), kind) if kind in "Oiufb" else None

    def coded(self, i: int, texts: tuple[str, ...]) -> tuple[list[Any], np.ndarray] | None:
        """As for any frame; quick are categories and Arrow's texts."""
        column = self.columns[i]
        name = type(column).__name__
        if name == "Categorical":
            values, codes = np.asarray(column.categories), column.codes
            return (values.tolist(), codes) if values.dtype.kind == "O" and codes.min() >= 0 else None
        if name not in _ARROW or not hasattr(column, "_pa_array") or column._pa_array.num_chunks != 1:
            return None
        found = column._pa_array.chunk(0).dictionary_encode(null_encoding="encode")
        return _texts(found.dictionary, column), found.indices.to_numpy()

    def _unmasked(self, column: Any) -> Any:
        """Return a column of numbers as an array of float64, what is missing as NaN; None if it is another."""
        if type(column) is np.ndarray:
            return column if column.dtype in _WIDENED or column.dtype == F32 else None
        if type(column).__name__ not in _MASKED or column.dtype.kind not in "iuf":
            return None
        return column.to_numpy(dtype=F64, na_value=np.nan)


class PolarsFrame(Frame):
    """Reads a ``polars.DataFrame``; a column is the class of its dtype, and a series or the value of the one row."""

    __slots__ = ()

    def _read_names(self) -> list[Any]:
        names: list[Any] = self.source.columns
        return names

    def _read_columns(self) -> list[Any]:
        # To compare polars' dtypes takes longer than to read what they are of.
        dtypes = [dtype if isinstance(dtype, type) else type(dtype) for dtype in self.source.dtypes]
        if self.rows == 1 and {*dtypes} <= _plain_of_polars():
            return list(zip(dtypes, self.source.row(0), strict=True))
        columns = self.source.get_columns()
        if self.rows == 1:  # the values of other columns are not asked for, and may be long
            plain = _plain_of_polars()
            columns = [column.item() if dtype in plain else None for dtype, column in zip(dtypes, columns, strict=True)]
        return list(zip(dtypes, columns, strict=True))

    def numbers(self, *, exact: bool) -> np.ndarray | None:
        """As for any frame, by the rules that scikit-learn has for dtypes of this library."""
        columns = self.columns
        polars = sys.modules["polars"]
        dtypes = {dtype for dtype, _ in columns}
        one = dtypes == {polars.Float64}
        if not one and (exact or not dtypes <= {polars.Float64, polars.Int64}):
            return None
        if self.rows == 1:
            return np.array([[value for _, value in columns]], dtype=F64)
        if not self.loose:
            return self._whole(F64) if one else None
        out = np.empty((self.rows, len(columns)), dtype=F64)
        for i, (_, column) in enumerate(columns):
            out[:, i] = column.to_numpy()
        return out

    def apply(self, func: np.ufunc) -> np.ndarray | None:
        """As for any frame: polars converts itself as a whole, and the function returns an array."""
        if any(dtype is not sys.modules["polars"].Float64 for dtype, _ in self.columns):
            return None
        array = self._whole(F64)
        return None if array is None else func(array)

    def values(self, i: int) -> tuple[list[Any], str] | None:
        """As for any frame; None for a dtype that scikit-learn converts in some other way."""
        dtype, column = self.columns[i]
        if dtype is not sys.modules["polars"].String:
            return None  # a frame of other columns is converted as a whole
        return [column] if self.rows == 1 else column.to_list(), "O"

    def coded(self, i: int, texts: tuple[str, ...]) -> tuple[list[Any], np.ndarray] | None:
        """As for any frame; quick is a column that holds the expected texts and nothing else."""
        dtype, column = self.columns[i]
        if dtype is not sys.modules["polars"].String:
            return None
        codes = column.cast(_enum(texts), strict=False)
        return None if codes.null_count() else (list(texts), codes.to_physical().to_numpy())


@cached
def _plain_of_polars() -> frozenset[Any]:
    """Return the dtypes whose values are read with a row, if all of it are such."""
    polars = sys.modules["polars"]
    return frozenset({polars.Float64, polars.Float32, polars.Int64, polars.String, polars.Boolean})


@cached
def _enum(texts: tuple[str, ...]) -> Any:
    """Return the dtype of polars whose numbers stand for texts."""
    return sys.modules["polars"].Enum(texts)


def _texts(array: Any, column: Any) -> list[Any]:
    """Return the items of an array of Arrow's of a column of pandas: four times as quick as by the column's methods."""
    texts: list[Any] = array.to_pylist()
    if None in texts:
        missing = column.dtype.na_value
        texts = [missing if text is None else text for text in texts]
    return texts


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
