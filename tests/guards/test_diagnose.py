"""The diagnosis: a name is earned by undoing, what nothing undoes is unknown, bad input gets an honest answer."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_breast_cancer, load_wine
from sklearn.preprocessing import MinMaxScaler, RobustScaler, StandardScaler, normalize

import sklearn_normlock as nl
from sklearn_normlock.errors import InputFaultError
from sklearn_normlock.guards.faults import FAULTS

WINE = load_wine(as_frame=True).data
TRAIN, TEST = WINE.iloc[::2], WINE.iloc[1::2]
PROFILE = nl.Profile.from_data(TRAIN)


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
    assert found.p_value <= 1e-3
    assert found.remedy.startswith(FAULTS[fault].remedy) and found.explain().startswith(fault)


def test_rows_of_round_numbers_are_normalised_with_the_others():
    """A row of 0.6 and 0.8 may have unit length by itself; where all rows have it, the Normalizer made it, too."""
    counts = np.random.default_rng(0).poisson(0.5, size=(600, 40))
    found = nl.diagnose(nl.Profile.from_data(counts[:300]), normalize(counts[300:]))
    assert found.fault == "l2_extra"


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


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_has_words(fault):
    """Each name has a sentence that can be completed from no details at all, and says what to do."""
    found = nl.Diagnosis(True, fault, ("a",))
    assert found.explain().startswith(fault) and found.remedy
    assert all(text.strip() == text and not text.startswith(("Of ", "What ")) for text in (FAULTS[fault].words,))


def test_flags_in_another_unit_are_not_called_coarser():
    """0 and 3600 are steps of 3600, but to such steps no 0 and 1 are rounded."""
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.random((564, 3)) < [0.3, 0.5, 0.6], rng.normal(5, 2, 564)])
    found = nl.diagnose(nl.Profile.from_data(X[:500]), X[500:] * [1.0, 3600.0, 1.0, 1.0])
    assert (found.fault, found.columns, found.details["factor"]) == ("unit_changed", (1,), 3600.0)


def test_one_column_of_flags_says_nothing_of_the_table():
    """All columns from 0 to 1 look scaled; that one of them is not any more is no second scaler."""
    X = np.random.default_rng(0).random((564, 3)) < [0.3, 0.5, 0.6]
    found = nl.diagnose(nl.Profile.from_data(X[:500]), X[500:] * [1.0, 3600.0, 1.0])
    assert found.columns == (1,)


@pytest.mark.parametrize("factor", [5.0, 7.3, 0.4])
def test_a_factor_of_no_known_unit_is_only_a_factor(factor):
    """A factor that is no unit's is told with its interval, and not as the nearest unit."""
    rng = np.random.default_rng(0)
    X = np.exp(0.5 * rng.normal(size=(2000, 6)) + rng.normal(size=6))
    Y = X[1500:1800].copy()
    Y[:, 2] *= factor
    found = nl.diagnose(nl.Profile.from_data(X[:1500]), Y)
    low, high = found.details["interval"]
    assert (found.fault, found.columns) == ("rescaled", (2,)) and low < factor < high
    assert f"(between {low:.6g} and {high:.6g})" in found.explain()


def test_the_unit_of_few_rows_is_one_of_several():
    """Where several known factors lie in the interval, none is told as a fact."""
    rng = np.random.default_rng(0)
    X = np.exp(0.5 * rng.normal(size=(2000, 6)))
    Y = X[1500:1564].copy()
    Y[:, 2] *= 3.6
    found = nl.diagnose(nl.Profile.from_data(X[:1500]), Y)
    assert found.fault == "rescaled" and 3.6 in [unit["factor"] for unit in found.details["or"]]


