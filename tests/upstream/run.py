"""Run scikit-learn's own tests on our drop-ins, and judge the result: ``python tests/upstream/run.py -v``.

Every test must pass, but for those that ``deselected.toml`` names. The tests that did not pass are run once more with
scikit-learn's own classes. A failure there, too, is no business of ours and is listed. A test that we deselect or
skip must pass or be skipped there. Exit status: 0 as promised, 1 not, 2 could not be checked.
"""

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import sklearn
import swap

HERE = Path(__file__).parent
FAST = (
    "tests/test_pipeline.py",
    "impute/tests/test_base.py",
    "impute/tests/test_common.py",
    "impute/tests/test_knn.py",
)
MODULES = (  # those that a version of scikit-learn does not have are left out
    "preprocessing/tests",
    "tests/test_pipeline.py",
    "compose/tests",
    "impute/tests",
    "decomposition/tests/test_pca.py",
    "decomposition/tests/test_truncated_svd.py",
    "feature_extraction/tests/test_text.py",
    "frozen/tests",
)
HOLDERS = (  # what fits other estimators, many times: longer than all the others together
    "ensemble/tests/test_bagging.py",
    "ensemble/tests/test_stacking.py",
    "ensemble/tests/test_voting.py",
    "feature_selection/tests",
    "model_selection/tests/test_classification_threshold.py",
    "model_selection/tests/test_search.py",
    "model_selection/tests/test_successive_halving.py",
    "model_selection/tests/test_validation.py",
    "tests/test_calibration.py",
    "tests/test_multiclass.py",
    "tests/test_multioutput.py",
    "tests/test_metaestimators.py",
    "tests/test_metaestimators_metadata_routing.py",
)
OUR_WARNINGS = ("SealWarning", "EnvironmentMismatchWarning", "InputFaultWarning")
# Tests that must run at least (with fewer something was not collected), and the share that may be deselected of all.
BOUNDS = {MODULES: {"least": 2500, "most": 0.015}, HOLDERS: {"least": 1000, "most": 0.02}, FAST: {"least": 200}}


@dataclass
class Verdict:
    """What a run with our classes, and one of its failures with theirs, amount to."""

    counts: Counter
    faults: list = field(default_factory=list)
    notes: list = field(default_factory=list)

    @property
    def run(self):
        return self.counts["passed"] + self.counts["failed"] + self.counts["deselected"]

    @property
    def share(self):
        return self.counts["deselected"] / max(self.run, 1)


def judge(ours, theirs, entries, modules, least=1, most=1.0):
    """Compare the two reports (see ``swap.Recorder``) and the table; a pure function."""
    verdict = Verdict(Counter())
    for test, outcome in sorted(ours["outcomes"].items()):
        stock = theirs["outcomes"].get(test, "absent")
        listed = any(entry.matches(test) for entry in entries)
        if outcome == "passed":
            verdict.counts["passed"] += 1
        elif outcome == "failed" and stock == "failed" and not listed:
            verdict.counts["fails on stock too"] += 1
            verdict.notes.append(f"fails on stock scikit-learn too: {test}")
        elif outcome == "failed":
            verdict.counts["failed"] += 1
            passes = listed and "XPASS(strict)" in ours["tracebacks"][test]
            verdict.faults.append(f"{'is deselected but passes' if passes else 'fails'}: {test}")
        elif listed and outcome == "xfailed":
            verdict.counts["deselected"] += 1
            if stock != "passed":
                verdict.faults.append(f"is deselected but did not pass on stock scikit-learn ({stock}): {test}")
        else:  # skipped by scikit-learn, or an expected failure of its own
            verdict.counts[outcome] += 1
            if stock != outcome:
                verdict.faults.append(f"{outcome}, but {stock} on stock scikit-learn: {test}")
    for entry in entries:
        for pattern in entry.stale(ours["outcomes"]) if entry.test.startswith(modules) else ():
            missing = f"{entry.test}[{pattern}]"
            verdict.faults.append(f"is deselected but does not exist in scikit-learn {sklearn.__version__}: {missing}")
    for test in sorted(set(ours["collected"]) ^ set(theirs["collected"])):
        verdict.faults.append(f"collected with our classes or with stock ones, not with both: {test}")
    for test in sorted(set(ours["collected"]) - set(ours["outcomes"])):
        verdict.faults.append(f"collected but not run: {test}")
    if verdict.run < least:
        verdict.faults.append(f"only {verdict.run} tests ran, expected {least} at least")
    if verdict.share > most:
        verdict.faults.append(f"{verdict.share:.2%} of the tests run are deselected, {most:.1%} are allowed")
    return verdict


