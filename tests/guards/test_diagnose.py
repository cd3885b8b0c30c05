"""The diagnosis: no false alarms, the right name, and an honest answer to bad input."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
    normalize,
)

import sklearn_normlock as nl
from sklearn_normlock.errors import InputFaultError
from sklearn_normlock.guards.alignment import Alignment
from sklearn_normlock.guards.faults.words import FAULTS
from sklearn_normlock.guards.likelihood import Likelihood
from sklearn_normlock.guards.tests.evidence import weigh

WINE = load_wine(as_frame=True).data
TRAIN, TEST = WINE.iloc[::2], WINE.iloc[1::2]
PROFILE = nl.Profile.from_data(TRAIN)


# -- names -----------------------------------------------------------------------------------------------------------


def standard(X):
    return (X - PROFILE.mean) / PROFILE.std


def put(**columns):
    return lambda X: X.assign(**columns)


def swap(a, b):
    return lambda X: X.assign(**{a: X[b], b: X[a]})


def filled(X):
    return X.assign(proline=X.proline.where(np.arange(len(X)) % 3 > 0, -1.0))


def mixed(X):
    X = X.to_numpy().copy()
    X[::2] = normalize(X[::2])
    return X


RAW = {
    "double_normalised": standard,
    "batch_standardised": lambda X: StandardScaler().fit_transform(X.to_numpy()),
    "unit_changed": lambda X: X.assign(proline=X.proline * 1000),
    "shifted": lambda X: X.assign(alcohol=X.alcohol + 3 * TRAIN.alcohol.std()),
    "sign_flipped": lambda X: X.assign(hue=-X.hue),
    "columns_swapped": swap("ash", "hue"),
    "columns_reordered": lambda X: X.to_numpy()[:, ::-1],
    "log_extra": np.log1p,
    "imputed": filled,
    "clipped": lambda X: X.clip(upper=TRAIN.quantile(0.6), axis=1),
    "stuck": put(magnesium=100.0),
    "quantised": lambda X: X.round(0),
    "l2_extra": lambda X: normalize(X.to_numpy()),
    "mixed_norms": mixed,
}


@pytest.mark.parametrize("fault", RAW)
def test_names_on_raw_data(fault):
    """Each fault, done to 80 wines that the profile has not seen, is called by its name."""
    found = nl.diagnose(PROFILE, RAW[fault](TEST.iloc[:80]))
    assert (found.alarm, found.fault) == (True, fault), found
    assert found.p_value <= 1e-3 and 0.5 <= found.confidence <= 1
    assert found.remedy.startswith(FAULTS[fault].remedy) and found.explain().startswith(fault)


@pytest.mark.parametrize("scaler", [StandardScaler, MinMaxScaler, RobustScaler])
@pytest.mark.parametrize("fault", ["not_normalised", "other_scaler", "stuck", "imputed", "unit_changed"])
def test_names_behind_a_scaler(scaler, fault):
    """A guard behind the scaler tells what reaches it: raw values, another scaler's, a fault from before the scaler."""
    fitted = scaler().fit(TRAIN.to_numpy())
    other = (MinMaxScaler if scaler is not MinMaxScaler else StandardScaler)().fit(TRAIN.to_numpy())
    rows = TEST.iloc[:80]
    batch = {
        "not_normalised": lambda: rows.to_numpy(),
        "other_scaler": lambda: other.transform(rows.to_numpy()),
        "stuck": lambda: fitted.transform(put(magnesium=100.0)(rows).to_numpy()),
        "imputed": lambda: fitted.transform(filled(rows).to_numpy()),
        "unit_changed": lambda: fitted.transform(rows.assign(proline=rows.proline * 1000).to_numpy()),
    }[fault]()
    assert nl.diagnose(nl.Profile.from_data(fitted.transform(TRAIN.to_numpy())), batch).fault == fault


