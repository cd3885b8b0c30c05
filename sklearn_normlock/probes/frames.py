"""Frames with the names and dtypes of the fit: what code that asks for columns by name is probed with.

scikit-learn keeps the names of a frame, and not its dtypes. A drop-in notes them at its fit, as one line of JSON: no
value of the data is in it but the categories of categorical dtypes. The values of a synthetic column are the same for
every object: dates at the edges of calendars, texts, spans, amounts.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from types import FunctionType, MethodType
from typing import Any

import numpy as np

from .walk import leaves

COLUMNS = "_normlock_columns"  # the attribute that a drop-in notes them in

_SEEN = 16  # values of an object column that are looked at for their type
_CATEGORIES = 256  # categories that are noted
_VERSIONED = frozenset({"sklearn", "sklearn_normlock", "numpy", "scipy", "builtins"})

_TIMES = ("2001-09-09 01:46:40", "2024-02-29 00:00:00", "1999-12-31 23:59:59", "2023-03-26 01:30:00",
          "1970-01-01 00:00:00", "2020-10-25 12:00:00", "2038-01-19 03:14:08")  # fmt: skip
_SPANS = (0, 1, 59, 3600, 86_399, 86_400, -90, 1_209_600)  # seconds
_WORDS = ("alpha", "Beta gamma", "delta 42", "", "épsilon", "zeta")
_AMOUNTS = ("0", "1.50", "-2.25", "19.99", "1000", "0.1")


def columns_noted(X: Any) -> str | None:
    """Return the dtypes of a pandas frame as JSON; None of anything else, and where all of them are ``float64``.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_normlock.probes.frames import columns_noted
    >>> columns_noted(pd.DataFrame({"paid": [True], "on": pd.to_datetime(["2024-02-29"]).astype("datetime64[ns]")}))
    '["bool", "datetime64[ns]"]'
    """
    dtypes = getattr(X, "dtypes", None)
    if dtypes is None or not hasattr(X, "iloc") or not hasattr(X, "columns"):
        return None
    if all(dtype == np.float64 for dtype in dtypes):
        return None
    return json.dumps([_noted(X, i, dtype) for i, dtype in enumerate(dtypes)])


def _noted(X: Any, i: int, dtype: Any) -> Any:
    if hasattr(dtype, "categories") and hasattr(dtype, "ordered"):
        from .columns import encoded_frame

        if len(dtype.categories) > _CATEGORIES:
            return None
        try:
            return {"categories": encoded_frame(dtype.categories.to_series(index=range(len(dtype.categories)))),
                    "ordered": bool(dtype.ordered)}  # fmt: skip
        except TypeError:
            return None  # they are of a type that no lock keeps
    if not (isinstance(dtype, np.dtype) and dtype.kind == "O"):
        return str(dtype)
    values = X.iloc[np.linspace(0, len(X) - 1, min(len(X), _SEEN)).astype(int), i]
    kinds = {type(value).__name__ for value in values[values.notna()]}
    return {"object": kinds.pop()} if len(kinds) == 1 else None


def as_fitted(est: Any, rows: Any, variant: int) -> Any:
    """Return rows as the frame that an object was fitted on, where code that may ask for its columns is given them.

    Parameters
    ----------
    est : estimator
        Fitted.
    rows : ndarray, DataFrame or None
        Made for it: their numbers and texts stay in columns of numbers and texts.
    variant : int
        As in :func:`~sklearn_normlock.probes.synthesis.rows_for`.

    Returns
    -------
    rows : ndarray, DataFrame or None
        None if a column has a dtype for which no values are known.
    """
    names = getattr(est, "feature_names_in_", None)
    table = rows is None or (getattr(rows, "ndim", 0) == 2 and rows.shape[1] == len(names if names is not None else ()))
    if names is None or not table or not any(_asks(leaf) for _, leaf, first in leaves(est) if first):
        return rows
    try:
        import pandas as pd
    except ModuleNotFoundError:
        return rows
    noted = vars(est).get(COLUMNS)
    if noted is None and hasattr(rows, "iloc"):
        return rows  # its steps know more of it
    dtypes = json.loads(noted) if type(noted) is str else ["float64"] * len(names)
    if len(dtypes) != len(names):
        return rows
    count = 8 if rows is None else len(rows)
    made = _columns_of(rows) if rows is not None else (_numbers(count, j) for j in range(len(names)))
    columns = []
    for j, (dtype, known) in enumerate(zip(dtypes, made, strict=True)):
        column = _column(dtype, known, j, pd)
        if column is None:
            return None
        lacks = variant == 0 and not (isinstance(column.dtype, np.dtype) and column.dtype.kind in "iubf")
        columns.append(column.mask(np.arange(count) % 7 == 6 - j % 3) if lacks else column)
    frame = pd.concat(columns, axis=1)
    frame.columns = list(names)
    return frame


def _asks(leaf: Any) -> bool:
    """Tell whether a step is given its columns by code that is neither scikit-learn's, NumPy's nor ours."""
    module = type(leaf).__module__.partition(".")[0]
    function = getattr(leaf, "func", None)
    owner = getattr(function, "func", function)  # of a partial
    if isinstance(owner, (FunctionType, MethodType)) or (callable(owner) and not hasattr(owner, "nin")):
        return (getattr(owner, "__module__", None) or "").partition(".")[0] not in _VERSIONED
    return module not in _VERSIONED


def _columns_of(rows: Any) -> Iterator[np.ndarray]:
    for j in range(rows.shape[1]):
        yield rows.iloc[:, j].to_numpy() if hasattr(rows, "iloc") else rows[:, j]


def _numbers(count: int, j: int) -> np.ndarray:
    return (np.arange(count) * 3 + j) % 7 - 2.0


def _taken(values: Sequence[Any], count: int, j: int) -> list[Any]:
    """Return values in turn; each column begins with another, so that columns don't only move together."""
    return [values[(i + 2 * j) % len(values)] for i in range(count)]


