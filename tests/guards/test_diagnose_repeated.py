"""The diagnosis where values repeat: answers on a scale, counts, indicators, amounts that are often zero."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.preprocessing import MinMaxScaler, StandardScaler

import sklearn_normlock as nl
from sklearn_normlock.guards.tests.evidence import weigh
from sklearn_normlock.guards.tests.tilt import tilted


def marks(rng, n):
    """Marks out of a hundred, grades from 1 to 6, one of three schools."""
    able = rng.normal(size=(n, 1))
    out_of_100 = np.clip(np.round([45, 60, 75] + 12 * (0.6 * able + 0.8 * rng.normal(size=(n, 3)))), 0, 100)
    grades = np.clip(np.round(3.5 + 1.2 * rng.normal(size=(n, 2))), 1, 6)
    return np.hstack([out_of_100, grades, np.eye(3)[rng.choice(3, size=n, p=[0.5, 0.3, 0.2])]])


RNG = np.random.default_rng(0)
TRAIN, TEST = np.split(marks(RNG, 464), [400])
PROFILE = nl.Profile.from_data(TRAIN)


def changed(column, values):
    X = TEST.copy()
    X[:, column] = values
    return X


@pytest.mark.parametrize(
    ("fault", "columns", "X"),
    [
        ("clipped", (1,), changed(1, np.clip(TEST[:, 1], *np.quantile(TRAIN[:, 1], [0.15, 0.85])))),
        ("quantised", (0,), changed(0, np.round(TEST[:, 0] / 10) * 10)),
        ("quantised", (2,), changed(2, np.floor(TEST[:, 2] / 20) * 20)),
        ("imputed", (4,), changed(4, np.where(np.arange(64) % 2, TEST[:, 4], TRAIN[:, 4].mean()))),
        ("shifted", (3,), changed(3, TEST[:, 3] + 3)),
        ("columns_swapped", (0, 4), TEST[:, [4, 1, 2, 3, 0, 5, 6, 7]]),
    ],
)
def test_names_of_repeated_values(fault, columns, X):
    """Each fault is named where values are few: what is coarse, cut, filled in or elsewhere is told from the others."""
    assert not nl.diagnose(PROFILE, TEST).alarm
    found = nl.diagnose(PROFILE, X)
    assert (found.fault, found.columns) == (fault, columns)


def test_two_amounts_that_change_places_take_no_third_along():
    """A swap of columns that are often zero is a swap: alike columns do not come along for their scale's sake."""
    rng = np.random.default_rng(1)
    often = np.array([0.1, 0.35, 0.5, 0.65])
    X = np.where(rng.random((1564, 4)) < often, 0.0, np.round(rng.gamma(2.0, 20.0, size=(1564, 4)), 2))
    profile = nl.Profile.from_data(X[:1500])
    found = nl.diagnose(profile, X[1500:][:, [3, 1, 2, 0]])
    assert (found.fault, found.columns) == ("columns_swapped", (0, 3))


def test_bounds_that_a_scaler_misses_by_a_rounding():
    """Answers from 1 to 6, min-max scaled, reach 1 give or take a rounding: that is no scaler of the batch's own."""
    answers = np.random.default_rng(0).integers(1, 7, size=(1300, 3)).astype(float)
    scaler = MinMaxScaler().fit(answers[:300])
    train, batch = scaler.transform(answers[:300]), scaler.transform(answers[300:])
    assert (batch.max(axis=0) > 1).any()  # by a rounding
    assert not nl.diagnose(nl.Profile.from_data(train), batch).alarm


def test_single_rows_behind_a_scaler_by_bounds():
    """Each of ten long tails has a row of training at 1: that a new row is beyond it in one of them is usual."""
    X = np.random.default_rng(0).pareto(3.0, size=(2120, 10))
    scaler = MinMaxScaler().fit(X[:120])
    reference = nl.Profile.from_data(scaler.transform(X[:120])).reference(0.3)
    alarms = sum(weigh(reference, row[None], {}, 1e-3).alarm for row in scaler.transform(X[120:]))
    assert alarms <= 4, alarms


def test_indicators_are_no_norm():
    """That the largest component of each row is an indicator's 1 does not make it a norm that scaling would restore."""
    rng = np.random.default_rng(2)
    X = np.hstack([rng.exponential(size=(464, 4)), np.eye(3)[rng.choice(3, size=464)]])
    scaler = MinMaxScaler().fit(X[:400])
    profile = nl.Profile.from_data(scaler.transform(X[:400]))
    batch = scaler.transform(X[400:])
    batch[:, 0] *= -1
    found = nl.diagnose(profile, batch)
    assert (found.fault, found.columns) == ("sign_flipped", (0,))


def test_a_few_values_that_all_move_alike_have_drifted():
    """Each value of a column moved by 0.3 deviations is drift; half of them at a place between values is not."""
    drifted = TEST + 0.3 * TRAIN.std(axis=0)
    assert not nl.diagnose(PROFILE, drifted).alarm
    between = np.where(np.arange(64) % 2, TEST[:, 4], TEST[:, 4] + 0.3 * TRAIN[:, 4].std())
    between[::2] = TRAIN[:, 4].mean()
    assert nl.diagnose(PROFILE, changed(4, between)).alarm


