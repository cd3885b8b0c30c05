"""What the values of a column are multiples of: to the last digit, and behind a scaler too."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.preprocessing import MinMaxScaler, QuantileTransformer, RobustScaler, StandardScaler

import sklearn_normlock as nl
from sklearn_normlock.guards.profiles.precision import coarser
from sklearn_normlock.guards.tests.values import new_values


def decimals(n, columns=6, digits=1):
    """Measured to so many decimals, about another middle in each column."""
    return np.round(np.random.default_rng(n).normal(20 * np.arange(1, columns + 1), 4, size=(n, columns)), digits)


@given(
    st.lists(st.integers(0, 5000), min_size=12, max_size=60, unique=True),
    st.floats(1e-3, 1e3),
    st.floats(-100, 100),
)
def test_the_step_is_found(times, step, offset):
    """It is that of which all values are multiples, whatever their unit and their offset; or one that is greater."""
    times = np.repeat(times, 2)
    x = step * (times + offset)
    assume(x.min() < 0 or x.max() > 1)  # between 0 and 1 they may be ranks, which have no step
    found = nl.Profile.from_data(x[:, None]).steps[:, 0]
    assert found[1] > 0 and found[2] == 0
    by = found[1] / step
    assert by == pytest.approx(np.gcd.reduce(times - times[0]), rel=1e-6)


def test_what_is_measured_without_end_has_no_step():
    """Draws from a density are multiples of nothing; nor is a logarithm of whole numbers."""
    X = np.random.default_rng(0).normal(size=(500, 40))
    assert not nl.Profile.from_data(X).steps[1].any()
    counts = np.random.default_rng(1).poisson(100, size=(500, 10))
    assert not nl.Profile.from_data(np.log1p(counts)).steps[1].any()


@pytest.mark.parametrize("scaler", [StandardScaler, MinMaxScaler, RobustScaler])
def test_parts_that_have_one_step_have_it_together(scaler):
    """Profiles of parts are merged with their steps; of parts that have other steps, with none."""
    X = scaler().fit_transform(decimals(900))
    parts = [nl.Profile.from_data(part) for part in np.split(X, 3)]
    whole, merged = nl.Profile.from_data(X), parts[0].merge(parts[1]).merge(parts[2])
    assert np.allclose(merged.steps[1], whole.steps[1]) and whole.steps[1].all() and not merged.steps[2].any()
    assert not parts[0].merge(nl.Profile.from_data(1.01 * X)).steps[1].any()
    again = nl.Profile.from_dict(merged.to_dict())
    assert np.array_equal(again.steps, merged.steps)


def test_values_off_their_steps_keep_their_probability():
    """Of batches exchangeable with training, a share p at most has values off the steps with a p-value of p."""
    rng = np.random.default_rng(0)
    X = np.round(rng.normal(30, 5, size=(120, 4000)), 1)
    X = np.where(rng.random(X.shape) < 0.01, X + rng.uniform(-0.04, 0.04, X.shape), X)
    log_p = new_values(nl.Profile.from_data(X[:100]).reference(0.0), X[100:])
    assert (log_p < 0).any()
    for p in (0.05, 0.01):
        assert np.mean(log_p <= np.log(p)) <= p


@pytest.mark.parametrize("scaler", [StandardScaler, MinMaxScaler, RobustScaler])
def test_two_columns_have_each_others_steps(scaler):
    """Scaled, two columns that look alike are told apart by what their values are multiples of; three are, too."""
    X = decimals(316)
    scaler = scaler().fit(X[:300])
    profile, batch = nl.Profile.from_data(scaler.transform(X[:300])), scaler.transform(X[300:])
    assert not nl.diagnose(profile, batch).alarm
    found = nl.diagnose(profile, batch[:, [0, 4, 2, 3, 1, 5]])
    assert (found.fault, found.columns) == ("columns_swapped", (1, 4))
    found = nl.diagnose(profile, batch[:, [2, 1, 3, 0, 4, 5]])
    assert (found.fault, found.columns) == ("columns_reordered", (0, 2, 3))


@pytest.mark.parametrize("scaler", [StandardScaler, MinMaxScaler, RobustScaler])
@pytest.mark.parametrize("load", [load_wine, load_breast_cancer])
def test_a_scaler_fitted_anew_on_nearly_the_same_data(load, scaler):
    """Sixteen rows that lie where they should, on other steps: the scaler's parameters are not those of training."""
    X = np.random.default_rng(0).permutation(load().data)
    fitted, anew = scaler().fit(X[:120]), scaler().fit(X[60:120])
    profile = nl.Profile.from_data(fitted.transform(X[:120]))
    assert not nl.diagnose(profile, fitted.transform(X[120:136])).alarm
    assert nl.diagnose(profile, anew.transform(X[120:136])).fault == "refit"


