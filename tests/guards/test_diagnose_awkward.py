"""Data on which what is usually true is not: small counts, flags, near copies, profiles of parts, text that is lost."""

from __future__ import annotations

import json
import re
from functools import reduce

import numpy as np
import pandas as pd
import pytest
from sklearn.preprocessing import RobustScaler, StandardScaler

import sklearn_normlock as nl


def small_counts(rng, n):
    return rng.poisson(0.45, (n, 5)).astype(float)


def codes(rng, n):
    return rng.choice([0.0, 1.0, 2.0], (n, 8), p=[0.55, 0.35, 0.1])


def coins(rng, n):
    return rng.choice([-1.0, 1.0], (n, 2))


def flags_and_a_number(rng, n):
    return np.column_stack([np.eye(4)[rng.integers(0, 4, n)], rng.normal(size=n)])


def near_copies(rng, n):
    values = rng.normal(50, 9, (n, 3))
    return np.column_stack([values, values + rng.normal(0, 0.01, (n, 3))])


def sensors(rng, n):
    """Two units of one temperature; of one of them a few readings are lost."""
    base = 20 + 5 * rng.normal(size=n)
    comfort = np.clip(base + rng.normal(0, 2, n), 15, 25)
    window = (rng.random(n) < 0.02).astype(float)
    fahrenheit = np.where(rng.random(n) < 0.03, -999.0, np.round(base * 1.8 + 32, 1))
    columns = [np.round(base, 1), np.round(comfort * 2) / 2, window, fahrenheit, 1013 + rng.normal(0, 8, n)]
    return np.column_stack(columns)


@pytest.mark.parametrize(
    "seeds", [range(100, 104), pytest.param(range(104, 116), marks=pytest.mark.campaign)], ids=["few", "more"]
)
@pytest.mark.parametrize(
    ("draw", "trained_on", "rows"),
    [
        (small_counts, 400, 64),
        (small_counts, 400, 256),
        (codes, 400, 100),
        (coins, 400, 2),
        (flags_and_a_number, 100, 1000),
        (near_copies, 300, 16),
        (sensors, 200, 64),
    ],
)
def test_clean_batches_are_silent(draw, trained_on, rows, seeds):
    """No clean batch of such a table alarms: not by its median, its norm, or two ranks that changed places."""
    said = []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        profile = nl.Profile.from_data(draw(rng, trained_on))
        said += [nl.diagnose(profile, draw(rng, rows)).fault for _ in range(3)]
    assert set(said) == {None}


def test_grades_behind_a_robust_scaler_are_silent():
    """What a scaler by quartiles makes of few grades has the median 0 and the width 1 in every batch."""
    for seed in range(10):
        rng = np.random.default_rng(seed)
        grades = rng.choice(np.arange(1.0, 7.0), (656, 4), p=[0.05, 0.3, 0.3, 0.2, 0.1, 0.05])
        scaler = RobustScaler().fit(grades[:400])
        profile = nl.Profile.from_data(scaler.transform(grades[:400]))
        assert nl.diagnose(profile, scaler.transform(grades[400:])).fault is None


@pytest.mark.parametrize("rows", [16, 64])
def test_a_scaler_of_the_batch_is_named_all_the_same(rows):
    """Measurements recorded to a hundredth, scaled on the batch alone, before or behind a scaler."""
    rng = np.random.default_rng(0)
    X = np.round(rng.normal([5, 30, -2, 0], [1, 4, 2, 1], (400 + rows, 4)), 2)
    fitted = StandardScaler().fit(X[:400])
    for seen in (X, fitted.transform(X)):
        found = nl.diagnose(nl.Profile.from_data(seen[:400]), StandardScaler().fit_transform(seen[400:]))
        assert found.fault == "batch_standardised"


SITES = [(1000, 50, 10), (1000, 200), (500, 100)]


