"""Read what users hand over: arrays, data frames of any library, sparse matrices, lists."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import date, timedelta, timezone
from decimal import Decimal
from functools import lru_cache
from typing import Any

import numpy as np
from scipy import sparse

from ...errors import InputFaultError
from ..calibration import CALIBRATION as C

# Types that a column of objects may hold, if it is not text.
_NUMBERS = (int, float, Decimal, np.number, np.bool_)
_TIMES = (("datetime", "M8[us]", (date, np.datetime64)), ("duration", "m8[us]", (timedelta, np.timedelta64)))
_UTC = frozenset({"utc", "Etc/UTC", "tzutc()", "UTC+00:00", "+00:00", "Zulu"})
#: Types by how the names of their dtypes begin, if they are not called by them.
_KNOWN = {"str": "text", "utf8": "text", "categor": "category", "enum": "category", "date": "datetime[D]"}
#: Types of columns that make one array of numbers.
_NUMERIC = re.compile(r"(sparse\[)?(u?int\d|float\d|bool)")


@dataclass(frozen=True)
class Table:
    """Data in one shape: ``numbers``, (n_rows, n_columns) of float64, and ``names`` if the data has them.

    ``categories`` are the columns of text by their positions, whose numbers are NaN; missing is NaN, or None in text.
    Times are seconds since 1970 in UTC, and durations seconds: an instant is one number at every resolution. ``types``
    has the type of each column, None where it has none; arrays of numbers have no ``types``. ``requests`` is how many
    requests it was gathered of.
    """

    numbers: Any
    names: tuple[str, ...] | None = None
    categories: dict[int, Any] = field(default_factory=dict)
    types: tuple[str | None, ...] = ()
    requests: int = 1

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.numbers.shape

    def take(self, rows: Any) -> Table:
        """Return some rows."""
        categories = {j: values[rows] for j, values in self.categories.items()}
        return replace(self, numbers=self.numbers[rows], categories=categories)

    def select(self, columns: list[int], names: tuple[str, ...] | None) -> Table:
        """Return some columns under these names."""
        categories = {columns.index(j): values for j, values in self.categories.items() if j in columns}
        types = tuple(self.types[j] for j in columns if self.types)
        return replace(self, numbers=self.numbers[:, columns], names=names, categories=categories, types=types)

    def dense(self) -> Table:
        """Return the same table without a sparse matrix in it."""
        return replace(self, numbers=self.numbers.toarray()) if sparse.issparse(self.numbers) else self

    def looked_at(self) -> Table:
        """Return the same table; of a sparse matrix, which may have more cells than memory holds, a sample."""
        return self.sample() if sparse.issparse(self.numbers) else self

    def sample(self) -> Table:
        """Return as many rows as a summary takes that needs a sort, drawn at random; no sparse matrix is in it."""
        n, d = self.shape
        limit = int(np.clip(C.numbers_sorted // max(d, 1), C.most_rows, C.rows_of_sketch))
        rows = np.sort(np.random.default_rng(n).choice(n, limit, replace=False)) if n > limit else slice(None)
        return self.take(rows).dense()

    def lacks(self, j: int) -> bool:
        """Tell whether column j has nothing but missing values, which have no type."""
        return j not in self.categories and bool(np.isnan(self.select([j], None).dense().numbers).all())


def name_of(names: tuple[str, ...] | None, column: int) -> str:
    """Return what a column is called in a message: its name in quotes, or its position."""
    return f'"{names[column]}"' if names else str(column)


def positions(names: Any, columns: Any, what: str = "X") -> list[int]:
    """Return the places of the columns that are meant, by the conventions of ``ColumnTransformer``."""
    has = f"{len(names)} without names" if isinstance(names, range) else list(names)
    names = list(names)

    def place(column: Any, beyond: int = 0) -> Any:
        return names.index(column) + beyond if isinstance(column, str) else column

    try:
        if isinstance(columns, slice):  # a name at its end is in it
            chosen: Any = slice(place(columns.start), place(columns.stop, beyond=1), columns.step)
        else:
            chosen = [place(column) for column in np.atleast_1d(np.asarray(columns, dtype=object))]
        return np.arange(len(names))[chosen].tolist()
    except (IndexError, TypeError, ValueError) as error:
        said = f"columns is {columns!r}, which {what} has not ({error}); it has {has}."
        raise InputFaultError(said, expected=has, actual=columns) from None


def as_table(X: Any) -> Table:
    """Read an array, a sparse matrix, a data frame or a list of rows.

    Raise InputFaultError for what is no table (not two dimensions, no columns, complex numbers), and TypeError for what
    can't be read, or a column of values that are neither text nor numbers nor times.
    """
    if isinstance(X, Table):
        return X
    if sparse.issparse(X):
        return Table(_floats(X.tocsr()))
    is_frame = hasattr(type(X), "columns")
    array = X if is_frame else np.asarray(X)
    if not hasattr(X, "to_numpy") if is_frame else array.dtype.kind == "O" and array.ndim == 0:
        raise TypeError(
            f"X is of type {type(X).__module__}.{type(X).__qualname__}; expected an array, a pandas or polars "
            "DataFrame, a sparse matrix or a list of rows. Make it one of these: collect() a LazyFrame, to_pandas() a "
            "pyarrow Table."
        )
    if len(array.shape) != 2:
        said = f"Expected 2D array, got {array.ndim}D array with shape {array.shape} instead."
        remedy = "Reshape your data: array.reshape(1, -1) is a table of one row."
        raise InputFaultError(said, expected=2, actual=array.ndim, remedy=remedy)
    if array.shape[1] == 0:
        said = f"Found array with 0 feature(s) (shape={array.shape}) while a minimum of 1 is required."
        raise InputFaultError(said, remedy="Nothing can be told from no columns.")
    names = tuple(map(str, X.columns)) if is_frame else None
    types = tuple(map(type_of, X.dtypes)) if is_frame else ()
    if all(map(_NUMERIC.match, {*types})):
        whole = X.to_numpy() if is_frame else array
        if whole.dtype.kind in "fiubc":  # not an array of text, nor of what pandas keeps with missing values
            return Table(_floats(whole), names, {}, types)
    at = getattr(X, "iloc", array)
    read = [_read(at[:, j], name_of(names, j)) for j in range(array.shape[1])]
    categories = {j: values for j, (values, _) in enumerate(read) if values.dtype.kind == "O"}
    numbers = [np.full(len(values), np.nan) if j in categories else values for j, (values, _) in enumerate(read)]
    return Table(np.column_stack(numbers), names, categories, tuple(of_type for _, of_type in read))


def _read(column: Any, name: str) -> tuple[Any, str | None]:
    """Return a column as float64, or as objects if it is text (str, or None where there is none), and its type."""
    of_type = type_of(column.dtype)
    if getattr(column.dtype, "tz", None) is not None:
        column = column.dt.tz_convert(None)  # the instant, in UTC
    values = column if isinstance(column, np.ndarray) else column.to_numpy()
    if values.dtype.kind in "mM":
        return seconds(values), of_type
    if values.dtype.kind in "fiubc" and values.ndim == 1:
        return _floats(values), of_type
    values = np.asarray(values, dtype=object)
    missing = np.array([_is_missing(value) for value in values], dtype=bool)
    known, found = values[~missing], np.full(len(values), np.nan)
    if all(isinstance(value, _NUMBERS) for value in known):
        found[~missing] = known.astype(np.float64)
        return found, None if of_type == "object" else of_type
    for kind, dtype, classes in _TIMES:
        if all(isinstance(value, classes) for value in known):
            found[~missing] = seconds(np.array([in_utc(value) for value in known], dtype))
            return found, time_type(kind, "object", {getattr(value, "tzinfo", None) for value in known})
    odd = [type(value).__name__ for value in known if not isinstance(value, (str, bytes, *_NUMBERS, np.generic))]
    if odd:
        raise TypeError(
            f"Column {name} holds a value of type {odd[0]}: its argument must be a string or a number, or all of the "
            "column dates, or time spans. Convert it to one of these, or leave it out."
        )
    found = np.array([None if m else str(v) for v, m in zip(values, missing, strict=True)], object)
    return found, "text" if of_type == "object" else of_type


def _floats(values: Any) -> Any:
    if values.dtype.kind == "c":
        raise InputFaultError("Complex data not supported.", actual=str(values.dtype))
    return values.astype(np.float64, copy=False)


def _is_missing(value: Any) -> bool:
    nothing = type(value).__name__ in ("NoneType", "NAType", "NaTType")
    return nothing or (isinstance(value, (*_NUMBERS, np.generic)) and bool(value != value))


def seconds(values: Any) -> Any:
    """Return datetimes as seconds since 1970, and durations as seconds; NaN for NaT."""
    # Whole seconds apart from the rest, both exact: the same instant is the same number at every resolution.
    whole = values.astype(f"{values.dtype.kind}8[s]")
    return whole.astype(np.int64).astype(np.float64) + (values - whole) / np.timedelta64(1, "s")


def in_utc(value: Any) -> Any:
    """Return a time of Python's without its zone: the instant in UTC."""
    aware = getattr(value, "tzinfo", None) is not None
    return value.astimezone(timezone.utc).replace(tzinfo=None) if aware else value


