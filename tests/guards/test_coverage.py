"""Coverage: what is said to be unseen is unseen, and what is not said can be seen."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_wine
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, StandardScaler

import sklearn_normlock as nl
from sklearn_normlock.errors import InputFaultError

RNG = np.random.default_rng(0)
#: Standardised already; far from it; symmetric about 0 but wide; always positive.
X = np.column_stack(
    [RNG.normal(size=900), RNG.normal(50, 9, size=900), RNG.normal(0, 40, size=900), RNG.gamma(9, size=900)]
)
TRAIN, TEST = X[:500], X[500:]


def test_a_standardised_column_hides_double_scaling():
    """A column with mean 0 and deviation 1 is said not to reveal a scaler applied twice, and it alone."""
    found = nl.coverage(nl.Profile.from_data(TRAIN), StandardScaler().fit(TRAIN))
    assert found.unseen["double_normalised"] == (0,)
    assert "double_normalised: not to be seen in 1 of 4 columns: 0" in found.explain()
    assert json.loads(json.dumps(found.to_dict()))["unseen"]["double_normalised"] == [0]


def test_symmetric_columns_hide_their_sign():
    """Independent columns that are symmetric about 0 can't show a flipped sign."""
    assert nl.coverage(nl.Profile.from_data(TRAIN)).unseen["sign_flipped"] == (0, 2)


@pytest.mark.parametrize("fault", ["double_normalised", "sign_flipped", "unit_changed"])
def test_coverage_says_what_diagnose_does(fault):
    """On fresh rows, a fault of one column raises an alarm where coverage says that it can be seen, and only there."""
    scaler = StandardScaler().fit(TRAIN)
    profile = nl.Profile.from_data(TRAIN)
    unseen = nl.coverage(profile, scaler).unseen[fault]
    for j in range(4):
        batch = TEST[:64].copy()
        change = {"double_normalised": scaler.transform(batch), "sign_flipped": -batch, "unit_changed": batch * 2.54}
        batch[:, j] = change[fault][:, j]
        assert nl.diagnose(profile, batch).alarm == (j not in unseen), j


def test_twins():
    """Independent columns of one distribution could change places unseen, and are named as a pair."""
    twins = np.column_stack([RNG.normal(size=500), RNG.normal(size=500), RNG.normal(9, 1, size=500)])
    assert nl.coverage(nl.Profile.from_data(twins)).unseen["columns_swapped"] == ((0, 1),)


def test_text_is_left_out():
    """Faults of numbers are told of columns of numbers alone."""
    frame = load_wine(as_frame=True).data.assign(grape=["red", "white"] * 89, place=["here", "there"] * 89)
    unseen = nl.coverage(nl.Profile.from_data(frame)).unseen
    assert not {"grape", "place"} & {name for told in unseen.values() for each in told for name in (each, *each)}


def test_swaps_are_not_told_of_wide_tables():
    """Nothing is said of swaps where they were not tried."""
    assert "columns_swapped" not in nl.coverage(nl.Profile.from_data(RNG.normal(size=(200, 65)))).unseen


def test_names_of_columns():
    """Columns are named as the profile has them."""
    wine = load_wine(as_frame=True).data
    found = nl.coverage(nl.Profile.from_data(wine), MinMaxScaler().fit(wine))
    swapped = found.unseen.pop("columns_swapped")
    assert swapped and {name for pair in swapped for name in pair} <= set(wine.columns)
    assert {name for columns in found.unseen.values() for name in columns} <= set(wine.columns)


def test_scalers_that_do_not_fit():
    """A scaler of another width, and a transformer that makes other columns, are refused."""
    profile = nl.Profile.from_data(TRAIN)
    with pytest.raises(ValueError, match="X has 4 features, but StandardScaler is expecting 2"):
        nl.coverage(profile, StandardScaler().fit(TRAIN[:, :2]))
    with pytest.raises(InputFaultError, match="columns"):
        nl.coverage(profile, OneHotEncoder(handle_unknown="ignore").fit(TRAIN[:5]))


def test_columns_that_go_together_alike():
    """Two columns that go together with the others alike can change places unseen, if their values overlap as well."""
    X = load_breast_cancer(as_frame=True).data.sample(frac=1, random_state=0)
    profile, batch = nl.Profile.from_data(X[:341]), X[341:405]
    unseen = nl.coverage(profile).unseen["columns_swapped"]
    assert ("mean area", "worst area") in unseen and len(unseen) < 10
    assert not nl.diagnose(
        profile, batch.assign(**{"mean area": batch["worst area"], "worst area": batch["mean area"]})
    ).alarm
    # These overlap as well, and what goes together with them tells them apart.
    one, other = "mean smoothness", "mean symmetry"
    assert (one, other) not in unseen
    assert nl.diagnose(profile, batch.assign(**{one: batch[other], other: batch[one]})).alarm