@pytest.mark.parametrize("sizes", SITES)
@pytest.mark.parametrize("updated", [False, True])
def test_profiles_of_unlike_parts_are_silent(sizes, updated):
    """A profile of parts from several sites knows batches of all sites, though no part knows them."""

    def site(rng, n, which):
        return rng.normal(10 * which, 1 + which, (n, 4))

    for seed in range(5):
        rng = np.random.default_rng(seed)
        parts = [site(rng, n, which) for which, n in enumerate(sizes)]
        if updated:
            profile = reduce(lambda known, part: known.update(part), parts[1:], nl.Profile.from_data(parts[0]))
        else:
            profile = reduce(nl.Profile.merge, map(nl.Profile.from_data, parts))
        drawn = rng.multinomial(256, np.array(sizes) / sum(sizes))
        batch = np.vstack([site(rng, n, which) for which, n in enumerate(drawn)])
        assert nl.diagnose(profile, batch).fault is None
        assert nl.diagnose(profile, 1000 * batch).fault == "unit_changed"


@pytest.mark.parametrize("rows_of_a_part", [1, 2, 5])
def test_profiles_of_tiny_parts_are_silent(rows_of_a_part):
    """Parts of a row or two each have no deviation of their own to measure distances in."""
    rng = np.random.default_rng(0)
    mix = np.linalg.cholesky(0.5 * np.eye(4) + 0.5)
    X = rng.normal(50, 5, (300, 4)) @ mix
    parts = np.split(X, range(rows_of_a_part, len(X), rows_of_a_part))
    profile = reduce(nl.Profile.merge, map(nl.Profile.from_data, parts))
    for rows in (1, 16, 64, 256):
        for _ in range(4):
            assert nl.diagnose(profile, rng.normal(50, 5, (rows, 4)) @ mix).fault is None


def test_near_copies_that_no_longer_go_together_are_odd():
    """Columns that tell each other exactly are seen to be apart, though each has its own values."""
    rng = np.random.default_rng(0)
    profile = nl.Profile.from_data(near_copies(rng, 300))
    batch = near_copies(rng, 64)
    assert not nl.diagnose(profile, batch).alarm
    batch[:, 0] = rng.permutation(batch[:, 0])
    found = nl.diagnose(profile, batch)
    assert found.alarm and {0, 3} & set(found.columns)


