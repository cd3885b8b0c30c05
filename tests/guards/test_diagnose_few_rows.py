"""What sixteen rows tell: values that repeat, or are new, or another column's; correlations that are another's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtri
from sklearn.datasets import load_diabetes, load_wine
from sklearn.preprocessing import StandardScaler

import sklearn_normlock as nl
from sklearn_normlock.guards.profiles.dependence import rank_scores
from sklearn_normlock.guards.singles import singles
from sklearn_normlock.guards.tests.evidence import weigh
from sklearn_normlock.guards.tests.exact import traded_values
from sklearn_normlock.guards.tests.ties import rows_in_runs, tie_evidence
from sklearn_normlock.guards.tests.tilt import more_frequent
from sklearn_normlock.guards.tests.values import new_values


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
        rows_in_runs(nl.Profile.from_data(X[:, :d]).reference(0.3), Y[:, :d], np.sort(Y[:, :d], axis=0))
        for d in (1, 10)
    )
    assert one <= ten < 0
    Y = rng.normal(size=(16, 10))
    assert rows_in_runs(nl.Profile.from_data(X).reference(0.3), Y, np.sort(Y, axis=0)) == 0


def test_columns_without_a_repeated_value_share_no_budget():
    """Where no value repeats, none of a column's can be oddly frequent: their number is no matter."""
    rng = np.random.default_rng(0)
    X, batch = rng.normal(size=(120, 40)), rng.normal(size=(16, 40))
    batch[:4, 1] = batch[0, 1]
    left = []
    for d in (2, 40):
        evidence = weigh(nl.Profile.from_data(X[:, :d]).reference(0.3), batch[:, :d], {}, 1e-3)
        left.append(evidence.log_p["ties"].min() - evidence.limit("ties"))
    assert left[0] == pytest.approx(left[1])


def test_a_frequent_value_among_others():
    """A value that one row in thirty has is not five times as frequent for a drift of its column, though others are."""
    rng = np.random.default_rng(0)
    X = np.round(rng.normal(150, 12, size=(180, 6)))
    profile = nl.Profile.from_data(np.where(rng.random((180, 6)) < 0.4, rng.normal(150, 12, size=(180, 6)), X))
    reference = profile.reference(0.3)
    assert not any(reference.few) and all(reference.jumps[:6])
    batch = rng.normal(150, 12, size=(16, 6))
    assert not nl.diagnose(profile, batch).alarm
    batch[:8, 2] = 150.0
    assert nl.diagnose(profile, batch).fault == "imputed"


def test_columns_that_repeat_one_value_share_the_budget():
    """One value of a column repeats in training, and may in a batch: each such column has its part of the budget."""
    rng = np.random.default_rng(0)

    def rows(n):
        return np.where(rng.random((n, 300)) < 0.02, 1.0, rng.normal(size=(n, 300)))

    reference = nl.Profile.from_data(rows(2000)).reference(0.3)
    assert not any(weigh(reference, rows(4), {}, 1e-3).alarm for _ in range(1500))


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


def factors(rng, n, loading):
    """Normal columns of one distribution, which share some factors."""
    noise = np.sqrt(1 - (loading**2).sum(axis=0))
    return rng.normal(size=(n, len(loading))) @ loading + noise * rng.normal(size=(n, loading.shape[1]))


def test_two_columns_that_only_their_company_tells_apart():
    """Columns of one distribution have changed places: what is seen of it is how they go together with the others."""
    rng = np.random.default_rng(0)
    loading = np.kron(np.eye(3), np.full(4, 0.85))
    profile = nl.Profile.from_data(factors(rng, 600, loading))
    found = []
    for _ in range(12):
        batch = factors(rng, 16, loading)
        assert not nl.diagnose(profile, batch).alarm
        batch[:, [1, 6]] = batch[:, [6, 1]]
        found.append(nl.diagnose(profile, batch))
    assert sum((f.fault, f.columns) == ("columns_swapped", (1, 6)) for f in found) >= 10, found


def laboratories(rng, n):
    """Three readings each of two laboratories, which agree but for a tenth of the samples."""
    apart = np.where(rng.random((n, 1)) < 0.9, 0.05, 2.0)
    own = np.repeat(rng.normal(size=(n, 2)), 3, axis=1) + 0.5 * rng.normal(size=(n, 6))
    return rng.normal(size=(n, 1)) + apart * own


def copies(rng, n):
    """Columns that are another's copy but for rare large errors."""
    return np.repeat(rng.normal(size=(n, 2)), 3, axis=1) + 0.01 * rng.standard_cauchy(size=(n, 6))


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


@pytest.mark.parametrize("data", [laboratories, copies])
@pytest.mark.parametrize("n", [16, 64, 256])
def test_exchanged_columns_of_no_normal_ranks(data, n):
    """Where the likelihood of normal ranks says too much of clean batches, it is not trusted."""
    rng = np.random.default_rng(0)
    learned = [nl.Profile.from_data(data(rng, 1500)).dependence for _ in range(3)]
    scores = [rank_scores(data(rng, n)) for _ in range(200)]
    found = [each.exchanged(z.T @ z / n, n)[1] for each in learned for z in scores]
    assert data is copies or max(each.trust for each in learned) < 0.1
    assert np.mean(np.array(found) <= np.log(1e-3)) <= 1e-3


def test_copies_that_are_none_in_some_rows():
    """A hundred rows of training have some ten in which copies differ: a clean batch may have more, and differ more."""
    rng = np.random.default_rng(0)
    for _ in range(6):
        profile = nl.Profile.from_data(laboratories(rng, 100))
        assert not any(nl.diagnose(profile, laboratories(rng, n)).alarm for n in (16, 64) for _ in range(25))


def test_a_calm_lot_of_a_skew_population():
    """Of skew columns that go together, rows that happen to be near the middle are near each other: that is no cut."""
    rng = np.random.default_rng(0)

    def visits(n):
        return np.exp(rng.normal(size=(n, 1)) + 0.5 * rng.normal(size=(n, 5)))

    reference = nl.Profile.from_data(visits(1500)).reference(0.3)
    narrower = [weigh(reference, visits(16), {}, 1e-3).log_p["spread"][0] for _ in range(2000)]
    assert np.mean(np.array(narrower) <= np.log(1e-3)) <= 1e-3


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


@pytest.mark.parametrize("rows", [1, 2, 3, 5])
@pytest.mark.parametrize("X", [load_wine().data, load_diabetes(scaled=False).data], ids=["wine", "diabetes"])
def test_a_whole_table_by_one_factor(X, rows):
    """One factor for all columns is simpler than a constant for each, of a row and of a few."""
    profile, found = nl.Profile.from_data(X[::2]), set()
    for at in range(0, 5 * rows, rows):
        one = nl.diagnose(profile, X[1::2][at : at + rows] * 1000)
        found.add((one.fault, one.columns, one.details.get("factor")))
    assert found == {("unit_changed", (), 1000.0)}


def test_a_row_moved_by_constants():
    """A row of which each column is eight deviations off was not multiplied by a factor."""
    X = load_wine().data
    found = nl.diagnose(nl.Profile.from_data(X[::2]), X[1:2] + 8 * X.std(axis=0))
    assert found.fault == "shifted"
