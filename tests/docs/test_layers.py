"""The house: imports go one way, and each optional or heavy package is imported only where it is used."""

import ast
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from sklearn_normlock.drop_ins import MODULES as DROP_INS

PACKAGE = Path(find_spec("sklearn_normlock").origin).parent

# From the ground up; a module may import from its own layer and from those below.
# fmt: off
LAYERS = [
    {"errors", "drawing", "events", "config", "units"},
    {"documents"},
    {"guards"},
    {"fingerprints"},
    {"records"},
    {"probes"},
    {"graphs"},
    {"locks"},
    {"seals", "kernels"},
    {
        *(name.partition(".")[0] for name in DROP_INS),
        "bounds", "drop_ins", "formats", "images", "normalization", "onnx", "persistence", "resealing", "text", "trust",
    },
    {"gates", "partitions"},
    {"retrieval"},
    {"serving"},
    {"integrations", "cli", "__main__"},
]
# fmt: on
LEVEL = {room: level for level, rooms in enumerate(LAYERS) for room in rooms}


# The rooms of the guards, likewise.
GUARDS = "calibration, data, profiles, tests, profile, faults, reports, diagnosis, coverage transformer".split(", ")
GUARDS_LEVEL = {room: level for level, rooms in enumerate(GUARDS) for room in rooms.split()}


def rooms_imported(path):
    """Yield the rooms that a module imports, by relative or absolute import, at any depth of its code."""
    yield from (name[1] for name in names_imported(path))


def names_imported(path):
    """Yield the dotted names of this package that a module imports, for types alone too."""
    package = ("sklearn_normlock", *path.relative_to(PACKAGE).parent.parts)
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            names = [(*base, *(node.module or "").split(".")) if node.module else (*base, a.name) for a in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name.split(".") for alias in node.names]
        else:
            continue
        yield from (name for name in map(tuple, names) if name[0] == "sklearn_normlock" and len(name) > 1)


MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


@pytest.mark.parametrize("path", MODULES, ids=[str(path.relative_to(PACKAGE)) for path in MODULES])
def test_imports_go_one_way(path):
    """A module imports nothing from a layer above its own."""
    room = path.relative_to(PACKAGE).with_suffix("").parts[0]
    above = {name for name in rooms_imported(path) if LEVEL[name] > LEVEL[room]}
    assert not above, f"{room} must not import {above}"


def test_names_of_tests_are_their_own():
    """No two folders have a test module of one name: pytest imports them by it, and would collect neither."""
    names = [path.name for path in Path(__file__).parents[1].glob("*/test_*.py")]
    assert sorted({*names}) == sorted(names)


def test_every_room_has_a_layer():
    """A new module can't escape the rule by having no layer."""
    assert {path.relative_to(PACKAGE).with_suffix("").parts[0] for path in MODULES} == set(LEVEL)


def test_the_rooms_of_the_guards_import_one_way():
    """Data flows from tables to profiles, tests, faults and reports; nothing of it goes back."""
    for path in (PACKAGE / "guards").rglob("*.py"):
        room = path.relative_to(PACKAGE / "guards").with_suffix("").parts[0]
        if room != "__init__":
            imported = {name[2] for name in names_imported(path) if name[1] == "guards" and len(name) > 2}
            above = {name for name in imported if GUARDS_LEVEL[name] > GUARDS_LEVEL[room]}
            assert not above, f"{path.name} must not import {above}"


def test_the_guards_stand_on_the_ground_floor_and_documents_alone():
    """What compares data knows nothing of locks, seals or configuration."""
    for path in MODULES:
        if "guards" in path.relative_to(PACKAGE).parts:
            assert set(rooms_imported(path)) <= {"guards", "documents", "drawing", "errors", "events", "units"}, path


HEAVY = {"sklearn", "numpy", "scipy", "joblib", "skops", "pandas"}


def imported_by(statement):
    code = f"import sys; before = set(sys.modules)\n{statement}\nprint(*(set(sys.modules) - before))"
    # Beside the package that is tested: a checkout as the current folder would come before it.
    command = [sys.executable, "-c", code]
    out = subprocess.run(command, capture_output=True, text=True, check=True, cwd=PACKAGE.parent).stdout
    return {name.partition(".")[0] for name in out.split()}


@pytest.mark.parametrize(
    "statement",
    [
        "import sklearn_normlock",
        "import sklearn_normlock.records.diff",
        "import sklearn_normlock.errors, sklearn_normlock.events, sklearn_normlock.config",
        "from sklearn_normlock.cli import main",
        "from sklearn_normlock import Lock, Report",
        "import sklearn_normlock.locks.explain, sklearn_normlock.locks.lock_diff",
        "import sklearn_normlock.integrations.pytest_plugin",
        "import sklearn_normlock.integrations.pre_commit",
    ],
)
def test_light_imports(statement):
    """Errors, records, locks, reports and the command's help need neither scikit-learn nor NumPy."""
    assert not imported_by(statement) & HEAVY


@pytest.mark.parametrize("style", ["text", "json", "github", "markdown", "html"])
def test_light_commands(tmp_path, style):
    """Showing a lock, and telling two of them apart, need neither scikit-learn nor NumPy."""
    from sklearn.preprocessing import StandardScaler

    import sklearn_normlock as nl

    old, new = tmp_path / "old.json", tmp_path / "new.json"
    nl.lock(StandardScaler().fit([[0.0], [2.0]])).save(old)
    nl.lock(StandardScaler().fit([[0.0], [2000.0]])).save(new)
    commands = [["diff", str(old), str(new), "--format", style]]
    if style in ("text", "json"):
        commands.append(["show", str(old), "--format", style])
    quiet = "import io, contextlib; from sklearn_normlock.cli import main"
    calls = "; ".join(f"main({command!r})" for command in commands)
    assert not imported_by(f"{quiet}\nwith contextlib.redirect_stdout(io.StringIO()): {calls}\n") & HEAVY


def test_drop_ins_import_no_optional_package():
    """The drop-ins import nothing that scikit-learn does not import; skops and frameworks only where they are used."""
    theirs = imported_by("import sklearn.preprocessing, sklearn.pipeline, sklearn.linear_model")
    ours = imported_by("import sklearn_normlock.preprocessing, sklearn_normlock.pipeline, sklearn_normlock.persistence")
    ours |= imported_by("import sklearn_normlock.images, sklearn_normlock.text, sklearn_normlock.onnx")
    optional = {"PIL", "tokenizers", "onnx", "onnxruntime"}
    assert not ours & optional
    assert not ours & {"skops", "pandas", "polars", "lightgbm", "xgboost", "torch", "matplotlib", "dask"} - theirs
