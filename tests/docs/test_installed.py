"""What the tests see is what a user gets: the installed wheel, its command and its types, never the checkout."""

import os
import subprocess
import sys
import sysconfig
from importlib.metadata import entry_points, version
from importlib.util import find_spec
from pathlib import Path

import pytest

PACKAGE = Path(find_spec("sklearn_normlock").origin).parent
CHECKOUT = Path(__file__).resolve().parents[2]
SCRIPT = Path(sysconfig.get_path("scripts"), "normlock.exe" if os.name == "nt" else "normlock")


def contents(folder):
    """Return the files of a package, by their path in it."""
    files = (path for path in folder.rglob("*") if path.suffix in {".py", ".typed"})
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_the_installed_package_is_tested():
    """The package is imported from an installation: run `pytest`, not `python -m pytest`, after `pip install .`."""
    assert CHECKOUT / "sklearn_normlock" != PACKAGE.resolve()


def test_the_wheel_has_every_file():
    """No module, and not the `py.typed` marker, is left out of the wheel (or installed from an older checkout)."""
    ours = contents(CHECKOUT / "sklearn_normlock")
    assert "py.typed" in ours
    assert [name for name, text in ours.items() if contents(PACKAGE).get(name) != text] == []


@pytest.mark.parametrize("command", [[SCRIPT], [sys.executable, "-m", "sklearn_normlock"]], ids=["script", "module"])
def test_the_command_is_installed(command, tmp_path):
    """The console script, and the module in its place, run in a process of their own, away from the checkout."""
    done = subprocess.run([*command, "--version"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["normlock", version("sklearn-normlock")]


def test_the_pytest_plugin_is_installed():
    """pytest finds the plugin by itself, under the name by which it can be switched off: ``-p no:normlock``."""
    found = {each.name: each.value for each in entry_points(group="pytest11")}
    assert found["normlock"] == "sklearn_normlock.integrations.pytest_plugin"
