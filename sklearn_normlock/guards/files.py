"""Tables in files: CSV by the standard library, Parquet by whichever reader is installed."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import ArtifactReadError, InputFaultError, MissingDependencyError
from .tables import Table, in_utc, seconds

if TYPE_CHECKING:
    from .profile import Profile

_MISSING = {"", "nan", "NaN", "NA", "N/A", "null", "NULL", "None"}


def read_csv(path: str, profile: Profile | None = None) -> Table:
    """Read a CSV file; its first line names the columns unless all of it is numbers.

    Such a file has no types: "12" is a number or the name of a flat. A column that the profile has is read as what it
    is there: as text, or as numbers, which may be written as true and false or as dates and times.

    Parameters
    ----------
    path : str
        The file, in UTF-8.
    profile : Profile, default=None
        What its columns are compared with: by their names, or by their places if either has none.

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
        rows = [[text.strip() for text in row] for row in csv.reader(file) if row]
    if not rows:
        raise InputFaultError("The file is empty.", remedy="Expected rows of comma-separated values.")
    width = len(rows[0])
    for number, row in enumerate(rows, start=1):
        if len(row) != width:
            raise InputFaultError(
                f"Row {number} has {len(row)} columns, the first has {width}.", expected=width, actual=len(row)
            )
    names = None
    if _numbers(rows[0], (float,)) is None:
        names, rows = tuple(rows[0]), rows[1:]
    places = _places(profile, names, width)
    numbers = np.full((len(rows), width), np.nan)
    categories: dict[int, Any] = {}
    for j, place in enumerate(places):
        texts = [row[j] for row in rows]
        kept = profile.categories.get(place) if profile is not None and place is not None else None
        values = None
        if kept is None:
            values = _numbers(texts, (float,) if place is None else (float, _truth, _time))
        if values is None:
            absent = _MISSING.difference(kept.values if kept is not None else ())
            categories[j] = np.array([None if text in absent else text for text in texts], dtype=object)
        else:
            numbers[:, j] = values
    return Table(numbers, names, categories)


def _places(profile: Profile | None, names: tuple[str, ...] | None, width: int) -> list[int | None]:
    """Return for each column of a file which of the profile's it is, or None."""
    if profile is not None and names and profile.names:
        return [profile.names.index(name) if name in profile.names else None for name in names]
    if profile is not None and profile.n_features_in_ == width:
        return list(range(width))
    return [None] * width


def _numbers(texts: list[str], kinds: tuple[Callable[[str], float], ...]) -> Any:
    """Return texts as numbers of the first kind that all of them are; None if there is none."""
    for kind in kinds:
        try:
            return np.array([math.nan if text in _MISSING else kind(text) for text in texts])
        except ValueError:
            continue
    return None


def _truth(text: str) -> float:
    return float(("false", "true").index(text.lower()))


def _time(text: str) -> float:
    time = datetime.fromisoformat(text.replace("Z", "+00:00"))  # Python 3.10 has no Z
    return float(seconds(np.datetime64(in_utc(time), "us")))


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
    ArtifactReadError
        If the file is damaged, or no Parquet.
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
    try:
        return polars.read_parquet(path)
    except OSError:
        raise
    except Exception as error:  # polars' errors have no base but this
        raise ArtifactReadError(
            f"It can't be read as Parquet ({type(error).__name__}: {error}).",
            path=path,
            remedy="It is cut short, damaged or of another format.",
        ) from None
