"""The third answer: what was not judged is said, and is neither a match nor a mismatch, wherever one asks."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
import user_code
from lock_documents import X, scaler, y
from sklearn.cluster import DBSCAN
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

import sklearn_normlock as nl
from sklearn_normlock.cli import main
from sklearn_normlock.errors import ArtifactReadError, NormLockError, UndecidedError, UnfingerprintableError
from sklearn_normlock.locks.report import Report, Verdict

MATCH, MISMATCH, COULD_NOT, USAGE = 0, 1, 2, 64


def table() -> Any:
    import pandas as pd

    return pd.DataFrame(X[:, :2], columns=["age", "income"]).assign(town=np.where(y, "Ulm", "Graz"))


def picky() -> Any:
    """Return a pipeline whose first step can't be run on rows that are made for it."""
    return make_pipeline(user_code.Picky(), StandardScaler(), LogisticRegression()).fit(X, y)


def elsewhere(lock: nl.Lock) -> nl.Lock:
    return replace(lock, environment={**lock.environment, "numpy": "1.0"})


# -- code of the user's that no probe runs -----------------------------------------------------------------------------


def test_a_step_of_ones_own_without_a_probe_is_undecided() -> None:
    """It is named with its code, in every style, and `verify` raises an error of its own, not that of a mismatch."""
    est = picky()
    report = nl.compare(est, nl.lock(est))
    assert (report.ok, report.verdict) == (False, Verdict.UNDECIDED)
    assert [each.path for each in report.undecided] == ["picky"] and "user_code.Picky" in report.undecided[0].why
    for style in ("text", "json", "github", "markdown", "html"):
        text = report.explain(style)
        assert "user_code.Picky" in text and "MISMATCH" not in text and "match," not in text
    assert json.loads(report.explain("json"))["verdict"] == "undecided"
    assert report.explain("github").startswith("::error")
    with pytest.raises(UndecidedError, match="nl.lock") as raised:
        nl.verify(est, nl.lock(est))
    assert raised.value.report == report and not isinstance(raised.value, nl.errors.LockMismatchError)


def test_a_function_over_columns_of_ones_own() -> None:
    """A function that is edited is never a match: it is probed, or the answer is that one can't tell."""
    est = FunctionTransformer(user_code.of_columns).fit(table())
    lock = nl.lock(est)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(user_code, "FACTOR", 3.0)
        assert not nl.compare(est, lock).ok
        assert nl.compare(est, nl.lock(est)).verdict in (Verdict.UNDECIDED, Verdict.MATCH)


@pytest.mark.parametrize("inner", [user_code.of_columns, user_code.doubled])
def test_rows_decide(inner: Any) -> None:
    """With rows the step is judged by its outputs: a match, and after an edit a mismatch at the step."""
    rows = table()[["age", "income"]]
    est = make_pipeline(FunctionTransformer(inner), StandardScaler()).fit(rows)
    lock = nl.lock(est, rows)
    assert nl.verify(est, lock).ok
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(user_code, "FACTOR", 3.0)
        report = nl.compare(est, lock)
    assert report.verdict is Verdict.MISMATCH and report.step == "functiontransformer"


def test_rows_decide_a_picky_step() -> None:
    """The steps that the user's rows reach need no probes of their own."""
    est = picky()
    assert nl.verify(est, nl.lock(est, X)).ok


