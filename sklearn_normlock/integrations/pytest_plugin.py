"""The pytest plugin: a fixture ``normlock`` that compares a fitted object with a lock in the repository.

::

    def test_model(normlock):
        normlock.check(train(), "model")

The lock of this test in ``tests/test_train.py`` is ``tests/locks/test_train/model.normlock.json``. It is written, and
written anew where the object is another, by ``pytest --normlock-update`` alone.

pytest imports this module whenever it starts: nothing here imports scikit-learn or NumPy before a test asks.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from ..gates.report import GateReport

__all__ = ["LockFixture", "normlock"]

_FOLDER = "locks"
_SUFFIX = ".normlock.json"
_LONGEST = 100  # characters of a name that is made from a test's
_SHOWN = 160  # characters of a change in the summary


class LockFixture:
    """The object that the fixture ``normlock`` gives a test.

    Parameters
    ----------
    request : pytest.FixtureRequest
        Of the test.

    Examples
    --------
    >>> def test_scaler(normlock):
    ...     normlock.check(train_scaler(), "scaler")
    """

    def __init__(self, request: pytest.FixtureRequest) -> None:
        self._root = request.config.rootpath
        self._folder = request.path.parent / _FOLDER / request.path.stem
        self._default = _file_name(request.node.nodeid.partition("::")[2])
        self._update = _updating(request.config)
        self._ledger = request.config.stash[_LEDGER]
        self.asked = False  # whether the test compared anything

    def check(
        self,
        est: Any,
        name: str | None = None,
        *,
        path: str | os.PathLike[str] | None = None,
        rtol: float = 0.0,
        X: Any = None,
        accept: Mapping[str, str] | None = None,
    ) -> None:
        """Compare a fitted object with its lock; the test fails, and says what differs, if it isn't what was approved.

        Parameters
        ----------
        est : estimator, or mapping of str to estimator or path
            Fitted. A mapping is a bundle, as :func:`sklearn_normlock.lock` takes it.
        name : str, default=None
            Of the lock, ``locks/<test module>/<name>.normlock.json`` beside the module; the test's own name if None.
        path : path-like, default=None
            Of the lock, in place of ``name``: the one that lies beside an artifact, say. Relative to pytest's root
            folder.
        rtol : float, default=0.0
            With 0 the state must be the same to the last bit: for an object that was loaded, or fitted in the
            environment it was locked in. Above it fitted numbers and outputs may differ by this much, relative to
            their size: for a refit on another machine.
        X : array, DataFrame or list of shape (n_samples, n_features), default=None
            Rows for the probes. **A few of them are kept in the lock** when it is written.
        accept : mapping of str to str, default=None
            Steps that no probe can run and that are approved all the same, each with the reason, when it is written.
        """
        __tracebackhide__ = True
        self.asked = True
        lock_file = self._lock_file(name, path)
        failure = self._failure(est, lock_file, rtol, X, accept)
        if failure is not None:
            pytest.fail(failure)

    def gate(self, old: Any, new: Any, X: Any, y: Any = None, **options: Any) -> GateReport:
        """Compare a new pipeline with an old one; the test fails unless the new one may replace it.

        Parameters
        ----------
        old, new : estimator or path-like
            As :func:`sklearn_normlock.gate` takes them; relative paths are from pytest's root folder.
        X : array or DataFrame of shape (n_samples, n_features)
            The reference rows.
        y : array of shape (n_samples,), default=None
            Their right answers.
        **options
            The other arguments of :func:`sklearn_normlock.gate`. Relative paths of ``limits`` and ``reference`` are
            from pytest's root folder, too.

        Returns
        -------
        report : GateReport
            What was found.
        """
        __tracebackhide__ = True
        from ..errors import NormLockError
        from ..gates.running import gate

        self.asked = True

        def rooted(value: Any) -> Any:
            return self._root / value if isinstance(value, (str, os.PathLike)) else value

        for name in ("limits", "reference"):
            if name in options:
                options[name] = rooted(options[name])
        try:
            report = gate(rooted(old), rooted(new), X, y, **options)
        except NormLockError as error:
            pytest.fail(f"{type(error).__name__}: {error}")
        if not report.ok:
            pytest.fail(report.explain())
        return report

    def _lock_file(self, name: str | None, path: str | os.PathLike[str] | None) -> Path:
        __tracebackhide__ = True
        if path is not None:
            if name is not None:
                pytest.fail("normlock.check takes a name or a path=, not both.")
            return Path(os.path.abspath(self._root / path))
        if name is not None and name != _file_name(name):
            pytest.fail(
                f"{name!r} can't be the name of a lock: use letters, digits, '.', '-' and '_'; for a lock that lies "
                "elsewhere give path=."
            )
        return self._folder / f"{self._default if name is None else name}{_SUFFIX}"

    def _failure(self, est: Any, lock_file: Path, rtol: float, X: Any, accept: Mapping[str, str] | None) -> str | None:
        """Compare, or write; return why the test fails, or None."""
        from ..errors import LockFormatError, LockVersionError, MissingLockError, NormLockError
        from ..locks.comparison import checked, compare
        from ..locks.document import Lock
        from ..locks.explain import details

        shown = self._relative(lock_file)
        # A lock that a check of this run has seen or written stands: two checks can't approve two objects by one lock.
        writable = self._update and not self._ledger.knows(lock_file)
        self._ledger.note(lock_file)
        try:
            try:
                report = compare(est, Lock.load(lock_file), rtol)
                if not writable or (report.ok and not report.environment):
                    checked(report, type(est).__name__)
                    return None
                action, note = "renewed", next(details(report), "")
            except MissingLockError:
                if not writable:
                    return f"There is no lock {shown}. Write it with `pytest --normlock-update`, review and commit it."
                action, note = "written", ""
            except LockFormatError as error:
                if not writable or isinstance(error, LockVersionError):
                    raise
                action, note = "renewed", "the old one could not be read"
            found = self._written(est, lock_file, X, accept)
            checked(compare(est, found, rtol), type(est).__name__)  # what nothing judges is no pass, new lock or not
        except NormLockError as error:
            approve = "" if self._update else " `pytest --normlock-update` locks anew what the tests made."
            return f"{shown}: {error}{approve}"
        self._ledger.note(lock_file, action, note)
        return None

    def _written(self, est: Any, lock_file: Path, X: Any, accept: Mapping[str, str] | None) -> Any:
        from ..locks.comparison import lock

        found = lock(est, X, accept=accept)
        lock_file.parent.mkdir(parents=True, exist_ok=True)
        found.save(lock_file)
        return found

    def _relative(self, path: Path) -> str:
        return _shown(path, self._root)


@pytest.fixture
def normlock(request: pytest.FixtureRequest) -> LockFixture:
    """Compare fitted objects with locks in the repository: ``normlock.check(est, "name")``.

    A test that asks for it and compares nothing fails: it would pass whatever the object is.

    Parameters
    ----------
    request : pytest.FixtureRequest
        What pytest hands over.

    Returns
    -------
    fixture : LockFixture
        Its ``check`` compares with a lock, its ``gate`` with another pipeline.

    Examples
    --------
    >>> def test_scaler(normlock):
    ...     normlock.check(train_scaler(), "scaler")  # locks/test_module/scaler.normlock.json
    """
    request.node.stash[_FIXTURE] = LockFixture(request)
    return request.node.stash[_FIXTURE]


def _file_name(text: str) -> str:
    """Return a text as the name of a file, the same on every system."""
    name = re.sub(r"[^A-Za-z0-9_.-]+", "_", text.replace("::", ".")).strip("._") or "lock"
    if len(name) <= _LONGEST:
        return name
    return f"{name[:_LONGEST]}-{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:8]}"


def _shown(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


# -- the run ---------------------------------------------------------------------------------------------------------


class Ledger:
    """The account of what a run did with locks, and which tests could have asked for one.

    Under pytest-xdist each worker keeps one, and the process that reports gathers them.
    """

    def __init__(self) -> None:
        self._seen: dict[str, tuple[str, str]] = {}  # locks: what was done, and what was new in it
        self._collected: dict[str, int] = {}  # tests, by module
        self._passed: dict[str, set[str]] = {}
        self._in_part: set[str] = set()  # modules of which some tests were not asked for

    def knows(self, path: Path) -> bool:
        """Tell whether a check of this run had this lock already."""
        return str(path) in self._seen

    def note(self, path: Path, action: str = "used", note: str = "") -> None:
        """Note what was done with a lock; that it was written outweighs that it was used."""
        if action != "used" or str(path) not in self._seen:
            self._seen[str(path)] = action, note

    def collect(self, items: list[pytest.Item], in_part: bool) -> None:
        """Note which tests there are."""
        for item in items:
            module = str(item.path)
            self._collected[module] = self._collected.get(module, 0) + 1
        if in_part:
            self._in_part |= set(self._collected)

    def deselect(self, items: list[pytest.Item]) -> None:
        """Note which tests are not asked for."""
        self._in_part |= {str(item.path) for item in items}

    def passed(self, module: Path, nodeid: str) -> None:
        """Note that a test passed."""
        self._passed.setdefault(str(module), set()).add(nodeid)

    def to_dict(self) -> dict[str, Any]:
        """Return what a worker sends to the process that reports."""
        return {"seen": self._seen, "collected": self._collected, "in_part": sorted(self._in_part)}

    def gather(self, sent: Mapping[str, Any]) -> None:
        """Take in what a worker sent: each has collected all tests and run some of them."""
        for path, (action, note) in sent["seen"].items():
            self.note(Path(path), action, note)
        self._collected.update(sent["collected"])
        self._in_part |= set(sent["in_part"])

    def with_action(self, action: str) -> list[tuple[Path, str]]:
        """Return the locks with which this was done, and what was new in each."""
        return sorted((Path(path), note) for path, (done, note) in self._seen.items() if done == action)

    def unused(self) -> Iterator[tuple[Path, str]]:
        """Yield the locks that no test asks for, where that is certain: each test of the module ran and passed."""
        for module, count in sorted(self._collected.items()):
            path = Path(module)
            if module not in self._in_part and len(self._passed.get(module, ())) == count:
                for lock_file in _locks_in(path.parent / _FOLDER / path.stem):
                    if not self.knows(lock_file):
                        yield lock_file, f"no test of {path.name} asks for it"
        for folder in sorted({Path(module).parent for module in self._collected}):
            for pattern in ("test_*", "*_test"):
                for orphan in sorted((folder / _FOLDER).glob(pattern)):
                    if not (folder / f"{orphan.name}.py").exists():
                        yield from ((lock_file, f"there is no {orphan.name}.py") for lock_file in _locks_in(orphan))


def _locks_in(folder: Path) -> list[Path]:
    return sorted(folder.glob(f"*{_SUFFIX}"))


_LEDGER = pytest.StashKey[Ledger]()
_FIXTURE = pytest.StashKey[LockFixture]()


def _updating(config: pytest.Config) -> bool:
    return bool(config.getoption("normlock_update") or config.getoption("normlock_update_on_ci"))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("normlock", "locks of fitted objects")
    group.addoption(
        "--normlock-update",
        action="store_true",
        help="write the locks that are missing, and anew those that no longer match; refused where CI is set",
    )
    group.addoption(
        "--normlock-update-on-ci",
        action="store_true",
        help="the same, on CI too: for a job that opens a change for review",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Refuse to approve what nobody would review."""
    config.stash[_LEDGER] = Ledger()
    on_ci = os.environ.get("CI", "").lower() not in ("", "0", "false")
    if config.getoption("normlock_update") and on_ci and not config.getoption("normlock_update_on_ci"):
        raise pytest.UsageError(
            "--normlock-update is refused where the environment has CI set: the locks would say that whatever the "
            "tests made was approved. Run it where you can review and commit them. A job that opens a change for "
            "review says --normlock-update-on-ci."
        )


