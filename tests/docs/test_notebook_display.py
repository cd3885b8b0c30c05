"""A notebook shows reports, locks and profiles as tables."""

import numpy as np
import pandas as pd
import pytest
import user_code
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

import sklearn_normlock as nl
from sklearn_normlock.locks.judgement import unjudged

FORGED = "<script>alert(1)</script>\nfingerprint"


@pytest.fixture
def X():
    return pd.DataFrame({"age": [23.0, 35, 41, 58], FORGED: [21.0, 38, 52, 64]})


def test_report_shows_the_change(X):
    """A report shows the verdict and both values; a name is escaped."""
    scaler = StandardScaler().fit(X)
    report = nl.diff(scaler, StandardScaler().fit(X.assign(**{FORGED: X[FORGED] * 2})))
    text = report._repr_html_()
    assert text == report.explain("html") and "DIFFERENT" in text
    assert "<script>" not in text and "&lt;script&gt;" in text
    assert '<meta charset="utf-8">' in text[:200]  # saved as a file, it is read as what it is


def test_lock_shows_what_was_approved(X, tmp_path):
    """A lock shows its fingerprint, its estimators and its probes."""
    lock = nl.lock(make_pipeline(StandardScaler(), LogisticRegression()).fit(X, [0, 1, 0, 1]))
    text = lock._repr_html_()
    assert lock.fingerprint in text and "standardscaler" in text and "sklearn.preprocessing.StandardScaler" in text
    assert "<td>probed outputs</td><td>6</td>" in text and "can&#x27;t tell" not in text


def test_lock_shows_what_was_not_judged():
    """A lock that leaves something undecided says so where it is looked at."""
    est = FunctionTransformer(user_code.of_columns).fit([[1.0]])
    lock = nl.lock(est)
    assert list(unjudged(lock)) and "<td>can&#x27;t tell</td>" in lock._repr_html_()


def test_profile_shows_each_column(X):
    """A profile shows where each column lies, its name escaped and on one line; of very many columns the first 50."""
    text = nl.Profile.from_data(X)._repr_html_()
    assert "<td>age</td>" in text and "<script>" not in text and "\n" not in text
    wide = nl.Profile.from_data(pd.DataFrame([[float(i) for i in range(60)]] * 3))._repr_html_()
    assert wide.count("<tr>") == 51 and "and 10 more columns" in wide


def test_gate_shows_each_judgement(X):
    """The report of a gate shows the answer and a line for each judgement; the name of a cohort is escaped."""
    y = [0, 1, 0, 1] * 20
    rows = pd.concat([X] * 20, ignore_index=True)
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(rows, y)
    report = nl.gate(model, model, rows, y, cohorts={FORGED: np.ones(80, bool)})
    text = report._repr_html_()
    assert "80 rows" in text and "<th>interval</th>" in text and "<td>accuracy</td>" in text
    assert "&lt;script&gt;" in text and "<script>" not in text and "\n" not in text
