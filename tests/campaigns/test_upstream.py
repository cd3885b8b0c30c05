"""scikit-learn's own tests pass with our classes in place of theirs, and what says so would notice if they did not."""

import importlib
import json
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

UPSTREAM = Path(__file__).parents[1] / "upstream"
PACKAGE = Path(find_spec("sklearn_normlock").origin).parent


def upstream(*arguments, package=PACKAGE):
    """Run the runner on a package; return what it printed and its exit status."""
    path = os.pathsep.join(filter(None, [str(package.parent), os.environ.get("PYTHONPATH")]))
    command = [sys.executable, str(UPSTREAM / "run.py"), *arguments]
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True)
    return done.stdout + done.stderr, done.returncode


@pytest.mark.campaign
def test_the_pipeline_and_the_imputers_are_drop_ins():
    text, status = upstream("--fast", "-v")
    assert status == 0, text


@pytest.mark.campaign
def test_every_drop_in_passes_the_tests_of_the_class_it_stands_for(tmp_path):
    text, status = upstream("-v", "--json", str(tmp_path / "result.json"))
    assert status == 0, text
    result = json.loads((tmp_path / "result.json").read_text())
    assert result["counts"]["deselected share"] <= 0.015
    assert {"sklearn.pipeline.Pipeline", "sklearn.preprocessing.StandardScaler"} <= set(result["swapped"])


@pytest.mark.long
def test_what_fits_other_estimators_passes_the_tests_of_its_class():
    text, status = upstream("--holders", "-v")
    assert status == 0, text


# -- it can fail -----------------------------------------------------------------------------------------------------


@pytest.fixture
def broken(tmp_path):
    """Return a function that copies the package and adds a line to one of its modules."""

    def add(module, line):
        home = tmp_path / "sklearn_normlock"
        shutil.copytree(PACKAGE, home, ignore=shutil.ignore_patterns("__pycache__"))
        with open(home / module, "a") as file:
            file.write(f"\n{line}\n")
        return home

    return add


@pytest.mark.campaign
def test_a_drop_in_that_computes_something_else_is_found(broken):
    home = broken("impute.py", "KNNImputer.transform = lambda self, X: X")
    test = "impute/tests/test_knn.py::test_knn_imputer_one_n_neighbors"
    text, status = upstream(test, package=home)
    assert status == 1 and f"fails: {test}" in text, text


@pytest.mark.campaign
def test_too_few_drop_ins_are_refused(broken):
    text, status = upstream("impute/tests/test_knn.py", package=broken("preprocessing.py", "__all__ = []"))
    assert status == 2 and "names replaced, expected" in text, text


@pytest.fixture(scope="module")
def runner():
    """Import the runner; its name and the plugin's are too plain to be left on the path."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(UPSTREAM))
        for name in ("run", "swap"):
            patch.delitem(sys.modules, name, raising=False)
        yield importlib.import_module("run")
        for name in ("run", "swap"):
            patch.delitem(sys.modules, name, raising=False)


def faults(runner, ours, theirs, *listed, **bounds):
    """Judge two reports, given by their outcomes; "passes" is a deselected test that pytest fails because it passes."""
    fixed = {"kind": "asserts the exact stock class", "why": "a line of a table in a test", "raises": "AssertionError"}
    entries = [runner.swap.Deselected(test=test, **fixed) for test in listed]
    traces = {test: "[XPASS(strict)]" if outcome == "passes" else "" for test, outcome in ours.items()}
    ours = {test: outcome.replace("passes", "failed") for test, outcome in ours.items()}
    reports = [{"outcomes": o, "collected": list(ours), "tracebacks": traces} for o in (ours, theirs)]
    return runner.judge(*reports, entries, ("a.py", "b.py"), **bounds).faults


@pytest.mark.parametrize(
    ("ours", "theirs", "listed", "fault"),
    [
        ({"a.py::t": "passed"}, {}, (), None),
        ({"a.py::t": "failed"}, {"a.py::t": "passed"}, (), "fails: a.py::t"),
        ({"a.py::t": "failed"}, {"a.py::t": "failed"}, (), None),
        ({"a.py::t": "failed"}, {}, (), "fails: a.py::t"),
        ({"a.py::t": "skipped"}, {"a.py::t": "skipped"}, (), None),
        ({"a.py::t": "skipped"}, {"a.py::t": "passed"}, (), "skipped, but passed on stock"),
        ({"a.py::t": "xfailed"}, {"a.py::t": "passed"}, (), "xfailed, but passed on stock"),
        ({"a.py::t": "xfailed"}, {"a.py::t": "passed"}, ("a.py::t",), None),
        ({"a.py::t[1]": "xfailed"}, {"a.py::t[1]": "passed"}, ("a.py::t",), None),
        ({"a.py::t": "passes"}, {"a.py::t": "passed"}, ("a.py::t",), "is deselected but passes"),
        ({"a.py::t": "failed"}, {"a.py::t": "passed"}, ("a.py::t",), "fails: a.py::t"),
        ({"a.py::t": "xfailed"}, {"a.py::t": "failed"}, ("a.py::t",), "did not pass on stock"),
        ({"a.py::t2": "passed"}, {}, ("a.py::t",), "does not exist"),
        ({"a.py::t": "passed"}, {}, ("c.py::t",), None),
    ],
)
def test_the_two_runs_are_compared(runner, ours, theirs, listed, fault):
    found = faults(runner, ours, theirs, *listed, least=0)
    assert found == [] if fault is None else (len(found) == 1 and fault in found[0]), found


def test_a_test_that_only_one_of_the_runs_collects_is_a_fault(runner):
    reports = [{"outcomes": {}, "collected": tests, "tracebacks": {}} for tests in (["a.py::t"], [])]
    assert any("not with both: a.py::t" in fault for fault in runner.judge(*reports, [], ("a.py",), least=0).faults)


def test_a_test_that_was_collected_and_not_run_is_a_fault(runner):
    report = {"outcomes": {}, "collected": ["a.py::t"], "tracebacks": {}}
    assert runner.judge(report, report, [], ("a.py",), least=0).faults == ["collected but not run: a.py::t"]


def test_a_run_of_too_few_tests_or_with_too_many_exceptions_fails(runner):
    ours = {f"a.py::t{number}": "passed" for number in range(99)} | {"b.py::t": "xfailed"}
    args = (runner, ours, {"b.py::t": "passed"}, "b.py::t")
    assert faults(*args, least=100, most=0.01) == []
    assert "only 100 tests ran" in faults(*args, least=101)[0]
    assert "1.00%" in faults(*args, most=0.009)[0]


def test_no_other_reason_is_admissible(runner):
    with pytest.raises(ValueError, match="the reason must be one of"):
        runner.swap.Deselected(test="a.py::t", kind="fails", why="it has failed for a while", raises="AssertionError")
