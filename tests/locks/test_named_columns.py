"""Code that takes its columns by name is probed with frames of the names and dtypes that it was fitted on."""

from __future__ import annotations

import datetime as dt
import json
import pickle
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
import user_code
from sklearn import compose as stock_compose
from sklearn import pipeline as stock
from sklearn import preprocessing as stock_preprocessing
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.linear_model import LogisticRegression

import sklearn_normlock as nl
from sklearn_normlock.compose import ColumnTransformer
from sklearn_normlock.locks.report import Verdict
from sklearn_normlock.pipeline import make_pipeline
from sklearn_normlock.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn_normlock.probes.frames import COLUMNS

N = 40
rng = np.random.default_rng(0)
y = np.arange(N) % 2
FRAME = pd.DataFrame(
    {
        "a": rng.normal(size=N),
        "b": rng.normal(size=N) * 5,
        "whole": rng.integers(0, 9, N),
        "on": pd.date_range("2024-01-01", periods=N, freq="7h"),
        "at": pd.date_range("2024-01-01", periods=N, freq="7h", tz="Europe/Paris"),
        "span": pd.to_timedelta(rng.integers(1, 9999, N), unit="s"),
        "kind": pd.Categorical(rng.choice(list("xyz"), N)),
        "name": rng.choice(["ab", "cde", "f"], N),
        "paid": rng.random(N) > 0.5,
        "amount": [Decimal(int(k)) / 7 for k in rng.integers(1, 99, N)],
        "day": [dt.date(2024, 1, 1) + dt.timedelta(int(k)) for k in rng.integers(1, 99, N)],
        "count": pd.array(rng.integers(0, 9, N), dtype="Int64"),
    }
)
CODE = {
    "ratio": ["a", "b"],
    "of_dates": ["a", "on"],
    "of_zoned": ["a", "at"],
    "of_spans": ["span", "a"],
    "of_categories": ["a", "kind"],
    "of_texts": ["name"],
    "of_truths": ["paid", "whole"],
    "of_amounts": ["amount", "a"],
    "of_days": ["day", "on"],
    "of_nullable": ["count", "a"],
}


class Ratio(nl.Locked, TransformerMixin, BaseEstimator):
    """A transformer of a user's that takes columns by name and keeps no width."""

    def fit(self, X: Any, y: Any = None) -> Ratio:
        """Keep a number for each column."""
        self.means_ = X[["a", "b"]].mean().to_numpy()
        return self

    def transform(self, X: Any) -> Any:
        """Divide."""
        return np.asarray(X)[:, :2] * user_code.FACTOR - self.means_


def edited(est: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lock an object, edit the code that it runs, and see the report change from a match to a mismatch."""
    lock = nl.Lock.from_dict(json.loads(json.dumps(nl.lock(est).to_dict())))
    back = pickle.loads(pickle.dumps(est))
    assert nl.compare(back, lock).ok, nl.compare(back, lock).explain()
    monkeypatch.setattr(user_code, "FACTOR", 3.0)
    assert nl.compare(back, lock).verdict is Verdict.MISMATCH


@pytest.mark.parametrize("name", CODE)
def test_an_edited_function_over_named_columns_is_a_mismatch(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each dtype has values that the function takes, and an edit of the function shows in what it makes of them."""
    step = FunctionTransformer(getattr(user_code, name))
    edited(make_pipeline(step, StandardScaler(), LogisticRegression()).fit(FRAME[CODE[name]], y), monkeypatch)


def test_a_function_among_columns_is_probed_with_its_dtypes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A branch over dates stands beside encoders and scalers, which keep the rows that are made for them."""
    branches = [
        ("numbers", StandardScaler(), ["a", "b"]),
        ("dates", FunctionTransformer(user_code.of_dates), ["a", "on"]),
        ("kinds", OneHotEncoder(), ["kind", "paid"]),
    ]
    edited(make_pipeline(ColumnTransformer(branches), LogisticRegression()).fit(FRAME, y), monkeypatch)


def test_stock_objects_know_names_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Columns of numbers are enough for many; where a stock object took dates, nothing says so, and it is undecided."""
    scaler = stock_preprocessing.StandardScaler()
    est = stock.make_pipeline(stock_preprocessing.FunctionTransformer(user_code.of_dates), scaler).fit(
        FRAME[["a", "on"]]
    )
    assert nl.compare(est, nl.lock(est)).undecided
    assert nl.compare(est, nl.lock(est, X=FRAME[["a", "on"]])).ok
    edited(
        stock.make_pipeline(stock_preprocessing.FunctionTransformer(user_code.ratio), scaler).fit(FRAME[["a", "b"]]),
        monkeypatch,
    )


def test_texts_of_an_encoder_beside_a_function_stay_texts() -> None:
    """A stock ColumnTransformer with code of one's own is probed with the categories of its encoders."""
    est = stock_compose.ColumnTransformer(
        [
            ("ratio", stock_preprocessing.FunctionTransformer(user_code.ratio), ["a", "b"]),
            ("name", stock_preprocessing.OneHotEncoder(), ["name"]),
        ]
    ).fit(FRAME)
    assert nl.compare(est, nl.lock(est)).ok


def test_a_class_that_keeps_no_width_is_given_what_fits_its_arrays(monkeypatch: pytest.MonkeyPatch) -> None:
    """The length that its fitted arrays have in common is as many columns as it is tried with."""
    edited(make_pipeline(Ratio(), LogisticRegression()).fit(FRAME[["a", "b"]], y), monkeypatch)


def test_dtypes_are_noted_without_values_and_go_with_the_object() -> None:
    """They count for nothing in the fingerprint, outlive a copy and a thaw, and hold no value but categories."""
    est = FunctionTransformer(user_code.of_dates).fit(FRAME[["a", "on", "name", "kind"]])
    noted = json.loads(vars(est)[COLUMNS])
    assert noted[0] == "float64" and noted[1].startswith("datetime64[")
    assert "2024" not in vars(est)[COLUMNS] and "cde" not in vars(est)[COLUMNS]
    with nl.thaw(est):
        pass
    assert vars(pickle.loads(pickle.dumps(est)))[COLUMNS] == vars(est)[COLUMNS]
    assert COLUMNS not in vars(nl.unlock(est)) and nl.compare(nl.unlock(est), nl.lock(est)).ok  # a lock keeps its rows
    assert est.fingerprint_ == nl.fingerprint(nl.unlock(est))
    assert COLUMNS not in vars(est.fit(FRAME[["a", "b"]]))
    assert COLUMNS not in vars(est.fit(FRAME[["a", "b"]].to_numpy()))


@pytest.mark.parametrize("damaged", ["", "{", "[1]", '["void", "void"]', "[]", "null", '[{"object": 3}, {}]'])
def test_damaged_dtypes_leave_the_object_undecided(damaged: str) -> None:
    """They came with the object: nothing but a probe depends on them, and no foreign error comes out."""
    est = FunctionTransformer(user_code.of_dates).fit(FRAME[["a", "on"]])
    vars(est)[COLUMNS] = damaged
    assert nl.compare(est, nl.lock(est)).undecided
