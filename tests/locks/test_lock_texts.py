"""What the lock's reports, errors and commands say: for each text a reader, who has to know what to do next."""

from __future__ import annotations

import json
import re

import joblib
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import sklearn_normlock as nl
from sklearn_normlock.cli import main
from sklearn_normlock.errors import ArtifactDigestError, LockMismatchError


@pytest.fixture(scope="module")
def data():
    """Return a real data set."""
    return load_breast_cancer(return_X_y=True)


def scaler(high=2.0):
    return StandardScaler().fit([[0.0], [high]])


def test_a_refit_within_a_tolerance_is_not_called_the_same():
    """A report on another state that agrees within ``rtol`` names both fingerprints and states the tolerance."""
    lock, refit = nl.lock(scaler()), scaler(2.0000001)
    text = nl.compare(refit, lock, rtol=1e-3).explain()
    assert text.startswith("reproduced within the tolerance, " + lock.fingerprint[:23] + "… by ")
    assert nl.fingerprint(refit)[:23] in text and "f8 0.001" in text
    assert nl.compare(scaler(), lock, rtol=1e-3).explain().startswith("match, ")


def test_an_object_without_steps_names_none():
    """Where the object is a single estimator, no step is named from which on the outputs move."""
    text = nl.diff(scaler(), scaler(3.0)).explain()
    assert re.search(r"outputs move by up to \S+ σ in \[0\]; probed outputs: transform \[", text)
    records = nl.diff(nl.lock(scaler()), nl.lock(scaler(3.0))).explain()
    assert re.search(r"outputs move by up to \S+ σ in \[0\]$", records, re.MULTILINE)
    for said in (text, records):
        assert "step" not in said


def test_one_change_has_one_figure_and_comes_in_order(data):
    """Objects and their locks are told apart by the same σ, and a scaler comes before what was fitted behind it."""
    X, y = data
    old, new = (make_pipeline(StandardScaler(), LogisticRegression(C=0.1)).fit(X[k:], y[k:]) for k in (0, 99))
    lock = nl.Lock.from_dict(json.loads(json.dumps(nl.lock(old).to_dict(), sort_keys=True)))
    reports = [nl.compare(new, lock), nl.diff(old, new), nl.diff(lock, nl.lock(new))]
    assert len({re.search(r"by up to \S+ σ in \S+\]", report.explain())[0] for report in reports}) == 1
    for report in reports:
        steps = [change.path.partition(".")[0] for change in report.changes if change.path.endswith(("mean_", "coef_"))]
        assert steps == sorted(steps, reverse=True) and len(set(steps)) == 2  # "standardscaler", "logisticregression"


def test_a_step_is_named_once(data):
    """A step that is probed in the whole and by itself, with one result, stands in the report once."""
    X, y = data
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)).fit(X, y)
    lock = nl.lock(model)
    model[0].fit(X[:300])
    with pytest.raises(LockMismatchError) as caught:
        nl.verify(model, lock)
    lines = str(caught.value).splitlines()
    assert len(lines) == len(set(lines))
    assert sum("logisticregression.predict_proba" in line for line in lines) == 1
    assert sum("from step standardscaler.transform on" in line for line in lines) == 1


def test_a_lock_without_a_file_says_how_to_make_one_with(tmp_path):
    """``nl.lock`` knows no file: loading a pickle by it is refused, and the error says which command locks the file."""
    path = tmp_path / "scaler.joblib"
    joblib.dump(scaler(), path)
    with pytest.raises(ArtifactDigestError) as caught:
        nl.load(path, lock=nl.lock(scaler()))
    assert "are not in the lock, which has no digest of a file. Lock the file, not the object" in str(caught.value)
    assert f"`normlock lock {path}`, nl.lock(est, artifact=...); or, " in str(caught.value)


@pytest.mark.parametrize("command", [["show"], ["probe", "--rows", "x.npy"], ["unlock", "out.pkl"]])
def test_what_can_not_be_opened_is_said_for_the_right_reason(command, tmp_path, monkeypatch, capsys):
    """No file, a file of another format, and one that runs code are told apart; each ends with 2."""
    monkeypatch.chdir(tmp_path)
    joblib.dump(scaler(), "scaler.joblib")
    (tmp_path / "notes.txt").write_text("no model")
    reasons = {
        "nowhere.joblib": "There is no file or folder nowhere.joblib.",
        "notes.txt": "notes.txt: the format '.txt' is not known. Use one of .skops, .joblib, .pkl.",
        "scaler.joblib": "scaler.joblib was not opened: reading a .joblib file runs code, ",
    }
    for name, reason in reasons.items():
        assert main([command[0], name, *command[1:]]) == 2
        assert capsys.readouterr().err.startswith(f"could not check: {reason}")


def test_one_output_is_one(tmp_path, capsys):
    """The command counts as people do."""
    path = tmp_path / "scaler.joblib"
    joblib.dump(scaler(), path)
    assert main(["lock", str(path)]) == 0
    assert capsys.readouterr().out.endswith(", 1 output probed\n")
