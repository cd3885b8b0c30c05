"""Rows to put through a graph, as an array or a DataFrame: chosen, drawn, nudged and compared."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

DRAWN = 400  # rows that are drawn around and between those that statistics give

Rows = Any  # an array or a DataFrame


def some_rows(X: Rows) -> Rows:
    """Return some of the user's rows, evenly over all of them."""
    count = X.shape[0] if hasattr(X, "shape") else len(X)
    at = np.unique(np.linspace(0, count - 1, min(count, 2 * DRAWN)).astype(int))
    return taken(X, at)


def missing_in(rows: Rows) -> np.ndarray:
    """Return which rows have missing values."""
    if hasattr(rows, "iloc"):
        return rows.isna().to_numpy().any(axis=1)
    if not isinstance(rows, np.ndarray) or rows.ndim != 2:
        return np.zeros(rows.shape[0] if hasattr(rows, "shape") else len(rows), dtype=bool)
    return (rows != rows).astype(bool).any(axis=1)  # noqa: PLR0124 - NaN alone is not itself


def taken(rows: Rows, at: np.ndarray) -> Rows:
    """Return rows at some places."""
    if hasattr(rows, "iloc"):
        return rows.iloc[at].reset_index(drop=True)
    return rows[at] if hasattr(rows, "shape") else [rows[i] for i in at.tolist()]


def row_at(rows: Rows, i: int) -> Rows:
    """Return one row, as a table."""
    return rows.iloc[i : i + 1] if hasattr(rows, "iloc") else rows[i : i + 1]


def numeric_columns(rows: Rows) -> list[int]:
    """Return which columns hold numbers that rounding can move."""
    if hasattr(rows, "iloc"):
        return [j for j in range(rows.shape[1]) if getattr(rows.dtypes.iloc[j], "kind", "O") == "f"]
    if not isinstance(rows, np.ndarray) or rows.ndim != 2 or rows.dtype.kind != "f":
        return []
    return list(range(rows.shape[1]))


def with_numbers(rows: Rows, numbers: list[int], change: Callable[[int, np.ndarray], np.ndarray]) -> Rows:
    """Return rows with some columns changed by a function of column and values."""
    result = rows.copy()
    for j in numbers:
        if hasattr(rows, "iloc"):
            result[result.columns[j]] = change(j, rows.iloc[:, j].to_numpy())
        else:
            result[:, j] = change(j, rows[:, j])
    return result


def numbers_of(rows: Rows, j: int) -> np.ndarray:
    """Return the values of a column."""
    return rows.iloc[:, j].to_numpy() if hasattr(rows, "iloc") else rows[:, j]


def nudged(row: Rows, places: list[int], ulps: float) -> Rows:
    """Return rows with some columns moved by roundings of single precision."""

    def change(j: int, values: np.ndarray) -> np.ndarray:
        return values + ulps * np.spacing(np.abs(values).astype(np.float32)).astype(np.float64)

    return with_numbers(row, places, change)


def with_numbers_of(low: Rows, high: Rows, numbers: list[int]) -> Rows:
    """Return the first rows with the numbers of the second."""
    return with_numbers(low, numbers, lambda j, v: numbers_of(high, j))


def halfway(low: Rows, high: Rows) -> Rows:
    """Return rows half way between two."""
    return with_numbers(low, numeric_columns(low), lambda j, v: v / 2 + numbers_of(high, j) / 2)


def chosen_rows(which: np.ndarray, yes: Rows, no: Rows) -> Rows:
    """Return rows of the first where it is true, else of the second."""
    return with_numbers(yes, numeric_columns(yes), lambda j, v: np.where(which, v, numbers_of(no, j)))


def equal_rows(a: Rows, b: Rows) -> np.ndarray:
    """Return which rows have the same numbers in both."""
    numbers = numeric_columns(a)
    same = np.ones(a.shape[0] if hasattr(a, "shape") else len(a), dtype=bool)
    for j in numbers:
        x, y = numbers_of(a, j), np.asarray(numbers_of(b, j), dtype=np.float64)
        same &= same_numbers(x, y)
    return same


def same_numbers(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return which numbers are the same; NaN is."""
    return (x == y) | (np.isnan(x) & np.isnan(y))


def continuous_columns(rows: Rows) -> list[int]:
    """Return the columns of numbers that aren't all whole: whole ones are categories, with nothing between them."""
    return [j for j in numeric_columns(rows) if (numbers_of(rows, j) != np.rint(numbers_of(rows, j))).any()]


def drawn_rows(rows: Rows, rng: np.random.Generator) -> Iterator[Rows]:
    """Yield rows around and between those that are there; then, if these can't be taken, of values that are there."""
    if not (hasattr(rows, "iloc") or (isinstance(rows, np.ndarray) and rows.ndim == 2)):
        return
    count = len(rows)
    base = taken(rows, rng.integers(0, count, DRAWN))
    continuous = continuous_columns(rows)

    def drawn(j: int, values: np.ndarray) -> np.ndarray:
        known = numbers_of(rows, j)
        centre, low, high = np.median(known), known.min(), known.max()
        spread = np.median(np.abs(known - centre)) or high - low
        around = np.clip(centre + spread * rng.normal(size=len(values)), low, high)
        return np.where(rng.random(len(values)) < 0.75, around, rng.uniform(low, high, len(values)))

    def chosen(j: int, values: np.ndarray) -> np.ndarray:
        return numbers_of(rows, j)[rng.integers(0, count, len(values))]

    mixed = with_numbers(base, numeric_columns(base), chosen)
    if continuous:
        yield with_numbers(mixed, continuous, drawn)
    yield mixed
