"""Read what users hand over: arrays, data frames of any library, sparse matrices, lists.

Numbers come out as one float64 array in which what is not a number (a category) is NaN; categories come out beside
it, as text, by their positions. Missing is NaN or None. Dates and times are seconds since 1970 in UTC, and durations
seconds, whatever resolution they are kept at: the same instant is the same number.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
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

#: Values of Python and NumPy that are times, and spans of time.
TIMES, DURATIONS = (date, np.datetime64), (timedelta, np.timedelta64)
_UTC = frozenset({"utc", "Etc/UTC", "tzutc()", "UTC+00:00", "+00:00", "Zulu"})
_TYPE = re.compile(r"(datetime|duration)(?:\[(\w*)(?:, (.*))?\])?$")


@dataclass(frozen=True)
class Table:
    """Data in one shape: ``numbers`` (n_rows, n_columns), names if the data has them, and columns of categories.

    ``types`` gives the type of each column, or None where it has none, when it is asked; arrays of numbers have none.
    ``requests`` is how many requests it was gathered of.
    """

    numbers: Any
    names: tuple[str, ...] | None
    categories: dict[int, Any]
    types: Callable[[], tuple[str | None, ...]] | None = None
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
        types = self.types
        return replace(
            self,
            numbers=self.numbers[:, columns],
            names=names,
            categories={columns.index(j): values for j, values in self.categories.items() if j in columns},
            types=None if types is None else lambda: tuple(types()[j] for j in columns),
        )

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


def name_of(names: tuple[str, ...] | None, column: int) -> str:
    """Return what a column is called in a message: its name in quotes, or its position."""
    return f'"{names[column]}"' if names else str(column)


def as_table(X: Any) -> Table:
    """Read an array, a sparse matrix, a data frame or a list of rows.

    Raise InputFaultError for what is no table (not two dimensions, no columns, complex numbers), and TypeError for what
    can't be read, or a column of values that are neither text nor numbers nor times.
    """
    if isinstance(X, Table):
        return X
    if sparse.issparse(X):
        _no_complex(X.dtype)
        return Table(X.tocsr().astype(np.float64, copy=False), None, {})
    is_frame = hasattr(type(X), "columns")
    array = X if is_frame else np.asarray(X)
    if not hasattr(X, "to_numpy") if is_frame else array.dtype.kind == "O" and array.ndim == 0:
        raise TypeError(
            f"X is of type {type(X).__module__}.{type(X).__qualname__}; expected an array, a pandas or polars "
            "DataFrame, a sparse matrix or a list of rows. Make it one of these: collect() a LazyFrame, to_pandas() a "
            "pyarrow Table."
        )
    if len(array.shape) != 2:
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
    if is_frame:
        return _from_frame(X)
    _no_complex(array.dtype)
    if array.dtype.kind in "fiub":
        return Table(np.asarray(array, dtype=np.float64), None, {})
    return _from_columns(list(array.T), None)


def _from_frame(frame: Any) -> Table:
    names = tuple(str(name) for name in frame.columns)
    pandas = hasattr(frame, "iloc")
    if pandas or all(dtype.is_numeric() for dtype in frame.dtypes):  # polars makes numbers of dates beside numbers
        try:
            whole = frame.to_numpy()
            if whole.dtype.kind in "fiub":
                numbers = np.asarray(whole, dtype=np.float64)
                return Table(numbers, names, {}, lambda: tuple(map(type_of, frame.dtypes)))
        except (TypeError, ValueError):  # columns that do not mix; one by one, then
            pass
    return _from_columns([frame.iloc[:, j] for j in range(len(names))] if pandas else frame.get_columns(), names)


def _from_columns(columns: list[Any], names: tuple[str, ...] | None) -> Table:
    numbers = np.full((len(columns[0]), len(columns)), np.nan)
    categories: dict[int, Any] = {}
    types = []
    for j, column in enumerate(columns):
        values, of_type = _read(column, name_of(names, j))
        types.append(of_type)
        if values.dtype.kind == "O":
            categories[j] = values
        else:
            numbers[:, j] = values
    return Table(numbers, names, categories, lambda: tuple(types))


def _read(column: Any, name: str) -> tuple[Any, str | None]:
    """Return a column as float64, or as objects if it is text (str, or None where there is none), and its type."""
    of_type = type_of(column.dtype)
    if getattr(column.dtype, "tz", None) is not None:
        column = column.dt.tz_convert(None)  # the instant, in UTC
    values = column if isinstance(column, np.ndarray) else column.to_numpy()
    _no_complex(values.dtype)
    if values.dtype.kind in "mM":
        return seconds(values), of_type
    if values.dtype.kind in "fiub" and values.ndim == 1:
        return values.astype(np.float64), of_type
    values = np.asarray(values, dtype=object)
    missing = np.array([_is_missing(value) for value in values], dtype=bool)
    known, found, own = values[~missing], np.full(len(values), np.nan), None
    if all(isinstance(value, _NUMBERS) for value in known):
        found[~missing] = known.astype(np.float64)
    elif all(isinstance(value, TIMES) for value in known):
        own = time_type("datetime", "object", {str(getattr(value, "tzinfo", None) or "") for value in known})
        found[~missing] = seconds(np.array([in_utc(value) for value in known], "datetime64[us]"))
    elif all(isinstance(value, DURATIONS) for value in known):
        own = time_type("duration", "object", [])
        found[~missing] = seconds(known.astype("timedelta64[us]"))
    else:
        own = "text"
        for value in known:
            if not isinstance(value, (str, bytes, *_NUMBERS, np.generic)):
                raise TypeError(
                    f"Column {name} holds a value of type {type(value).__name__}: its argument must be a string or a "
                    "number, or all of the column dates, or time spans. Convert it to one of these, or leave it out."
                )
        found = np.array([None if m else str(v) for v, m in zip(values, missing, strict=True)], object)
    return found, own if of_type == "object" or "[pyarrow]" in of_type else of_type


def seconds(values: Any) -> Any:
    """Return datetimes as seconds since 1970, and durations as seconds; NaN for NaT."""
    # Whole seconds apart from the rest, both exact: the same instant is the same number at every resolution.
    whole = values.astype(f"{values.dtype.kind}8[s]")
    return whole.astype(np.int64).astype(np.float64) + (values - whole) / np.timedelta64(1, "s")


def in_utc(value: Any) -> Any:
    """Return a time of Python's without its zone: the instant in UTC."""
    aware = getattr(value, "tzinfo", None) is not None
    return value.astimezone(timezone.utc).replace(tzinfo=None) if aware else value


