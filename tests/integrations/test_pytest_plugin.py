"""The pytest plugin, in test suites of its own: what passes, what fails and how, what is written and what is said."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from sklearn.preprocessing import StandardScaler

import sklearn_normlock as nl

# The suites run in this process, and what they are the first to import is dropped after each: import it before.
import sklearn_normlock.locks.comparison  # noqa: F401
import sklearn_normlock.locks.explain  # noqa: F401
import sklearn_normlock.pipeline  # noqa: F401

pytest_plugins = ["pytester"]

PLUGIN = "sklearn_normlock.integrations.pytest_plugin"
PACKAGE = Path(find_spec("sklearn_normlock").origin).parent
SUITE = """
    from sklearn.preprocessing import StandardScaler

    def test_scaler(normlock):
        normlock.check(StandardScaler().fit([[0.0], [{}]]), "scaler")
"""
LOCK = Path("locks", "test_suite", "scaler.normlock.json")


@pytest.fixture
def suite(pytester, monkeypatch):
    """Return what writes a test module and runs it with these options, in this process unless it is to be separate."""
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # others that are installed cost seconds

    def run(source=None, *options, module="test_suite", separate=False):
        if source is not None:
            pytester.makepyfile(**{module: source})
        arguments = ["-p", "no:cacheprovider", "-p", PLUGIN, *options]
        return pytester.runpytest_subprocess(*arguments) if separate else pytester.runpytest_inprocess(*arguments)

    return run


def test_update_writes_and_then_the_same_object_passes(suite):
    """A lock is written by --normlock-update, the summary counts it, and the object passes from then on."""
    written = suite(SUITE.format(2.0), "--normlock-update")
    written.assert_outcomes(passed=1)
    written.stdout.fnmatch_lines(
        [
            "normlock: locks are written (--normlock-update)",
            f"written  {LOCK.as_posix()}",
            "1 written, 0 renewed: review the locks and commit them, for they now say what is approved.",
        ]
    )
    assert nl.Lock.load(LOCK).fingerprint == nl.fingerprint(StandardScaler().fit([[0.0], [2.0]]))
    again = suite()
    again.assert_outcomes(passed=1)
    again.stdout.no_fnmatch_line("*normlock*")


def test_a_test_that_compares_nothing_fails(suite):
    """Asking for the fixture is no check: a test that never calls it fails, one that is skipped or fails stays so."""
    source = """
        import pytest

        @pytest.fixture
        def held(normlock):
            return normlock

        def test_forgotten(normlock):
            pass

        def test_in_a_fixture(held):
            pass

        def test_skipped(normlock):
            pytest.skip("today")

        def test_fails(normlock):
            assert False, "for its own reason"
    """
    result = suite(source)
    result.assert_outcomes(failed=3, skipped=1)
    result.stdout.fnmatch_lines(["*asks for the fixture normlock and compares nothing*"])
    assert result.stdout.str().count("compares nothing. Call") >= 2


def test_a_missing_lock_fails_and_is_not_written(suite):
    """Without --normlock-update a missing lock fails the test, says what to do, and stays missing."""
    result = suite(SUITE.format(2.0))
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([f"*There is no lock {LOCK.as_posix()}. Write it with `pytest --normlock-update`*"])
    assert not LOCK.parent.parent.exists()


def test_a_mismatch_is_explained_without_our_frames(suite):
    """Another object fails with the report, below the line of the test, and shows no line of this package."""
    suite(SUITE.format(2.0), "--normlock-update")
    before = LOCK.read_bytes()
    result = suite(SUITE.format(2000.0))
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            '>       normlock.check(StandardScaler().fit(*2000.0*), "scaler")',
            f"E       Failed: {LOCK.as_posix()}: MISMATCH: nl1-sha256:* was expected, this is nl1-sha256:*",
            "E         var_[[]0[]]: 1 → 1e+06 (×1e+06*",
            "E         Deploy what was locked; or, if the change is meant, *`pytest --normlock-update`*",
            "test_suite.py:4: Failed",
        ]
    )
    result.stdout.no_fnmatch_line("*pytest_plugin.py*")
    result.stdout.no_fnmatch_line("*comparison.py*")
    assert LOCK.read_bytes() == before


def test_update_renews_what_differs_and_nothing_else(suite, pytester):
    """--normlock-update writes anew the lock that no longer matches, says what moved, and leaves the others as is."""
    suite(SUITE.format(2.0), "--normlock-update")
    before = LOCK.read_bytes()
    suite(None, "--normlock-update").stdout.no_fnmatch_line("*renewed*")
    assert LOCK.read_bytes() == before
    result = suite(SUITE.format(4.0), "--normlock-update")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines([f"renewed  {LOCK.as_posix()}: var_[[]0[]]: 1 → 4*", "0 written, 1 renewed: *"])
    suite().assert_outcomes(passed=1)


def test_update_renews_a_lock_of_other_versions(suite):
    """A lock that matches, but was made under other versions, is renewed too."""
    suite(SUITE.format(2.0), "--normlock-update")
    lock = nl.Lock.load(LOCK).to_dict()
    old = nl.Lock.from_dict(signed({**lock, "environment": {**lock["environment"], "numpy": "1.0.0"}}))
    old.save(LOCK)
    suite().assert_outcomes(passed=1)
    assert nl.Lock.load(LOCK) == old
    suite(None, "--normlock-update").stdout.fnmatch_lines(["renewed *: versions: numpy 1.0.0 → *"])
    assert nl.Lock.load(LOCK).environment["numpy"] != "1.0.0"


def signed(document):
    from sklearn_normlock.documents.envelope import document_digest

    content = {key: value for key, value in document.items() if key != "digest"}
    return {**content, "digest": document_digest(content)}


def test_a_damaged_lock_fails_and_is_renewed(suite):
    """A lock that can't be read fails the test by our error; --normlock-update replaces it."""
    suite(SUITE.format(2.0), "--normlock-update")
    LOCK.write_text(LOCK.read_text().replace("StandardScaler", "StandardScalar"))
    result = suite()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["E * The lock is not what was written: *"])
    suite(None, "--normlock-update").stdout.fnmatch_lines(["renewed *: the old one could not be read"])
    suite().assert_outcomes(passed=1)


