"""Tables in files: CSV by one rule, with types or without, Parquet by whichever reader is installed."""

from __future__ import annotations

import csv
import io
import math
import re
import warnings
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from ..documents.files import reading
from ..errors import ArtifactReadError, MissingDependencyError, NormLockError
from ..guards.data.tables import Table, in_utc, parts_of, seconds, time_type
from ..guards.profile import Profile

# The texts that stand for a missing value; pandas has the same by default.
_MISSING = frozenset(
    "|#N/A|#N/A N/A|#NA|-1.#IND|-1.#QNAN|-NaN|-nan|1.#IND|1.#QNAN|<NA>|N/A|NA|NULL|NaN|None|n/a|nan|null".split("|")
)


def read_npy(path: Path) -> Any:
    """Read an array that NumPy saved; one of Python's objects is refused, since it would run code."""
    with reading(path) as file:
        try:
            return np.lib.format.read_array(file, allow_pickle=False)
        except (ValueError, EOFError, TypeError, SyntaxError) as error:
            raise _unreadable(path, error) from None


def read_csv(path: Path, profile: Profile) -> Table:
    """Read a CSV file in UTF-8; its first line names the columns unless all of it is numbers.

    Such a file has no types: "12" is a number or the name of a flat. A column that the profile has is read as what it
    is there: as text, or as numbers, which may be written as true and false or as dates and times. Columns are matched
    by name, or by place if either has none.
    """
    rows = list(_rows(path))
    width = len(rows[0])
    names = None
    if _named(rows[0]):
        names, rows = tuple(rows[0]), rows[1:]
    places = _places(profile, names, width)
    numbers = np.full((len(rows), width), np.nan)
    categories: dict[int, Any] = {}
    types: list[str | None] = [None] * width
    for j, place in enumerate(places):
        texts = [row[j] for row in rows]
        kept = profile.categories.get(place) if place is not None else None
        values = None
        if kept is None:
            values = _numbers(texts, (float,) if place is None else (float, _truth, _time))
        if values is None:
            absent = _MISSING.difference(kept.values if kept is not None else ())
            categories[j] = np.array([None if text in absent else text for text in texts], dtype=object)
        else:
            numbers[:, j] = values
            types[j] = _type(texts, None if place is None else profile.types[place])
    return Table(numbers, names, categories, tuple(types))


def read_csv_frame(path: Path) -> Any:
    """Read a CSV file as a frame of pandas, by the same rule of names, blanks and missing values."""
    named = False
    for number, row in enumerate(_rows(path)):
        named = named or (number == 0 and _named(row))
    try:
        import pandas as pd
    except ModuleNotFoundError:
        raise MissingDependencyError(
            f"Reading {path} needs pandas.", path=str(path), remedy="Install pandas."
        ) from None
    with reading(path) as file, warnings.catch_warnings():
        # The nearest double is what later versions of pandas give unasked, and they warn of the question.
        warnings.filterwarnings("ignore", message=".*float_precision.*")
        try:
            return pd.read_csv(
                file,
                header=0 if named else None,
                index_col=False,
                skipinitialspace=True,
                encoding="utf-8-sig",
                float_precision="round_trip",
            )
        except (ValueError, OverflowError) as error:
            raise _unreadable(path, error) from None


def _rows(path: Path) -> Iterator[list[str]]:
    """Yield the rows of a CSV file, which are at least one and of one width; empty lines are none."""
    width = None
    with reading(path) as file, io.TextIOWrapper(file, encoding="utf-8-sig", newline="") as text:
        try:
            for number, row in enumerate(filter(None, csv.reader(text, skipinitialspace=True)), start=1):
                width = width or len(row)
                if len(row) != width:
                    raise ArtifactReadError(
                        f"{path}: row {number} has {len(row)} columns, the first has {width}.",
                        path=str(path),
                        expected=width,
                        actual=len(row),
                        remedy="It is cut short, or a comma in a text is not quoted.",
                    )
                yield row
        except (UnicodeDecodeError, csv.Error) as error:
            raise _unreadable(path, error) from None
    if width is None:
        raise ArtifactReadError(
            f"{path}: the file is empty.", path=str(path), remedy="Expected rows of comma-separated values."
        )


def _named(first: list[str]) -> bool:
    return _numbers(first, (float,)) is None


def _places(profile: Profile, names: tuple[str, ...] | None, width: int) -> list[int | None]:
    """Return for each column of a file which of the profile's it is, or None."""
    if names and profile.names:
        return [profile.names.index(name) if name in profile.names else None for name in names]
    if profile.n_features_in_ == width:
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


def _type(texts: list[str], was: str | None) -> str | None:
    """Return the type of times as text beside that of training, and None for what is no time.

    Whether there are offsets is all that such a file says of a zone.
    """
    if not (zones := parts_of(was)[1]) or _numbers(texts, (float,)) is not None:
        return None
    offset = re.compile(r"\d:\d\d.*([+-]\d\d:?\d\d|Z)$")
    aware = {offset.search(text) is not None for text in texts if text not in _MISSING}
    if aware <= {zone != "naive" for zone in zones}:
        return was
    return time_type("datetime", "text", {None if False in aware else "an offset"})


def _time(text: str) -> float:
    # Python 3.10 reads neither Z nor an offset without a colon, which polars writes.
    text = re.sub(r"(:\d\d(?:\.\d+)?[+-]\d\d)(\d\d)$", r"\1:\2", text.replace("Z", "+00:00"))
    time = datetime.fromisoformat(text)
    return float(seconds(np.datetime64(in_utc(time), "us")))


def read_parquet(path: Path) -> Any:
    """Read a Parquet file as a frame of pandas, or of polars where pandas or pyarrow is not installed."""
    with reading(path) as file:
        try:
            return _parquet_reader(path)(file)
        except NormLockError:
            raise
        except Exception as error:  # the errors of polars and pyarrow have no base but this
            raise _unreadable(path, error) from None


def _parquet_reader(path: Path) -> Callable[[Any], Any]:
    try:
        import pandas
        import pyarrow  # noqa: F401 - pandas reads by it
    except ImportError:
        try:
            import polars
        except ImportError:
            raise MissingDependencyError(
                f"Reading {path} needs polars, or pandas with pyarrow; neither is installed.",
                path=str(path),
                remedy="pip install polars.",
            ) from None
        return polars.read_parquet
    return pandas.read_parquet


def _unreadable(path: Path, error: Exception) -> ArtifactReadError:
    return ArtifactReadError(
        f"{path} can't be read as {path.suffix} ({type(error).__name__}: {error}).",
        path=str(path),
        remedy="It is cut short, damaged or of another format.",
    )
