"""A guard of some columns: chosen by scikit-learn's conventions, told by the places and names of the whole table."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.compose import make_column_selector
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

import sklearn_normlock as nl
from sklearn_normlock.cli import main
from sklearn_normlock.errors import InputFaultError
from sklearn_normlock.serving import Fallback

RNG = np.random.default_rng(0)
X = pd.DataFrame({"a": RNG.normal(3, 1, 400), "b": RNG.gamma(3, 2, 400), "c": RNG.normal(9, 2, 400)})
TRAIN, TEST = X[:300], X[300:].reset_index(drop=True)
OTHER, WRONG = TEST.assign(a=TEST.a * 1000), TEST.assign(c=-TEST.c)


@pytest.mark.parametrize(
    "columns",
    [
        ["b", "c"], [1, 2], [-2, -1], (1, 2), np.array([1, 2]), slice("b", "c"), slice(1, None), [False, True, True],
        make_column_selector("b|c"), lambda frame: ["b", "c"],
    ],
    ids=[
        "names", "positions", "from the end", "tuple", "array", "named slice", "slice", "mask", "selector", "function",
    ],
)  # fmt: skip
def test_columns_are_chosen_as_by_a_column_transformer(columns):
    """Names, positions, masks, slices and functions mean what they mean in a ColumnTransformer."""
    guard = nl.InputGuard("raise", columns=columns).fit(TRAIN)
    assert guard.columns_ == [1, 2] and guard.profile_.names == ("b", "c") and guard.n_features_in_ == 3
    assert guard.transform(OTHER) is OTHER
    with pytest.raises(InputFaultError, match='^sign_flipped: column "c"'):
        guard.transform(WRONG)


@pytest.mark.parametrize("make", [np.asarray, sparse.csr_matrix, lambda frame: frame.to_numpy().tolist()])
def test_without_names_columns_are_told_by_their_places(make):
    """The finding about an array has the positions in all of it, not among the columns that are guarded."""
    seen = []
    guard = nl.InputGuard(seen.append, columns=[1, 2]).fit(make(TRAIN))
    guard.transform(make(OTHER))
    assert not seen
    guard.transform(make(WRONG))
    assert seen[0].columns == (2,) and "column 2" in seen[0].explain()


def test_one_column_and_polars():
    """A single name or position is one column; frames of polars are read alike."""
    for column in ("c", 2, np.int64(-1)):
        guard = nl.InputGuard("raise", columns=column).fit(pl.from_pandas(TRAIN))
        assert guard.columns_ == [2]
        guard.transform(pl.from_pandas(OTHER))
        with pytest.raises(InputFaultError):
            guard.transform(pl.from_pandas(WRONG))


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        (["d"], r"\['d'\], which X has not .* it has \['a', 'b', 'c'\]"),
        ([3], r"\[3\], which X has not"),
        ([], "no column"),
    ],
)
def test_columns_that_are_not_there(columns, says):
    """A column that X has not is refused at fit, by name."""
    with pytest.raises(ValueError, match=says):
        nl.InputGuard(columns=columns).fit(TRAIN)


def test_other_columns_may_hold_anything():
    """Columns that are not guarded are not read: values that no profile can hold pass."""
    odd = TRAIN.assign(a=[{"x": 1}] * len(TRAIN))
    guard = nl.InputGuard("raise", columns=["b", "c"]).fit(odd)
    assert guard.transform(odd) is odd
    with pytest.raises(ValueError, match="feature names should match|features"):
        guard.transform(TEST[["b", "c"]])


def test_it_is_cloned_saved_and_fingerprinted():
    """The choice is a parameter, comes back from bytes, and counts for the fingerprint."""
    guard = nl.InputGuard("raise", columns=["c"]).fit(TRAIN)
    assert clone(guard).get_params()["columns"] == ["c"]
    again = pickle.loads(pickle.dumps(guard))
    assert nl.fingerprint(again) == nl.fingerprint(guard) != nl.fingerprint(nl.InputGuard(columns="b").fit(TRAIN))
    with pytest.raises(InputFaultError):
        again.transform(WRONG)


@pytest.mark.filterwarnings("ignore::sklearn_normlock.errors.FallbackWarning")
def test_what_reads_the_profile_of_a_guard(tmp_path):
    """normlock check and a fallback know which columns the profile of such a guard is of."""
    y = (TRAIN.a > 3).to_numpy()
    for train, other, wrong in ((TRAIN, OTHER, WRONG), (TRAIN.to_numpy(), OTHER.to_numpy(), WRONG.to_numpy())):
        model = make_pipeline(nl.InputGuard(columns=[1, 2]), LogisticRegression()).fit(train, y)
        served = Fallback([model], locks=[nl.lock(model)])
        assert len(served.predict(other)) == len(other)
        with pytest.raises(Exception, match="sign_flipped"):
            served.predict(wrong)
        (tmp_path / "p.json").write_text(json.dumps(model[0].profile_.to_dict()))
        file = tmp_path / ("rows.csv" if train is TRAIN else "rows.npy")
        for rows, code in ((other, 0), (wrong, 1)):
            rows.to_csv(file, index=False) if train is TRAIN else np.save(file, rows)
            assert main(["check", str(file), "--lock", str(tmp_path / "p.json")]) == code


def test_columns_count_from_the_next_fit_on():
    """A guard serves with the columns that it was fitted with, whatever its parameter says meanwhile."""
    X = np.random.default_rng(0).normal(size=(200, 3))
    guard = nl.InputGuard().fit(X)
    before = nl.fingerprint(guard)
    guard.set_params(columns=[1])
    assert guard.transform(X) is X and nl.fingerprint(guard) == before
    assert nl.fingerprint(guard.fit(X)) != before and guard.columns_ == [1]
    assert guard.set_params(columns=None).fit(X).columns_ is None and nl.fingerprint(guard) == before
