"""Rows that come in blocks: what differs between blocks of training is no fault, and faults are still found."""

import json

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import sklearn_normlock as nl
from sklearn_normlock.errors import InputFaultError

WEEKS, ROWS = 24, 64


def weeks(seed, n=WEEKS):
    """Return rows of weeks that are narrower than the year and lie elsewhere, and the week of each row."""
    rng = np.random.default_rng(seed)
    level = rng.normal(size=(n, 1, 4)) * 2
    X = 20 + level + rng.normal(size=(n, ROWS, 4)) @ (np.eye(4) + 0.4)
    return X.reshape(-1, 4), np.repeat(np.arange(n), ROWS)


@pytest.fixture(scope="module")
def learned():
    X, week = weeks(0)
    return nl.Profile.from_data(X, groups=week), nl.Profile.from_data(X)


def test_a_clean_block_alarms_only_where_blocks_are_unknown(learned):
    """The next weeks are no fault if the weeks of training were given; without them they are."""
    told, untold = learned
    batches = np.split(weeks(1)[0], WEEKS)
    alarms = [[nl.diagnose(profile, X).alarm for X in batches] for profile in learned]
    assert sum(alarms[0]) <= 1 and sum(alarms[1]) >= WEEKS // 2
    assert told.allowances and not untold.allowances


@pytest.mark.parametrize(
    "spoil",
    [lambda X: X * [1000, 1, 1, 1], lambda X: X * [1, -1, 1, 1], lambda X: (X - 20) / 2, lambda X: X * 0 + X[0]],
    ids=["unit", "sign", "scaled", "stuck"],
)
def test_a_fault_is_found_in_a_block_as_well(learned, spoil):
    """Allowances are as large as blocks differ, and no larger."""
    assert nl.diagnose(learned[0], spoil(weeks(2, 1)[0])).alarm


def test_a_column_that_only_grows_is_exempt_from_where_its_values_lie():
    """A time goes on; the columns beside it are judged."""
    rng = np.random.default_rng(0)
    X = np.column_stack([np.arange(800.0), rng.normal(50, 5, size=(800, 2))])
    profile = nl.Profile.from_data(X[:600])
    assert profile.growing == (0,) and "only grows: 0" in repr(profile)
    found = nl.diagnose(profile, X[600:])
    assert not found.alarm and found.not_judged == (0,)
    assert "Not judged: where values of column 0 lie" in found.explain() and found.to_dict()["not_judged"] == [0]
    assert nl.diagnose(profile, X[600:] * [1, 3, 1]).alarm


def test_a_table_that_is_sorted_by_a_measure_is_judged():
    """A measure in ascending order, with ties or without, is no column that grows: another unit of it alarms."""
    rng = np.random.default_rng(0)
    for ages in (rng.normal(40, 10, 600), rng.normal(40, 10, 600).round()):
        X = np.column_stack([np.sort(ages), rng.normal(50, 5, size=600)])
        profile = nl.Profile.from_data(X)
        assert profile.growing == ()
        found = nl.diagnose(profile, rng.permutation(X)[:64] * [12, 1])
        assert found.alarm and found.columns == (0,) and found.not_judged == ()


def test_a_column_that_grows_from_block_to_block_is_noticed():
    """An odometer that is read in any order within its month grows nevertheless; a shuffled one does not."""
    rng = np.random.default_rng(0)
    month = np.repeat(np.arange(12), 50)
    X = np.column_stack([1000 * month + rng.uniform(0, 1500, size=600), rng.normal(size=600)])
    assert nl.Profile.from_data(X, groups=month).growing == (0,)
    assert nl.Profile.from_data(X).growing == ()
    assert nl.Profile.from_data(X, groups=rng.permutation(month)).growing == ()


def test_allowances_are_kept(learned):
    """A profile with blocks is the same after it was written and read, and keeps them when it is merged."""
    told, untold = learned
    document = json.loads(json.dumps(told.to_dict()))
    assert nl.Profile.from_dict(document) == told
    merged = told.merge(untold)
    assert merged.allowances.keys() == told.allowances.keys()


def test_a_guard_learns_blocks_in_a_pipeline():
    """The labels reach the guard by its name in the pipeline."""
    X, week = weeks(0)
    model = make_pipeline(nl.InputGuard(on_fault="raise"), StandardScaler()).fit(X, inputguard__groups=week)
    model.transform(weeks(1, 1)[0])
    with pytest.raises(InputFaultError):
        model.transform(weeks(1, 1)[0] * 100)


@pytest.mark.parametrize(
    ("groups", "said"), [([0] * 100, "1 blocks; at least 4"), ([1, 2, 3], "one label for each of the 100 rows")]
)
def test_groups_that_teach_nothing_are_refused(groups, said):
    """Too few blocks, or labels of other rows, are an error that says what to hand over."""
    with pytest.raises(InputFaultError, match=said):
        nl.Profile.from_data(np.random.default_rng(0).normal(size=(100, 2)), groups=groups)