def test_another_scaler_by_its_steps():
    """A scaler of another class has slopes of its own, which the steps give exactly."""
    X = decimals(316)
    profile = nl.Profile.from_data(StandardScaler().fit_transform(X[:300]))
    found = nl.diagnose(profile, RobustScaler().fit(X[:300]).transform(X[300:]))
    assert (found.fault, found.details["scaler"]) == ("other_scaler", "robust")


def test_numbers_that_were_computed_are_no_multiples():
    """Half of sixteen values times something: none far off, and each off the steps."""
    X = decimals(316)
    profile, batch = nl.Profile.from_data(X[:300]), X[300:].copy()
    assert not nl.diagnose(profile, batch).alarm
    batch[::2, 3] *= np.random.default_rng(0).uniform(0.97, 1.03, 8)
    found = nl.diagnose(profile, batch)
    assert (found.fault, found.columns) == ("unknown", (3,))
    assert "values in column 3 that are no multiples of 0.1, as those of training are" in found.explain()


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


@pytest.mark.parametrize("scaler", [StandardScaler, MinMaxScaler, RobustScaler])
def test_rounded_before_the_scaler(scaler):
    """Single precision rounds raw values, however small the scaled ones: a latitude, the temperature of a body."""
    rng = np.random.default_rng(0)
    X = np.column_stack([np.round(rng.normal(52.52, 0.05, 1100), 5), np.round(rng.normal(37.0, 0.5, 1100), 1)])
    scaler = scaler().fit(X[:1000])
    profile = nl.Profile.from_data(scaler.transform(X[:1000]))
    for rows in (3, 16, 100):
        batch = X[1000 : 1000 + rows].astype(np.float32)
        assert not nl.diagnose(profile, scaler.transform(batch)).alarm
        assert not nl.diagnose(profile, scaler.transform(batch.astype(float))).alarm
    batch = X[1000:1016]
    batch[:, 0] += rng.uniform(-1e-4, 1e-4, 16)
    assert nl.diagnose(profile, scaler.transform(batch)).columns == (0,)


def test_ranks_are_no_steps():
    """A quantile transformer gives the rows of training ranks, and others what lies between."""
    rng = np.random.default_rng(0)
    X, new = (np.column_stack([rng.normal(size=n), np.round(rng.lognormal(3, 1, size=n), 2)]) for n in (500, 64))
    fitted = QuantileTransformer(n_quantiles=500).fit(X)
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


def test_all_rows_on_a_coarser_grid():
    """Of sixteen marks that are all tens all rows are odd, not only the few different tens."""
    marks = np.clip(np.round(np.random.default_rng(0).normal(60, 14, size=(316, 4))), 0, 100)
    profile, batch = nl.Profile.from_data(marks[:300]), marks[300:].copy()
    assert not nl.diagnose(profile, batch).alarm
    batch[:, 1] = np.round(batch[:, 1] / 20) * 20
    assert len(np.unique(batch[:, 1])) <= 5 and nl.diagnose(profile, batch).fault == "quantised"


def test_rows_that_moved_onto_a_grid_are_not_coarser():
    """A value that most rows have may move by one within the tolerance, and be a ten; so may those of a batch."""
    rng = np.random.default_rng(0)
    X = rng.choice([29.0, 39.0, 45.0, 52.0], p=[0.48, 0.48, 0.02, 0.02], size=(400, 1))
    reference = nl.Profile.from_data(X).reference(0.3)
    batch = rng.choice([30.0, 40.0], size=(16, 1))
    assert coarser(reference, batch)[0] > np.log(0.5)
    assert coarser(nl.Profile.from_data(X).reference(0.0), batch)[0] < np.log(1e-3)


@pytest.mark.parametrize("load", [load_iris, load_wine])
def test_a_unit_of_coarse_columns(load):
    """Values with few digits repeat; where they are many they make a density, and a unit shows in sixteen rows."""
    X = np.random.default_rng(3).permutation(load().data)
    profile, batch = nl.Profile.from_data(X[:100]), X[100:116].copy()
    assert not nl.diagnose(profile, batch).alarm
    batch[:, 0] *= 0.621371
    found = nl.diagnose(profile, batch)
    assert found.alarm and found.columns == (0,)


