"""Claims of ``nl.fingerprint`` on what isn't scikit-learn's: declared state, plugins, frames and series."""

import copy
import pickle
from datetime import date, datetime, timezone
from decimal import Decimal
from fractions import Fraction
from importlib.metadata import EntryPoint
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from holder import of
from sklearn.base import BaseEstimator
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import sklearn_normlock as nl
from sklearn_normlock.errors import UnfingerprintableError
from sklearn_normlock.fingerprints import state

X = np.random.RandomState(0).normal(size=(20, 3))


def scaler():
    return StandardScaler().fit(X)


# -- what others declare ---------------------------------------------------------------------------------------------


class Declaring(BaseEstimator):
    """Says itself what counts."""

    def fit(self, X, y=None):
        self.table_ = {"used": np.mean(X), "hits": 0}
        return self

    def __fingerprint_state__(self):
        return {"used": self.table_["used"]}


class Inheriting(Declaring):
    """Has what its base declares, under its own name."""


def test_declared_state():
    """A class that declares its state counts by that alone, and its subclasses too, each under its own name."""
    fitted = Declaring().fit(X)
    expected = nl.fingerprint(fitted)
    fitted.table_["hits"] = 7
    fitted.noise_ = lambda: None
    assert nl.fingerprint(fitted) == expected
    fitted.table_["used"] += 1
    assert nl.fingerprint(fitted) != expected
    assert nl.fingerprint(Inheriting().fit(X)) != expected


def widths(encoder):
    """Stand in for what a plugin declares."""
    return {"widths": [len(found) for found in encoder.categories_]}


@pytest.fixture
def plugins(monkeypatch):
    """Install entry points for the length of a test."""
    points = []
    monkeypatch.setattr(state, "entry_points", lambda group: points if group == "sklearn_normlock.state" else [])

    def forget():
        state._plugins.cache_clear()
        state._adapter.cache_clear()

    forget()
    yield points
    monkeypatch.undo()
    forget()


def _point(name, value):
    return EntryPoint(name, value, "sklearn_normlock.state")


def test_a_plugin_declares_the_state_of_a_class(plugins):
    """An entry point named after a class gives its state; the class keeps its name and other classes their state."""
    a, b = (OneHotEncoder().fit([[pair[0]], [pair[1]]]) for pair in ("ab", "xy"))
    before = nl.fingerprint(scaler())
    assert nl.fingerprint(a) != nl.fingerprint(b)
    state._plugins.cache_clear(), state._adapter.cache_clear()
    plugins.append(_point("sklearn.preprocessing._encoders.OneHotEncoder", f"{__name__}:widths"))
    assert nl.fingerprint(a) == nl.fingerprint(b) != nl.fingerprint(OneHotEncoder().fit([[1]]))
    assert nl.fingerprint(scaler()) == before
    assert state.fingerprint_state(a) == ("sklearn.preprocessing:OneHotEncoder", {"widths": [2]})


def test_two_plugins_of_one_class_are_refused(plugins):
    """Two entry points that say different things of one class are refused, and the message names both."""
    plugins += [_point("theirs.Scaler", "one:state"), _point("theirs.Scaler", "two:state")]
    with pytest.raises(UnfingerprintableError, match="theirs.Scaler: one:state, two:state"):
        nl.fingerprint(scaler())


# -- values of the standard library ----------------------------------------------------------------------------------

STANDARD = {
    "date": (date(2020, 1, 2), date(2020, 1, 3)),
    "instant": (datetime(2020, 1, 2, tzinfo=timezone.utc), datetime(2020, 1, 2)),
    "zone": (ZoneInfo("Europe/Berlin"), ZoneInfo("Europe/Paris")),
    "decimal": (Decimal("1.0"), Decimal("1.00")),
    "fraction": (Fraction(1, 2), Fraction(2, 1)),
}


@pytest.mark.parametrize("name", STANDARD)
def test_values_of_the_standard_library(name):
    """A value that pickles counts by its class and what it hands to pickle, and comes through pickle the same."""
    a, b = STANDARD[name]
    assert of(pickle.loads(pickle.dumps(a))) == of(a) != of(b)


# -- pandas and polars -----------------------------------------------------------------------------------------------