def test_details_and_columns():
    """Columns come by name, or by position where there are no names; the details say which unit, value, shift."""
    found = nl.diagnose(PROFILE, TEST.assign(proline=TEST.proline * 1000))
    assert found.columns == ("proline",) and found.details["factor"] == 1000
    assert found.explain() == (
        'unit_changed: column "proline" in another unit: ×1000. '
        f"Median in training {TRAIN.proline.median():.6g}, here {TEST.proline.median() * 1000:.6g}. "
        "Convert back to the unit of training."
    )
    found = nl.diagnose(nl.Profile.from_data(TRAIN.to_numpy()), filled(TEST).to_numpy())
    assert found.columns == (12,) and found.details["value"] == -1
    temperature = np.random.default_rng(0).normal(20, 6, size=(400, 1))
    X = np.hstack([temperature, WINE.to_numpy()[np.arange(400) % 178]])
    Y = X[200:300].copy()
    Y[:, 0] = Y[:, 0] * 1.8 + 32
    assert nl.diagnose(nl.Profile.from_data(X[:200]), Y).details["unit"] == "°C to °F"


def test_one_row():
    """One row is enough for a fault that is far off, and a clean row passes."""
    assert nl.diagnose(PROFILE, standard(TEST.iloc[[0]])).fault == "double_normalised"
    assert not any(nl.diagnose(PROFILE, TEST.iloc[[i]]).alarm for i in range(len(TEST)))


def test_noise_is_no_named_fault():
    """What no hypothesis explains is called unknown: noise on every column, a column of another distribution."""
    noisy = TEST.to_numpy() + 3 * TRAIN.std().to_numpy() * np.random.default_rng(0).normal(size=TEST.shape)
    assert nl.diagnose(PROFILE, noisy).fault == "unknown"


# -- bad input -------------------------------------------------------------------------------------------------------


def test_wrong_columns():
    """Another width, missing names and text for numbers are errors that say which; order of names does not matter."""
    with pytest.raises(InputFaultError, match="X has 12 features"):
        nl.diagnose(PROFILE, TEST.iloc[:, :-1])
    with pytest.raises(InputFaultError, match="missing: proline"):
        nl.diagnose(PROFILE, TEST.rename(columns={"proline": "x"}))
    with pytest.raises(InputFaultError, match='Column "ash" holds text; in training it held numbers'):
        nl.diagnose(PROFILE, TEST.assign(ash="much"))
    assert not nl.diagnose(PROFILE, TEST[TEST.columns[::-1]]).alarm


def test_nothing_to_judge():
    """No rows, or rows without a value, give no verdict; missing values that training never had are an alarm."""
    for X in (TEST.iloc[:0], TEST.iloc[:1] * np.nan):
        found = nl.diagnose(PROFILE, X)
        assert (found.alarm, found.judged, found.fault) == (False, False, None)
        assert found.explain().startswith("Nothing can be told")
    found = nl.diagnose(PROFILE, TEST * np.nan)
    assert (found.alarm, found.fault) == (True, "unknown")


def test_infinite_values():
    """One infinity among finite values is told, with its column: scikit-learn would refuse it, too."""
    X = TEST.copy()
    X.iloc[3, 5] = np.inf
    found = nl.diagnose(PROFILE, X)
    assert (found.fault, found.columns) == ("unknown", ("total_phenols",))
    assert "infinite values, of which training had none" in found.explain()
    before = TRAIN.copy()
    before.iloc[::9, 5] = np.inf
    X.iloc[::9, 5] = np.inf
    assert not nl.diagnose(nl.Profile.from_data(before), X).alarm


def test_columns_that_differ_in_their_company_alone():
    """Columns of one distribution that changed places, or a sign that turned, show in what the others tell of them."""
    rng = np.random.default_rng(0)
    factors = rng.normal(size=(6, 12))
    X = np.tanh(rng.normal(size=(1200, 6)) @ factors + 0.5 * rng.normal(size=(1200, 12)))
    train, test = X[:1000], X[1000:1064]
    profile = nl.Profile.from_data(train)
    assert not nl.diagnose(profile, test).alarm
    order = np.arange(12)
    order[[2, 7]] = 7, 2
    found = nl.diagnose(profile, test[:, order])
    assert (found.fault, found.columns) == ("columns_swapped", (2, 7))
    found = nl.diagnose(profile, test * np.where(order == 4, -1, 1))
    assert (found.fault, found.columns) == ("sign_flipped", (4,))


