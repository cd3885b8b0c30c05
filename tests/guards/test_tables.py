"""What users hand over is read as numbers and text, whatever library, type and resolution it is kept in."""

from __future__ import annotations

import datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pytest

import sklearn_normlock as nl
from sklearn_normlock.guards.data.tables import as_table

INSTANTS = np.datetime64("2024-01-01T00:00:00", "ns") + np.arange(300) * np.timedelta64(7_654_321, "us")
RESOLUTIONS = ("s", "ms", "us", "ns")


def frame(times):
    return pd.DataFrame({"at": times, "x": np.random.default_rng(0).normal(size=len(times))})


@pytest.mark.parametrize("unit", RESOLUTIONS)
@pytest.mark.parametrize("kind", ["datetime", "timedelta"])
def test_resolutions_are_no_units(unit, kind):
    """Times and durations give the same numbers at each resolution, from NumPy, pandas and polars: no unit changed."""
    whole = INSTANTS.astype("datetime64[s]")
    times = whole if kind == "datetime" else whole - whole[0]
    expected = times.astype(np.int64).astype(float)
    same = times.astype(f"{kind}64[{unit}]")
    series = pl.Series("at", times.astype(f"{kind}64[us]"))
    if unit != "s":
        series = series.cast(pl.Datetime(unit) if kind == "datetime" else pl.Duration(unit))
    for X in (same[:, None], frame(same), frame(same)[["at"]], pl.DataFrame([series, pl.Series("x", [1.0] * 300)])):
        np.testing.assert_array_equal(as_table(X).numbers[:, 0], expected)
    found = nl.diagnose(nl.Profile.from_data(frame(times.astype(f"{kind}64[ns]"))), frame(same))
    assert not found.alarm and found.judged


def test_parts_of_seconds_are_exact():
    """An instant between two seconds, before 1970 too, is the same number at every resolution that has it."""
    for times in (INSTANTS, INSTANTS - np.timedelta64(60 * 365, "D")):
        fine, coarse = (as_table(times.astype(f"datetime64[{unit}]")[:, None]).numbers for unit in ("ns", "us"))
        np.testing.assert_array_equal(fine, coarse)
        np.testing.assert_allclose(np.diff(fine[:, 0]), 7.654321, rtol=1e-6)


def test_missing_times():
    """NaT is missing, in datetimes with and without a zone and in durations; it is counted as such."""
    times = pd.Series(INSTANTS).where(np.arange(300) % 3 > 0)
    for column in (times, times.dt.tz_localize("Europe/Berlin"), times - times[1], times.astype(object)):
        profile = nl.Profile.from_data(frame(column))
        assert profile.moments.missing[0] == 100 and profile.moments.count[0] == 200
        assert not nl.diagnose(profile, frame(column)).alarm


def test_zones_and_dates():
    """A time with a zone is the instant in UTC; a date is its midnight, as pandas, polars and Python have it."""
    utc = pd.Series(INSTANTS)
    zoned = utc.dt.tz_localize("UTC").dt.tz_convert("Asia/Tokyo")
    expected = as_table(frame(utc)).numbers[:, 0]
    np.testing.assert_array_equal(as_table(frame(zoned)).numbers[:, 0], expected)
    np.testing.assert_array_equal(as_table(frame(zoned.astype(object))).numbers[:, 0], expected)
    np.testing.assert_array_equal(as_table(pl.DataFrame({"at": pl.Series(zoned.tolist())})).numbers[:, 0], expected)
    days = [datetime.date(2024, 1, 2), None]
    for X in (pd.DataFrame({"day": days}), pl.DataFrame({"day": days}), pl.DataFrame({"day": days, "x": [1.0, 2.0]})):
        np.testing.assert_array_equal(as_table(X).numbers[:, 0], [1_704_153_600.0, np.nan])


@pytest.mark.parametrize(
    "column",
    [
        pd.array([True, None, False] * 50, dtype="boolean"),
        pd.array([1, None, 0] * 50, dtype="Int64"),
        pd.Series([Decimal("1"), None, Decimal("0")] * 50),
        pd.Series([True, Decimal("NaN"), 0] * 50, dtype=object),
        pl.Series([True, None, False] * 50),
        pl.Series([Decimal("1"), None, Decimal("0")] * 50),
    ],
    ids=lambda column: str(column.dtype),
)
def test_columns_of_numbers(column):
    """Nullable booleans and integers, and decimals, are numbers; what they have none of is missing."""
    library = pl if isinstance(column, pl.Series) else pd
    X = library.DataFrame({"b": column, "x": np.random.default_rng(0).normal(size=150)})
    np.testing.assert_array_equal(as_table(X).numbers[:3, 0], [1.0, np.nan, 0.0])
    guard = nl.InputGuard("raise", min_rows=1).fit(X)
    assert guard.profile_.moments.missing[0] == 50
    assert guard.transform(X) is X


def test_text_with_na():
    """pd.NA among text is missing."""
    table = as_table(pd.DataFrame({"s": pd.array(["a", None], dtype="string"), "x": [1.0, 2.0]}))
    assert table.categories[0].tolist() == ["a", None]


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        (pd.period_range("2024", periods=9, freq="D"), "Period"),
        (pd.interval_range(0, 9), "Interval"),
        ([datetime.time(1)] * 9, "time"),
        ([{"a": 1}] * 9, "dict"),
    ],
)
def test_columns_of_other_values(column, kind):
    """What is neither text nor a number nor a time is refused: the message names the column and the type."""
    X = pd.DataFrame({"good": [1.0] * 9, "odd": column})
    good = pd.DataFrame({"good": [1.0] * 9, "odd": [1.0] * 9})
    for ask in (
        nl.Profile.from_data,
        nl.InputGuard().fit,
        nl.InputGuard().fit(good).transform,
        lambda X: nl.diagnose(nl.Profile.from_data(good), X),
    ):
        with pytest.raises(TypeError, match=f'^Column "odd" holds a value of type {kind}: .* leave it out'):
            ask(X)


def arrow():
    try:
        import pyarrow
    except ImportError as error:  # an extra, and its newest version takes no old NumPy
        pytest.skip(str(error))
    return pyarrow.table({"a": [1.0, 2.0]})


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (arrow, "pyarrow.lib.Table"),
        (lambda: pl.LazyFrame({"a": [1.0, 2.0]}), "polars.*LazyFrame"),
        (lambda: ([i, i] for i in range(9)), "generator"),
        (lambda: {"a": [1.0]}, "dict"),
        (lambda: None, "NoneType"),
    ],
)
def test_other_containers(make, says):
    """What no table can be read from is refused: the message says what it is and what is accepted."""
    X = make()
    for ask in (nl.Profile.from_data, nl.InputGuard().fit, nl.InputGuard().fit([[1.0], [2.0]]).transform):
        with pytest.raises(TypeError, match=rf"^X is of type [\w.]*{says}; expected an array"):
            ask(X)