def _pandas():
    """Rows of (name, value, another value of the kind that is easily taken for the first)."""
    pd = pytest.importorskip("pandas")
    days = pd.date_range("2020-01-01", periods=2)
    ab = ["a", "b"]
    return {
        "frame": (pd.DataFrame({"x": [1, 2], "y": ab}), pd.DataFrame({"x": [1, 2], "z": ab})),
        "frame, order of columns": (pd.DataFrame({"x": [1], "y": [1]}), pd.DataFrame({"y": [1], "x": [1]})),
        "frame, dtype": (pd.DataFrame({"x": [1]}), pd.DataFrame({"x": [1]}, dtype="int32")),
        "frame, index": (pd.DataFrame({"x": [1, 2]}), pd.DataFrame({"x": [1, 2]}, index=[1, 2])),
        "frame, two columns of one name": (
            pd.DataFrame([[1, 2]], columns=["x", "x"]),
            pd.DataFrame([[2, 1]], columns=["x", "x"]),
        ),
        "series": (pd.Series([1.0, 2.0]), pd.Series([1.0, 2.0], name="x")),
        "series of text": (pd.Series(ab), pd.Series(["a", "c"])),
        "series with gaps": (pd.Series([1, None], dtype="Int64"), pd.Series([1, 0], dtype="Int64")),
        "series of categories": (pd.Series(pd.Categorical(ab, ab)), pd.Series(pd.Categorical(ab, ab[::-1]))),
        "categories": (pd.Categorical(ab, ab), pd.Categorical(ab, ab, ordered=True)),
        "frame of categories": (
            pd.DataFrame({"x": pd.Categorical(ab, ab)}),
            pd.DataFrame({"x": pd.Categorical(ab, ["b", "a"])}),
        ),
        "index of categories": (pd.CategoricalIndex(ab), pd.CategoricalIndex(ab, ab[::-1])),
        "dtype of categories": (pd.CategoricalDtype(ab), pd.CategoricalDtype(ab, ordered=True)),
        "dtype": (pd.Int64Dtype(), pd.Int32Dtype()),
        "index": (pd.Index(ab), pd.Index(ab, name="x")),
        "range": (pd.RangeIndex(3), pd.RangeIndex(1, 3)),
        "index of two levels": (
            pd.MultiIndex.from_tuples([("a", 1), ("b", 2)], names=["k", None]),
            pd.MultiIndex.from_tuples([("a", 1), ("b", 2)]),
        ),
        "days": (days, pd.DatetimeIndex([*days[:1], days[0]])),
        "days in a zone": (pd.Series(days.tz_localize("UTC")), pd.Series(days)),
        "days in two zones": (
            pd.Series(days.tz_localize("Europe/Berlin")),
            pd.Series(days.tz_localize("Europe/Paris")),
        ),
        "periods": (pd.period_range("2020-01", periods=2, freq="M"), pd.period_range("2020-01", periods=2, freq="D")),
        "intervals": (pd.IntervalIndex.from_breaks([0, 1]), pd.IntervalIndex.from_breaks([0, 1], closed="left")),
        "what is missing": (pd.NA, pd.NaT),
    }


PANDAS = [
    "frame", "frame, order of columns", "frame, dtype", "frame, index", "frame, two columns of one name", "series",
    "series of text", "series with gaps", "series of categories", "categories", "frame of categories",
    "index of categories", "dtype of categories", "dtype", "index", "range", "index of two levels", "days",
    "days in a zone", "days in two zones", "periods", "intervals", "what is missing",
]  # fmt: skip


@pytest.mark.parametrize("name", PANDAS)
def test_pandas_objects_in_the_state(name):
    """What pandas holds counts, is the same through pickle and copies, and differs from what is easily taken for it."""
    a, b = _pandas()[name]
    assert of(pickle.loads(pickle.dumps(a))) == of(copy.deepcopy(a)) == of(a)
    assert of(a) != of(b)


def test_pandas_table_is_whole():
    """Each row of the table above is tested."""
    assert list(_pandas()) == PANDAS


def test_a_frame_by_its_content():
    """How pandas keeps a frame in blocks doesn't count, nor does a view of it."""
    pd = pytest.importorskip("pandas")
    together = pd.DataFrame(np.arange(6.0).reshape(3, 2), columns=["x", "y"])
    apart = pd.DataFrame({"x": [0.0, 2.0, 4.0]})
    apart["y"] = [1.0, 3.0, 5.0]
    wide = pd.DataFrame(np.arange(6.0).reshape(3, 2), columns=["x", "y"]).assign(z=1)[["x", "y"]]
    assert of(together) == of(apart) == of(wide)


def _polars():
    pl = pytest.importorskip("polars")
    return {
        "frame": (pl.DataFrame({"x": [1, 2]}), pl.DataFrame({"y": [1, 2]})),
        "frame, order of columns": (pl.DataFrame({"x": [1], "y": [1]}), pl.DataFrame({"y": [1], "x": [1]})),
        "series": (pl.Series("x", [1, None]), pl.Series("x", [1, 0])),
        "series, dtype": (pl.Series("x", [1]), pl.Series("x", [1], dtype=pl.Int32)),
        "series of an enumeration": (
            pl.Series(["a"], dtype=pl.Enum(["a", "b"])),
            pl.Series(["a"], dtype=pl.Enum(["b", "a"])),
        ),
        "series of lists": (pl.Series([[1, 2]]), pl.Series([[2, 1]])),
        "series of instants": (
            pl.Series([datetime(2020, 1, 2)], dtype=pl.Datetime("us")),
            pl.Series([datetime(2020, 1, 2)], dtype=pl.Datetime("ms")),
        ),
        "type": (pl.Int64(), pl.Int32()),
        "class of type": (pl.Int64, pl.Int32),
        "type of instants": (pl.Datetime("us", "UTC"), pl.Datetime("us")),
    }


POLARS = [
    "frame", "frame, order of columns", "series", "series, dtype", "series of an enumeration", "series of lists",
    "series of instants", "type", "class of type", "type of instants",
]  # fmt: skip


@pytest.mark.parametrize("name", POLARS)
def test_polars_objects_in_the_state(name):
    """What polars holds counts, is the same through pickle and copies, and differs from what is easily taken for it."""
    a, b = _polars()[name]
    assert of(pickle.loads(pickle.dumps(a))) == of(copy.deepcopy(a)) == of(a)
    assert of(a) != of(b)


def test_polars_table_is_whole():
    """Each row of the table above is tested."""
    assert list(_polars()) == POLARS