@pytest.mark.parametrize("lost", [None, np.nan])
def test_lost_text_alarms(lost):
    """Text that is missing in a batch, and was there in training, is as odd as a number that is; a column of nothing
    but missing values has no type."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"kind": rng.choice(list("abc"), 500), "x": rng.normal(size=500)})
    profile, batch = nl.Profile.from_data(table[:300]), table[300:].reset_index(drop=True)
    assert not nl.diagnose(profile, batch).alarm
    for rows in (20, 200):
        part = batch.copy()
        part.loc[: rows - 1, "kind"] = lost
        found = nl.diagnose(profile, part)
        assert (found.alarm, found.columns) == (True, ("kind",))
        assert f'missing values differ from training in column "kind": {rows // 2}% (in training 0%)' in found.explain()
    holes = nl.Profile.from_data(table[:300].mask(rng.random((300, 2)) < 0.3))
    assert not nl.diagnose(holes, batch.mask(rng.random((200, 2)) < 0.3)).alarm


def test_text_of_many_values_is_counted():
    """Names of which hardly any repeats: others are no surprise."""
    rng = np.random.default_rng(0)
    users = pd.DataFrame({"user": [f"user{i}" for i in rng.integers(0, 10**6, 500)]})
    assert not nl.diagnose(nl.Profile.from_data(users[:300]), users[300:]).alarm


@pytest.mark.parametrize("rows", [2, 8, 16, 64])
def test_impossible_values_alarm_in_any_batch(rows):
    """Two values a hundred million deviations away are no tail, however many rows are right."""
    rng = np.random.default_rng(0)
    profile = nl.Profile.from_data(rng.normal(13, 1, (5000, 6)))
    batch = rng.normal(13, 1, (rows, 6))
    assert not nl.diagnose(profile, batch).alarm
    batch[:2, 3] = 1e9
    assert 3 in nl.diagnose(profile, batch).columns


def test_a_rare_kind_of_row_is_no_impossible_value():
    """One row of a kind that is so rare that training had none may be in a batch, wherever it lies."""
    rng = np.random.default_rng(0)
    profile = nl.Profile.from_data(rng.normal(13, 1, (300, 6)))
    batch = rng.normal(13, 1, (64, 6))
    batch[0, 3] = 1e9
    assert not nl.diagnose(profile, batch).alarm


@pytest.mark.parametrize(("m", "parts"), [(40, 1), (60, 1), (60, 2), (60, 4)])
def test_a_column_that_moved_in_a_profile_of_few_rows(m, parts):
    """In a few rows, or in parts of a few, a value that one row has is none that many share: it may move with all."""
    alarms = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(m + 256, 2))
        X[rng.random(len(X)) < 0.3, 1] = 0.4
        profile, *others = [nl.Profile.from_data(part) for part in np.array_split(X[:m], parts)]
        for other in others:
            profile = profile.merge(other)
        alarms += nl.diagnose(profile, X[m:] + 0.3 * X[:m].std(axis=0) * rng.choice([-1, 1], 2)).alarm
    assert alarms <= 1


@pytest.mark.campaign
@pytest.mark.parametrize("share", [0.01, 0.05, 0.1, 0.5, 0.9])
def test_a_flag_that_drifts(share):
    """A flag of which the mean moves by 0.3 of its deviations has drifted, however rare what it says was."""
    drifted = share + 0.3 * np.sqrt(share * (1 - share))
    alarms = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        X = np.column_stack([rng.random(5000) < share, rng.normal(size=5000)]).astype(float)
        batch = np.column_stack([rng.random(256) < drifted, rng.normal(size=256)]).astype(float)
        alarms += nl.diagnose(nl.Profile.from_data(X), batch).alarm
    assert alarms <= 1


@pytest.mark.parametrize(
    ("training", "rows", "judged"), [(1, 89, False), (2, 89, False), (4, 89, False), (8, 89, True), (40, 2, False)]
)
def test_too_few_rows_tell_nothing(training, rows, judged):
    """Where rows that lie anywhere at all would not alarm, there is no "no fault found"."""
    data = np.random.default_rng(0).normal(size=(200, 5))
    profile = nl.Profile.from_data(data[:training])
    found = nl.diagnose(profile, data[100:][:rows])
    assert found.judged is judged and nl.diagnose(profile, 1000 + data[100:][:rows]).judged is judged
    assert judged or found.explain().startswith("Nothing can be told: too few rows")
    texts = nl.Profile.from_data(np.array([["a"]], object))
    assert not nl.diagnose(texts, np.array([["a"]], object)).judged


def test_infinite_numbers_are_told_as_such():
    """No median stands for them, and no share of missing values that is equal."""
    data = np.random.default_rng(0).normal(size=(200, 2))
    said = nl.diagnose(nl.Profile.from_data(data), data * [1, np.inf]).explain()
    assert "infinite values" in said and "e+300" not in said and "missing" not in said


@pytest.mark.parametrize(("zone", "end"), [(None, ""), ("Europe/Berlin", "Z")])
def test_medians_of_times_are_dates(zone, end):
    """People don't read seconds since 1970; a report of them is text in JSON, too."""
    times = pd.date_range("2024-01-01", periods=300, freq="h", tz=zone).to_series().sample(frac=1, random_state=0)
    profile = nl.Profile.from_data(pd.DataFrame({"when": times.to_numpy() if zone is None else times.array}))
    later = pd.DataFrame({"when": (times + pd.Timedelta(days=900)).array})
    found = nl.diagnose(profile, later)
    assert re.search(rf'Median of column "when": 2024-01-07T\d\d:\d\d:\d\d{end} in training, 2026-06-', found.explain())
    assert all(isinstance(each, str) for each in json.loads(json.dumps(found.to_dict()))["medians"]["when"])
