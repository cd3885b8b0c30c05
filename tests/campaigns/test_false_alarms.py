"""The budget of false alarms, on data of many kinds, clean and drifted, and the bound that it rests on."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine
from sklearn.preprocessing import StandardScaler, normalize

import sklearn_normlock as nl
from sklearn_normlock.guards.tests.probability import log_tail

SHIPPED = [load().data for load in (load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine)]


@settings(max_examples=60, deadline=None)
@given(n=st.integers(1, 300), m=st.integers(1, 300), data=st.data())
def test_log_tail_bounds_the_beta_binomial(n, m, data):
    """The bound on a count is never below the exact tail probability, and within a factor of 4 where it matters."""
    r, b = data.draw(st.integers(1, m)), data.draw(st.integers(0, n))
    exact = stats.betabinom.pmf(np.arange(b, n + 1), n, r, m + 1 - r).sum()  # sf is 1 - cdf, and as imprecise
    bound = float(np.exp(log_tail(b, n, r, m)))
    assert bound >= exact * (1 - 1e-6)
    if 1e-10 < exact < 1e-3:
        assert bound <= 4 * exact


def tables(rng, n):
    yield rng.normal(size=(n, 8)) @ rng.normal(size=(8, 8)) + 5  # normal, correlated
    yield np.exp(1.5 * rng.normal(size=(n, 8)))  # lognormal
    yield rng.standard_t(2, size=(n, 8))  # heavy tails
    yield np.where(rng.random((n, 8)) < 0.5, 0, rng.exponential(size=(n, 8)))  # zero-inflated
    yield (rng.random((n, 8)) < 0.2).astype(float)  # binary
    yield rng.poisson(2, size=(n, 8)).astype(float)  # counts
    yield rng.normal(size=(n, 8)) * 0.3 + np.where(rng.random((n, 8)) < 0.45, -3, 3)  # two modes
    yield np.maximum(rng.poisson(0.02, size=(n, 8)), rng.poisson(3, size=(n, 1)) > 7).astype(float)  # nearly always 0
    yield rng.normal(size=(n, 1)) + 0.05 * rng.normal(size=(n, 8))  # one factor
    yield np.exp(rng.normal(size=(n, 1))) * np.abs(rng.normal(size=(n, 8)))  # rows of one scale
    yield rng.standard_t(3, size=(n, 100))  # many columns, independent
    yield np.where(rng.random((n, 8)) < np.linspace(0.2, 0.9, 8), np.nan, rng.normal(size=(n, 8)))  # mostly missing
    yield rng.poisson(0.45, size=(n, 5)).astype(float)  # small counts: the median is 0 and the quartiles are 0 and 1
    yield np.column_stack([np.eye(4)[rng.integers(0, 4, n)], rng.normal(size=n)])  # rows of length √(1 + z²)
    near = rng.normal(50, 9, size=(n, 3))
    lost = np.where(rng.random((n, 3)) < 0.02, -999.0, near + rng.normal(0, 0.01, size=(n, 3)))
    yield np.column_stack([near, lost])  # copies, but for readings that are lost


def alarms(parts, batches, seed=0):
    """Return of each size and kind of batch how many alarmed, of how many; parts are drawn without replacement."""
    counts: dict[tuple[int, str], list[int]] = {}
    for part in range(parts):
        rng = np.random.default_rng([seed, part])
        for X in (*tables(rng, 1500), *SHIPPED):
            order = rng.permutation(len(X))
            train, rest = np.split(X[order], [min(int(rng.choice([80, 250, 800])), len(X) * 6 // 10)])
            if part % 2:
                scaler = StandardScaler().fit(train)
                train, rest = scaler.transform(train), scaler.transform(rest)
            profile = nl.Profile.from_data(train)
            for n in (1, 4, 16, 64, 256, 1000):
                if n > len(rest):
                    continue
                for i in range(batches):
                    batch = rest[rng.choice(len(rest), n, replace=False)]
                    kind = ("clean", "drift")[i % 2]
                    if kind == "drift":
                        batch = batch + 0.3 * np.nanstd(train, axis=0) * rng.choice([-1, 1], batch.shape[1])
                    count = counts.setdefault((n, kind), [0, 0])
                    count[0] += nl.diagnose(profile, batch).alarm
                    count[1] += 1
    return counts


def test_no_false_alarms():
    """Clean batches, and those whose columns all moved by 0.3 deviations, keep to the budget, whatever the data."""
    counts = alarms(parts=1, batches=2)
    assert sum(n for _, n in counts.values()) > 150
    assert sum(k for k, _ in counts.values()) <= 1, counts


@pytest.mark.long
@pytest.mark.parametrize("seed", range(1, 5))
def test_false_alarms_keep_to_the_budget(seed):
    """Over many thousand batches, the upper 95 % bound of the rate of false alarms is below the budget or near it."""
    counts = alarms(parts=7, batches=24, seed=seed)
    k, n = (sum(count[i] for count in counts.values()) for i in (0, 1))
    assert n > 12_500
    assert k / n <= 1e-3, counts
    assert stats.beta.ppf(0.95, k + 1, n - k) <= 1.2e-3, counts


@pytest.mark.parametrize("n", [16, 64])
@pytest.mark.parametrize("draw", ["standard_t", "laplace", "normal"])
def test_what_many_columns_say_by_chance(draw, n):
    """Of a hundred independent columns some go together by chance, in training and again in a batch."""
    rng = np.random.default_rng(0)
    parameters = (3,) if draw == "standard_t" else ()
    for _ in range(3):
        profile = nl.Profile.from_data(getattr(rng, draw)(*parameters, size=(800, 100)))
        found = [nl.diagnose(profile, getattr(rng, draw)(*parameters, size=(n, 100))) for _ in range(4)]
        assert not any(f.alarm for f in found), found


def test_rows_that_differ_may_be_few():
    """Of columns that are nearly always 0, a row that has none of it need not have been among eighty."""
    rng = np.random.default_rng(0)
    for _ in range(8):
        X = np.maximum(rng.poisson(0.02, size=(500, 8)), rng.poisson(3, size=(500, 1)) > 7).astype(float)
        profile = nl.Profile.from_data(X[:80])
        for n in (1, 4):
            found = [nl.diagnose(profile, X[80 + rng.choice(420, n, replace=False)]) for _ in range(16)]
            assert not any(f.alarm for f in found), found


def test_a_column_of_missing_values():
    """A column that has a value in one row of a hundred: whether it has two in a batch is chance."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(12_000, 4)) + rng.normal(size=(12_000, 1))
    X[rng.uniform(size=12_000) < 0.99, 3] = np.nan
    for rows in np.split(X, 30):
        assert not nl.diagnose(nl.Profile.from_data(rows[:144]), rows[144:]).alarm


