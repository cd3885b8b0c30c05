"""Environments with another scikit-learn, or the same one on another NumPy: found in a folder, or made.

``NORMLOCK_ENVIRONMENTS`` names a folder whose sub-folders are virtual environments; then nothing is made. Without it
each one is made with ``venv`` and pip when it is first wanted. Whatever imports the project there takes a copy of the
package that is tested here.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

TESTS = Path(__file__).resolve().parents[1]
VARIABLE = "NORMLOCK_ENVIRONMENTS"

#: What is wanted: a name and its pins. 1.4 has no wheels for what came after these.
WANTED: dict[str, tuple[str, ...]] = {
    "1.4": ("scikit-learn==1.4.*", "numpy==2.2.*", "scipy==1.15.*"),
    "1.5": ("scikit-learn==1.5.*",),
    "1.6": ("scikit-learn==1.6.*",),
    "1.7": ("scikit-learn==1.7.*",),
    "1.8": ("scikit-learn==1.8.*",),
}
#: An older NumPy and SciPy, to put under any of them.
OLDER = ("numpy==2.2.*", "scipy==1.15.*")
#: What the package and the zoo need beside.
_BESIDE = ("joblib", "skops", "pandas")
_VERSIONS = """if True:
    import json, platform
    from importlib.metadata import version
    names = ("scikit-learn", "numpy", "scipy", "pandas", "skops")
    print(json.dumps({"python": platform.python_version(), **{name: version(name) for name in names}}))
"""


class Unavailable(Exception):  # noqa: N818 - a reason to skip
    """An environment is neither there nor can it be made; the text says why."""


@dataclass(frozen=True)
class Environment:
    """An interpreter and the versions of what is installed for it."""

    python: str
    versions: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        return ", ".join(f"{name} {version}" for name, version in self.versions[:4])

    def has(self, requirement: str) -> bool:
        wanted = Requirement(requirement)
        return wanted.specifier.contains(dict(self.versions)[wanted.name], prereleases=True)

    def run(self, *arguments: str, library: Path, timeout: float = 900) -> str:
        """Run the worker there; return what it printed."""
        env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "NORMLOCK_"))}
        env |= {
            "PYTHONPATH": os.pathsep.join([str(library), str(TESTS), str(TESTS / "cases")]),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        command = [self.python, "-m", "upgrade.worker", *arguments]
        done = subprocess.run(command, cwd=library, env=env, capture_output=True, text=True, timeout=timeout)
        if done.returncode:
            raise RuntimeError(
                f"{' '.join(command)}: exit {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-4000:]}"
            )
        return done.stdout


def installed(python: str) -> Environment | None:
    """Return the environment of an interpreter, if what is needed is installed for it."""
    done = subprocess.run([python, "-c", _VERSIONS], capture_output=True, text=True, timeout=60)
    return Environment(python, tuple(json.loads(done.stdout).items())) if done.returncode == 0 else None


def here() -> Environment:
    found = installed(sys.executable)
    if found is None:
        raise Unavailable("pandas or skops is not installed here")
    return found


@lru_cache(maxsize=1)
def existing() -> tuple[Environment, ...]:
    """Return the environments of the folder, each set of versions once, by name."""
    folder = Path(os.environ[VARIABLE])
    pythons = sorted(path / ("Scripts" if os.name == "nt" else "bin") / "python" for path in folder.iterdir())
    found = (installed(str(python)) for python in pythons if python.exists())
    return tuple({environment.versions: environment for environment in found if environment is not None}.values())


def environment(pins: Sequence[str], folder: Path) -> Environment:
    """Return an environment with what is pinned, of the folder of environments or made in `folder`.

    Raises
    ------
    Unavailable
        If there is none and none can be made.
    """
    if VARIABLE in os.environ:
        for found in existing():
            if all(map(found.has, pins)):
                return found
        raise Unavailable(f"no environment in {os.environ[VARIABLE]} has {', '.join(pins)}")
    return _made(tuple(pins), folder)


@lru_cache(maxsize=16)
def _made(pins: tuple[str, ...], folder: Path) -> Environment:
    home = folder / "-".join("".join(c for c in pin if c.isalnum() or c in ".-") for pin in pins)
    python = str(home / ("Scripts" if os.name == "nt" else "bin") / "python")
    install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:"]
    for command in ([sys.executable, "-m", "venv", str(home)], [*install, *pins, *_BESIDE]):
        done = subprocess.run(command, capture_output=True, text=True, timeout=600)
        if done.returncode:
            reason = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["no message"]
            raise Unavailable(f"{', '.join(pins)} can't be installed: {reason[0][:300]}")
    found = installed(python)
    if found is None:
        raise Unavailable(f"{home} lacks what was installed into it")
    return found


def library(folder: Path) -> Path:
    """Return a folder that holds the package under test and nothing else, to put on another interpreter's path."""
    home = folder / "library"
    if not home.exists():
        spec: Any = find_spec("sklearn_normlock")
        package = Path(spec.origin).parent
        shutil.copytree(package, home / package.name, ignore=shutil.ignore_patterns("__pycache__"))
    return home
