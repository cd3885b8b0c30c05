"""The versions that an object was fitted under."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version

# Where a drop-in keeps the environment it was fitted under, as text.
STAMP = "_normlock_environment"

DISTRIBUTIONS = ("scikit-learn", "numpy", "scipy")


@lru_cache(maxsize=1)
def versions() -> dict[str, str]:
    """Return the versions that decide what fitted state computes, by name. Python's patch releases don't count."""
    found = {name: version(name) for name in DISTRIBUTIONS}
    return {**found, "python": ".".join(platform.python_version_tuple()[:2])}


def environment() -> str:
    """Return the versions that decide what fitted state computes, as text.

    Returns
    -------
    environment : str
        Such as ``"scikit-learn 1.9.1, numpy 2.4.6, scipy 1.17.1, python 3.11"``.
    """
    return ", ".join(f"{name} {number}" for name, number in versions().items())


def changed_versions(before: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Return the versions that differ from those of a lock: then, and here."""
    here = {**{name: _installed(name) for name in before if name != "python"}, **versions()}
    both = {name: (before.get(name, "none"), here.get(name, "none")) for name in {**before, **here}}
    return {name: (then, now) for name, (then, now) in both.items() if then != now}


def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "none"
