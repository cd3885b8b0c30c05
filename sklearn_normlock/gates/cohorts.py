"""Cohorts: groups of rows that are judged by themselves, as the user names them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import GateInputError

#: Stands for the slices that are searched for, in a list of cohorts.
FOUND = "found"
_BINS = 4
_FEW = 20  # distinct numbers up to which each is a cohort
_MOST = 50  # cohorts of one column; the rarest share one
_SAMPLE = 200_000  # rows that the edges of bins are made from

Codes = NDArray[np.intp]


@dataclass(frozen=True)
class Partition:
    """Cohorts of one kind: a name for each code, a code for each row, and whether they are bins of numbers."""

    names: tuple[str, ...]
    codes: NDArray[Any]
    binned: bool = False

    def __iter__(self) -> Iterator[tuple[str, Codes]]:
        for code, name in enumerate(self.names):
            yield name, np.flatnonzero(self.codes == code)


def n_rows_of(X: Any) -> int:
    """Return how many rows data has."""
    shape: Any = getattr(X, "shape", None)
    if shape:
        return int(shape[0])
    try:
        if isinstance(X, (str, bytes, Mapping)):
            raise TypeError
        return len(X)
    except TypeError:
        raise GateInputError(
            f"X is of type {type(X).__name__}, which has no rows.", path="X", remedy="Give an array, frame or list."
        ) from None


def table_of(X: Any) -> Any:
    """Return a table as one whose rows can be picked: sparse ones by rows, those of Arrow as frames."""
    if hasattr(X, "tocsr"):
        return X.tocsr()
    return X.to_pandas() if type(X).__module__.partition(".")[0] == "pyarrow" else X


def rows_at(X: Any, rows: Any) -> Any:
    """Return a copy of some rows of data of any kind: a slice or positions. An estimator may write into it."""
    if isinstance(X, (list, tuple)):
        return list(X[rows]) if isinstance(rows, slice) else [X[i] for i in rows]
    some = X.iloc[rows] if hasattr(X, "iloc") else X[rows]
    return some.copy() if hasattr(some, "copy") else some


def column_names(X: Any) -> list[Any]:
    """Return what columns are called: names, or positions."""
    if hasattr(type(X), "columns"):
        return list(X.columns)
    shape: Any = getattr(X, "shape", ())
    return list(range(shape[1])) if len(shape) == 2 else []


def column_of(X: Any, name: Any) -> NDArray[Any]:
    """Return one column as an array."""
    names = column_names(X)
    if isinstance(name, str) and name not in names and name.isdigit() and int(name) in names:
        name = int(name)
    if name not in names:
        shown = ", ".join(map(str, names[:8])) + (", …" if len(names) > 8 else "")
        raise GateInputError(
            f"There is no column {name!r} to make cohorts from; X has {shown or 'no columns'}.",
            path="cohorts",
            expected=names,
            actual=name,
            remedy="Name a column of X, a column with a number of bins as a pair, an array of labels or a callable.",
        )
    if names.count(name) > 1:
        raise GateInputError(
            f"There are {names.count(name)} columns {name!r}.", path="cohorts", actual=name, remedy="Rename them."
        )
    if hasattr(type(X), "columns"):
        return np.asarray(X[name].to_numpy())
    values = X[:, name]
    return values.toarray().ravel() if hasattr(values, "toarray") else np.asarray(values)


def partitions(cohorts: Any, X: Any, rows: int) -> tuple[list[Partition], bool]:
    """Return the cohorts that were asked for, and whether slices are to be found.

    Parameters
    ----------
    cohorts : str, callable, sequence or mapping
        Names of columns, pairs of a column and a number of bins, callables of X, arrays of labels, ``"found"``; or a
        mapping of names to any of these or to labels, one for each row.
    X : data or None
        The rows.
    rows : int
        How many.
    """
    if cohorts is None:
        return [], False
    if isinstance(cohorts, Mapping):
        named = [(str(name), spec) for name, spec in cohorts.items()]
        search = False
    else:
        pair = isinstance(cohorts, tuple) and len(cohorts) == 2 and type(cohorts[1]) is int
        listed = cohorts if isinstance(cohorts, (list, set, tuple)) and not pair else [cohorts]
        search = any(isinstance(each, str) and each == FOUND for each in listed)
        named = [(_called(each), each) for each in listed if not (isinstance(each, str) and each == FOUND)]
    if search and X is None:
        raise GateInputError("Slices are found in columns, and there is no X.", path="cohorts", remedy="Give X.")
    return [_partition(name, spec, X, rows) for name, spec in named], search


def _called(spec: Any) -> str:
    if callable(spec):
        name = getattr(spec, "__name__", type(spec).__name__)
        return "cohort" if name == "<lambda>" else name
    if hasattr(spec, "shape"):
        return str(getattr(spec, "name", None) or "cohort")
    return str(spec[0] if isinstance(spec, tuple) else spec)


def _partition(name: str, spec: Any, X: Any, rows: int) -> Partition:
    bins = None
    if isinstance(spec, tuple) and len(spec) == 2 and type(spec[1]) is int:
        spec, bins = spec
        if bins < 2:
            raise GateInputError(
                f"{name}: {bins} bins can't be told apart.", path="cohorts", remedy="Ask for 2 or more."
            )
    if callable(spec):
        try:
            values = np.asarray(spec(X))
        except Exception as error:
            raise GateInputError(
                f"The function that makes the cohort {name!r} failed ({type(error).__name__}: {error}).",
                path="cohorts",
                remedy="Give a function of X that returns one label for each row.",
            ) from error
    elif isinstance(spec, (str, int, np.integer)):
        if X is None:
            raise GateInputError(f"Cohort {name!r} is a column, and there is no X.", path="cohorts", remedy="Give X.")
        values = column_of(X, spec)
    else:
        values = np.asarray(spec.to_numpy() if hasattr(spec, "to_numpy") else spec)
    if values.ndim != 1 or len(values) != rows:
        raise GateInputError(
            f"Cohort {name!r} has labels of shape {values.shape}; there are {rows} rows.",
            path="cohorts",
            expected=(rows,),
            actual=values.shape,
            remedy="Give one label for each row.",
        )
    try:
        return coded(name, values, bins)
    except TypeError as error:  # values that are not hashable
        raise GateInputError(
            f"Cohort {name!r} has labels that can't be told apart ({error}).",
            path="cohorts",
            actual=name,
            remedy="Give texts, numbers or dates as labels.",
        ) from None


def coded(name: str, values: NDArray[Any], bins: int | None = None) -> Partition:
    """Return the cohorts of a column: its values if they are few, else bins; missing ones apart."""
    if values.dtype == bool:
        return Partition((f"{name}=False", f"{name}=True"), values.astype(np.intp))
    if values.dtype.kind in "mM":
        missing = np.isnat(values)
        values = values.astype("datetime64[s]" if values.dtype.kind == "M" else "timedelta64[s]").astype(np.float64)
        values[missing] = np.nan
    if values.dtype.kind in "iuf":
        some = values[:: max(len(values) // _SAMPLE, 1)].astype(np.float64)
        known = some[np.isfinite(some)]
        distinct = np.unique(known)
        if bins is not None or len(distinct) > _FEW or np.any(distinct != np.round(distinct)):
            return _binned(name, values.astype(np.float64), known, bins or _BINS)
    codes: dict[Any, int] = {}
    found = np.fromiter((codes.setdefault(_label(v), len(codes)) for v in values.tolist()), np.intp, len(values))
    labels = list(codes)
    counts = np.bincount(found, minlength=len(labels))
    order = sorted(range(len(labels)), key=lambda i: (-counts[i], str(labels[i])))
    kept, rest = (order, []) if len(order) <= _MOST else (order[: _MOST - 1], order[_MOST - 1 :])
    kept.sort(key=lambda i: str(labels[i]))
    place = np.full(len(labels), len(kept), np.intp)
    place[kept] = np.arange(len(kept))
    names = [f"{name} missing" if labels[i] is None else f"{name}={labels[i]}" for i in kept]
    return Partition((*names, *([f"{name}: {len(rest)} rare values"] if rest else [])), place[found])


def _label(value: Any) -> Any:
    if value is None or type(value).__name__ in ("NAType", "NaTType") or value != value:
        return None
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _binned(name: str, values: NDArray[np.float64], known: NDArray[np.float64], bins: int) -> Partition:
    edges = np.unique(np.quantile(known, np.arange(1, bins) / bins)) if len(known) else np.empty(0)
    edges = edges[edges > known.min()] if len(known) else edges
    codes = np.searchsorted(edges, values, side="right").astype(np.intp)
    shown = [f"{edge:.4g}" for edge in edges]
    names = [f"{name} < {shown[0]}"] if shown else [f"{name} known"]
    names += [f"{name} in [{low}, {high})" for low, high in zip(shown, shown[1:], strict=False)]
    names += [f"{name} ≥ {shown[-1]}"] if shown else []
    missing = np.isnan(values)
    if missing.any():
        codes[missing] = len(names)
        names.append(f"{name} missing")
    return Partition(tuple(names), codes, binned=True)
