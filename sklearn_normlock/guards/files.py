"""Tables in files: CSV by the standard library, Parquet by whichever reader is installed."""

from __future__ import annotations

import csv
from typing import Any

import numpy as np

from ..errors import InputFaultError, MissingDependencyError
from .tables import Table

_MISSING = {"", "nan", "NaN", "NA", "N/A", "null", "NULL", "None"}


def read_csv(path: str) -> Table:
    """Read a CSV file; its first line names the columns unless all of it is numbers.

    Parameters
    ----------
    path : str
        The file, in UTF-8.

    Returns
    -------
    table : Table
        Its rows.

    Raises
    ------
    InputFaultError
        If the file is empty, or a row has more or fewer columns than the first.
    """
    with open(path, encoding="utf-8-sig", newline="") as file:
        rows = [row for row in csv.reader(file) if row]
    if not rows:
        raise InputFaultError("The file is empty.", remedy="Expected rows of comma-separated values.")
    width = len(rows[0])
    for number, row in enumerate(rows, start=1):
        if len(row) != width:
            raise InputFaultError(
                f"Row {number} has {len(row)} columns, the first has {width}.", expected=width, actual=len(row)
            )
    names = None
    if not all(_number(text) is not None for text in rows[0]):
        names, rows = tuple(text.strip() for text in rows[0]), rows[1:]
    numbers = np.full((len(rows), width), np.nan)
    categories: dict[int, Any] = {}
    for j in range(width):
        texts = [row[j].strip() for row in rows]
        values = [_number(text) for text in texts]
        if any(value is None for value in values):
            categories[j] = np.array([None if text in _MISSING else text for text in texts], dtype=object)
        else:
            numbers[:, j] = values
    return Table(numbers, names, categories)


def _number(text: str) -> float | None:
    if text.strip() in _MISSING:
        return float("nan")
    try:
        return float(text)
    except ValueError:
        return None


def read_parquet(path: str) -> Any:
    """Read a Parquet file.

    Parameters
    ----------
    path : str
        The file.

    Returns
    -------
    frame : data frame
        A pandas or polars frame.

    Raises
    ------
    MissingDependencyError
        If neither polars nor pandas with pyarrow is installed.
    """
    try:
        import polars
    except ImportError:
        try:
            import pandas

            return pandas.read_parquet(path)
        except ImportError as error:
            raise MissingDependencyError(
                "Reading Parquet needs polars, or pandas with pyarrow; neither is installed.",
                remedy="pip install polars.",
            ) from error
    return polars.read_parquet(path)
