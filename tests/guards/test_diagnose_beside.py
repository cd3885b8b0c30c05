"""Faults beside others: missing values, text and lumps of equal values, and what a name must not be made of."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine
from sklearn.preprocessing import RobustScaler, StandardScaler, normalize

import sklearn_normlock as nl

CANCER = load_breast_cancer(as_frame=True).data
ORDER = np.random.default_rng(0).permutation(len(CANCER))
TRAINING, BATCH = CANCER.iloc[ORDER[100:]].reset_index(drop=True), CANCER.iloc[ORDER[:100]].reset_index(drop=True)
THIRD = np.arange(100) % 3 == 0


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture(scope="module")
def profile():
    return nl.Profile.from_data(TRAINING)


def test_a_fault_is_named_beside_missing_values_of_another_column(profile):
    batch = BATCH.assign(**{"mean radius": BATCH["mean radius"] / 10})
    for missing in (BATCH["mean texture"].mask(THIRD), np.nan):
        found = nl.diagnose(profile, batch.assign(**{"mean texture": missing}))
        assert (found.fault, found.columns) == ("unit_changed", ("mean radius",))
        assert list(found.details["missing"]) == ["mean texture"] and "besides" not in found.details


def test_columns_are_found_swapped_beside_missing_values(profile):
    swapped = BATCH.rename(columns={"mean smoothness": "mean texture", "mean texture": "mean smoothness"})
    found = nl.diagnose(profile, swapped.assign(**{"worst area": BATCH["worst area"].mask(THIRD)}))
    assert (found.fault, found.columns) == ("columns_swapped", ("mean texture", "mean smoothness"))
    assert list(found.details["missing"]) == ["worst area"]


def test_missing_values_of_the_largest_column_have_no_other_name(rng):
    X = np.column_stack([1e9 + 86400 * rng.permutation(200), rng.normal(size=200)])
    batch = np.column_stack([np.full(80, np.nan), rng.normal(size=80)])
    found = nl.diagnose(nl.Profile.from_data(X), batch)
    assert (found.fault, found.columns) == ("unknown", (0,))
    assert found.explain().startswith("unknown: missing values differ from training in column 0: 100%")


@pytest.mark.parametrize("values", [["A", "B"], ["c", "d"], ["a", "b"]], ids=["case", "new", "same"])
def test_a_column_of_text_is_not_exchanged_with_numbers(values):
    learned = nl.Profile.from_data(TRAINING.assign(kind=np.resize(["a", "b"], len(TRAINING))))
    batch = BATCH.assign(kind=np.resize(values, 100), **{"mean radius": BATCH["mean radius"] / 10})
    found = nl.diagnose(learned, batch)
    assert (found.fault, found.columns, found.details["factor"]) == ("unit_changed", ("mean radius",), 0.1)


def test_a_shift_that_may_as_well_be_none_is_not_told(profile):
    found = nl.diagnose(profile, BATCH.clip(upper=TRAINING.quantile(0.9), axis=1))
    assert found.fault == "clipped"


def test_an_undoing_that_overflows_explains_nothing(profile):
    found = nl.diagnose(profile, BATCH.assign(**{"mean area": BATCH["mean area"].mask(THIRD, np.finfo(float).max)}))
    assert found.fault == "imputed" and "also" not in found.details


def test_flags_that_turn_round_are_recoded_and_nothing_else(rng):
    learned = nl.Profile.from_data(rng.random((200, 3)) < 0.2)
    found = nl.diagnose(learned, rng.random((80, 3)) < 0.8)
    assert found.fault == "recoded" and "also" not in found.details


def test_numbers_of_many_digits_are_on_no_steps():
    X, batch = (sparse.random(n, 50, 0.1, random_state=seed, format="csr") for seed, n in enumerate((500, 100)))
    found = nl.diagnose(nl.Profile.from_data(X), 100 * batch)
    assert found.alarm and found.fault != "quantised"


def test_a_column_that_was_copied_is_called_by_its_name(profile):
    found = nl.diagnose(profile, BATCH.assign(**{"mean area": BATCH["mean texture"]}))
    assert (found.fault, found.details["copy_of"]) == ("column_copied", "mean texture")


@pytest.mark.parametrize("scaler", [StandardScaler(), RobustScaler()], ids=["standard", "robust"])
def test_raw_values_of_a_column_with_several_usual_ones_are_named_behind_a_scaler(scaler):
    X = load_diabetes(scaled=False).data[np.random.default_rng(1).permutation(442)]
    scaler.fit(X[64:])
    learned = nl.Profile.from_data(scaler.transform(X[64:]))
    assert nl.diagnose(learned, X[:64]).fault == "not_normalised"
    assert nl.diagnose(learned, scaler.transform(scaler.transform(X[:64]))).fault == "double_normalised"


def test_columns_of_one_name_are_taken_in_their_order(rng):
    X, batch = rng.normal(size=(200, 3)) * [1, 10, 100], rng.normal(size=(80, 3)) * [1, 10, 100]
    learned = nl.Profile.from_data(pd.DataFrame(X, columns=list("aab")))
    assert not nl.diagnose(learned, pd.DataFrame(batch[:, [2, 0, 1]], columns=list("baa"))).alarm
    with pytest.raises(nl.errors.InputFaultError, match=r'Missing: "a"\. Not in training: "b"\.'):
        nl.diagnose(learned, pd.DataFrame(batch, columns=list("abb")))


def test_text_where_training_had_nothing_is_told_so(rng):
    x = rng.normal(size=100)
    learned = nl.Profile.from_data(pd.DataFrame({"a": x, "b": np.nan}))
    with pytest.raises(nl.errors.InputFaultError, match="in training it held nothing but missing values"):
        nl.diagnose(learned, pd.DataFrame({"a": x, "b": "x"}))


def test_rows_repeat_beside_text(rng):
    X = pd.DataFrame(rng.normal(size=(400, 3)), columns=list("abc")).assign(kind=np.resize(["x", "y"], 400))
    found = nl.diagnose(nl.Profile.from_data(X[:300]), X.iloc[np.repeat(np.arange(300, 320), 5)])
    assert (found.fault, found.details["fraction"]) == ("rows_repeated", 0.8)


def test_zeros_that_stay_zeros_went_through_no_standard_scaler():
    X, batch = (sparse.random(n, 30, 0.2, random_state=seed) for seed, n in ((0, 200), (2, 70)))
    assert nl.diagnose(nl.Profile.from_data(X), batch * 5).fault == "rescaled"


def test_codes_that_training_never_had_are_not_told_exchanged(rng):
    ages, others = (
        rng.choice([17.5, 22, 27, 32, 37, 42], size=600, p=[0.05, 0.3, 0.3, 0.15, 0.1, 0.1]),
        rng.normal(size=600),
    )
    found = nl.diagnose(
        nl.Profile.from_data(np.column_stack([ages, others])[:400]), np.column_stack([1980 - ages, others])[400:]
    )
    assert found.columns == (0,) and found.fault != "recoded"


@pytest.mark.parametrize("by", [-1, 1])
@pytest.mark.parametrize("shares", [(0.9, 0.1), (0.6, 0.25, 0.1, 0.05)], ids=["flags", "codes"])
def test_codes_that_all_moved_are_not_told_filled_in(rng, shares, by):
    X = np.column_stack([rng.choice(len(shares), 564, p=shares), rng.normal(size=564)])
    found = nl.diagnose(nl.Profile.from_data(X[:500]), X[500:] + [by, 0])
    assert (found.fault, found.columns) == ("recoded", (0,)) and "imputed" not in found.details.get("also", ())


def test_times_of_a_zone_are_moved_by_hours_at_most():
    days = [np.random.default_rng(seed).integers(0, 700, n) for seed, n in ((1, 6000), (2, 200))]
    frames = [pd.DataFrame({"day": pd.Timestamp("2020-01-01") + pd.to_timedelta(some, unit="D")}) for some in days]
    found = nl.diagnose(
        nl.Profile.from_data(frames[0]), frames[1].assign(day=frames[1].day.dt.tz_localize("Europe/Paris"))
    )
    assert found.fault == "zone_changed"
    assert abs(found.details.get("besides", {}).get("shift", 0.0)) <= 7200.1


WINE = load_wine(as_frame=True).data.sample(frac=1, random_state=3)


@pytest.fixture(scope="module")
def wines():
    return nl.Profile.from_data(WINE[60:])


@pytest.mark.parametrize(
    ("change", "faults"),
    [
        (lambda X: {"hue": X.ash, "ash": X.hue, "proline": X.proline * 1000}, {"columns_swapped", "unit_changed"}),
        (lambda X: {"proline": X.proline.clip(upper=700), "hue": -X.hue}, {"clipped", "sign_flipped"}),
        (lambda X: {"proline": np.log(X.proline), "magnesium": X.magnesium * 3.3}, {"log_extra", "rescaled"}),
    ],
    ids=["swap", "clip", "log"],
)
def test_of_two_faults_the_pair_that_fits_best_is_told(wines, change, faults):
    found = nl.diagnose(wines, WINE[:60].assign(**change(WINE[:60])))
    assert {found.fault, found.details["besides"]["fault"]} == faults


@pytest.mark.parametrize("rows", [1, 2])
def test_one_or_two_rows_have_no_estimates(rows):
    scaler = StandardScaler().fit(WINE[60:])
    found = nl.diagnose(nl.Profile.from_data(scaler.transform(WINE[60:])), WINE[:rows].to_numpy())
    assert found.fault == "unknown"


def test_two_rows_in_another_order_have_no_second_fault_on_the_same_columns(wines):
    found = nl.diagnose(wines, WINE[:2].to_numpy()[:, ::-1])
    assert found.alarm and not set(map(str, found.columns)) & set(found.details.get("besides", {}).get("columns", ()))


def test_a_row_of_unit_length_by_chance_makes_no_two_sources():
    rng = np.random.default_rng(3)
    mixing = rng.normal(size=(12, 96)) + 0.3
    X, batch = (normalize(np.tanh(rng.normal(size=(n, 12)) @ mixing) + 0.3) for n in (900, 120))
    found = nl.diagnose(nl.Profile.from_data(X), np.round(batch * 127) / 127)
    assert found.fault == "l2_missing"


def test_values_of_a_single_column_are_no_rows_that_repeat():
    found = nl.diagnose(nl.Profile.from_data(np.resize([1.0, 2, 3, 4], (200, 1))), np.resize([1.0, 2, 3, 5], (80, 1)))
    assert found.fault == "unknown"


@pytest.mark.parametrize("whole", [1, 2], ids=["every column", "every second column"])
def test_stored_pixels_are_named_by_the_columns_that_tell_most(rng, whole):
    """The columns of whole numbers tell exactly by what all were divided; those of fractions tell it roughly."""
    pixels = load_digits().data[rng.permutation(1797)] * 255 / 16
    fractions = np.clip(pixels + 6 * rng.normal(size=pixels.shape), 0, 255)
    pixels = np.where(np.arange(64) % whole == 0, np.rint(pixels), fractions)
    learned = nl.Profile.from_data((pixels[:900] / 255 - 0.45) / 0.22)
    for top in (1, 255):
        found = nl.diagnose(learned, pixels[900:916] * (top / 255))
        assert (found.fault, found.details["high"]) == ("scaler_omitted", top)


@pytest.mark.parametrize("part", [500, 900])
def test_a_scaler_of_a_part_of_the_training_rows_is_named(rng, part):
    """Its numbers are nearly those of the profile's rows; the steps of the columns tell them exactly."""
    rows = np.round(rng.normal(50, 8, (1064, 6)), 1)
    learned, scaler = nl.Profile.from_data(rows[:1000]), StandardScaler().fit(rows[:part])
    assert nl.diagnose(learned, scaler.transform(rows[1000:1024])).fault == "double_normalised"