def pytest_run(modules, report, *options):
    """Run pytest with the plugin in a process of its own; return its report."""
    # Ours is the package that is importable here: from a folder of its own, so that no checkout comes before it.
    home = Path(importlib.util.find_spec("sklearn_normlock").origin).parents[1]
    path = os.pathsep.join(filter(None, [str(HERE), str(home), os.environ.get("PYTHONPATH")]))
    command = [sys.executable, "-m", "pytest", "-q", "--no-header", "--tb=short", "-p", "swap"]
    # A drop-in gives no warning of its own; scikit-learn's are its own business.
    command += ["-W", "ignore", *(f"-Werror::sklearn_normlock.errors.{name}" for name in OUR_WARNINGS)]
    # Neither this project's configuration nor its conftest apply: scikit-learn's own conftest.py does.
    command += ["-p", "no:cacheprovider", "-c", str(HERE / "pytest.ini"), "--rootdir", str(swap.ROOT.parent)]
    command += [f"--swap-report={report}", *options, *(str(swap.ROOT / module) for module in modules)]
    # The array API's tests are run where its packages are installed; the data sets are never downloaded.
    env = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
    env = {"SCIPY_ARRAY_API": "1", **env, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, cwd=report.parent, env=env, capture_output=True, text=True)
    if done.returncode not in (0, 1, 5) or not report.exists():
        print(done.stdout[-8000:], done.stderr[-4000:], sep="\n")
        sys.exit(2)
    return json.loads(report.read_text())


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("modules", nargs="*", help="paths below sklearn/ (default: transformers and pipelines)")
    part = parser.add_mutually_exclusive_group()
    part.add_argument("--fast", action="store_true", help="the pipeline and part of the imputers only")
    part.add_argument("--holders", action="store_true", help="those of what fits other estimators: searches, ensembles")
    parser.add_argument("-v", "--verbose", action="store_true", help="print tracebacks")
    parser.add_argument("--json", type=Path, help="write the counts and the faults to this file")
    args = parser.parse_args()
    asked = tuple(args.modules) or (FAST if args.fast else HOLDERS if args.holders else MODULES)
    modules = tuple(module for module in asked if (swap.ROOT / module.partition("::")[0]).exists())
    entries = swap.table()
    with tempfile.TemporaryDirectory() as folder:
        ours = pytest_run(modules, Path(folder, "ours.json"))
        again = Path(folder, "again.json")
        again.write_text(json.dumps([test for test, outcome in ours["outcomes"].items() if outcome != "passed"]))
        theirs = pytest_run(modules, Path(folder, "theirs.json"), f"--swap-stock={again}")
    verdict = judge(ours, theirs, entries, modules, **BOUNDS.get(asked, {}))
    for test, text in ours["tracebacks"].items() if args.verbose else ():
        print(f"--- {test}\n{text}\n")
    print(*verdict.notes, *verdict.faults, sep="\n")
    counts = {**verdict.counts, "run": verdict.run, "deselected share": round(verdict.share, 5)}
    print(f"scikit-learn {sklearn.__version__}: {len(ours['swapped'])} names replaced, {counts}")
    if args.json:
        result = {
            "sklearn": sklearn.__version__,
            "swapped": ours["swapped"],
            "counts": counts,
            "faults": verdict.faults,
        }
        args.json.write_text(json.dumps(result))
    return bool(verdict.faults)


if __name__ == "__main__":
    sys.exit(main())