def test_a_negated_column_of_a_long_tail():
    """Standardised, a long tail that is negated lies where it lay but for its shape: the likelihood ratio tells."""
    X = np.random.default_rng(3).gumbel(size=(184, 6))
    scaler = StandardScaler().fit(X[:120])
    profile = nl.Profile.from_data(scaler.transform(X[:120]))
    batch = scaler.transform(X[120:])
    assert not nl.diagnose(profile, batch).alarm
    found = nl.diagnose(profile, -batch)
    assert found.fault == "sign_flipped" and found.p_value < 1e-3


def test_tilt():
    """The tilted normal is the moved normal; of a share of 1s more have a 1; and nothing lies where nothing lay."""
    rng = np.random.default_rng(0)
    normal, flag = rng.normal(size=200_000), (rng.random(200_000) < 0.2).astype(float)
    fine = np.stack([np.sort(normal)[::500], np.sort(flag)[::500]], axis=1)
    shares = np.array([[np.mean(normal > 1), np.mean(flag > 0)]])
    found = tilted(fine, fine.mean(0), fine.std(0), 0.3, np.array([[1.0, 0.0]]), shares)
    assert found[0, 0] == pytest.approx(np.mean(normal + 0.3 > 1), abs=0.01)
    assert found[0, 1] == pytest.approx(0.2 + 0.3 * flag.std(), abs=0.02)
    assert tilted(fine, fine.mean(0), fine.std(0), 0.3, np.array([[9.0, 1.0]]), np.zeros((1, 2))).max() == 0


def test_counts_may_lie_on_another_count():
    """A column whose rarest counts a shift would lay on frequent ones has not moved for that."""
    rng = np.random.default_rng(0)
    X = np.where(rng.random((1400, 12)) < 0.7, 0, rng.integers(1, 17, size=(1400, 12))).astype(float)
    profile = nl.Profile.from_data(X[:120])
    for batch in np.split(X[120:], 20):
        assert not nl.diagnose(profile, batch).alarm


def test_a_drift_of_few_values():
    """Values that are few, all of them moved by the same within the tolerance, are no constant that was put in."""
    rng = np.random.default_rng(0)
    X = np.minimum(rng.poisson(rng.exponential(3, size=(900, 12))), 16).astype(float)
    profile = nl.Profile.from_data(X[:80])
    for batch in np.split(X[80:], 10):
        assert not nl.diagnose(profile, batch + 0.3 * X[:80].std(axis=0) * rng.choice([-1, 1], 12)).alarm


def test_grades_stretched_over_marks_are_too_few():
    """Two columns that changed places, a grade and a mark: six grades, stretched, are no sixty marks."""
    rng = np.random.default_rng(0)

    def draw(n):
        marks = np.clip(np.round(55 + 14 * rng.normal(size=(n, 4))), 0, 100)
        return np.column_stack([marks, 1 + rng.choice(6, size=(n, 3), p=[0.15, 0.1, 0.25, 0.15, 0.15, 0.2])])

    profile = nl.Profile.from_data(draw(300))
    found = [nl.diagnose(profile, draw(256)[:, order]) for order in ([0, 4, 2, 3, 1, 5, 6], [5, 1, 2, 3, 4, 0, 6])]
    assert [f.fault for f in found] == 2 * ["columns_swapped"], found
    assert [f.columns for f in found] == [(1, 4), (0, 5)]


@pytest.mark.parametrize("seed", [3, 5, 7, 8, 10, 12, 13, 14])
def test_two_values_that_a_scaler_has_moved(seed):
    """Two values that a scaler fitted on other data has made two others of are no constant put in, and no bound."""
    X = load_diabetes(scaled=False).data  # the sex of the patients is 1 or 2
    rng = np.random.default_rng([seed, 7])
    rows = rng.permutation(len(X))
    train, served = X[rows[:221]], X[rows[221:285]]
    mean, std = train.mean(axis=0), train.std(axis=0)
    elsewhere = mean + rng.uniform(0.1, 0.6, 10) * rng.choice([-1, 1], 10) * std
    wider = std * np.exp(rng.uniform(-np.log(1.2), np.log(1.2), 10))
    found = nl.diagnose(nl.Profile.from_data((train - mean) / std), (served - elsewhere) / wider)
    assert found.alarm and found.fault not in ("imputed", "clipped", "stuck"), found.explain()


@pytest.mark.parametrize("rows", [16, 64, 256])
def test_a_logarithm_of_zeros_is_none(rows):
    """Columns that rounding has made all 0 lack no logarithm: there is none of 0."""
    X = load_breast_cancer().data
    found = nl.diagnose(nl.Profile.from_data(X[::2]), X[1::2][:rows].round(0))
    assert found.fault in ("stuck", "quantised"), found.explain()


@pytest.mark.parametrize("column", [*range(13), slice(None)])
def test_a_number_that_stands_for_missing_values(column):
    """A value far from all of training in a quarter of the rows, the others as they were, was put in there."""
    X = load_wine().data
    served = X[1::2].copy()
    served[::4, column] = 9999.0
    found = nl.diagnose(nl.Profile.from_data(X[::2]), served)
    assert (found.fault, found.details["value"]) == ("imputed", 9999.0), found.explain()
    assert found.columns == ((column,) if isinstance(column, int) else tuple(range(13)))
