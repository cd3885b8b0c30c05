"""Read what users hand over: arrays, data frames of any library, sparse matrices, lists.

Numbers come out as one float64 array in which what is not a number (a category) is NaN; categories come out beside
it, as text, by their positions. Missing is NaN or None.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from ..errors import InputFaultError

if TYPE_CHECKING:
    from .profile import Profile

#: More rows than this are looked at through a sample wherever an exact answer would need a sort.
ROWS = 20_000
CELLS = 8_000_000


@dataclass(frozen=True)
class Table:
    """Data in one shape: ``numbers`` (n_rows, n_columns), names if the data has them, and columns of categories."""

    numbers: Any
    names: tuple[str, ...] | None
    categories: dict[int, Any]

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.numbers.shape

    def named(self, column: int) -> str:
        """Return what a column is called in a message."""
        return f'"{self.names[column]}"' if self.names else str(column)

    def sample(self, limit: int) -> Table:
        """Return at most so many rows, spread evenly over the table by a fixed shuffle of each stretch."""
        n = self.numbers.shape[0]
        if n <= limit:
            return self
        # One row out of each stretch, at a place that no period in the data can follow.
        edges = np.linspace(0, n, limit + 1).astype(np.int64)
        places = np.random.default_rng(n).random(limit)
        rows = edges[:-1] + (places * np.diff(edges)).astype(np.int64)
        return self.take(rows)

    def take(self, rows: Any) -> Table:
        """Return some rows."""
        numbers = self.numbers[rows]
        return Table(numbers, self.names, {j: values[rows] for j, values in self.categories.items()})

    def dense(self) -> Table:
        """Return the same table without a sparse matrix in it."""
        if not sparse.issparse(self.numbers):
            return self
        return Table(self.numbers.toarray(), self.names, self.categories)


def rows_to_look_at(columns: int) -> int:
    """Return how many rows a summary that needs a sort takes."""
    return int(np.clip(CELLS // max(columns, 1), 2048, ROWS))


def as_table(X: Any) -> Table:
    """Read data.

    Parameters
    ----------
    X : array-like, sparse matrix or data frame of shape (n_rows, n_columns)
        The data.

    Returns
    -------
    table : Table
        The same data.

    Raises
    ------
    InputFaultError
        If it isn't a table: not two dimensions, no columns, or complex numbers.
    """
    if isinstance(X, Table):
        return X
    if sparse.issparse(X):
        _no_complex(X.dtype)
        return Table(X.tocsr().astype(np.float64, copy=False), None, {})
    if hasattr(X, "columns") and hasattr(X, "shape"):
        return _from_frame(X)
    array = X if isinstance(X, np.ndarray) else np.asarray(X)
    _no_complex(array.dtype)
    if array.ndim != 2:
        raise InputFaultError(
            f"Expected 2D array, got {array.ndim}D array with shape {array.shape} instead.",
            expected=2,
            actual=array.ndim,
            remedy="Reshape your data: array.reshape(1, -1) is a table of one row.",
        )
    if array.shape[1] == 0:
        raise InputFaultError(
            f"Found array with 0 feature(s) (shape={array.shape}) while a minimum of 1 is required.",
            remedy="Nothing can be told from no columns.",
        )
    if array.dtype.kind in "fiub":
        return Table(np.asarray(array, dtype=np.float64), None, {})
    return _from_columns([array[:, j] for j in range(array.shape[1])], None)


def _from_frame(frame: Any) -> Table:
    names = tuple(str(name) for name in frame.columns)
    if not names:
        raise InputFaultError("The data frame has no columns.", remedy="Nothing can be told from no columns.")
    try:
        whole = frame.to_numpy()
        if whole.dtype.kind in "fiub":
            return Table(np.asarray(whole, dtype=np.float64), names, {})
    except (TypeError, ValueError):  # columns that do not mix; one by one, then
        pass
    columns = [frame.iloc[:, j] for j in range(len(names))] if hasattr(frame, "iloc") else list(frame.get_columns())
    return _from_columns(columns, names)


def _from_columns(columns: list[Any], names: tuple[str, ...] | None) -> Table:
    numbers = np.full((len(columns[0]), len(columns)), np.nan)
    categories: dict[int, Any] = {}
    for j, column in enumerate(columns):
        values = column if isinstance(column, np.ndarray) else column.to_numpy()
        _no_complex(values.dtype)
        if values.dtype.kind in "mM":
            values = np.where(np.isnat(values), np.nan, values.astype(np.int64).astype(np.float64))
        elif values.dtype.kind not in "fiub":
            values = np.asarray(values, dtype=object)
            missing = np.array([_is_missing(value) for value in values], dtype=bool)
            if all(isinstance(value, (int, float, np.number, np.bool_)) for value in values[~missing]):
                values = np.where(missing, np.nan, values)
            else:
                _only_text_and_numbers(values[~missing])
                categories[j] = np.array([None if m else str(v) for v, m in zip(values, missing, strict=True)], object)
                continue
        numbers[:, j] = values.astype(np.float64)
    return Table(numbers, names, categories)


def _only_text_and_numbers(values: Any) -> None:
    for value in values:
        if not isinstance(value, (str, bytes, int, float, np.generic)):
            raise TypeError(
                f"A value of the data is of type {type(value).__name__}: its argument must be a string or a number."
            )


def _is_missing(value: Any) -> bool:
    return value is None or value != value or type(value).__name__ in ("NAType", "NaTType")


def _no_complex(dtype: Any) -> None:
    if getattr(dtype, "kind", "") == "c":
        raise InputFaultError("Complex data not supported.", actual=str(dtype))


def aligned(profile: Profile, table: Table) -> Table:
    """Return a table whose columns are the profile's, or raise."""
    d = table.shape[1]
    if d != profile.n_features_in_:
        raise InputFaultError(
            f"X has {d} features, but the profile was learned on {profile.n_features_in_}.",
            expected=profile.n_features_in_,
            actual=d,
            remedy="Select the columns of training.",
        )
    if profile.names and table.names and profile.names != table.names:
        missing = [name for name in profile.names if name not in table.names]
        if missing:
            raise InputFaultError(
                f"Columns of the profile are missing: {', '.join(missing[:5])}.",
                expected=profile.names,
                actual=table.names,
                remedy="Select the columns of training.",
            )
        at = [table.names.index(name) for name in profile.names]
        moved = {at.index(j): values for j, values in table.categories.items()}
        table = Table(table.numbers[:, at], profile.names, moved)
    for j in sorted(set(table.categories) ^ set(profile.categories)):
        was, now = ("text", "numbers") if j in profile.categories else ("numbers", "text")
        if now == "numbers" and not np.isfinite(table.dense().numbers[:, j]).any():
            # Nothing but missing values, which have no type.
            table = Table(table.numbers, table.names, {**table.categories, j: np.full(table.shape[0], None)})
            continue
        raise InputFaultError(
            f"Column {profile.column_name(j)} holds {now}; in training it held {was}.",
            path=str(j),
            expected=was,
            actual=now,
            remedy="Read it with the type of training.",
        )
    return table