def _column(dtype: Any, known: np.ndarray, j: int, pd: Any) -> Any:
    """Return a column of a dtype, with the values that are known of it where they are of that kind."""
    count = len(known)
    numbers = known if known.dtype.kind in "fiub" else _numbers(count, j)
    texts = known if known.dtype.kind in "OU" else np.array(_taken(_WORDS, count, j), dtype=object)
    if isinstance(dtype, Mapping) and "categories" in dtype:
        from .columns import decoded_frame

        categories = pd.Index(decoded_frame(dtype["categories"]))
        codes = (np.arange(count) + j) % max(1, len(categories)) if len(categories) else np.full(count, -1)
        return pd.Series(pd.Categorical.from_codes(codes, categories, ordered=dtype["ordered"]))
    if isinstance(dtype, Mapping):
        if dtype["object"] == "str":
            return pd.Series(texts, dtype=object)
        values = _OBJECTS.get(dtype["object"])
        return None if values is None else pd.Series(_taken(values, count, j), dtype=object)
    if dtype is None:
        return None
    if dtype.startswith("datetime64"):
        times = pd.Series(pd.to_datetime(_taken(_TIMES, count, j)))
        return (times.dt.tz_localize("UTC") if "," in dtype else times).astype(dtype)
    if dtype.startswith("timedelta64"):
        return pd.Series(np.array(_taken(_SPANS, count, j), dtype="m8[s]")).astype(dtype)
    if dtype in ("bool", "boolean"):
        return pd.Series((np.arange(count) + j) % 3 > 0).astype(dtype)
    if dtype.startswith("str"):
        return pd.Series(texts, dtype=object).astype(dtype)
    kind = dtype.lower()
    if kind.startswith(("int", "uint")) and "[" not in kind:
        whole = np.clip(np.nan_to_num(np.rint(numbers.astype(np.float64))), -100, 100)
        return pd.Series(np.abs(whole) if kind[0] == "u" else whole).astype(dtype)
    if kind.startswith("float") and "[" not in kind:
        return pd.Series(numbers.astype(np.float64)).astype(dtype)
    return None


# Values of an object column, by the type of those it was fitted on.
_OBJECTS: Mapping[str, Sequence[Any]] = {
    "bool": (True, False, False),
    "int": (0, 3, -1, 2),
    "float": (0.5, -1.25, 3.0),
    "Decimal": tuple(map(Decimal, _AMOUNTS)),
    "date": tuple(dt.date.fromisoformat(text[:10]) for text in _TIMES),
    "datetime": tuple(dt.datetime.fromisoformat(text) for text in _TIMES),
    "time": tuple(dt.time.fromisoformat(text[11:]) for text in _TIMES),
    "timedelta": tuple(dt.timedelta(seconds=each) for each in _SPANS),
}
