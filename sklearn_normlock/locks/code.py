"""Whose code an object runs: every class and function in it, and the distribution that each comes from.

A state says which class and function stand where, not what they do. That follows from the versions that a lock keeps,
unless somebody can edit the code without a new version: then only a probe tells.
"""

from __future__ import annotations

import json
import pickle
import sys
from collections.abc import Iterable
from functools import cache
from importlib.metadata import Distribution, distribution, distributions, packages_distributions
from types import BuiltinFunctionType, FunctionType
from typing import Any

from ..records.environment import installed, libraries_of, versions

Name = tuple[str, str]  # a module, and the qualified name in it

# The versions of these are in every lock (this package's classes compute what scikit-learn's do).
_ALWAYS_VERSIONED = frozenset({"sklearn", "sklearn_normlock", "numpy", "scipy", *sys.stdlib_module_names})


def code_in(obj: Any) -> frozenset[Name]:
    """Return the classes and functions that an object refers to, however deep.

    Parameters
    ----------
    obj : object
        Anything that pickle takes. If pickle refuses an object, the names found up to there are returned.

    Examples
    --------
    >>> import json
    >>> from sklearn.preprocessing import FunctionTransformer
    >>> from sklearn_normlock.locks.code import code_in
    >>> ("json", "dumps") in code_in(FunctionTransformer(json.dumps))
    True
    """
    collector = _Collector()
    try:
        collector.dump(obj)
    except Exception:
        # An object that can't be pickled is refused by name elsewhere. Here it counts as code that nobody can read.
        collector.found.add(_name_of(type(obj), obj))
    return frozenset(collector.found)


def holds_main(obj: Any) -> bool:
    """Tell whether an object refers to a class or function of ``__main__``, the script that runs now."""
    return any(module == "__main__" for module, _ in code_in(obj))


class _Collector(pickle.Pickler):
    """A pickler that keeps the names of what it comes across, and none of the bytes."""

    def __init__(self) -> None:
        super().__init__(_Nowhere(), protocol=5, buffer_callback=lambda buffer: None)
        self.found: set[Name] = set()

    def reducer_override(self, obj: Any) -> Any:
        """Note a class or function, or the class of an instance; then let pickle go on."""
        self.found.add(_name_of(obj if isinstance(obj, (type, FunctionType, BuiltinFunctionType)) else type(obj), obj))
        return NotImplemented


def _name_of(thing: Any, obj: Any) -> Name:
    """Return the name of a class or function that an object is, or is of."""
    module: Any = thing.__module__
    if module is not None and not isinstance(module, str):
        # The class of functions that Cython compiled holds a descriptor there; each function has a name of its own.
        thing, module = obj, getattr(obj, "__module__", None)
    name = getattr(thing, "__qualname__", type(obj).__name__)
    return (module if module and isinstance(module, str) else "builtins", name)


class _Nowhere:
    def write(self, data: Any) -> int:
        """Forget it."""
        return len(data)


def unversioned(names: Iterable[Name]) -> tuple[str, ...]:
    """Return those of these names whose code can change without a version that a lock keeps: code of the user's."""
    return tuple(sorted(f"{module}.{name}" for module, name in names if not _versioned(module.partition(".")[0])))


def environment_of(names: Iterable[Name]) -> dict[str, str]:
    """Return the versions that what these names compute depends on, by distribution.

    Parameters
    ----------
    names : iterable of (module, name)
        As :func:`code_in` finds them.

    Returns
    -------
    environment : dict of str to str
        The distributions that they come from, those that their classes compute with
        (:func:`~sklearn_normlock.records.environment.libraries_of`), and those of every lock.
    """
    names = tuple(names)
    tops = {module.partition(".")[0] for module, _ in names} - _ALWAYS_VERSIONED
    sources = {each.metadata["Name"]: each.version for top in sorted(tops) for each in _distributions(top)}
    libraries = {library for name in names for library in libraries_of(_named(name))}
    return {**sources, **{name: installed(name) for name in sorted(libraries)}, **versions()}


def _named(name: Name) -> Any:
    """Return what stands under a name, which was found in an object: its module is loaded already."""
    found: Any = sys.modules.get(name[0])
    for part in name[1].split("."):
        found = getattr(found, part, None)
    return found


def _versioned(top: str) -> bool:
    if top in _ALWAYS_VERSIONED:
        return True
    found = _distributions(top)
    return bool(found) and not any(map(_from_a_folder, found))


@cache
def _distributions(top: str) -> tuple[Distribution, ...]:
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