OUTSIDE = {
    "rotated": lambda X, rng: X @ np.linalg.qr(rng.normal(size=(6, 6)))[0],
    "noise": lambda X, rng: X + 3 * rng.normal(size=X.shape),
    "cubed": lambda X, rng: np.sign(X) * np.abs(X) ** 3,
    "shuffled": lambda X, rng: np.column_stack([rng.permutation(x) for x in X.T]),
    "truncated": lambda X, rng: X[X[:, 0] > 1.0],
}


@pytest.mark.parametrize("change", OUTSIDE)
def test_what_is_not_in_the_catalogue_is_unknown(change):
    """Nothing undoes it, so that no name is told; and that the world may have changed is said."""
    rng = np.random.default_rng(3)
    X = rng.normal(size=(4000, 2)) @ rng.normal(size=(2, 6)) + 0.5 * rng.normal(size=(4000, 6))
    found = nl.diagnose(nl.Profile.from_data(X[:2000]), OUTSIDE[change](X[2000:2600], rng))
    assert found.alarm and found.fault == "unknown", found
    assert "the world that changed" in found.explain()


def test_two_faults_on_different_columns():
    """Two simple faults are told together, if both undone leave nothing odd."""
    Y = TEST.assign(proline=TEST.proline * 1000, hue=-TEST.hue)
    found = nl.diagnose(PROFILE, Y)
    told = {found.fault, found.details["besides"]["fault"]}
    assert told == {"unit_changed", "sign_flipped"} and "Besides" in found.explain()


@pytest.mark.parametrize("fault", ["unit_changed", "log_extra", "sign_flipped", "not_normalised", "double_normalised"])
def test_behind_a_scaler_that_is_known(fault):
    """With the scaler, faults before it are undone before it, and its own absence is told from its double use."""
    scaler = StandardScaler().fit(TRAIN.to_numpy())
    profile, raw = nl.Profile.from_data(scaler.transform(TRAIN.to_numpy())), TEST.to_numpy()
    one = raw.copy()
    one[:, 12] = {"unit_changed": one[:, 12] * 1000, "log_extra": np.log(one[:, 12])}.get(fault, -one[:, 12])
    served = scaler.transform(one)
    if fault == "not_normalised":
        served = raw
    if fault == "double_normalised":
        served = scaler.transform(scaler.transform(raw))
    found = nl.diagnose(profile, served, scaler=scaler)
    assert found.fault == fault, found


def test_a_scaler_that_is_no_line():
    """What gives no column a slope and an offset can't be undone so, and is refused."""
    with pytest.raises(InputFaultError, match="can't be undone"):
        nl.diagnose(PROFILE, TEST, scaler=object())


def test_one_row():
    """One row is enough for a fault that is far off, and a clean row passes."""
    assert nl.diagnose(PROFILE, standard(TEST.iloc[[0]])).fault == "double_normalised"
    assert not any(nl.diagnose(PROFILE, TEST.iloc[[i]]).alarm for i in range(len(TEST)))


def test_wrong_columns():
    """Another width, missing names and text for numbers are errors that say which; order of names does not matter."""
    with pytest.raises(InputFaultError, match="X has 12 features"):
        nl.diagnose(PROFILE, TEST.iloc[:, :-1])
    with pytest.raises(InputFaultError, match='Missing: "proline"'):
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


def test_bounds_that_are_usual():
    """That each column of counts, scaled to [0, 1], reaches 0 and 1 again does not mean that it was scaled anew."""
    X = np.random.default_rng(0).integers(0, 3, size=(400, 6)).astype(float)
    fitted = MinMaxScaler().fit(X[:200])
    profile = nl.Profile.from_data(fitted.transform(X[:200]))
    assert not nl.diagnose(profile, fitted.transform(X[200:350])).alarm


