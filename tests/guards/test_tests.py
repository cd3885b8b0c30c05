"""The tests keep their probability: a share p at most of exchangeable batches has a p-value of p."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.preprocessing import StandardScaler

import sklearn_normlock as nl
from sklearn_normlock.guards.tests import TESTS, weigh
from sklearn_normlock.guards.tests.probability import more_frequent
from sklearn_normlock.guards.tests.reference import Batch, reference_of, within
from sklearn_normlock.guards.tests.values import Ties, Values


def zipf(rng, n, columns, exponent, kinds=60):
    """Values of which some are frequent and most are rare."""
    shares = np.arange(1.0, kinds + 1) ** -exponent
    places = rng.normal(size=(columns, kinds))
    drawn = rng.choice(kinds, size=(n, columns), p=shares / shares.sum())
    return places[np.arange(columns), drawn]


@pytest.mark.campaign
@pytest.mark.parametrize("exponent", [0.5, 1.0, 2.0])
@pytest.mark.parametrize(("m", "n"), [(60, 12), (150, 40)])
def test_repeated_and_new_values_keep_their_probability(exponent, m, n):
    """Of batches exchangeable with training, a share p at most has runs, or new values, of a p-value of p."""
    rng = np.random.default_rng(0)
    repeated, new = [], []
    for _ in range(12):
        X = zipf(rng, m + n, 150, exponent)
        reference = reference_of(nl.Profile.from_data(X[:m]), 0.0)
        batch = Batch(reference, X[m:], {})
        repeated.append(Ties().log_p(reference, batch)[0])
        new.append(Values().log_p(reference, batch)[0])
    for log_p in (repeated, new):
        for p in (0.05, 0.01):
            assert np.mean(np.concatenate(log_p) <= np.log(p)) <= p


@settings(deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.floats(0.01, 10)), min_size=2, max_size=40), st.floats(0, 1))
def test_no_rows_become_more_frequent_than_the_bound(rows, shift):
    """Whatever weights a drift gives to rows, their share keeps to the bound; so does a tail that a shift makes."""
    chosen, weight = (np.array(each, float) for each in zip(*rows, strict=True))
    weight /= weight.mean()
    share = chosen.mean()
    assert np.mean(weight * chosen) <= more_frequent(share, weight.std()) + 1e-9
    assert stats.norm.sf(stats.norm.isf(share) - shift) <= more_frequent(share, shift) + 1e-9


@pytest.mark.parametrize("test", TESTS, ids=lambda test: test.name)
def test_a_test_says_what_it_assumes(test):
    """Each test of the table has a name, a scope, a share, and its assumption in its docstring."""
    assert test.scope in ("column", "row", "table") and 0 < test.share < 1
    assert re.search("Exact|Conservative|Approximate", type(test).__doc__)
    assert sum(other.name == test.name for other in TESTS) == 1


def test_an_alarm_is_the_least_p_value_after_bonferroni():
    """The budget is shared out among the tests and their columns, all of it and no more."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 4))
    for batch in (rng.normal(size=(64, 4)), rng.normal(size=(64, 4)) + [0, 0, 0, 2]):
        found = weigh(reference_of(nl.Profile.from_data(X), 0.3), batch, {}, 1e-3)
        shares = sum(np.exp(found.limit(name)) * found.log_p[name].size for name in found.log_p)
        assert shares == pytest.approx(1e-3)
        assert found.alarm == any(p.min() < found.limit(name) for name, p in found.log_p.items())
        assert found.alarm == bool(found.tests)


@pytest.mark.campaign
def test_every_test_keeps_its_probability():
    """Of batches exchangeable with training, hardly more than a share p has a p-value of p, in every test."""
    rng = np.random.default_rng(0)
    least: dict[str, list[float]] = {}
    for _ in range(30):
        loading = rng.normal(size=(2, 6)) / 2
        X = factors(rng, 150 + 6 * 24, np.clip(loading, -0.7, 0.7))
        X = np.column_stack([X, np.exp(X[:, 0]), np.round(X[:, 1], 1), X[:, 2] > 0, rng.poisson(3, len(X))])
        reference = reference_of(nl.Profile.from_data(X[:150]), 0.0)
        for batch in np.split(X[150:], 6):
            for name, log_p in weigh(reference, batch, {}, 1e-3).log_p.items():
                least.setdefault(name, []).append(float(log_p.min()) + np.log(log_p.size))
    assert {test.name for test in TESTS} - least.keys() == {"categories"}
    for name, found in least.items():
        for p in (0.05, 0.01):
            assert np.sum(np.array(found) <= np.log(p)) <= stats.binom.ppf(0.999, len(found), p), name


def test_whole_rows_that_repeat_are_counted():
    """Rows that a join repeats are odd where rows of training are all different, and not where these repeat too."""
    rng = np.random.default_rng(0)
    X, copied = rng.normal(size=(300, 5)), rng.normal(size=(64, 5))
    copied[1::2] = copied[::2]
    assert "copies" in weigh(reference_of(nl.Profile.from_data(X), 0.3), copied, {}, 1e-3).tests
    of_few = X[rng.integers(0, 150, size=364)]
    assert not weigh(reference_of(nl.Profile.from_data(of_few[:300]), 0.3), of_few[300:], {}, 1e-3).alarm
    codes = rng.integers(0, 3, size=(364, 2)).astype(float)
    assert not nl.diagnose(nl.Profile.from_data(codes[:300]), codes[300:]).alarm


def test_values_in_an_interval_are_counted():
    """The counts of a batch are those of a comparison with every value; a missing one is in no interval."""
    rng = np.random.default_rng(0)
    reference = reference_of(nl.Profile.from_data(rng.normal(size=(100, 3))), 0.3)
    X = np.round(rng.normal(size=(50, 3)), 1)
    X[rng.random(X.shape) < 0.2] = np.nan
    X[:, 2] = np.nan
    batch = Batch(reference, X, {})
    ends = np.array([[-np.inf, -0.5, 0.3, 0.1], [np.inf, 0.5, np.inf, 0.0]])  # the last has none within
    lower, upper = (np.repeat(end[:, None], len(batch.count), axis=1) for end in ends)
    expected = [((X > low) & (X < high)).sum(axis=0) for low, high in ends.T]
    np.testing.assert_array_equal(within(batch.ordered, lower, upper)[:, :3], expected)
    np.testing.assert_array_equal(batch.count[:3], (~np.isnan(X)).sum(axis=0))


def test_a_flag_with_new_values():
    """A column of two values that has others is odd at once; moved as a whole, within the tolerance, it is not."""
    rng = np.random.default_rng(0)
    X = (rng.random((316, 5)) < [0.2, 0.3, 0.4, 0.5, 0.6]).astype(float)
    scaler = StandardScaler().fit(X[:300])
    profile, batch = nl.Profile.from_data(scaler.transform(X[:300])), scaler.transform(X[300:])
    assert not nl.diagnose(profile, batch).alarm
    assert not nl.diagnose(profile, batch + [0.3, -0.3, 0.2, -0.1, 0.3]).alarm
    batch[::2, 1] += rng.uniform(-0.2, 0.2, 8)
    found = nl.diagnose(profile, batch)
    assert found.alarm and found.columns == (1,)


def factors(rng, n, loading):
    """Normal columns of one distribution, which share some factors."""
    noise = np.sqrt(1 - (loading**2).sum(axis=0))
    return rng.normal(size=(n, len(loading))) @ loading + noise * rng.normal(size=(n, loading.shape[1]))
