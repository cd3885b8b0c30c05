"""The steps that the values of a column are multiples of, and values that are off them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import QuantileTransformer, StandardScaler

import sklearn_normlock as nl
from sklearn_normlock.guards.tests.reference import Batch, reference_of
from sklearn_normlock.guards.tests.values import Values


def decimals(n, columns=6, digits=1):
    """Measured to so many decimals, about another middle in each column."""
    return np.round(np.random.default_rng(n).normal(20 * np.arange(1, columns + 1), 4, size=(n, columns)), digits)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    st.lists(st.integers(0, 5000), min_size=12, max_size=60, unique=True),
    st.floats(1e-3, 1e3),
    st.floats(-100, 100),
)
def test_the_step_is_found(times, step, offset):
    """It is that of which all values are multiples, whatever their unit and their offset; or one that is greater."""
    times = np.repeat(times, 4)  # fewer rows might be taken for ranks
    x = step * (times + offset)
    assume(x.min() < 0 or x.max() > 1)  # between 0 and 1 they may be ranks, which have no step
    found = nl.Profile.from_data(x[:, None]).steps[:, 0]
    assert found[1] > 0 and found[2] == 0
    by = found[1] / step
    assert by == pytest.approx(np.gcd.reduce(times - times[0]), rel=1e-6)


def test_few_whole_numbers_are_no_ranks():
    """A handful of rows may lie evenly by chance, and keep their step."""
    x = np.array([0, 2, 3, 5, 6, 8, 9, 11])
    assert nl.Profile.from_data(x[:, None]).steps[1] == 1


def test_what_is_measured_without_end_has_no_step():
    """Draws from a density are multiples of nothing; nor is a logarithm of whole numbers."""
    X = np.random.default_rng(0).normal(size=(500, 40))
    assert not nl.Profile.from_data(X).steps[1].any()
    counts = np.random.default_rng(1).poisson(100, size=(500, 10))
    assert not nl.Profile.from_data(np.log1p(counts)).steps[1].any()


@pytest.mark.campaign
def test_values_off_their_steps_keep_their_probability():
    """Of batches exchangeable with training, a share p at most has values off the steps with a p-value of p."""
    rng = np.random.default_rng(0)
    X = np.round(rng.normal(30, 5, size=(120, 4000)), 1)
    X = np.where(rng.random(X.shape) < 0.01, X + rng.uniform(-0.04, 0.04, X.shape), X)
    reference = reference_of(nl.Profile.from_data(X[:100]), 0.0)
    log_p = Values().log_p(reference, Batch(reference, X[100:], {}))
    assert (log_p < 0).any()
    for p in (0.05, 0.01):
        assert np.mean(log_p <= np.log(p)) <= p


@pytest.mark.parametrize("scaler", [None, StandardScaler])
def test_drift_and_single_precision_keep_the_steps(scaler):
    """All values moved by one number within the tolerance, and scaled in single precision, are what they were."""
    X = decimals(330) + np.array([0.0, 0.0, 1000.0, 2000.0, 0.0, 0.0])
    fitted = StandardScaler().fit(X[:300]) if scaler else None
    seen = fitted.transform(X) if fitted else X
    profile = nl.Profile.from_data(seen[:300])
    moved = 0.29 * seen[:300].std(axis=0) * [1, -1, 1, -1, 1, -1]
    assert profile.steps[1].all() and not nl.diagnose(profile, seen[300:] + moved).alarm
    single = X[300:].astype(np.float32)
    scaled = (single - fitted.mean_.astype(np.float32)) / fitted.scale_.astype(np.float32) if fitted else single
    assert scaled.dtype == np.float32 and not nl.diagnose(profile, scaled).alarm


@pytest.mark.parametrize("scaler", [None, StandardScaler])
def test_ranks_are_no_steps(scaler):
    """A quantile transformer gives the rows of training ranks, and others what lies between, scaled or not."""
    rng = np.random.default_rng(0)
    X, new = (
        np.column_stack([rng.normal(size=n), np.round(rng.lognormal(3, 1, size=n), 2), np.rint(rng.normal(0, 99, n))])
        for n in (500, 64)
    )
    fitted = make_pipeline(QuantileTransformer(n_quantiles=500), scaler and scaler()).fit(X)
    profile = nl.Profile.from_data(fitted.transform(X))
    assert not profile.steps[1].any() and not nl.diagnose(profile, fitted.transform(new)).alarm


def test_a_column_with_few_numbers_has_its_step():
    """A value every tenth row, and rows that are looked at in between."""
    X = np.full((20000, 2), np.nan)
    X[:, 1] = np.random.default_rng(0).normal(size=20000)
    X[5::10, 0] = np.round(np.random.default_rng(1).normal(100, 10, 2000), 1)
    profile = nl.Profile.from_data(X)
    assert profile.steps[1:, 0] == pytest.approx([0.1, 0.0]) and nl.Profile.from_dict(profile.to_dict()) == profile
    batch = X[3000:3160].copy()
    assert not nl.diagnose(profile, batch).alarm
    batch[:, 0] += np.random.default_rng(2).uniform(-0.05, 0.05, 160)
    assert nl.diagnose(profile, batch).columns == (0,)


def test_the_smallest_numbers_have_no_step():
    """Nothing can be divided by a multiple of the smallest number there is."""
    assert not nl.Profile.from_data(np.arange(300)[::-1, None] % 50 * 5e-324).steps[1].any()


def test_coverage_does_not_go_by_steps_alone():
    """What is asked of rows that are made up must not be seen by these being none that training could have had."""
    X = decimals(400)
    covered = nl.coverage(nl.Profile.from_data(X - X.mean(axis=0)))
    assert covered.unseen["sign_flipped"] == tuple(range(6))
