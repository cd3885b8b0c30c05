"""What sixteen rows tell by their values alone: these repeat, or are new, or another column's."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler

import sklearn_normlock as nl
from sklearn_normlock.guards.exact import traded_values
from sklearn_normlock.guards.singles import singles
from sklearn_normlock.guards.ties import new_values, rows_in_runs, tie_evidence


def spending(rng, n):
    """Amounts, of which many are zero; each column has its own share of these."""
    amounts = np.exp(rng.normal([3, 2.5, 3.5, 2], 0.8, size=(n, 4)))
    return np.where(rng.random((n, 4)) < [0.3, 0.45, 0.6, 0.75], 0.0, amounts)


def zipf(rng, n, columns, exponent, kinds=60):
    """Values of which some are frequent and most are rare."""
    shares = np.arange(1.0, kinds + 1) ** -exponent
    places = rng.normal(size=(columns, kinds))
    drawn = rng.choice(kinds, size=(n, columns), p=shares / shares.sum())
    return places[np.arange(columns), drawn]


@pytest.mark.parametrize("exponent", [0.5, 1.0, 2.0])
@pytest.mark.parametrize(("m", "n"), [(60, 12), (150, 40)])
def test_repeated_and_new_values_keep_their_probability(exponent, m, n):
    """Of batches exchangeable with training, a share p at most has runs, or new values, of a p-value of p."""
    rng = np.random.default_rng(0)
    repeated, new = [], []
    for _ in range(12):
        X = zipf(rng, m + n, 150, exponent)
        reference = nl.Profile.from_data(X[:m]).reference(0.0)
        repeated.append(tie_evidence(reference, X[m:]))
        new.append(new_values(reference, X[m:]))
    for log_p in (repeated, new):
        for p in (0.05, 0.01):
            assert np.mean(np.concatenate(log_p) <= np.log(p)) <= p


def test_rows_in_runs_whatever_goes_together():
    """Columns that are copies of each other are one column: what they say together is no odder than what one says."""
    rng = np.random.default_rng(0)
    X, Y = (np.repeat(rng.normal(size=(n, 1)), 10, axis=1) for n in (120, 16))
    Y[:4] = Y[0]
    one, ten = (rows_in_runs(nl.Profile.from_data(X[:, :d]).reference(0.3), Y[:, :d]) for d in (1, 10))
    assert one <= ten < 0
    Y = rng.normal(size=(16, 10))
    assert rows_in_runs(nl.Profile.from_data(X).reference(0.3), Y) == 0


@pytest.mark.parametrize("columns", [slice(None), [2]])
def test_sixteen_rows_cut(columns):
    """Of sixteen rows few lie at the bound of a cut: so many of one value never seen are odd, with 120 of training."""
    rng = np.random.default_rng(1)
    X = rng.exponential(size=(120, 8))
    batch = rng.exponential(size=(16, 8))
    profile = nl.Profile.from_data(X)
    assert not nl.diagnose(profile, batch).alarm
    low, high = np.quantile(X, [0.35, 0.9], axis=0)[:, columns]
    batch[:, columns] = np.clip(batch[:, columns], low, high)
    found = nl.diagnose(profile, batch)
    assert found.fault == "clipped" and found.p_value < 1e-3


def test_a_constant_that_training_could_not_have_is_no_cut():
    """What lies beyond all of training was put in: to cut values off there would leave no trace."""
    rng = np.random.default_rng(0)
    X, batch = rng.exponential(size=(120, 8)), rng.exponential(size=(16, 8))
    batch[rng.permutation(16)[:7], 3] = 0.0
    found = nl.diagnose(nl.Profile.from_data(X), batch)
    assert (found.fault, found.columns, found.details["value"]) == ("imputed", (3,), 0.0)


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


def test_spending_in_another_column():
    """Standardised, the zeros of a column are its own number: where that is another's, the two have changed places."""
    rng = np.random.default_rng(0)
    X = spending(rng, 1016)
    scaler = StandardScaler().fit(X[:1000])
    profile, batch = nl.Profile.from_data(scaler.transform(X[:1000])), scaler.transform(X[1000:])
    assert not nl.diagnose(profile, batch).alarm
    swapped = batch[:, [0, 2, 1, 3]]
    found = nl.diagnose(profile, swapped)
    assert (found.fault, found.columns) == ("columns_swapped", (1, 2))
    assert nl.diagnose(profile, swapped.astype(np.float32)).fault in ("columns_swapped", None)
    # Both have drifted by as much, one up and one down, nearly onto each other: that is one chance, not two.
    reference = profile.reference(0.3)
    zeros = scaler.transform(np.zeros((1, 4)))[0]
    near = batch + (zeros[[0, 2, 1, 3]] - zeros) * (1 + 1e-7)
    assert traded_values(reference, near)[1] > -20 > traded_values(reference, swapped)[1]


def test_amounts_beside_many_zeros():
    """What is not zero is asked apart: a logarithm too many, which a drift of the whole column would hide."""
    rng = np.random.default_rng(0)
    profile = nl.Profile.from_data(spending(rng, 1000))
    clean = [spending(rng, 64) for _ in range(12)]
    assert not any(nl.diagnose(profile, batch).alarm for batch in clean)
    for batch in clean:
        found = nl.diagnose(profile, np.column_stack([np.log1p(batch[:, 0]), batch[:, 1:]]))
        assert (found.fault, found.columns) == ("log_extra", (0,))
    reference = profile.reference(0.3)
    left = singles(reference, clean[0])
    assert np.isnan(left[clean[0] == 0]).all() and not np.isnan(left[clean[0] != 0]).any()
    assert not any(reference.singles.jumps[:4])