def test_a_little_narrower_each_is_much_in_all():
    """Columns of which none shows it alone, together show that all are narrower."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1100, 20))
    profile = nl.Profile.from_data(X[:1000])
    narrower = weigh(profile.reference(0.3), 0.74 * X[1000:1064], {}, 1e-3)
    assert narrower.alarm
    assert not any(len(narrower.alarming(test)) for test in narrower.log_p)
    assert not nl.diagnose(profile, X[1000:1064] + 0.3 * rng.choice([-1, 1], 20)).alarm


def test_what_is_left_open_is_a_suspicion_that_has_a_limit():
    """Columns of which the others tell far less than they did are odd, but no odder than is known of such a test."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(5256, 40))
    X = np.column_stack([X, X.sum(axis=1)])
    X[5000:, 40] = rng.permutation(X[5000:, 40])
    evidence = weigh(nl.Profile.from_data(X[:5000]).reference(0.3), X[5000:], {}, 1e-3)
    # That the sum agrees with none of its terms any more is a matter of pairs of columns, and has no such limit.
    terms, total = np.split(evidence.log_p["dependence"], [40])
    assert terms.min() == pytest.approx(-25) and total < -50
    assert evidence.alarm


@pytest.mark.parametrize("scaler", [StandardScaler, MinMaxScaler])
def test_answers_on_a_scale_from_1_to_5(scaler):
    """Values that are few are laid over those of training one by one: a scaler is told from a shift or an order."""
    rng = np.random.default_rng(1)
    mood = rng.normal(size=(600, 1))
    width = rng.uniform(0.8, 1.5, size=10)
    X = np.clip(np.round(3 + width * (mood + rng.normal(size=(600, 10)))), 1, 5)
    X *= rng.choice([1.0, 3.0, 10.0], size=10)
    fitted = scaler().fit(X[:400])
    profile = nl.Profile.from_data(fitted.transform(X[:400]))
    assert not nl.diagnose(profile, fitted.transform(X[400:464])).alarm
    assert nl.diagnose(profile, X[400:464]).fault == "not_normalised"
    assert nl.diagnose(profile, RobustScaler().fit(X[:400]).transform(X[400:464])).fault == "other_scaler"


def test_few_values_are_laid_one_by_one():
    """Where a column takes few values, 64 rows tell the scaler's mean and scale to the last digits."""
    X = np.clip(np.round(np.random.default_rng(0).normal(3, 1.2, size=(464, 8))), 1, 5) * 3
    fitted = StandardScaler().fit(X[:400])
    reference = nl.Profile.from_data(fitted.transform(X[:400])).reference(0.3)
    slope, offset = Alignment(Likelihood(reference, X[400:])).aligned()
    np.testing.assert_allclose(slope, fitted.scale_, rtol=1e-9)
    np.testing.assert_allclose(offset, fitted.mean_, rtol=1e-9)


def test_what_a_name_leaves_unexplained_counts_against_it():
    """Noise is no logarithm and no unit, though these fit better than nothing."""
    rng = np.random.default_rng(1)
    for X in (
        np.where(rng.random((664, 8)) < 0.5, 0, rng.exponential(size=(664, 8)) * np.arange(1, 9)),
        rng.normal(size=(664, 8)) @ rng.normal(size=(8, 8)),
    ):
        train, test = X[:600], X[600:]
        noise = 1.5 * rng.normal(size=test.shape) * train.std(axis=0)
        assert nl.diagnose(nl.Profile.from_data(train), test + noise).fault == "unknown"


@pytest.mark.parametrize("seed", range(4))
def test_an_order_that_leaves_nothing_odd_has_its_name(seed):
    """That each column is stretched by itself may explain more, but they would not go together so."""
    rng = np.random.default_rng(seed)
    X = rng.permutation(load_breast_cancer().data)
    order = rng.permutation(30)
    found = nl.diagnose(nl.Profile.from_data(X[:400]), X[400:464][:, order])
    assert (found.fault, found.confidence > 0.9) == ("columns_reordered", True)
    assert (order[found.details["order"]] == np.arange(30)).sum() >= 28  # two are alike