def test_a_lock_of_a_later_version_is_not_overwritten(suite):
    """--normlock-update does not replace what a later version of this package wrote."""
    suite(SUITE.format(2.0), "--normlock-update")
    later = json.dumps(signed({**nl.Lock.load(LOCK).to_dict(), "lock_version": 99}))
    LOCK.write_text(later)
    result = suite(None, "--normlock-update")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["E *lock_version 99*"])
    assert LOCK.read_text() == later


def test_rtol_is_for_refits(suite):
    """With rtol= a refit within it passes and leaves the lock as is; one beyond it fails; without it both fail."""
    source = """
    from sklearn.preprocessing import StandardScaler

    def test_refit(normlock):
        normlock.check(StandardScaler().fit([[0.0], [{}]]), rtol={})
"""
    suite(source.format(2.0, 0), "--normlock-update").assert_outcomes(passed=1)
    lock = Path("locks", "test_suite", "test_refit.normlock.json")
    before = lock.read_bytes()
    suite(source.format(2.00000001, 0)).assert_outcomes(failed=1)
    suite(source.format(2.00000001, 1e-6)).assert_outcomes(passed=1)
    suite(source.format(2.00000001, 1e-6), "--normlock-update").assert_outcomes(passed=1)
    assert lock.read_bytes() == before
    suite(source.format(2.1, 1e-6)).assert_outcomes(failed=1)


