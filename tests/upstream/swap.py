"""A pytest plugin (``-p swap``): scikit-learn's own tests, with our drop-ins in place of its classes.

Some names are shared by a public module of ``sklearn_normlock`` and the scikit-learn module of the same name. Before
anything is collected, each is re-bound to ours in every loaded module of scikit-learn, public or private, wherever a
test module may import it from. The original stays reachable as the base class of ours.

Once the test modules are imported, scikit-learn's own modules get their classes back. It then builds for itself what it
builds for a user of the drop-ins: the encoder inside a sealed ``KBinsDiscretizer`` is a stock one. The packages that
only re-export a name (``sklearn.preprocessing``) keep ours, for the tests that import while they run.
"""

import builtins
import importlib
import importlib.util
import json
import pkgutil
import sys
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
import sklearn
from packaging.specifiers import SpecifierSet

if sys.version_info >= (3, 11):
    import tomllib
else:  # pytest depends on it there
    import tomli as tomllib

ROOT = Path(sklearn.__file__).parent
TABLE = Path(__file__).with_name("deselected.toml")
KEPT = {"sklearn.compose._column_transformer"}  # its tests ask for the class of what it builds for the remainder
FLOOR = 75  # names replaced; with fewer the run would not prove what it is run for
KINDS = {"changes a fitted object on purpose", "asserts the exact stock class"}


@dataclass(frozen=True, kw_only=True)
class Deselected:
    """One line of the table: a test that cannot pass with our classes, and why."""

    test: str
    kind: str
    why: str
    raises: str
    params: tuple[str, ...] = ("*",)
    sklearn: str = ""

    def __post_init__(self):
        if self.kind not in KINDS or len(self.why) < 20:
            raise ValueError(f"{self.test}: the reason must be one of {sorted(KINDS)}, with an explanation")

    def matches(self, test, patterns=None):
        """Whether this line, or only some of its patterns, speak of ``test``."""
        name, _, params = test.removesuffix("]").partition("[")
        return name == self.test and any(fnmatchcase(params, pattern) for pattern in patterns or self.params)

    def stale(self, tests):
        """Return the patterns of this line that none of ``tests`` matches."""
        return [pattern for pattern in self.params if not any(self.matches(test, [pattern]) for test in tests)]


def table():
    """Return the entries that apply to the installed scikit-learn."""
    entries = [Deselected(**entry) for entry in tomllib.loads(TABLE.read_text(encoding="utf-8")).get("deselected", [])]
    return [entry for entry in entries if SpecifierSet(entry.sklearn).contains(sklearn.__version__, prereleases=True)]


def drop_ins():
    """Yield ``(name, theirs, ours)`` for each public name that we and scikit-learn both define."""
    importlib.import_module("sklearn.experimental.enable_iterative_imputer")
    package = importlib.import_module("sklearn_normlock")
    for info in pkgutil.walk_packages(package.__path__, "sklearn_normlock.", onerror=lambda name: None):
        twin = "sklearn" + info.name.removeprefix("sklearn_normlock")
        try:
            public = "._" not in info.name and importlib.util.find_spec(twin) is not None
        except ModuleNotFoundError:  # its parent has no twin either
            public = False
        if not public:
            continue
        ours, theirs = importlib.import_module(info.name), importlib.import_module(twin)
        for name in getattr(ours, "__all__", ()):
            if hasattr(theirs, name) and getattr(theirs, name) is not getattr(ours, name):
                yield f"{twin}.{name}", getattr(theirs, name), getattr(ours, name)


def rebind(new, keep=lambda module, value: False):
    """Re-bind each object of scikit-learn's modules whose id is in ``new``, unless ``keep(module, value)``."""
    for module in [m for name, m in sorted(sys.modules.items()) if (name + ".").startswith("sklearn.")]:
        for key, value in list(vars(module).items()):
            if id(value) in new and not keep(module.__name__, value):
                setattr(module, key, new[id(value)])


def relative(item):
    """Return a test's id from scikit-learn's root on, wherever it is installed."""
    return "::".join([item.path.relative_to(ROOT).as_posix(), *item.nodeid.split("::")[1:]])


def pytest_addoption(parser):
    group = parser.getgroup("swap")
    group.addoption("--swap-report", type=Path, help="write what happened to each test to this JSON file")
    group.addoption("--swap-stock", type=Path, help="replace nothing; run only the tests in this JSON list")


def pytest_configure(config):
    pairs = [] if config.option.swap_stock else list(drop_ins())
    config.swapped = [name for name, _, _ in pairs]
    if len(pairs) < FLOOR and not config.option.swap_stock:
        raise pytest.UsageError(f"only {len(pairs)} names replaced, expected {FLOOR} at least")
    config.swap_back = {id(ours): theirs for _, theirs, ours in pairs}
    rebind({id(theirs): ours for _, theirs, ours in pairs})
    config.pluginmanager.register(Recorder(config), "swap-recorder")


def pytest_report_header(config):
    return f"sklearn {sklearn.__version__}: {len(config.swapped)} names replaced: {' '.join(config.swapped)}"


def pytest_collection_finish(session):
    back = session.config.swap_back
    public = KEPT.union(name.rpartition(".")[0] for name in session.config.swapped)

    stock = set(map(id, back.values()))
    for name in [name for name in sys.modules if name.startswith("sklearn.") and ".tests." in name]:
        for key, value in vars(sys.modules[name]).items():
            if id(value) in stock:
                raise pytest.UsageError(f"{name} was imported too early: its {key} is not ours")

    def keep(module, ours):
        return ".tests." in module or (module in public and module != back[id(ours)].__module__)

    rebind(back, keep)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config, items):
    only = config.option.swap_stock and set(json.loads(config.option.swap_stock.read_text()))
    entries = [] if config.option.swap_stock else table()
    for item in items:
        item.user_properties.append(("test", relative(item)))
        for entry in entries:
            if entry.matches(relative(item)):
                # The named error only: a deselected test must not hide another fault.
                errors = importlib.import_module("sklearn_normlock.errors")
                raises = getattr(errors, entry.raises, None) or getattr(builtins, entry.raises)
                item.add_marker(pytest.mark.xfail(reason=entry.why, raises=raises, strict=True), append=False)
    config.collected = [relative(item) for item in items]
    if only is not None:
        items[:] = [item for item in items if relative(item) in only]


class Recorder:
    """Keep the worst outcome of each test's three phases, and write them down at the end."""

    WORST = ("passed", "xfailed", "skipped", "failed")

    def __init__(self, config):
        self.config, self.outcomes, self.tracebacks = config, {}, {}

    def pytest_runtest_logreport(self, report):
        test = dict(report.user_properties)["test"]
        outcome = "xfailed" if report.outcome == "skipped" and hasattr(report, "wasxfail") else report.outcome
        self.outcomes[test] = max(outcome, self.outcomes.get(test, "passed"), key=self.WORST.index)
        if report.failed:
            self.tracebacks[test] = report.longreprtext[-3000:]

    def pytest_sessionfinish(self):
        path = self.config.option.swap_report
        if path and not hasattr(self.config, "workerinput"):
            seen = {key: getattr(self.config, key, []) for key in ("swapped", "collected")}
            path.write_text(json.dumps({**seen, "outcomes": self.outcomes, "tracebacks": self.tracebacks}))