def _is_missing(value: Any) -> bool:
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, (*_NUMBERS, np.generic)) and bool(value != value)


def _no_complex(dtype: Any) -> None:
    if getattr(dtype, "kind", "") == "c":
        raise InputFaultError("Complex data not supported.", actual=str(dtype))


def aligned(profile: Any, table: Table) -> Table:
    """Return a table whose columns are the profile's, or raise."""
    d, names, found = table.shape[1], profile.names or (), table.names or ()
    named = bool(names and found)
    lost = [*(Counter(names) - Counter(found)).elements()] if named else []
    if d != profile.n_features_in_ or lost:
        more = [*(Counter(found) - Counter(names)).elements()] if named else []
        differ = "".join(
            f" {word}: {', '.join(map(json.dumps, some[:5]))}{', …' if len(some) > 5 else ''}."
            for word, some in (("Missing", lost), ("Not in training", more))
            if some
        )
        raise InputFaultError(
            f"X has {d} features, but the profile was learned on {profile.n_features_in_}.{differ}",
            expected=names if named else profile.n_features_in_,
            actual=found if named else d,
            remedy="Select the columns of training.",
        )
    if named and names != found:
        places: dict[str, list[int]] = {}
        for at, name in enumerate(found):
            places.setdefault(name, []).append(at)
        table = table.select([places[name].pop(0) for name in names], names)  # columns of one name in their order
    for j in sorted(set(table.categories) ^ set(profile.categories)):
        if j in profile.categories and not np.isfinite(table.select([j], None).dense().numbers).any():
            # Nothing but missing values, which have no type.
            table = replace(table, categories={**table.categories, j: np.full(table.shape[0], None)})
            continue
        counted = {"datetime": "times", "duration": "time spans"}.get(_kind(profile.types[j]), "numbers")
        if j not in profile.categories and not profile.moments.count[j] + profile.moments.infinite[j]:
            counted = "nothing but missing values"
        was, now = ("text", "numbers") if j in profile.categories else (counted, "text")
        raise InputFaultError(
            f"Column {name_of(profile.names, j)} holds {now}; in training it held {was}.",
            path=str(j),
            expected=was,
            actual=now,
            remedy="Read it with the type of training.",
        )
    return table


# -- types, in words that pandas, polars and NumPy share, such as ``datetime[ns, Europe/Berlin]`` ----------------------


@lru_cache(maxsize=1024)
def type_of(dtype: Any) -> str:
    """Return what a dtype of NumPy, pandas or polars is called here."""
    name = getattr(dtype, "name", None) or str(dtype)
    unit = getattr(dtype, "unit", None) or getattr(dtype, "time_unit", None)  # pandas with a zone; polars
    if isinstance(dtype, np.dtype) and dtype.kind in "mM":
        unit = np.datetime_data(dtype)[0]
    if unit:
        zone = getattr(dtype, "tz", None) or getattr(dtype, "time_zone", None)
        span = str(dtype).startswith(("Duration", "timedelta"))
        return time_type("duration" if span else "datetime", unit, [zone] if zone else [])
    if name.startswith(("str", "String", "Utf8")):
        return "text"
    if name.startswith(("category", "Categorical", "Enum")):
        return "category"
    return "datetime[D]" if name == "Date" else name.replace("boolean", "bool").lower()


def time_type(kind: str, unit: str, zones: Any) -> str:
    """Return the type of times or durations; a column of objects may have several zones, and none ("")."""
    zones = sorted({"UTC" if str(zone) in _UTC else str(zone) for zone in zones} - {""}) + ["naive"] * ("" in zones)
    zones = [] if zones == ["naive"] else zones
    return f"{kind}[{unit}{', ' if zones else ''}{' and '.join(zones)}]"


def certain(was: str | None, now: str | None) -> bool:
    """Tell whether a type is certainly another: a time or a duration and something else, or a time of other zones.

    Widths of numbers and resolutions of times are read as the same numbers, and are judged by their values.
    """
    return bool(was and now and was != now) and (_kind(was) != _kind(now) or not zones_of(now) <= zones_of(was))


def zones_of(name: str | None) -> set[str]:
    """Return the zones of a type of times, "naive" for times without one; nothing for another type."""
    found = _TYPE.match(name or "")
    return set((found[3] or "naive").split(" and ")) if found and found[1] == "datetime" else set()


def shown_time(seconds: float, name: str | None) -> float | str:
    """Return a time of a column as people write it, by the second; a number of any other column as it is."""
    if _kind(name) != "datetime" or not abs(seconds) < 2.5e11:  # until the year 9999, as Python's go
        return seconds
    return str(np.datetime64(round(seconds), "s")) + ("" if zones_of(name) == {"naive"} else "Z")


def _kind(name: str | None) -> str:
    found = _TYPE.match(name or "")
    return found[1] if found else ""
