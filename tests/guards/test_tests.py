"""The tests keep their probability: a share p at most of exchangeable batches has a p-value of p."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtri
from sklearn.preprocessing import StandardScaler

import sklearn_normlock as nl
from sklearn_normlock.guards.profiles.dependence import rank_scores
from sklearn_normlock.guards.tests.reference import reference_of
from sklearn_normlock.guards.tests.ties import rows_in_runs, tie_evidence
from sklearn_normlock.guards.tests.tilt import more_frequent
from sklearn_normlock.guards.tests.values import new_values


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
        repeated.append(tie_evidence(reference, X[m:], np.sort(X[m:], axis=0)))
        new.append(new_values(reference, X[m:]))
    for log_p in (repeated, new):
        for p in (0.05, 0.01):
            assert np.mean(np.concatenate(log_p) <= np.log(p)) <= p


@given(st.lists(st.booleans(), min_size=40, max_size=40), st.floats(0, 1))
def test_no_rows_become_more_frequent_than_those_at_one_end(chosen, drift):
    """Of a normal variable that moves, whichever of its values are asked for: the bound is that of those at one end."""
    z = ndtri((np.arange(4000) + 0.5) / 4000)
    weight = np.exp(drift * z - drift**2 / 2)
    chosen = np.repeat(chosen, 100)
    share = chosen.mean()
    assert weight[chosen].sum() / 4000 <= more_frequent(share, drift) + 1e-3
    at_one_end = weight[4000 - chosen.sum() :].sum() / 4000
    assert at_one_end == pytest.approx(more_frequent(share, drift), abs=1e-3)


def test_rows_in_runs_whatever_goes_together():
    """Columns that are copies of each other are one column: what they say together is no odder than what one says."""
    rng = np.random.default_rng(0)
    X, Y = (np.repeat(rng.normal(size=(n, 1)), 10, axis=1) for n in (120, 16))
    Y[:4] = Y[0]
    one, ten = (
        rows_in_runs(reference_of(nl.Profile.from_data(X[:, :d]), 0.3), Y[:, :d], np.sort(Y[:, :d], axis=0))
        for d in (1, 10)
    )
    assert one <= ten < 0
    Y = rng.normal(size=(16, 10))
    assert rows_in_runs(reference_of(nl.Profile.from_data(X), 0.3), Y, np.sort(Y, axis=0)) == 0


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


@pytest.mark.campaign
@pytest.mark.parametrize("strength", [0.0, 0.4, 0.8, 0.97])
def test_exchanged_columns_keep_their_probability(strength):
    """Of clean batches, a share p at most looks as if two columns had changed places, at a p-value of p."""
    rng = np.random.default_rng(0)
    found = []
    for _ in range(12):
        loading = strength * rng.normal(size=(2, 8))
        loading /= np.maximum(np.sqrt((loading**2).sum(axis=0) / 0.98), 1)
        learned = nl.Profile.from_data(factors(rng, 160, loading)).dependence
        for n in (16, 64):
            scores = (rank_scores(factors(rng, n, loading)) for _ in range(60))
            found += [learned.exchanged(z.T @ z / n, n)[1] for z in scores]
    for p in (0.05, 0.01):
        assert np.mean(np.array(found) <= np.log(p)) <= p
