"""Cohorts: groups of rows that are judged by themselves, named by the user or found where the new one is worst."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
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
_COLUMNS = 30

Codes = NDArray[np.intp]


@dataclass(frozen=True)
class Partition:
    """Cohorts of one kind: a code for each row, -1 for none, and a name for each code."""

    names: tuple[str, ...]
    codes: Codes

    def __iter__(self) -> Iterator[tuple[str, Codes]]:
        for code, name in enumerate(self.names):
            yield name, np.flatnonzero(self.codes == code)


@dataclass(frozen=True)
class Search:
    """How many slices were looked at, and the one in which the new one is worst: its name, its held-out rows."""

    slices: int
    name: str = ""
    rows: Codes | None = None


def n_rows_of(X: Any) -> int:
    """Return how many rows data has."""
    shape: Any = getattr(X, "shape", None)
    if shape:
        return int(shape[0])
    try:
        return len(X)
    except TypeError:
        raise GateInputError(
            f"X is of type {type(X).__name__}, which has no rows.", path="X", remedy="Give an array, frame or list."
        ) from None


def rows_at(X: Any, rows: Any) -> Any:
    """Return some rows of data of any kind: a slice or positions."""
    if hasattr(X, "iloc"):
        return X.iloc[rows]
    if isinstance(X, (list, tuple)):
        return list(X[rows]) if isinstance(rows, slice) else [X[i] for i in rows]
    return X[rows]


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
            remedy="Name a column of X, or give an array of labels or a callable.",
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
        Names of columns, pairs of a column and a number of bins, callables of X, ``"found"``; or a mapping of names to
        any of these or to labels, one for each row.
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
        listed = cohorts if isinstance(cohorts, (list, set)) else [cohorts]
        search = any(isinstance(each, str) and each == FOUND for each in listed)
        named = [(_called(each), each) for each in listed if not (isinstance(each, str) and each == FOUND)]
    if search and X is None:
        raise GateInputError("Slices are found in columns, and there is no X.", path="cohorts", remedy="Give X.")
    return [_partition(name, spec, X, rows) for name, spec in named], search


def _called(spec: Any) -> str:
    if callable(spec):
        name = getattr(spec, "__name__", type(spec).__name__)
        return "cohort" if name == "<lambda>" else name
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
        values = np.asarray(spec(X))
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
    return coded(name, values, bins)


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
    if value is None or value != value or type(value).__name__ in ("NAType", "NaTType"):
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
    return Partition(tuple(names), codes)


# -- search ------------------------------------------------------------------------------------------------------------


def worst_slice(X: Any, harm: NDArray[np.int8], min_rows: int, rng: np.random.Generator) -> Search:
    """Search one half of the rows for the slice of one or two columns in which the new one is worst.

    The worst of many slices looks worse than it is. The other half of the rows has no part in the choice, so that it
    may judge the slice as if it had been named beforehand.

    Parameters
    ----------
    X : data
        The rows.
    harm : ndarray of shape (n_rows,)
        1 where a row got worse, -1 where it got better, 0 elsewhere.
    min_rows : int
        Slices with fewer rows in either half are not looked at.
    rng : Generator
        Deals the rows into halves.

    Returns
    -------
    search : Search
        Without a name if no row of a slice got worse.
    """
    held_out = np.zeros(len(harm), bool)
    held_out[rng.permutation(len(harm))[: len(harm) // 2]] = True
    searched = ~held_out
    surplus_of = harm[searched].astype(np.float64)
    looked_at, worst = 0, (0.0, 0)
    name, rows = "", None
    for names, codes in _slicings(X):
        n_codes = int(codes.max()) + 1
        sizes = np.bincount(codes[searched], minlength=n_codes)
        enough = (sizes >= min_rows) & (np.bincount(codes[held_out], minlength=n_codes) >= min_rows)
        looked_at += int(enough.sum())
        surplus = np.bincount(codes[searched], surplus_of, n_codes)
        flips = np.bincount(codes[searched], np.abs(surplus_of), n_codes)
        # By how many deviations more rows got worse than better; the smaller slice if two are as bad.
        badness = np.where(enough, surplus / np.sqrt(np.maximum(flips, 1)), 0.0)
        for code in np.flatnonzero(badness >= max(float(badness.max()), 1e-12)):
            candidate = (float(badness[code]), -int(sizes[code]))
            if candidate > worst:
                worst, name = candidate, names(int(code))
                rows = np.flatnonzero(held_out & (codes == code))
    return Search(looked_at, name, rows)


def _slicings(X: Any) -> Iterator[tuple[Callable[[int], str], Codes]]:
    """Yield the ways to cut rows by one column, then by two: the name of each code, and the codes."""
    names = column_names(X)[:_COLUMNS]
    parts = [part for part in (coded(str(name), column_of(X, name)) for name in names) if len(part.names) > 1]
    for part in parts:
        yield part.names.__getitem__, part.codes
    for one, two in combinations(parts, 2):
        yield _joint(one.names, two.names), one.codes * len(two.names) + two.codes


def _joint(one: Sequence[str], two: Sequence[str]) -> Callable[[int], str]:
    return lambda code: f"{one[code // len(two)]} and {two[code % len(two)]}"
