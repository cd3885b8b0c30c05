"""A column of another type or zone is named, in one row and behind a saved profile; widths are told, and no fault."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest

import sklearn_normlock as nl
from sklearn_normlock.cli import main
from sklearn_normlock.errors import InputFaultError
from sklearn_normlock.guards.faults import FAULTS

RNG = np.random.default_rng(0)
TIMES = pd.Series(pd.date_range("2025-01-01", periods=6000, freq="h", tz="America/Denver")).sample(500, random_state=0)
TIMES = TIMES.reset_index(drop=True).dt.as_unit("us")
FRAME = pd.DataFrame({"when": TIMES, "temp": 10 + RNG.normal(size=500), "stops": RNG.integers(0, 9, 500)})
TRAIN, TEST = FRAME[:400], FRAME[400:]
NAIVE_TRAIN, NAIVE_TEST = (part.assign(when=part.when.dt.tz_localize(None)) for part in (TRAIN, TEST))


def in_polars(frame):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Series.values")  # polars asks pandas 3.1 for what it deprecates
        return pl.from_pandas(frame)


def saved(frame):
    return nl.Profile.from_dict(json.loads(json.dumps(nl.Profile.from_data(frame).to_dict())))


def test_the_profile_keeps_types_units_and_zones():
    """Types are kept in the same words for pandas and polars, and are there after saving."""
    expected = ("datetime[us, America/Denver]", "float64", "int64")
    assert saved(TRAIN).types == nl.Profile.from_data(in_polars(TRAIN)).types == expected
    text = pd.DataFrame({"kind": ["a", None], "span": pd.to_timedelta([1, 2]).as_unit("s"), "yes": [True, False]})
    assert nl.Profile.from_data(text).types == ("text", "duration[s]", "bool")
    assert nl.Profile.from_data(text.astype({"kind": "category"})).types[0] == "category"
    assert nl.Profile.from_data(np.zeros((3, 2))).types == (None, None)


@pytest.mark.parametrize("rows", [1, 100])
@pytest.mark.parametrize(
    ("train", "make", "here"),
    [
        (TRAIN, lambda: FAULTS["zone_changed"].inject(None, TEST, ["when"], RNG), "naive"),
        (TRAIN, lambda: TEST.assign(when=TEST.when.dt.tz_convert("UTC")), "UTC"),
        (TRAIN, lambda: in_polars(TEST.assign(when=TEST.when.dt.tz_convert("UTC"))), "UTC"),
        (TRAIN, lambda: NAIVE_TEST.assign(when=NAIVE_TEST.when.astype(object)), "naive"),
        (NAIVE_TRAIN, lambda: FAULTS["zone_changed"].inject(None, NAIVE_TEST, ["when"], RNG), "UTC"),
    ],
)
def test_another_zone_is_named(train, make, here, rows):
    """Naive times against aware ones, and another zone, are named for certain; the right zone leaves nothing odd."""
    found = nl.diagnose(saved(train), make()[:rows])
    assert (found.fault, found.columns, found.p_value) == ("zone_changed", ("when",), 0.0)
    assert found.details["here"] == here
    assert f"{here} here" in found.explain()
    assert not nl.diagnose(saved(train), (TEST if train is TRAIN else NAIVE_TEST)[:rows]).alarm


def test_times_that_pyarrow_keeps_have_the_same_type():
    """The same times and numbers raise no alarm in a frame that pyarrow keeps, or after training on one."""
    try:
        import pyarrow  # noqa: F401
    except ImportError as error:  # an extra, and its newest version takes no old NumPy
        pytest.skip(str(error))
    kept = {"when": "timestamp[us][pyarrow]", "temp": "double[pyarrow]", "stops": "int64[pyarrow]"}
    assert not nl.diagnose(saved(NAIVE_TRAIN), NAIVE_TEST.astype(kept)).alarm
    assert not nl.diagnose(saved(NAIVE_TRAIN.astype(kept)), NAIVE_TEST).alarm


def test_times_as_numbers_are_named():
    """Times that come as numbers have another type; what the tests say of these numbers is told besides."""
    found = nl.diagnose(saved(TRAIN), FAULTS["type_changed"].inject(None, TEST, ["when"], RNG))
    assert (found.fault, found.columns) == ("type_changed", ("when",))
    assert found.details["training"] == "datetime[us, America/Denver]" and found.details["here"] == "int64"
    both = TEST.assign(when=TEST.when.dt.tz_localize(None), temp=TEST.temp * 1000)
    found = nl.diagnose(saved(TRAIN), both)
    assert found.fault == "zone_changed" and found.details["besides"]["fault"] == "unit_changed"
    assert 'Besides, column "temp" in another unit' in found.explain()


@pytest.mark.parametrize(
    "change",
    [
        {"temp": TEST.temp.astype("float32")},
        {"when": TEST.when.dt.as_unit("s")},
        {"stops": TEST.stops.astype("float64")},
    ],
    ids=["width", "resolution", "float"],
)
def test_widths_and_resolutions_are_told_and_no_fault(change):
    """The same numbers in another width or resolution raise no alarm; the finding says that types differ."""
    found = nl.diagnose(saved(TRAIN), TEST.assign(**change))
    assert not found.alarm and list(found.types) == list(change)
    assert " Types differ: " in found.explain() and found.to_dict()["types"]


def test_missing_values_have_no_type():
    """A column without a value is of no type: it is missing, not changed."""
    found = nl.diagnose(saved(TRAIN), TEST.assign(when=np.nan))
    assert found.fault != "type_changed" and not found.types


def test_a_guard_says_so_at_once():
    """A change of type does not wait for more rows."""
    guard = nl.InputGuard("raise").fit(TRAIN)
    guard.transform(TEST[:1])
    with pytest.raises(InputFaultError, match="^zone_changed: .* naive here, America/Denver in training"):
        guard.transform(NAIVE_TEST[:1])
    assert guard._pool.rows == 1


def test_check_reads_the_zone_of_files(tmp_path, capsys):
    """normlock check names naive times in CSV and Parquet, and passes those with an offset."""
    (tmp_path / "p.json").write_text(json.dumps(nl.Profile.from_data(TRAIN).to_dict()))
    for frame, code in ((TEST, 0), (NAIVE_TEST, 1)):
        frame.to_csv(tmp_path / "rows.csv", index=False)
        in_polars(frame).write_parquet(tmp_path / "rows.parquet")
        for name in ("rows.csv", "rows.parquet"):
            assert main(["check", str(tmp_path / name), "--lock", str(tmp_path / "p.json")]) == code, name
            assert ("zone_changed" in capsys.readouterr().out) == bool(code)


def test_parts_of_other_types_do_not_merge():
    """Parts whose times are of other zones are not of one population; parts of other widths are."""
    with pytest.raises(InputFaultError, match="other names or kinds"):
        nl.Profile.from_data(TRAIN).merge(nl.Profile.from_data(NAIVE_TRAIN))
    wide = nl.Profile.from_data(TRAIN.astype({"stops": "float64"}))
    assert nl.Profile.from_data(TRAIN).merge(wide).types == ("datetime[us, America/Denver]", "float64", None)


def test_missing_and_extra_columns_are_named():
    """A column that is missing, and one that training had not, are named."""
    with pytest.raises(InputFaultError, match='Missing: "temp". Not in training: "Temp".'):
        nl.diagnose(saved(TRAIN), TEST.rename(columns={"temp": "Temp"}))
    with pytest.raises(InputFaultError, match='X has 2 features, .* Missing: "temp".'):
        nl.diagnose(saved(TRAIN), TEST.drop(columns="temp"))


def test_a_lock_tells_which_column_has_another_type():
    """Guards that were fitted on times of other zones differ, and what compares locks says in which column and how."""
    said = nl.diff(nl.InputGuard().fit(TRAIN), nl.InputGuard().fit(NAIVE_TRAIN)).explain()
    assert "'when': 'datetime[us, America/Denver]'" in said and "'when': 'datetime[us]'" in said