@pytest.mark.parametrize(("seed", "pair"), [(0, [1, 4]), (5, [4, 8])])
def test_a_name_that_explains_as_much_goes_before_unknown(seed, pair):
    """A slope and an offset for each of two columns are no better an answer than that they are swapped."""
    X = np.random.default_rng(seed).permutation(load_wine().data)
    batch = X[114:].copy()
    batch[:, pair] = batch[:, pair[::-1]]
    found = nl.diagnose(nl.Profile.from_data(X[:114]), batch)
    assert (found.fault, found.columns) == ("columns_swapped", tuple(pair))


def test_columns_of_nearly_one_value_explain_nothing():
    """That one of them has a value that training had not does not make it another's."""
    X = np.random.default_rng(0).permutation(load_digits().data)
    train, batch = X[:1000], X[1000:1064].copy()
    profile = nl.Profile.from_data(train)
    batch[5, 0] = 1.0  # of 0 throughout
    assert not nl.diagnose(profile, batch).alarm
    assert nl.diagnose(profile, batch[:, ::-1]).fault == "columns_reordered"
    batch[:, 59] = 14.0
    found = nl.diagnose(profile, batch)
    assert (found.fault, found.columns) == ("stuck", (59,))


def test_a_shift_of_whole_numbers_is_found_between_them():
    """Whole numbers of which training has many, but not all, moved by a broken one."""
    rng = np.random.default_rng(0)
    X = np.column_stack([np.round(rng.normal(91, 11.5, 442)), rng.normal(size=442)])
    batch = X[378:] + [22.983, 0]
    found = nl.diagnose(nl.Profile.from_data(X[:378]), batch)
    assert (found.fault, found.columns) == ("shifted", (0,))
    assert found.details["shift"] == pytest.approx(22.983, abs=3)


@pytest.mark.parametrize("change", [np.round, np.trunc])
@pytest.mark.parametrize("seed", range(3))
def test_whole_numbers_of_small_ones_are_quantised(seed, change):
    """Rounding moves columns that are narrow beside its step; it is rounding all the same."""
    X = np.random.default_rng(seed).permutation(load_wine().data)
    assert nl.diagnose(nl.Profile.from_data(X[:114]), change(X[114:])).fault == "quantised"


def test_what_no_test_tells_alone():
    """Two standardised columns that changed places, of which neither shows it for certain: a likelihood ratio does."""
    rng = np.random.default_rng(6)
    X = np.hstack([np.exp(1.2 * rng.normal(size=(264, 1))), rng.gamma([0.8, 1, 1.5, 2, 3, 0.7, 5], size=(264, 7))])
    fitted = StandardScaler().fit(X[:200])
    train, test = fitted.transform(X[:200]), fitted.transform(X[200:])
    profile = nl.Profile.from_data(train)
    assert not nl.diagnose(profile, test + 0.3 * rng.choice([-1, 1], 8)).alarm
    for a, b in ((0, 7), (6, 7), (0, 5)):
        order = np.arange(8)
        order[[a, b]] = b, a
        found = nl.diagnose(profile, test[:, order])
        assert (found.fault, found.columns) == ("columns_swapped", (a, b))


