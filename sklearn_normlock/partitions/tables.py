"""Parts of a table, as estimators see them: names, kinds, numbers; and small tables made in their likeness."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import InputFaultError


@dataclass(frozen=True)
class Heading:
    """Names, kinds and rows that the parts of a table have in common.

    Parameters
    ----------
    width : int
        Number of columns.
    names : tuple of str or None
        What they are called; None for arrays.
    dtypes : tuple
        By column; one without rows counts as much as any other.
    rows : int
        Number of rows seen so far.
    """

    width: int
    names: tuple[Any, ...] | None
    dtypes: tuple[Any, ...]
    rows: int

    def called(self, column: int) -> str:
        """Return what a column is called in a message."""
        return f'"{self.names[column]}"' if self.names else str(column)


def heading_of(part: Any) -> Heading:
    """Return names, kinds and rows of a part: a pandas data frame or a two-dimensional array."""
    if hasattr(part, "columns") and hasattr(part, "dtypes"):
        return Heading(part.shape[1], tuple(part.columns), tuple(part.dtypes), len(part))
    shape = getattr(part, "shape", None)
    if hasattr(part, "toarray") or shape is None or len(shape) != 2:
        what = f"{type(part).__name__} of shape {shape}" if shape is not None else type(part).__name__
        raise InputFaultError(
            f"A part of the table is a {what}; parts are data frames or dense arrays of two dimensions.",
            expected="(n_rows, n_columns)",
            actual=shape,
            remedy="Reshape a single column by X[:, None]; make sparse parts dense, or fit on one machine.",
        )
    return Heading(shape[1], None, (part.dtype,) * shape[1], shape[0])


def merged_heading(one: Heading, other: Heading) -> Heading:
    """Return the heading of both parts together; their columns must be the same."""
    if one.width != other.width or one.names != other.names:
        raise InputFaultError(
            "The parts of the table don't have the same columns: "
            f"{_listed(one.names, one.width)} and {_listed(other.names, other.width)}.",
            expected=one.names or one.width,
            actual=other.names or other.width,
            remedy="Select the columns, in one order, before the fit.",
        )
    dtypes = tuple(_common(a, b) for a, b in zip(one.dtypes, other.dtypes, strict=True))
    return Heading(one.width, one.names, dtypes, one.rows + other.rows)


def _listed(names: tuple[Any, ...] | None, width: int) -> str:
    return f"{width} columns" if names is None else ", ".join(map(str, names[:8])) + (" ..." if width > 8 else "")


def _common(a: Any, b: Any) -> Any:
    if a == b:
        return a
    try:
        return np.result_type(a, b)
    except TypeError:  # categories of two parts, or a kind that NumPy doesn't know
        return np.dtype(object)


def numbers(part: Any, whose: str) -> tuple[Heading, Any]:
    """Return heading and values of a part as floats, NaN where a value is missing.

    Parameters
    ----------
    part : DataFrame or ndarray
        A part of the table.
    whose : str
        Name of the estimator, for messages.
    """
    heading = heading_of(part)
    try:
        if heading.names is not None:
            kinds = {np.dtype(d) if isinstance(d, np.dtype) else np.dtype(np.float64) for d in heading.dtypes}
            dtype = np.result_type(*kinds) if kinds else np.dtype(np.float64)
            values = part.to_numpy(dtype=dtype if dtype.kind == "f" else np.float64, na_value=np.nan)
        else:
            values = np.asarray(part)
            if values.dtype.kind != "f":
                values = values.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise InputFaultError(
            f"{whose} takes numbers; a part of the table has others ({error}).",
            remedy="Select the numeric columns, or encode the others first.",
        ) from None
    if values.dtype.kind != "f":  # complex
        raise InputFaultError(f"{whose} takes real numbers, not {values.dtype}.", remedy="Take their real parts.")
    infinite = np.isinf(values).any(axis=0) if len(values) else np.zeros(heading.width, dtype=bool)
    if infinite.any():
        column = int(np.flatnonzero(infinite)[0])
        raise InputFaultError(
            f"Column {heading.called(column)} holds an infinity, which {whose} doesn't take.",
            path=heading.called(column),
            remedy="Replace infinities, by NaN say, before the fit.",
        )
    return heading, values


def table_like(heading: Heading, columns: Iterable[Any], dtype: Any = None) -> Any:
    """Return a small table with the names and kinds of the parts.

    Parameters
    ----------
    heading : Heading
        Whose likeness.
    columns : iterable of array-like
        The values of each column, equally many.
    dtype : dtype, optional
        Of all columns; without it, each column has that of the parts.
    """
    columns = list(columns)
    if heading.names is None:
        kind = heading.dtypes[0] if dtype is None else dtype
        table = np.empty((len(columns[0]), heading.width), dtype=kind)
        for j, column in enumerate(columns):
            table[:, j] = column
        return table
    import pandas as pd  # the parts are data frames of it

    kinds = heading.dtypes if dtype is None else (dtype,) * heading.width
    series = [pd.Series(list(column), dtype=_plain(kind)) for column, kind in zip(columns, kinds, strict=True)]
    return pd.concat(series, axis=1, keys=range(heading.width)).set_axis(list(heading.names), axis=1)


def _plain(kind: Any) -> Any:
    categories = getattr(kind, "categories", None)
    return kind if categories is None else categories.dtype


def floats_of(heading: Heading) -> np.dtype[Any]:
    """Return the precision that scikit-learn's scalers take such a table in."""
    plain = [d if isinstance(d, np.dtype) else np.dtype(np.float64) for d in heading.dtypes]
    together = np.result_type(*plain)
    return together if together.kind == "f" else np.dtype(np.float64)
