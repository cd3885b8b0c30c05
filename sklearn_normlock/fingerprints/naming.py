"""Stable names of classes and functions (clauses 5.1 to 5.4 of ``docs/spec.md``).

A class is named by its module and qualified name, less the private parts of the module's path: libraries move their
classes between private modules from one release to the next, and that changes nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import lru_cache
from pathlib import PurePath
from typing import Any, TypeVar

import numpy as np

from ..errors import UnfingerprintableError

# Classes that their library moved from one public module to another: the name under older releases, and the present
# one. An object that was fitted before the move is, once it is loaded after it, of the class under its new name.
MOVED = {"sklearn.model_selection:_CurveScorer": "sklearn.metrics:_CurveScorer"}  # scikit-learn 1.6
# Compiled modules that call themselves by the last part of their name alone, and the package they belong to.
BARE_MODULES = {"_loss": "sklearn"}  # scikit-learn 1.5 to 1.8

F = TypeVar("F", bound=Callable[..., Any])


def cached(function: F) -> F:
    """Remember what a function of classes and names gave; with the function's own signature for a type checker."""
    return lru_cache(maxsize=4096)(function)  # type: ignore[return-value]


@cached
def class_name(cls: type) -> str:
    """Return the stable name of a class, such as ``"sklearn.preprocessing:StandardScaler"``.

    A class that declares ``__fingerprint_class__`` (another class, or a name) in its own body goes by that.

    Raises
    ------
    UnfingerprintableError
        If the name does not lead back to the class: a class made inside a function, say.
    """
    declared = cls.__dict__.get("__fingerprint_class__")
    if isinstance(declared, str):
        return declared
    if declared is not None:
        return class_name(declared)
    name = resolved_name(cls, cls.__module__, cls.__qualname__)
    return MOVED.get(name, name)


def function_name(function: Any) -> str:
    """Return the stable name of a function, builtin or ufunc.

    Raises
    ------
    UnfingerprintableError
        For a lambda, a function made inside another, or one that its name does not lead back to.
    """
    if isinstance(function, np.ufunc):
        name = str(function.__name__)
        for home in ("numpy", "scipy.special"):
            if getattr(sys.modules.get(home), name, None) is function:
                return f"{home}:{name}"
        raise UnfingerprintableError(f"the ufunc {name!r} is neither NumPy's nor SciPy's.")
    module = getattr(function, "__module__", None)
    qualname = getattr(function, "__qualname__", None) or getattr(function, "__name__", None)
    if module is None:
        # Methods of builtin types name their type, not their module.
        owner = getattr(function, "__objclass__", None) or getattr(function, "__self__", None)
        module = owner.__module__ if isinstance(owner, type) else None
    return resolved_name(function, module, qualname)


def resolved_name(target: Any, module: str | None, qualname: str | None) -> str:
    """Return the stable name of something that lies at ``qualname`` in ``module``, if it does."""
    if not module or not qualname:
        raise UnfingerprintableError(f"{target!r} has no name to be found by.")
    found = sys.modules.get(module)
    for part in qualname.split("."):
        found = getattr(found, part, None)
    if found is not target and found != target:
        kind = "a lambda" if "<lambda>" in qualname else "made inside a function, or replaced since"
        raise UnfingerprintableError(
            f"the name {module}.{qualname} does not lead back to it: it is {kind}.",
            remedy="Define it at the top level of a module that can be imported where the object is served.",
        )
    root, *parts = module.split(".")
    package = BARE_MODULES.get(module)
    if package is not None and package in PurePath(getattr(sys.modules.get(module), "__file__", None) or "").parts:
        root = package
    public = ".".join([root, *(part for part in parts if not part.startswith("_"))])
    return f"{public}:{qualname}"
