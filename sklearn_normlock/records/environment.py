"""The versions that an object was fitted under: those that every object depends on, and those that its class names."""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Mapping
from functools import cache, lru_cache
from importlib.metadata import (
    Distribution,
    PackageNotFoundError,
    distribution,
    distributions,
    packages_distributions,
    version,
)

# Where a drop-in keeps the environment it was fitted under, as text.
STAMP = "_normlock_environment"

# The versions of these are in every lock (this package's classes compute what scikit-learn's do).
ALWAYS_VERSIONED = frozenset({"sklearn", "sklearn_normlock", "numpy", "scipy", *sys.stdlib_module_names})

DISTRIBUTIONS = ("scikit-learn", "numpy", "scipy")
#: Other builds of a library under names of their own: the same module, which may compute something else.
_BUILDS = {
    "Pillow": ("Pillow-SIMD",),
    "onnxruntime": (
        "onnxruntime-gpu",
        "onnxruntime-directml",
        "onnxruntime-openvino",
        "onnxruntime-qnn",
        "onnxruntime-training",
    ),
}


@lru_cache(maxsize=1)
def versions() -> dict[str, str]:
    """Return the versions that decide what fitted state computes, by name. Python's patch releases don't count."""
    found = {name: version(name) for name in DISTRIBUTIONS}
    return {**found, "python": ".".join(platform.python_version_tuple()[:2])}


def libraries_of(cls: object) -> tuple[str, ...]:
    """Return the distributions that a class computes with beside those of every class.

    A class says so in ``__computes_with__``, by the names that pip knows: a tokenizer is as good as the library that
    runs it, and nothing in its state shows that library's version.
    """
    declared = getattr(cls, "__computes_with__", ())
    return declared if isinstance(declared, tuple) and all(isinstance(name, str) for name in declared) else ()


@lru_cache(maxsize=64)
def environment(libraries: tuple[str, ...] = ()) -> str:
    """Return the versions that decide what fitted state computes, as text.

    Parameters
    ----------
    libraries : tuple of str, default=()
        Distributions that it depends on beside those of every object (:func:`libraries_of`).

    Returns
    -------
    environment : str
        Such as ``"scikit-learn 1.9.1, numpy 2.4.6, scipy 1.17.1, python 3.11"``.
    """
    found = {**versions(), **{name: installed(name) for name in libraries}}
    return ", ".join(f"{name} {number}" for name, number in found.items())


def changed_versions(before: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Return the versions that differ from those of a lock: then, and here."""
    here = {**{name: installed(name) for name in before if name != "python"}, **versions()}
    both = {name: (before.get(name, "none"), here.get(name, "none")) for name in {**before, **here}}
    return {name: (then, now) for name, (then, now) in both.items() if then != now}


def installed(name: str) -> str:
    """Return the version of a distribution, with its name if it is another build; "none" if none is here."""
    for build in (name, *_BUILDS.get(name, ())):
        try:
            return version(build) if build == name else f"{version(build)} ({build})"
        except (PackageNotFoundError, ValueError):  # a damaged lock may name a distribution by an empty text
            continue
    return "none"


def has_version(module: str) -> bool:
    """Tell whether the code of a module changes with a version that locks keep; the user's own code does not."""
    top = module.partition(".")[0]
    if top in ALWAYS_VERSIONED:
        return True
    found = distributions_of(top)
    return bool(found) and not any(map(_from_a_folder, found))


@cache
def distributions_of(top: str) -> tuple[Distribution, ...]:
    """Return the distributions that a module at the top level comes from."""
    if top == "__main__":
        return ()
    return tuple(distribution(name) for name in dict.fromkeys(_names_by_module().get(top, ())))


@cache
def _names_by_module() -> dict[str, list[str]]:
    found = {top: [*names] for top, names in packages_distributions().items()}
    if sys.version_info < (3, 11):  # it doesn't know of packages that don't name their modules in a file
        for each in distributions():
            if not each.read_text("top_level.txt"):
                for top in {path.parts[0].removesuffix(".py") for path in each.files or () if path.suffix == ".py"}:
                    found.setdefault(top, []).append(each.metadata["Name"])
    return found


def _from_a_folder(found: Distribution) -> bool:
    """Tell whether it was installed from a folder, as an editable package is: its version says little of its code."""
    text = found.read_text("direct_url.json")
    return text is not None and "dir_info" in json.loads(text)