def pytest_report_header(config: pytest.Config) -> str | None:
    """Say at the top that this run writes."""
    return "normlock: locks are written (--normlock-update)" if _updating(config) else None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Fail a test that ran to its end, asked for the fixture and compared nothing."""
    yield
    fixture = item.stash.get(_FIXTURE, None)
    if fixture is not None and not fixture.asked:
        pytest.fail(
            "The test asks for the fixture normlock and compares nothing. Call normlock.check or normlock.gate; or ask "
            "for it no more.",
            pytrace=False,
        )


def pytest_deselected(items: list[pytest.Item]) -> None:
    """Note the modules of which not all tests run."""
    if items:
        items[0].config.stash[_LEDGER].deselect(items)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Note which tests there are."""
    by_name = any("::" in argument for argument in session.config.args)
    session.config.stash[_LEDGER].collect(session.items, by_name)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Send what a worker of pytest-xdist did to the process that reports."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["normlock"] = session.config.stash[_LEDGER].to_dict()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take in what a worker of pytest-xdist did; one that crashed has nothing to say."""
    sent = getattr(node, "workeroutput", {}).get("normlock")
    if sent is not None:
        node.config.stash[_LEDGER].gather(sent)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say which locks were written, and which are of no use."""
    ledger = config.stash[_LEDGER]
    for report in terminalreporter.stats.get("passed", ()):
        if report.when == "call":
            ledger.passed(config.rootpath / report.nodeid.partition("::")[0], report.nodeid)
    found = {action: ledger.with_action(action) for action in ("written", "renewed")}
    found["unused"] = [] if config.getoption("collectonly") else list(ledger.unused())
    if not any(found.values()):
        return
    terminalreporter.section("normlock")
    for action, locks in found.items():
        for path, note in locks:
            text = f"{action:8} {_shown(path, config.rootpath)}" + (f": {note}" if note else "")
            terminalreporter.line(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…")
    if found["written"] or found["renewed"]:
        counts = f"{len(found['written'])} written, {len(found['renewed'])} renewed"
        terminalreporter.line(f"{counts}: review the locks and commit them, for they now say what is approved.")
