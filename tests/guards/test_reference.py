"""A pinned reference set: the same values match however they are kept; anything else is told, and where."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import polars
import pytest
from scipy import sparse
from sklearn.linear_model import LogisticRegression

import sklearn_normlock as nl
from sklearn_normlock.cli.files import read_csv_frame
from sklearn_normlock.errors import GateInputError, LockFormatError, LockVersionError, ReferenceMismatchError

N = 500


@pytest.fixture
def frame():
    rng = np.random.default_rng(0)
    return pd.DataFrame({"a": rng.normal(size=N), "b": np.resize(["x", "y", None], N), "c": np.arange(N)})


def test_the_same_values_match_in_every_form(frame, tmp_path):
    """Pandas, polars, CSV and Parquet of the same rows have one fingerprint; so do arrays of every layout."""
    y = np.arange(N) % 2
    pinned = nl.pin(frame, y)
    frame.to_csv(tmp_path / "rows.csv", index=False)
    table = polars.DataFrame({c: frame[c].astype(object).where(frame[c].notna(), None).to_list() for c in frame})
    table.write_parquet(tmp_path / "rows.parquet")
    forms = [
        table,
        read_csv_frame(tmp_path / "rows.csv"),
        polars.read_parquet(tmp_path / "rows.parquet"),
    ]
    for form in forms:
        assert pinned.check(form, y.tolist()) == ()
        assert nl.pin(form, y.astype(float)).fingerprint == pinned.fingerprint
    X = frame[["a", "c"]].to_numpy()
    array = nl.pin(X)
    for form in (np.asfortranarray(X), X.tolist(), sparse.csr_matrix(X), X.astype(">f8")):
        assert array.check(form) == ()


@pytest.mark.parametrize(
    ("change", "path", "said"),
    [
        (lambda f: f.assign(a=f["a"].where(f["c"] != 7, 1.5)), "rows[7]", "row 7 has other values"),
        (lambda f: f.assign(b=f["b"].where(f["c"] != 9, "z")), "rows[9]", "row 9 has other values"),
        (lambda f: f.assign(a=f["a"].where(f["c"] != 7, np.nan)), "rows[7]", "row 7 has other values"),
        (lambda f: f.iloc[::-1], "rows[0]", "another order"),
        (lambda f: f.iloc[:-1], "rows", "499 rows of 500"),
        (lambda f: f.iloc[1:], "rows", "499 rows of 500"),
        (lambda f: f.drop(columns="b"), "columns", "without b: text"),
        (lambda f: f.assign(d=1.0), "columns", "with d: number"),
        (lambda f: f[["c", "b", "a"]], "columns", "another order"),
        (lambda f: f.assign(c=f["c"].astype(str)), "columns", "with c: text"),
    ],
)
def test_a_changed_set_is_an_error_that_says_where(frame, change, path, said):
    """A value, an order, a row or a column that changed is a mismatch, and its place is named."""
    with pytest.raises(ReferenceMismatchError, match=said) as raised:
        nl.pin(frame).check(change(frame))
    assert raised.value.path == path


def test_an_appended_set_is_said(frame):
    """More rows behind the pinned ones are no error; a change among the pinned ones still is."""
    pinned = nl.pin(frame.iloc[:300], np.arange(300))
    assert pinned.check(frame, np.arange(N)) == ("200 rows were appended to the 300 that were pinned.",)
    with pytest.raises(ReferenceMismatchError, match="row 299"):
        pinned.check(frame, np.where(np.arange(N) == 299, 0, np.arange(N)))
    with pytest.raises(ReferenceMismatchError, match="y is None"):
        pinned.check(frame)


def test_a_large_set_has_a_small_manifest():
    """The manifest does not grow with the rows: stretches of rows are named in place of rows."""
    X = np.arange(20_000.0)[:, None]
    pinned = nl.pin(X)
    assert len(pinned.digests) <= 4096
    X[12_345] += 1
    with pytest.raises(ReferenceMismatchError, match="one of the rows 12345 to 12349"):
        pinned.check(X)


def test_a_manifest_comes_back_from_its_file_and_no_other_is_read(frame, tmp_path):
    """A manifest is read as it was written; damage, another version and another digest are refused."""
    path = tmp_path / "reference.json"
    pinned = nl.pin(frame)
    pinned.save(path)
    assert nl.ReferenceSet.load(path) == pinned
    assert "x" not in {*pinned.digests} and str(frame["a"][0]) not in path.read_text()
    document = json.loads(path.read_text())
    with pytest.raises(LockFormatError, match="not what was written"):
        nl.ReferenceSet.from_dict({**document, "n_rows": 3})
    with pytest.raises(LockVersionError):
        nl.ReferenceSet.from_dict({**document, "reference_version": 2})
    with pytest.raises(LockFormatError):
        nl.ReferenceSet.from_dict({})


def test_texts_and_bad_rows():
    """Documents can be pinned, without a profile; no rows, and another number of answers, can't."""
    texts = ["one", "two", "three"]
    pinned = nl.pin(texts, ["a", "b", "a"])
    assert pinned.check(np.array(texts), np.array(["a", "b", "a"])) == ()
    with pytest.raises(ReferenceMismatchError, match="row 1"):
        pinned.check(["one", "two!", "three"], ["a", "b", "a"])
    for X, y in (([], None), ([[1.0]], [1, 2]), (3, None)):
        with pytest.raises(GateInputError):
            nl.pin(X, y)


def test_a_gate_says_on_what_it_was(frame):
    """The report carries the fingerprint of the set, and a gate on other rows is an error."""
    X, y = frame[["a", "c"]].to_numpy(), np.arange(N) % 2
    est = LogisticRegression().fit(X, y)
    pinned = nl.pin(X[:400], y[:400])
    report = nl.gate(est, est, X, y, reference=pinned)
    assert report.reference == pinned.fingerprint
    assert "100 rows were appended" in report.explain()
    with pytest.raises(ReferenceMismatchError):
        nl.gate(est, est, X + 1, y, reference=pinned)