def test_requests_scaled_by_their_own_bounds():
    """They are named; that a clean batch behind a scaler has a few of its bounds is nothing odd."""
    X = np.random.default_rng(1).permutation(load_breast_cancer().data)
    train, batch = X[:505], X[505:521]
    found = nl.diagnose(nl.Profile.from_data(train), MinMaxScaler().fit_transform(batch))
    assert (found.fault, found.details["scaler"]) == ("batch_standardised", "minmax")
    fitted = MinMaxScaler().fit(train)
    profile = nl.Profile.from_data(fitted.transform(train))
    assert nl.diagnose(profile, MinMaxScaler().fit_transform(batch)).alarm
    for start in range(505, 569, 16):
        assert not nl.diagnose(profile, fitted.transform(X[start : start + 16])).alarm


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


def test_names_begin_no_line():
    """A finding is one line, whatever columns are called, and obeys nothing that is in their names."""
    X = np.random.default_rng(0).normal(9, 3, size=(200, 2))
    frame = pd.DataFrame(X, columns=["u\r\x1b[2J", "v\n::add-mask::y"])
    found = nl.diagnose(nl.Profile.from_data(frame), (frame - frame.mean()) / frame.std())
    assert found.alarm
    assert len(found.explain().splitlines()) == 1
    assert found.explain().isprintable()


def test_finer_numbers_are_not_coarser():
    """Means of five rows lie on finer steps than the rows did. That is another kind of row, and no rounding."""
    rng = np.random.default_rng(0)
    X = np.round(50 + 10 * rng.normal(size=(1320, 4)), 1)
    found = nl.diagnose(nl.Profile.from_data(X[:1000]), X[1000:].reshape(64, 5, 4).mean(axis=1))
    assert found.alarm and found.fault == "unknown", found.explain()


def test_a_factor_multiplies_the_steps():
    """Counts of which a part was lost are whole numbers still. They were not multiplied by the share that is left."""
    rng = np.random.default_rng(0)
    X = rng.poisson(12, size=(1264, 6)).astype(float)
    profile, batch = nl.Profile.from_data(X[:1200]), X[1200:]
    found = nl.diagnose(profile, rng.binomial(batch.astype(int), 0.45).astype(float))
    assert found.alarm and found.fault not in ("rescaled", "unit_changed"), found.explain()
    assert nl.diagnose(profile, batch * 2.7).fault == "rescaled"


@pytest.mark.parametrize("factor", [12.0, 60.0, 1 / 24])
def test_two_units_that_overlap(factor):
    """Rows are told apart by their steps and by how likely they are, though both units lie within training."""
    rng = np.random.default_rng(7)
    X = np.rint(np.exp(rng.normal(4, 1.2, size=(2200, 3))))
    Y = X[2000:]
    Y[::3, 1] *= factor
    found = nl.diagnose(nl.Profile.from_data(X[:2000]), Y)
    assert found.fault == "mixed_units" and found.columns == (1,)
    assert found.details["factor"] == factor and abs(found.details["fraction"] - 1 / 3) < 0.1


@pytest.mark.parametrize("share", [0.3, 0.6])
def test_a_small_factor_of_a_part_of_the_rows_leads_off_their_steps(share):
    rng = np.random.default_rng(3)
    X = np.round(rng.lognormal(3, 0.5, (1000, 6)), 1)
    profile, batch = nl.Profile.from_data(X[:800]), X[800:].copy()
    batch[: int(share * len(batch)), :3] *= 2.54
    found = nl.diagnose(profile, batch)
    assert found.fault == "mixed_units" and found.columns == (0, 1, 2)
    assert found.details["factor"] == 2.54


def test_whole_numbers_that_wrapped_round_more_than_once():
    """Bytes keep what is left of 256, however often it went in."""
    rng = np.random.default_rng(8)
    X = np.rint(rng.gamma(3, 150, size=(2128, 3)))
    Y = X[2000:].copy()
    Y[:, 2] %= 256
    assert (X[2000:, 2] > 512).any()
    found = nl.diagnose(nl.Profile.from_data(X[:2000]), Y)
    assert (found.fault, found.columns, found.details["bits"]) == ("wrapped", (2,), 8)
