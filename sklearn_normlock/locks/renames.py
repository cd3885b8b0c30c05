"""State of which only a name changed: private helpers that a library renames from one release to the next.

scikit-learn keeps objects of private classes in fitted state (losses of boosting and of stochastic gradient descent,
for example) and renames these classes, or moves them between modules, at will. Such a name is part of the fingerprint.
Under other versions of the library a new name alone is no mismatch: the object is fingerprinted once more with the
names that are in the lock. If that gives the fingerprint of the lock, then nothing but these names has changed, and
the outputs of the probes decide.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..probes.parts import Probe
    from .target import Target

# Libraries whose version a lock holds: the name of their package, and of their distribution.
_VERSIONED = {"sklearn": "scikit-learn", "scipy": "scipy", "numpy": "numpy"}


@dataclass(frozen=True, kw_only=True)
class Rename:
    """A private helper that goes by another name than when it was locked.

    Parameters
    ----------
    path : str
        Where it stands, such as ``"model._loss"``.
    distribution : str
        The library that it belongs to, another version of which is installed now.
    locked, present : str
        Its stable names.
    """

    path: str
    distribution: str
    locked: str
    present: str

    def describe(self) -> str:
        """Say it in one sentence part."""
        return (
            f"{self.path} is a private helper of {self.distribution} that was {self.locked} and is {self.present} now"
        )


def renamed_helpers(
    target: Target, fingerprint: str, locked: Mapping[str, Any], versions: Mapping[str, tuple[str, str]]
) -> tuple[Rename, ...]:
    """Return the helpers whose new names are all that makes an object differ from a locked one.

    Parameters
    ----------
    target : Target
        The object as it is now.
    fingerprint : str
        That of the lock.
    locked : mapping of path to entry
        The record of the locked state.
    versions : mapping of str to (str, str)
        By distribution, the versions that are not those of the lock.

    Returns
    -------
    renames : tuple of Rename
        Empty if anything else differs, too.
    """
    under_old_names = _OldNames(locked, versions)
    if not under_old_names.changed:
        return ()
    same = target.identity(under_old_names)[0] == fingerprint
    return tuple(under_old_names.found) if same else ()


def without_probe(renames: tuple[Rename, ...], probes: tuple[Probe, ...], undecided: Mapping[str, Any]) -> list[Rename]:
    """Return the helpers of which no output was compared: nothing says that the new class does the same."""
    probed = [output.path for probe in probes if probe.path not in undecided for output in probe.outputs]
    return [each for each in renames if not any(not path or each.path.startswith(f"{path}.") for path in probed)]


class _OldNames:
    """Gives each helper whose name alone may have changed the name that it has in a lock.

    It is called during a walk (:class:`~sklearn_normlock.fingerprints.canonical.Walker`); ``found`` then says which
    they are.
    """

    def __init__(self, locked: Mapping[str, Any], versions: Mapping[str, tuple[str, str]]) -> None:
        self.locked = locked
        self.changed = {package for package, name in _VERSIONED.items() if name in versions}
        self.found: list[Rename] = []

    def __call__(self, path: str, obj: Any, name: str) -> str:
        entry = self.locked.get(path)
        before = entry.get("class") if isinstance(entry, Mapping) else None
        if not isinstance(entry, Mapping) or not isinstance(before, str) or before == name or entry.get("member"):
            return name
        package = _home(type(obj))
        if package not in self.changed or not _is_private(type(obj)):
            return name
        # Compiled modules may call themselves by the last part of their name alone, such as ``_loss``.
        if before.partition(":")[0].partition(".")[0] != package and not before.startswith("_"):
            return name
        self.found.append(Rename(path=path, distribution=_VERSIONED[package], locked=before, present=name))
        return before


def _is_private(cls: type) -> bool:
    """Tell whether a class is no estimator, and its own name or that of a module on the way to it is private."""
    return not hasattr(cls, "fit") and any(
        part.startswith("_") for part in f"{cls.__module__}.{cls.__name__}".split(".")
    )


def _home(cls: type) -> str:
    """Return the top-level package that a class is installed with; empty if it is none whose version is known."""
    root = cls.__module__.partition(".")[0]
    if root in _VERSIONED:
        return root
    file = getattr(sys.modules.get(cls.__module__), "__file__", None)
    for package in _VERSIONED if file else ():
        folder = getattr(sys.modules.get(package), "__file__", None)
        if folder and Path(os.path.dirname(folder)) in Path(str(file)).parents:
            return package
    return ""
