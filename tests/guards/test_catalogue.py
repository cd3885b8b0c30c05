"""Each fault of the catalogue, done to data by its own injector, alarms and has its name or none."""

import numpy as np
import pytest

import sklearn_normlock as nl
from sklearn_normlock.guards.faults import FAULTS, MISSING

#: Faults of columns that are no numbers, which have tests of their own.
OF_FRAMES = ("type_changed", "zone_changed", "case_changed", "space_changed", "unicode_changed", "mojibake")
KINDS = [name for name in FAULTS if name not in ("unknown", MISSING, *OF_FRAMES)]
#: What a fault is done to, where it is not the plain table; and to which columns, where not to the sixth.
DONE_TO = {
    "not_normalised": "scaled",
    "refit": "scaled",
    "other_scaler": "scaled",
    "standardised_after": "unit",
    "l2_missing": "unit",
    "other_norm": "unit",
    "other_model": "unit",
    "log_missing": "logged",
    "wrapped": "whole",
}
COLUMNS = {
    "columns_swapped": [3, 6],
    "columns_reordered": [3, 4, 5, 6],
    "column_copied": [4],
    "recoded": [2],
    "log_extra": [1],
    "log_missing": [1],
    "wrapped": [7],
}
#: Each column has parameters of its own, estimated from the batch: the distributions of 128 rows may not match well
#: enough for the name.
MAY_BE_UNKNOWN = {"not_normalised", "refit"}


def table(rng, rows):
    """Eight columns that go together: one skewed, one of counts, one of codes, the others about normal."""
    scores = rng.normal(size=(rows, 3)) @ np.random.default_rng(99).normal(size=(3, 8)) * 0.7
    scores += rng.normal(size=(rows, 8))
    X = 50 + 7 * np.arange(8) + scores * np.geomspace(1, 9, 8)
    X[:, 0] = np.exp(1 + scores[:, 0] / 2)
    X[:, 1] = np.rint(np.exp(3 + scores[:, 1] / 2))
    X[:, 2] = 1.0 + (scores[:, 2] > 0) + (scores[:, 2] > 1.2)
    return X


def unit(rng, rows):
    """Vectors of length 1 about a direction."""
    V = 1 + rng.normal(size=(rows, 6)) @ np.random.default_rng(98).normal(size=(6, 32))
    V += 0.5 * rng.normal(size=V.shape)
    return V / np.linalg.norm(V, axis=1)[:, None]


@pytest.fixture(scope="module")
def data():
    training, batch = np.random.default_rng(1), np.random.default_rng(2)
    T, B = table(training, 1500), table(batch, 128)
    made = {
        "plain": (T, B),
        "scaled": tuple((X - T.mean(axis=0)) / T.std(axis=0) for X in (T, B)),
        "unit": (unit(training, 1500), unit(batch, 128)),
        "logged": tuple(np.log1p(X[:, [0, 1, 3]]) for X in (T, B)),
        "whole": tuple(np.rint(X * 330) for X in (T, B)),
    }
    return {name: (nl.Profile.from_data(T), B) for name, (T, B) in made.items()}


@pytest.mark.parametrize("name", sorted({DONE_TO.get(kind, "plain") for kind in KINDS}))
def test_without_a_fault_there_is_no_alarm(name, data):
    """The batches that faults are done to are clean."""
    assert not nl.diagnose(*data[name]).alarm


@pytest.mark.parametrize("kind", KINDS)
def test_an_injected_fault_has_its_name_or_none(kind, data):
    """A fault is told by its name, or by one that says it is as likely; a name that is wrong is worse than none."""
    profile, X = data[DONE_TO.get(kind, "plain")]
    rows = FAULTS[kind].inject(profile, X.copy(), np.array(COLUMNS.get(kind, [5])), np.random.default_rng(3))
    found = nl.diagnose(profile, rows)
    assert found.alarm, found
    assert kind in (found.fault, *found.details.get("also", ())) or (
        kind in MAY_BE_UNKNOWN and found.fault == "unknown"
    ), found.explain()