@pytest.mark.campaign
@pytest.mark.parametrize("rows", [256, 600])
def test_wide_embeddings_raise_no_false_alarm(rows):
    """Vectors of unit length, 512 wide, learned on one row a dimension or fewer: clean and drifted batches pass.

    What drifts is the world; its vectors are normalised after that, and have the length that all of training had.
    """
    rng = np.random.default_rng(0)
    vectors = normalize(rng.normal(size=(rows + 600, 30)) @ rng.normal(size=(30, 512)))
    train, rest = vectors[:rows], vectors[rows:]
    profile = nl.Profile.from_data(train)
    for n in (1, 16, 64, 256):
        for i in range(8):
            batch = rest[rng.choice(len(rest), n, replace=False)]
            drift = 0.3 * train.std(axis=0) * rng.choice([-1, 1], 512)
            assert not nl.diagnose(profile, normalize(batch + (i % 2) * drift)).alarm


def test_rare_categories_behind_a_scaler_raise_no_alarm():
    """A category that training had once, or never, is measured otherwise than training was; that is no fault."""
    rng = np.random.default_rng(0)
    X = np.eye(300)[rng.choice(300, 1600, p=rng.dirichlet(np.ones(300)))]
    scaler = StandardScaler().fit(X[:1000])
    profile = nl.Profile.from_data(scaler.transform(X[:1000]))
    for _ in range(3):
        batch = X[1000 + rng.choice(600, 256, replace=False)]
        assert not nl.diagnose(profile, scaler.transform(batch)).alarm


def test_columns_of_few_values_may_all_move():
    """Pixels of seventeen grey values, all a little darker or brighter: by how much is told by none of the tests."""
    rng = np.random.default_rng(0)
    X = load_digits().data
    train, rest = np.split(X[rng.permutation(len(X))], [250])
    profile = nl.Profile.from_data(train)
    for _ in range(6):
        batch = rest[rng.choice(len(rest), 32, replace=False)] + 0.3 * train.std(axis=0) * rng.choice([-1, 1], 64)
        assert not nl.diagnose(profile, batch).alarm


def test_very_heavy_tails_raise_no_alarm():
    """Log-normal amounts of which the largest are thousands of times the median are what they were."""
    rng = np.random.default_rng(0)
    for _ in range(3):
        profile = nl.Profile.from_data(np.exp(3 * rng.normal(size=(1000, 6))))
        assert not any(nl.diagnose(profile, np.exp(3 * rng.normal(size=(256, 6)))).alarm for _ in range(4))