def test_names_and_paths(suite, pytester):
    """A test's own name, class and parameters make its lock; path= is relative to the root; bad names are refused."""
    source = """
    import pytest
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit([[0.0], [2.0]])

    class TestGroup:
        @pytest.mark.parametrize("kind", ["a/b", "x" * 300])
        def test_each(self, normlock, kind):
            normlock.check(scaler)

    def test_path(normlock):
        normlock.check(scaler, path="models/scaler.skops.normlock.json")

    def test_bundle(normlock):
        normlock.check({"scaler": scaler, "other": scaler}, "bundle")
"""
    suite(source, "--normlock-update").assert_outcomes(passed=4)
    names = sorted(path.name for path in Path("locks/test_suite").iterdir())
    assert names[:2] == ["TestGroup.test_each_a_b.normlock.json", names[1]]
    assert names[2:] == ["bundle.normlock.json"] and len(names[1]) < 140
    assert Path("models/scaler.skops.normlock.json").exists()
    suite().assert_outcomes(passed=4)
    pytester.makepyfile(
        test_bad="""
    import pytest

    @pytest.mark.parametrize("options", [{"name": "../up"}, {"name": ""}, {"name": "a", "path": "b"}])
    def test_bad(normlock, options):
        normlock.check(None, **options)

    def test_not_fitted(normlock):
        from sklearn.preprocessing import StandardScaler

        normlock.check(StandardScaler())
"""
    )
    result = suite(None, "test_bad.py", "--normlock-update")
    result.assert_outcomes(failed=4)
    result.stdout.fnmatch_lines(["*'../up' can't be the name of a lock*", "E *test_not_fitted*not fitted*"])
    assert not list(Path().rglob("up.normlock.json")) and not Path("locks/test_bad").exists()


def test_two_objects_are_not_approved_by_one_lock(suite):
    """Under --normlock-update a second check of the same lock compares, and fails if its object is another."""
    source = """
    from sklearn.preprocessing import StandardScaler

    def test_two(normlock):
        normlock.check(StandardScaler().fit([[0.0], [2.0]]))
        normlock.check(StandardScaler().fit([[0.0], [{}]]))
"""
    suite(source.format(2.0), "--normlock-update").assert_outcomes(passed=1)
    suite(source.format(3.0), "--normlock-update").assert_outcomes(failed=1)


def test_rows_are_kept_only_if_they_are_handed_over(suite):
    """X= puts rows into the lock that is written; without it the probes are made from fitted statistics."""
    source = """
    from sklearn.preprocessing import StandardScaler

    def test_rows(normlock):
        X = [[0.0], [2.0]]
        normlock.check(StandardScaler().fit(X), "with", X=X)
        normlock.check(StandardScaler().fit(X), "without")
"""
    suite(source, "--normlock-update").assert_outcomes(passed=1)
    sources = [nl.Lock.load(f"locks/test_suite/{name}.normlock.json").probes[0].source for name in ("with", "without")]
    assert sources[0] == "rows" and sources[1] != "rows"


@pytest.mark.parametrize(
    ("value", "option", "refused"),
    [
        ("true", "--normlock-update", True),
        ("true", "--normlock-update-on-ci", False),
        ("false", "--normlock-update", False),
        ("true", None, False),
    ],
)
def test_update_is_refused_on_ci(suite, monkeypatch, value, option, refused):
    """Where CI is set, --normlock-update is a usage error and nothing runs; --normlock-update-on-ci overrides it."""
    suite(SUITE.format(2.0), "--normlock-update")
    monkeypatch.setenv("CI", value)
    result = suite(SUITE.format(4.0), *([option] if option else []))
    if refused:
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        result.stderr.fnmatch_lines(["ERROR: --normlock-update is refused where the environment has CI set*"])
    else:
        result.assert_outcomes(passed=int(option is not None), failed=int(option is None))
    wanted = 4.0 if option and not refused else 2.0
    assert nl.Lock.load(LOCK).state["mean_"]["values"] == [wanted / 2]


