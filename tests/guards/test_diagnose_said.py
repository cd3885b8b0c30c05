"""What a finding says is true of every column that it names, and of what else could have left the same numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.preprocessing import StandardScaler

import sklearn_normlock as nl
from sklearn_normlock.guards.faults.words import COPIED, MISSING, OF_UNKNOWN
from sklearn_normlock.guards.reports.page import page

CANCER = load_breast_cancer(as_frame=True).data
LOST = OF_UNKNOWN[MISSING].remedy
RNG = np.random.default_rng(0)
ABC = pd.DataFrame(RNG.normal(50, 9, (400, 3)), columns=list("abc"))
TRAIN, SERVED = ABC[:300], ABC[300:]


def without(X, column, share):
    return X.assign(**{column: X[column].where(np.arange(len(X)) >= round(share * len(X)))})


# -- missing values --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.1, 0.3, 0.9, 1.0])
def test_missing_numbers_are_told_of(share):
    """A finding says what share of a column is missing, and what share was in training; not to retrain."""
    found = nl.diagnose(nl.Profile.from_data(TRAIN), without(SERVED, "b", share))
    assert (found.fault, found.columns) == ("unknown", ("b",))
    assert found.details == {"reason": "missing values", "missing": {"b": {"share": share, "training": 0.0}}}
    assert found.explain() == (
        f'unknown: missing values differ from training in column "b": {share:.0%} (in training 0%). {LOST}'
    )
    assert found.remedy == LOST and "retrain" not in found.remedy


def test_values_that_are_no_longer_missing():
    """That none is missing where many were is told in the same way."""
    found = nl.diagnose(nl.Profile.from_data(without(TRAIN, "b", 0.4)), SERVED)
    assert found.fault == "unknown" and found.details["missing"] == {"b": {"share": 0.0, "training": 0.4}}
    assert 'column "b": 0% (in training 40%)' in found.explain()


def test_missing_beside_a_fault_with_a_name():
    """A fault that has a name keeps it, and what is missing is told besides."""
    found = nl.diagnose(nl.Profile.from_data(TRAIN), without(SERVED.assign(a=SERVED.a * 1000), "b", 0.3))
    assert (found.fault, found.columns) == ("unit_changed", ("a",))
    assert found.explain() == (
        'unit_changed: column "a" in another unit: ×1000. '
        f"Median in training {found.medians['a'][0]:.6g}, here {SERVED.a.median() * 1000:.6g}. "
        "Convert back to the unit of training. Besides, "
        'missing values differ from training in column "b": 30% (in training 0%).'
    )


def test_nothing_but_missing_values():
    """Where all is missing, the columns are told of, as many as are shown."""
    found = nl.diagnose(nl.Profile.from_data(TRAIN), SERVED * np.nan)
    assert 'columns "a", "b", "c": 100% (in training 0%). Find' in found.explain()


def test_only_text_that_was_never_seen():
    """A table of text has no numbers to miss: what it differs in is something else."""
    train = pd.DataFrame({"city": ["Basel", "Bern", "Chur", "Genf"] * 60})
    found = nl.diagnose(nl.Profile.from_data(train), pd.DataFrame({"city": ["Paris"] * 64}))
    assert (found.fault, found.columns, found.details) == ("unknown", ("city",), {"tests": ["categories"]})


# -- several columns -------------------------------------------------------------------------------------------------


def test_constants_of_several_columns():
    """Values that differ from column to column are given for as many as are named."""
    found = nl.diagnose(nl.Profile.from_data(CANCER[64:]), pd.concat([CANCER[:1]] * 64))
    assert found.fault == "stuck" and len(found.columns) == 30
    values = "; ".join(f"{found.details['each'][c]['value']:.6g}" for c in found.columns[:4])
    assert f"26 more constant throughout ({values}; …)" in found.explain()
    assert f"<dd>{values}; …</dd>" in page(nl.Profile.from_data(CANCER[64:]), pd.concat([CANCER[:1]] * 64), found)


def test_shifts_of_several_columns():
    """So are shifts; what is the same for all is said once."""
    profile = nl.Profile.from_data(TRAIN)
    found = nl.diagnose(profile, SERVED.assign(a=SERVED.a + 40.0, b=SERVED.b - 55.0))
    assert found.fault == "shifted"
    a, b = (found.details["each"][c]["shift"] for c in "ab")
    assert f"moved by a constant: {a:.6g}; {b:.6g}." in found.explain()
    one_in_3 = np.arange(len(SERVED)) % 3 > 0
    filled = SERVED.assign(a=SERVED.a.where(one_in_3, -1.0), b=SERVED.b.where(one_in_3, -1.0))
    assert "filled with a constant (-1) in 34% of the rows" in nl.diagnose(profile, filled).explain()


# -- copies ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [16, 64])
def test_a_copy_of_another_column(rows):
    """A column with the numbers of another is told as that, whatever else would make its distribution fit."""
    data = ABC * [1, 2, 5]
    found = nl.diagnose(nl.Profile.from_data(data[:300]), data[300:].assign(b=data.a)[:rows])
    assert (found.fault, found.columns) == ("unknown", ("b",))
    assert found.details == {"reason": COPIED, "copy_of": '"a"'}
    assert found.explain() == (
        'unknown: column "b" with the same numbers as another column: "a". '
        f"Median in training {found.medians['b'][0]:.6g}, here {data.a[300:][:rows].median():.6g}. "
        f"{OF_UNKNOWN[COPIED].remedy}"
    )


def test_columns_that_training_had_twice():
    """Columns that were copies in training are no finding: another change keeps its name."""
    twice = ABC.assign(d=ABC.a)
    served = twice[300:].assign(a=twice.a * 1000, d=twice.a * 1000)
    found = nl.diagnose(nl.Profile.from_data(twice[:300]), served)
    assert (found.fault, found.columns) == ("unit_changed", ("a", "d"))


# -- expected against actual ------------------------------------------------------------------------------------------


def test_medians_are_told():
    """A finding says where the first columns concerned were and are; of the whole table, the oddest column."""
    profile = nl.Profile.from_data(TRAIN * [1, 2, 5])
    found = nl.diagnose(profile, (SERVED * [1, 2, 5])[["b", "a", "c"]].set_axis(list("abc"), axis=1))
    assert (found.fault, found.columns) == ("columns_swapped", ("a", "b"))
    (a, b), (c, d) = found.medians.values()
    assert (b, d) == (2 * SERVED.b.median(), SERVED.a.median())
    assert (a, c) == pytest.approx((TRAIN.a.median(), 2 * TRAIN.b.median()), rel=0.01)
    assert f'Medians: "a" in training {a:.6g}, here {b:.6g}; "b" in training {c:.6g}, here {d:.6g}. ' in found.explain()
    assert found.to_dict()["medians"] == {"a": [a, b], "b": [c, d]}
    whole = nl.diagnose(profile, (SERVED * [1, 2, 5] - profile.mean) / profile.std)
    ((column, (_, now)),) = whole.medians.items()
    assert not whole.columns and abs(now) < 1
    assert f'Median: "{column}" in training ' in whole.explain()


def test_a_row_of_zeros_may_be_empty():
    """One row of zeros is what a scaler makes of one row, and what an empty request is: both are said."""
    explained = nl.diagnose(nl.Profile.from_data(TRAIN), 0 * SERVED[:1]).explain()
    assert "a scaler was fitted on the batch (or a row of zeros is empty). " in explained


# -- names for the same numbers --------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [1, 16, 64])
def test_scaled_twice_or_not_at_all(rows):
    """Behind a scaler, both are a slope and an offset of each column: what is likelier has the other beside it."""
    X = CANCER.to_numpy()
    scaler = StandardScaler().fit(X[::2])
    profile = nl.Profile.from_data(scaler.transform(X[::2]))
    found = nl.diagnose(profile, scaler.transform(scaler.transform(X[1::2]))[:rows])
    names = {"not_normalised", "double_normalised"}
    assert {found.fault, *found.details["also"]} == names and found.confidence <= 0.7
    assert "fitted scaler first" in found.remedy and "leave out the second scaler" in found.remedy
    other = found.details["also"][0]
    assert f"Or it is {other}: " in found.explain() and found.explain().endswith(found.remedy)


def test_numbers_too_round_for_a_scaler():
    """Numbers with few decimals were not scaled: nothing else is as likely."""
    rng = np.random.default_rng(0)
    X = rng.normal([50, 20, 9], [9, 4, 2], (400, 3)).round(1)
    scaler = StandardScaler().fit(X[:300])
    found = nl.diagnose(nl.Profile.from_data(scaler.transform(X[:300])), X[300:])
    assert found.fault == "not_normalised" and "also" not in found.details and found.confidence > 0.9


@pytest.mark.parametrize("factor", [24.0, 3.6, 4.184, 1 / 3.785411784, 28.349523125, 1.8])
def test_units_that_are_near_each_other(factor):
    """A factor that explains the batch about as well as the likeliest one is told beside it."""
    X = CANCER.iloc[:, :6]
    served = X[1::2][:64].assign(**{"mean texture": lambda d: d["mean texture"] * factor})
    found = nl.diagnose(nl.Profile.from_data(X[::2]), served)
    assert (found.fault, found.columns) == ("unit_changed", ("mean texture",))
    units = [found.details["factor"], *(other["factor"] for other in found.details.get("or", ()))]
    assert any(np.isclose(unit, factor) for unit in units)
    assert f"in another unit: {' or '.join(f'×{unit:.6g}' for unit in units)}. " in found.explain()


@pytest.mark.parametrize("factor", [60.0, 1 / 60, 2.54, 1000.0])
def test_the_unit_of_two_values(factor):
    """A known factor lays both of two values on those of training: a shift lays one of them there."""
    X = load_diabetes(scaled=False).data  # the sex of the patients is 1 or 2
    served = X[1::2][:64].copy()
    served[:, 1] *= factor
    found = nl.diagnose(nl.Profile.from_data(X[::2]), served)
    assert (found.fault, found.columns) == ("unit_changed", (1,)) and found.details["factor"] == pytest.approx(factor)


def test_names_begin_no_line():
    """A finding is one line, whatever columns are called, and obeys nothing that is in their names."""
    X = np.random.default_rng(0).normal(9, 3, size=(200, 2))
    frame = pd.DataFrame(X, columns=["u\r\x1b[2J", "v\n::add-mask::y"])
    found = nl.diagnose(nl.Profile.from_data(frame), (frame - frame.mean()) / frame.std())
    assert found.alarm
    assert len(found.explain().splitlines()) == 1
    assert found.explain().isprintable()