def test_columns_that_are_one_tell_once():
    """Eight readings of one thing do not make a batch eight times as odd."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(3450, 1)) + 0.05 * rng.normal(size=(3450, 8))
    fitted = StandardScaler().fit(X[:250])
    profile = nl.Profile.from_data(fitted.transform(X[:250]))
    for batch in np.split(fitted.transform(X[250:]), 200):
        assert not nl.diagnose(profile, batch).alarm


def test_bounds_that_are_usual():
    """That each column of counts, scaled to [0, 1], reaches 0 and 1 again does not mean that it was scaled anew."""
    X = np.random.default_rng(0).integers(0, 3, size=(400, 6)).astype(float)
    fitted = MinMaxScaler().fit(X[:200])
    profile = nl.Profile.from_data(fitted.transform(X[:200]))
    assert not nl.diagnose(profile, fitted.transform(X[200:350])).alarm


@pytest.mark.parametrize("scaler", [MinMaxScaler, MaxAbsScaler])
def test_requests_scaled_by_their_own_bounds(scaler):
    """Where training had these bounds too; that a clean batch has a few of them is nothing odd."""
    X = np.random.default_rng(1).permutation(load_breast_cancer().data)
    train, batch = X[:505], X[505:521]
    fitted = scaler().fit(train)
    profile = nl.Profile.from_data(fitted.transform(train))
    found = nl.diagnose(profile, scaler().fit_transform(batch))
    said = found.fault, found.details["scaler"]
    assert said == ("batch_standardised", scaler.__name__.removesuffix("Scaler").lower())
    for start in range(505, 569, 16):
        assert not nl.diagnose(profile, fitted.transform(X[start : start + 16])).alarm


@pytest.mark.parametrize("seed", range(3))
def test_rounded_values_have_round_quartiles(seed):
    """Behind a scaler by quartiles, steps of a half have the median 0 and the width 1: it is the steps that are new."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(664, 6)) @ rng.normal(size=(6, 6))
    fitted = RobustScaler().fit(X[:600])
    profile = nl.Profile.from_data(fitted.transform(X[:600]))
    assert nl.diagnose(profile, np.round(2 * fitted.transform(X[600:])) / 2).fault == "quantised"
    assert nl.diagnose(profile, RobustScaler().fit_transform(X[600:])).fault == "batch_standardised"


@pytest.mark.parametrize("seed", range(20))
def test_coarse_columns_may_meet_their_bounds(seed):
    """Grades, whole numbers and copies of them, behind a scaler by bounds: clean batches are silent."""
    rng = np.random.default_rng(seed)
    whole = np.round(rng.normal(50, 5, (464, 1)))
    copies = np.hstack([whole, 2 * whole, 1 - whole, whole, 3 * whole])
    X = copies if seed % 2 else rng.integers(1, 6, (464, 8)).astype(float)
    fitted = MinMaxScaler().fit(X[:200])
    profile = nl.Profile.from_data(fitted.transform(X[:200]))
    for rows in (8, 16, 64):
        assert not nl.diagnose(profile, fitted.transform(X[200 : 200 + rows])).alarm, rows


@pytest.mark.parametrize("scaler", [MinMaxScaler(clip=True), QuantileTransformer(n_quantiles=60)])
@pytest.mark.parametrize(("columns", "zeros"), [(1, 0.0), (2, 0.0), (3, 0.3)])
def test_as_many_rows_as_were_clipped(scaler, columns, zeros):
    """One row beyond each bound of training, cut off there, is what a batch of about its size has; zeros are at one."""
    rng = np.random.default_rng(0)
    for _ in range(40):
        X = np.where(rng.random((316, columns)) < zeros, 0.0, np.abs(rng.normal(size=(316, columns))))
        profile = nl.Profile.from_data(scaler.fit_transform(X[:60]))
        assert not any(nl.diagnose(profile, scaler.transform(X[60 : 60 + n])).alarm for n in (64, 256))


@pytest.mark.parametrize("scaler", [MinMaxScaler(clip=True), QuantileTransformer(n_quantiles=100)])
def test_rows_clipped_to_the_bounds_of_training(scaler):
    """Of many rows, some lie beyond training in each column, and are put at its bounds: no scaler of their own."""
    for seed in range(6):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(600, 5))
        fitted = clone(scaler).fit(X[:100])
        assert not nl.diagnose(nl.Profile.from_data(fitted.transform(X[:100])), fitted.transform(X[100:])).alarm


def test_copies_meet_their_bounds_together():
    """Of columns that are one, the least and the greatest row are that in all of them: this is told once."""
    rng = np.random.default_rng(0)
    whole = np.clip(np.round(rng.normal(50, 5, (216, 1))), 39, 61)
    whole[[0, 1, 200, 201], 0] = 38, 62, 38, 62
    X = MinMaxScaler().fit(whole[:200]).transform(whole) * np.ones(12)
    assert not nl.diagnose(nl.Profile.from_data(X[:200]), X[200:]).alarm