def test_unused_locks_are_reported(suite, pytester):
    """A lock that no test asks for is told of; but not while a test of its module failed or was not asked for."""
    source = SUITE.format(2.0) + "\n    def test_other():\n        assert {}\n"
    suite(source.format(True), "--normlock-update")
    for name in ("test_suite", "test_gone"):
        Path("locks", name).mkdir(exist_ok=True)
        Path("locks", name, "old.normlock.json").write_bytes(LOCK.read_bytes())
    gone = "unused   locks/test_gone/old.normlock.json: there is no test_gone.py"
    old = "unused   locks/test_suite/old.normlock.json: no test of test_suite.py asks for it"
    suite().stdout.fnmatch_lines([old, gone])
    for options in (["-k", "other"], ["-k", "scaler"], ["test_suite.py::test_other"], ["--collect-only"]):
        suite(None, *options).stdout.no_fnmatch_line(old)
    suite(source.format(False)).stdout.no_fnmatch_line(old)
    assert Path("locks", "test_suite", "old.normlock.json").exists()


@pytest.mark.campaign
@pytest.mark.filterwarnings("default")  # of xdist and its workers, which are no business of ours
def test_with_xdist(suite):
    """Workers write and compare; the summary gathers what each did, and which locks are unused."""
    pytest.importorskip("xdist", reason="installed by the extra 'test'")
    source = """
    import pytest
    from sklearn.preprocessing import StandardScaler

    @pytest.mark.parametrize("top", range(1, 7))
    def test_each(normlock, top):
        normlock.check(StandardScaler().fit([[0.0], [top * {}]]))
"""
    old = Path("locks/test_suite/old.normlock.json")
    old.parent.mkdir(parents=True)
    old.write_text("{}")
    written = suite(source.format(1.0), "-p", "xdist", "-n", "2", "--normlock-update", separate=True)
    written.assert_outcomes(passed=6)
    written.stdout.fnmatch_lines([f"unused   {old.as_posix()}: *", "6 written, 0 renewed: *"])
    assert written.stdout.str().count("unused ") == 1
    assert len(list(old.parent.iterdir())) == 7
    suite().assert_outcomes(passed=6)


def test_a_suite_without_locks_notices_nothing(suite, pytester):
    """A suite that doesn't use the fixture runs as ever: no line of ours, no folder, also with warnings as errors."""
    result = suite("def test_other():\n    pass\n", "-W", "error")
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*normlock*")
    assert not Path("locks").exists()


def test_start_up_imports_neither_numpy_nor_scikit_learn(tmp_path):
    """pytest with this plugin, and a suite that doesn't need them, imports neither NumPy nor scikit-learn."""
    (tmp_path / "test_light.py").write_text(
        "import sys\n\n"
        f"def test_light():\n    assert {PLUGIN!r} in sys.modules\n"
        "    heavy = {'numpy', 'scipy', 'sklearn', 'joblib', 'skops', 'pandas'}\n"
        "    assert not heavy & set(sys.modules), sorted(heavy & set(sys.modules))\n"
    )
    paths = os.pathsep.join([str(PACKAGE.parent), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        # No other plugin: those that are installed may import what they like.
        [sys.executable, "-m", "pytest", "-q", "-p", PLUGIN, "-p", "no:cacheprovider", str(tmp_path)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": paths, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_a_gate_passes_fails_and_says_why(suite):
    """``normlock.gate`` fails the test unless the new pipeline may replace the old one, and prints the report."""
    model = """
        import numpy as np
        from sklearn.linear_model import LogisticRegression
        X = np.random.default_rng(0).normal(size=(2000, 2))
        y = (X[:, 0] > 0).astype(int)
        good, bad = LogisticRegression().fit(X, y), LogisticRegression().fit(X, 1 - y)
        def test_good(normlock):
            assert normlock.gate(good, good, X, y).ok
        def test_bad(normlock):
            normlock.gate(good, bad, X, y)
        def test_limits(normlock):
            normlock.gate(good, good, X, y, limits="nowhere.toml")
    """
    result = suite(model)
    result.assert_outcomes(passed=1, failed=2)
    result.stdout.fnmatch_lines(["*MUST NOT REPLACE*"])