def test_coverage_does_not_go_by_steps_alone():
    """What is asked of rows that are made up must not be seen by these being none that training could have had."""
    X = decimals(400)
    covered = nl.coverage(nl.Profile.from_data(X - X.mean(axis=0)))
    assert covered.unseen["sign_flipped"] == tuple(range(6))


def test_most_rows_moved_and_the_others_not():
    """Four fifths of the marks are their mean: as if they had moved onto a frequent mark, but the others have not."""
    marks = np.clip(np.round(np.random.default_rng(3).normal(70, 3, size=(316, 4))), 0, 100)
    profile, batch = nl.Profile.from_data(marks[:300]), marks[300:].copy()
    assert profile.reference(0.3).few[1] and not nl.diagnose(profile, batch).alarm
    batch[:13, 1] = marks[:300, 1].mean()
    found = nl.diagnose(profile, batch)
    assert (found.fault, found.columns) == ("imputed", (1,))


@pytest.mark.parametrize("pixel", [19, 20, 43])
def test_an_order_makes_no_new_values(pixel):
    """Pixels in hundredths were in no column: neither another order, nor a constant, nor a logarithm brings them."""
    X = load_digits().data
    batch = X[1::2][:64].copy()
    batch[:, pixel] /= 100
    found = nl.diagnose(nl.Profile.from_data(X[::2]), batch)
    assert found.fault in ("unit_changed", "unknown") and found.columns == (pixel,)


def test_no_logarithm_of_what_is_off_its_steps():
    """What was added to zeros and cents is off them, and so it is through any logarithm: none is missing."""
    rng = np.random.default_rng(0)
    spent = np.where(rng.random((1000, 2)) < 0.4, 0.0, np.round(rng.gamma(2, 40, (1000, 2)), 2))
    batch = spent[900:964] + np.column_stack([rng.uniform(0, 0.01, 64), np.zeros(64)])
    found = nl.diagnose(nl.Profile.from_data(spent[:900]), batch)
    assert (found.fault, found.columns) == ("unknown", (0,)) and "no multiples of 0.01" in found.explain()


@pytest.mark.parametrize("by", [0.01, 1.11, 0.5])
def test_a_cent_more_is_no_coarser_price(by):
    """Prices that end in .99 are whole numbers if all of them have moved by a cent."""
    for seed in range(10):
        X = np.floor(np.exp(np.random.default_rng(seed).normal(6, 0.7, size=(564, 2)))) + 0.99
        assert not nl.diagnose(nl.Profile.from_data(X[:500]), np.round(X[500:] + by, 2)).alarm


def test_steps_of_a_refitted_scaler_are_no_coarser_ones():
    """Steps of another size than several of training's were not rounded to."""
    rng = np.random.default_rng(5)
    raw = np.column_stack([np.round(rng.normal(40, 8, 364)) / 2, np.round(rng.normal(200, 50, 364)) / 60])
    profile = nl.Profile.from_data(MinMaxScaler().fit_transform(raw[:300]))
    found = nl.diagnose(profile, MinMaxScaler().fit(raw[:150]).transform(raw[300:]))
    assert found.fault != "quantised"


# -- ranks are no steps ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("raw", [lambda z: z, lambda z: np.round(np.exp(z + 4))], ids=["distinct", "some equal"])
@pytest.mark.parametrize(("parts", "share"), [(1, 1.0), (2, 1.0), (3, 1.0), (1, 0.7)])
def test_ranks_in_parts(raw, parts, share):
    """Ranks are those of the rows that a transformer was fitted on, also in a profile of parts of these."""
    for seed in range(8):
        rng = np.random.default_rng(seed)
        X = raw(rng.normal(size=(264, 3)))
        ranks = QuantileTransformer(n_quantiles=200).fit(X[:200])
        training = ranks.transform(rng.permutation(X[:200])[: round(share * 200)])
        profile, *others = [nl.Profile.from_data(part) for part in np.array_split(training, parts)]
        for other in others:
            profile = profile.merge(other)
        assert not profile.steps[1].any() and not nl.diagnose(profile, ranks.transform(X[200:])).alarm