def test_the_unit_of_one_column_is_no_scaler():
    """Of four columns, one in another unit before the scaler: not all of them without it."""
    X = np.random.default_rng(1).permutation(load_iris().data)
    fitted = StandardScaler().fit(X[:86])
    batch = X[86:].copy()
    batch[:, 0] *= 1000
    found = nl.diagnose(nl.Profile.from_data(fitted.transform(X[:86])), fitted.transform(batch))
    assert (found.fault, found.columns) == ("unit_changed", (0,))


def test_a_batch_as_large_as_training_is_standardised():
    """A batch of as many rows as the profile's has its moments, too, when it is scaled by itself."""
    X = np.random.default_rng(0).normal(size=(800, 6)) * 3 + 1
    train, test = (StandardScaler().fit_transform(part) for part in np.split(X, 2))
    profile = nl.Profile.from_data(train)
    assert nl.diagnose(profile, test).fault == "batch_standardised"
    assert not nl.diagnose(profile, train).alarm


def test_a_million_rows():
    """A batch of a million rows is judged through a sample: clean passes, shifted does not."""
    rng = np.random.default_rng(0)
    profile = nl.Profile.from_data(rng.normal(size=(2000, 2)))
    X = rng.normal(size=(1_000_000, 2))
    assert not nl.diagnose(profile, X).alarm
    X[:, 1] += 1
    assert nl.diagnose(profile, X).fault == "shifted"


@pytest.mark.parametrize("keyword", [{"budget": 0}, {"budget": 1}, {"drift": -1}, {"drift": np.nan}])
def test_parameters(keyword):
    """A budget that is no probability and a negative drift are refused."""
    with pytest.raises(ValueError, match=next(iter(keyword))):
        nl.diagnose(PROFILE, TEST, **keyword)


def test_categories():
    """Text that was never seen, or far less often, raises an alarm; the same text does not."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {"city": rng.choice(["bern", "lyon", "linz"], 400, p=[0.6, 0.3, 0.1]), "x": rng.normal(size=400)}
    )
    profile = nl.Profile.from_data(frame[:300])
    assert not nl.diagnose(profile, frame[300:]).alarm
    found = nl.diagnose(profile, frame[300:].assign(city="Bern"))
    assert found.alarm and found.columns == ("city",)


@settings(max_examples=20, deadline=None)
@given(
    n=st.integers(1, 40),
    scale=st.integers(-300, 300),
    seed=st.integers(0, 50),
    holes=st.sampled_from([0.0, 0.2, 1.0]),
    odd=st.sampled_from([0.0, np.inf, -np.inf, 1e308, 5e-324]),
)
def test_any_numbers_get_an_answer(n, scale, seed, holes, odd):
    """Whatever the numbers, there is a verdict and no warning: tiny, huge, infinite, missing, repeated."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 13)) * 10.0**scale
    X[rng.random(X.shape) < holes] = np.nan
    X[:, seed % 13] = odd
    found = nl.diagnose(PROFILE, X)
    assert found.fault is None or found.fault in FAULTS
    assert isinstance(found.explain(), str) and 0 <= found.p_value <= 1


def test_every_fault_has_words():
    """Each name has a sentence that can be completed from no details at all, and says what to do."""
    assert len(FAULTS) == 22
    for name, fault in FAULTS.items():
        assert fault.sentence("every column", {}) and fault.remedy.endswith("."), name


def test_diabetes_without_and_with_its_scaling():
    """scikit-learn's own data set, which comes scaled or not: a profile of one knows the other."""
    raw, scaled = load_diabetes(scaled=False).data, load_diabetes().data
    assert nl.diagnose(nl.Profile.from_data(raw[:300]), scaled[300:]).alarm
    assert not nl.diagnose(nl.Profile.from_data(raw[:300]), raw[300:]).alarm
    assert nl.diagnose(nl.Profile.from_data(scaled[:300]), raw[300:]).alarm