def aligned(profile: Any, table: Table) -> Table:
    """Return a table whose columns are the profile's, or raise."""
    d, of_training = table.shape[1], profile.n_features_in_
    names, found = (profile.names, table.names) if profile.names and table.names else ((), ())
    lost, more = Counter(names) - Counter(found), Counter(found) - Counter(names)
    if d != of_training or lost:
        both = (("Missing", lost), ("Not in training", more))
        differ = "".join(
            f" {word}: {json.dumps([*some][:5])[1:-1]}{', …' * (len(some) > 5)}." for word, some in both if some
        )
        said = f"X has {d} features, but the profile was learned on {of_training}.{differ}"
        remedy = "Select the columns of training."
        raise InputFaultError(said, expected=names or of_training, actual=found or d, remedy=remedy)
    if names != found:  # columns of one name stay in their order
        ours, theirs = (sorted(range(d), key=each.__getitem__) for each in (names, found))
        table = table.select([at for _, at in sorted(zip(ours, theirs, strict=True))], names)
    for j in sorted(set(table.categories) ^ set(profile.categories)):
        if table.lacks(j):
            table = replace(table, categories={**table.categories, j: np.full(table.shape[0], None)})
            continue
        numbers = profile.types[j] if parts_of(profile.types[j])[0] else "numbers"
        if not profile.moments.count[j] + profile.moments.infinite[j]:
            numbers = "nothing but missing values"
        was, now = ("text", "numbers") if j in profile.categories else (numbers, "text")
        said = f"Column {name_of(profile.names, j)} holds {now}; in training it held {was}."
        remedy = "Read it with the type of training."
        raise InputFaultError(said, path=str(j), expected=was, actual=now, remedy=remedy)
    return table


