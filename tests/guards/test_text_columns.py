"""Columns of text: a spelling that changed is named by undoing it, and new values are shown."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

import sklearn_normlock as nl
from sklearn_normlock.guards.faults import FAULTS

CITIES = np.array(["Zürich", "Köln", "New York", "Málaga", "Łódź"])
WORDS = np.array([f"{a}{b}{c}é" for a in ("Ba", "do", "ki") for b in ("lo", "me", "ta") for c in ("n", "ss", "rü")])
SPELLED = ("case_changed", "space_changed", "unicode_changed", "mojibake")


def frame(rows, seed):
    rng = np.random.default_rng(seed)
    cities = rng.choice(CITIES, rows, p=[0.4, 0.25, 0.2, 0.1, 0.05]).astype(object)
    texts = [" ".join(rng.choice(WORDS, rng.integers(4, 12))) for _ in range(rows)]
    return pd.DataFrame({"city": cities, "review": texts, "x": rng.normal(5, 1, rows)})


@pytest.fixture(scope="module")
def profile():
    learned = nl.Profile.from_data(frame(400, 0)).merge(nl.Profile.from_data(frame(400, 1)))
    return nl.Profile.from_dict(json.loads(json.dumps(learned.to_dict())))


def test_without_a_fault_there_is_no_alarm(profile):
    """Clean batches of few and many rows raise none, behind a saved and merged profile."""
    for seed in range(2, 12):
        for rows in (1, 16, 64, 300):
            assert not nl.diagnose(profile, frame(rows, seed)).alarm


@pytest.mark.parametrize(
    ("fault", "column"),
    [
        *((fault, "city") for fault in SPELLED),
        *((fault, "review") for fault in SPELLED if fault != "space_changed"),  # one space behind a text is no change
    ],
)
def test_a_spelling_is_named_by_undoing_it(profile, fault, column):
    """Case, white space, Unicode form and mojibake are named; undone, the values are those of training."""
    spoilt = FAULTS[fault].inject(profile, frame(64, 2), [column], np.random.default_rng(0))
    found = nl.diagnose(profile, spoilt)
    assert (found.fault, found.columns) == (fault, (column,)), found.explain()
    assert " for " in found.details["spelled"] and "spelled otherwise than in training: " in found.explain()
    if column == "city":
        learned = profile.categories[0]
        assert set(FAULTS[fault].undone(learned, spoilt.city)) <= set(learned.values)


def test_training_may_have_had_the_odd_spelling():
    """A profile of mojibake is told from right text, too: the inverse of either leads to the values of training."""
    wrong = FAULTS["mojibake"].inject(None, frame(400, 0), ["city"], None)
    assert nl.diagnose(nl.Profile.from_data(wrong), frame(64, 2)).fault == "mojibake"


def test_new_values_are_shown(profile):
    """Values that training never had, and no spelling explains, are shown: three of them, the most frequent first."""
    new = frame(64, 2).assign(city=["Basel"] * 20 + ["Bern"] * 20 + ["Genf"] * 14 + ["Chur"] * 10)
    found = nl.diagnose(profile, new)
    assert (found.fault, found.columns, found.details["unseen"]) == ("unknown", ("city",), ["Basel", "Bern", "Genf"])
    assert 'values that training never had in 64 of 64 rows: "Basel", "Bern", "Genf"' in found.explain()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: text[:9], "median length"),
        (lambda text: text.replace(" ", "; "), "median share of letters"),
        (lambda text: text.replace("o", "e"), "words that training seldom had"),
    ],
)
def test_free_text_by_its_measures(profile, change, said):
    """Free text alarms by its length, its characters and its words, and the finding says which moved."""
    found = nl.diagnose(profile, frame(64, 2).assign(review=lambda rows: rows.review.map(change)))
    assert (found.fault, found.columns) == ("unknown", ("review",)) and said in found.explain()


def test_numbers_and_text_are_told_together(profile):
    """A fault of numbers stays the first; that of the text stands beside it."""
    found = nl.diagnose(profile, frame(64, 2).assign(city=lambda rows: rows.city.str.upper(), x=lambda rows: -rows.x))
    assert found.fault == "sign_flipped" and found.details["besides"]["fault"] == "case_changed"
    assert 'Besides, column "city" spelled otherwise' in found.explain()