@pytest.mark.parametrize(
    "make",
    [
        lambda: FunctionTransformer(np.negative, inverse_func=user_code.back, check_inverse=False).fit(X),
        lambda: FunctionTransformer(np.negative, feature_names_out=user_code.names_of).fit(table()[["age", "income"]]),
        lambda: user_code.Turning().fit(X),
        lambda: make_pipeline(user_code.Turning(), StandardScaler()).fit(X),
        lambda: user_code.Split().fit(X, y),
    ],
    ids=["inverse_func", "feature_names_out", "a class", "a step", "scores"],
)
def test_every_method_of_ones_own_is_asked(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The way back, the names of columns and the second kind of scores are judged where they are code of the user's."""
    est = make()
    lock = nl.lock(est)
    assert nl.verify(est, lock).ok
    monkeypatch.setattr(user_code, "FACTOR", 3.0)
    assert nl.compare(est, lock).verdict is Verdict.MISMATCH
    assert nl.diff(lock, nl.lock(est)).verdict is Verdict.MISMATCH


def test_a_method_that_is_gone_is_a_mismatch(monkeypatch: pytest.MonkeyPatch) -> None:
    """An object that could go back when it was locked, and can't now, computes something else."""
    est = user_code.Turning().fit(X)
    lock = nl.lock(est)
    monkeypatch.delattr(user_code.Turning, "inverse_transform")
    assert nl.compare(est, lock).deviations[0].method == "inverse_transform"
    assert nl.diff(lock, nl.lock(est)).verdict is Verdict.UNDECIDED


def test_an_edit_under_equal_versions_is_not_blamed_on_versions() -> None:
    """The remedy speaks of the code."""
    est = FunctionTransformer(user_code.doubled).fit(X)
    lock = nl.lock(est, X)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(user_code, "FACTOR", 3.0)
        text = nl.compare(est, lock).explain()
    assert "the code that it runs was edited" in text and "Serve under the versions" not in text


def test_a_reviewer_accepts_a_step_by_name() -> None:
    """It is then a match; who reads the lock, the report or the difference of two locks sees it and its reason."""
    est = picky()
    before, lock = nl.lock(est), nl.lock(est, accept={"picky": "covered by test_picky.py"})
    assert nl.Lock.from_dict(lock.to_dict()) == lock
    report = nl.verify(est, lock)
    assert report.ok and "covered by test_picky.py" in report.explain() and "picky" in report.accepted
    assert json.loads(report.explain("json"))["accepted"] == {"picky": "covered by test_picky.py"}
    change = nl.diff(before, lock).changes[0]
    assert change.path == "accepted['picky']" and change.actual == "covered by test_picky.py"
    assert nl.verify({"a": est}, nl.lock({"a": est}, accept={"a.picky": "covered"})).ok


@pytest.mark.parametrize(
    ("accept", "text"),
    [
        ({"standardscaler": "why not"}, "no step without a probe"),
        ({"nothing": "x"}, "picky"),
        ({"picky": " "}, "reason"),
    ],
)
def test_what_can_not_be_accepted(accept: dict[str, str], text: str) -> None:
    """A step that is probed, one that isn't there, and one without a reason."""
    with pytest.raises(NormLockError, match=text):
        nl.lock(picky(), accept=accept)


def test_a_whole_object_is_accepted_as_whole() -> None:
    """An object that puts nothing out and is of the user's own class is undecided until it is accepted."""
    est = user_code.Silent().fit(X)
    assert nl.compare(est, nl.lock(est)).verdict is Verdict.UNDECIDED
    assert nl.verify(est, nl.lock(est, accept={"(whole)": "only its width is used"})).ok


def test_state_decides_where_the_code_has_a_version() -> None:
    """scikit-learn's own classes without a probe match under the same versions."""
    est = DBSCAN().fit(X)
    assert nl.verify(est, nl.lock(est)).ok
    lock = nl.lock(scaler())
    unprobed = replace(lock, probes=(replace(lock.probes[0], outputs=(), left_out="not the same twice"),))
    assert "judged by its state" in nl.verify(scaler(), unprobed).explain()
    assert nl.compare(scaler(), elsewhere(unprobed)).verdict is Verdict.UNDECIDED


def test_a_probe_that_can_not_be_run_here_is_undecided() -> None:
    """What was judged when it was locked, and can't be judged here, is no match."""
    lock = nl.lock(scaler())
    other = replace(lock, probes=(replace(lock.probes[0], rows=None, digest="0" * 64),))
    report = nl.compare(scaler(), other)
    assert report.verdict is Verdict.UNDECIDED and "could not be run" in report.undecided[0].why


def test_the_versions_of_other_packages_are_kept() -> None:
    """The distribution that a class comes from is in the lock, and that it moved is said."""
    lgb = pytest.importorskip("lightgbm", reason="the extra `ecosystem` isn't installed")
    est = lgb.LGBMClassifier(n_estimators=2, verbose=-1).fit(X, y)
    lock = nl.lock(est)
    assert lock.environment["lightgbm"] == lgb.__version__
    moved = replace(lock, environment={**lock.environment, "lightgbm": "1.0"})
    report = nl.compare(est, moved)
    assert report.ok and report.environment["lightgbm"] == ("1.0", lgb.__version__)
    unprobed = replace(moved, probes=(replace(lock.probes[0], outputs=(), left_out="no rows"),))
    assert nl.compare(est, unprobed).verdict is Verdict.UNDECIDED


# -- everywhere that answers -------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    joblib.dump(picky(), "picky.joblib")
    return tmp_path


def test_the_command(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`lock` says what `verify` can't tell; `verify` and `diff` end with 2; what was accepted is shown."""
    assert main(["lock", "picky.joblib"]) == MATCH
    assert "verify can't tell, picky" in capsys.readouterr().out
    for style in ("text", "json", "github"):
        assert main(["verify", "picky.joblib", "--format", style]) == COULD_NOT
    assert "CAN'T TELL" in capsys.readouterr().out
    assert main(["show", "picky.joblib.normlock.json"]) == MATCH
    assert "CAN'T TELL   picky" in capsys.readouterr().out
    assert main(["diff", "picky.joblib.normlock.json", "picky.joblib", "--trust-file"]) == COULD_NOT
    assert main(["lock", "picky.joblib", "--accept", "picky=tested elsewhere"]) == MATCH
    assert main(["verify", "picky.joblib"]) == MATCH
    assert main(["show", "picky.joblib.normlock.json"]) == MATCH
    out = capsys.readouterr().out
    assert out.count("tested elsewhere") >= 3
    assert main(["lock", "picky.joblib", "--accept", "nothing=x"]) == COULD_NOT
    with pytest.raises(SystemExit) as usage:
        main(["lock", "picky.joblib", "--accept", "no reason"])
    assert usage.value.code == USAGE


def test_load_and_dump(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    """`dump(lock=True)` logs what loading with that lock will not be able to tell, and loading raises it."""
    nl.dump(picky(), "model.pkl", lock=True)
    assert "UndecidedError" in caplog.text and "picky" in caplog.text
    with pytest.raises(UndecidedError):
        nl.load("model.pkl", lock=True)


def test_two_traces_of_nothing_are_not_the_same() -> None:
    """A trace without outputs compares nothing."""
    empty = nl.Trace(outputs=(), environment={})
    assert empty.diff(empty).verdict is Verdict.UNDECIDED


def test_two_locks_with_other_outputs_differ() -> None:
    """The same state with outputs that moved is a difference; bits that differ by round-off are said to."""
    lock = nl.lock(scaler())
    assert nl.diff(lock, lock).ok
    (probe,) = lock.probes
    numbers = np.frombuffer(base64.b64decode(probe.outputs[0].data), "<f8") * 1.001
    moved = replace(probe.outputs[0], digest="1" * 64, data=base64.b64encode(numbers.tobytes()).decode())
    changed = replace(lock, probes=(replace(probe, outputs=(moved,)),))
    report = nl.diff(lock, changed)
    assert report.verdict is Verdict.MISMATCH and report.step == ""
    rounded = replace(lock, probes=(replace(probe, outputs=(replace(probe.outputs[0], digest="0" * 64),)),))
    assert nl.diff(lock, rounded).ok and "round-off" in nl.diff(lock, rounded).explain()
    elsewhere_probed = replace(elsewhere(lock), probes=(replace(probe, digest="0" * 64),))
    assert nl.diff(lock, elsewhere_probed).verdict is Verdict.UNDECIDED


def test_two_locks_of_code_that_neither_judged() -> None:
    """The same state with code of the user's that no probe runs, or that was run on other rows, is no match."""
    lock = nl.lock(picky())
    assert nl.diff(lock, lock).verdict is Verdict.UNDECIDED
    assert nl.diff(*[nl.lock(picky(), accept={"picky": "tested elsewhere"})] * 2).ok
    est = make_pipeline(FunctionTransformer(user_code.doubled), StandardScaler()).fit(X)
    report = nl.diff(nl.lock(est), nl.lock(est, X[:9]))
    assert [each for each in report.undecided if "user_code.doubled" in each.why]
    assert nl.diff(nl.lock(est), nl.lock(est)).ok


def test_two_locks_with_other_profiles_differ() -> None:
    """Batches are compared with the profile in a lock: another one is another approval."""
    est = scaler()
    old, new, without = nl.lock(est, X), nl.lock(est, X * 2), nl.lock(est)
    assert nl.diff(old, nl.lock(est, X)).ok
    for pair in ((old, new), (old, without), (without, new)):
        assert [change.path for change in nl.diff(*pair).changes] == ["profile"]
    assert "profile: added, of 40 rows" in nl.diff(without, new).explain()


def test_nothing_is_no_evidence() -> None:
    """No rows, and objects in a mapping in a bundle, are refused rather than locked without a probe."""
    with pytest.raises(NormLockError, match="X has no rows"):
        nl.lock(FunctionTransformer(user_code.doubled).fit(X), X[:0])
    with pytest.raises(UnfingerprintableError, match="a name of its own in the bundle"):
        nl.lock({"all": {"scaler": scaler()}})
    empty = nl.trace(FunctionTransformer(user_code.doubled), X[:0])
    assert empty.diff(empty).verdict is Verdict.UNDECIDED


def test_a_mismatch_outweighs_what_was_not_judged() -> None:
    """Both are said, and the answer is a mismatch."""
    other = make_pipeline(user_code.Picky(), StandardScaler(), LogisticRegression()).fit(X * 2, y)
    report = nl.compare(other, nl.lock(picky()))
    assert report.verdict is Verdict.MISMATCH and report.undecided and "not judged: picky" in report.explain()
    assert Report().verdict is Verdict.MATCH


# -- __main__ ----------------------------------------------------------------------------------------------------------

SCRIPT = """
import sys, joblib, numpy as np, sklearn_normlock as nl
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn_normlock.pipeline import make_pipeline
from sklearn_normlock.preprocessing import FunctionTransformer, StandardScaler
X = np.arange(12.0).reshape(6, 2)
def tidy(rows): return rows * 2
class Half(TransformerMixin, BaseEstimator):
    def fit(self, X, y=None):
        self.n_ = X.shape[1]
        return self
    def transform(self, X): return X / 2
for step in (FunctionTransformer(tidy), Half()):
    est = make_pipeline(step, StandardScaler()).fit(X)
    est.transform(X)
    name = type(step).__name__
    for action in (lambda: nl.lock(est), lambda: nl.dump(est, name + ".pkl"), lambda: nl.lock({"a": est})):
        try:
            action()
            print("SILENCE", name)
        except nl.errors.UnfingerprintableError as error:
            print(name, error.path, error)
    joblib.dump(est, name + ".joblib")
"""


def test_main_is_refused_where_it_is_saved_and_named_where_it_is_missing(folder: Path) -> None:
    """`dump` and `lock` refuse what is of `__main__`, with the remedy; at load the error names it."""
    (folder / "train.py").write_text(SCRIPT)
    done = subprocess.run([sys.executable, "train.py"], capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert len(lines) == 6 and "SILENCE" not in done.stdout
    for line in lines:
        assert "__main__" in line and "Move it to a module" in line and ("tidy" in line or "Half" in line)
    for name in ("FunctionTransformer", "Half"):
        with pytest.raises(ArtifactReadError, match="__main__.*Move that function or class to a module"):
            nl.load(f"{name}.joblib", unsealed=True)
    assert UnfingerprintableError in NormLockError.__subclasses__()