# -- types, in words that pandas, polars and NumPy share, such as ``datetime[ns, Europe/Berlin]`` ----------------------


@lru_cache(maxsize=1024)
def type_of(dtype: Any) -> str:
    """Return what a dtype of NumPy, pandas or polars is called here."""
    dtype = getattr(dtype, "numpy_dtype", dtype)  # pandas may keep another one's values with a mask, or by pyarrow
    unit = getattr(dtype, "unit", None) or getattr(dtype, "time_unit", None)  # pandas with a zone; polars
    if isinstance(dtype, np.dtype) and dtype.kind in "mM":
        unit = np.datetime_data(dtype)[0]
    if unit:
        kind = "duration" if str(dtype).startswith(("Duration", "timedelta")) else "datetime"
        return time_type(kind, unit, [getattr(dtype, "tz", None) or getattr(dtype, "time_zone", None)])
    name = str(getattr(dtype, "name", dtype)).lower()
    return next((known for start, known in _KNOWN.items() if name.startswith(start)), name)


def time_type(kind: str, unit: str, zones: Any) -> str:
    """Return the type of times or durations; a column of objects may have several zones, and none (None)."""
    names = sorted({"UTC" if str(zone) in _UTC else str(zone or "naive") for zone in zones})
    return f"{kind}[{unit}]" if names == ["naive"] else f"{kind}[{unit}, {' and '.join(names)}]"


def parts_of(name: str | None) -> tuple[str, set[str]]:
    """Return "datetime" with its zones ("naive" if it has none), "duration", or "" for the type of anything else."""
    kind, _, rest = (name or "").replace("timestamp", "datetime").partition("[")  # as profiles had it from pyarrow
    zones = (rest.partition(", ")[2][:-1] or "naive").split(" and ")
    return kind if kind in ("datetime", "duration") else "", set(zones if kind == "datetime" else ())


def certain(was: str | None, now: str | None) -> bool:
    """Tell whether a type is certainly another; widths and resolutions are not, as values of any are the same."""
    (kind, zones), (new_kind, new_zones) = parts_of(was), parts_of(now)
    return bool(was and now) and (kind != new_kind or not new_zones <= zones)


def shown_time(seconds: float, name: str | None) -> float | str:
    """Return a time of a column as people write it, by the second; a number of any other column as it is."""
    kind, zones = parts_of(name)
    if kind != "datetime" or not abs(seconds) < 2.5e11:  # until the year 9999, as Python's go
        return seconds
    return str(np.datetime64(round(seconds), "s")) + ("" if zones == {"naive"} else "Z")
