"""Whose code an object runs: every class and function in it, and the distribution that each comes from.

A state says which class and function stand where, not what they do. That follows from the versions that a lock keeps,
unless somebody can edit the code without a new version: then only a probe tells.
"""

from __future__ import annotations

import pickle
import sys
from collections.abc import Iterable
from types import BuiltinFunctionType, FunctionType
from typing import Any

from ..records.environment import ALWAYS_VERSIONED, distributions_of, has_version, installed, libraries_of, versions

Name = tuple[str, str]  # a module, and the qualified name in it


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
    return tuple(sorted(f"{module}.{name}" for module, name in names if not has_version(module)))


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
    tops = {module.partition(".")[0] for module, _ in names} - ALWAYS_VERSIONED
    sources = {each.metadata["Name"]: each.version for top in sorted(tops) for each in distributions_of(top)}
    libraries = {library for name in names for library in libraries_of(_named(name))}
    return {**sources, **{name: installed(name) for name in sorted(libraries)}, **versions()}


def _named(name: Name) -> Any:
    """Return what stands under a name, which was found in an object: its module is loaded already."""
    found: Any = sys.modules.get(name[0])
    for part in name[1].split("."):
        found = getattr(found, part, None)
    return found
