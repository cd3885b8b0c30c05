"""The error of a name that a module of drop-ins doesn't have: too old a scikit-learn, or not a drop-in at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def missing(module: str, since: Mapping[str, str] | None = None) -> Callable[[str], Any]:
    """Return the ``__getattr__`` of a module of drop-ins.

    Parameters
    ----------
    module : str
        Its name.
    since : mapping of str to str, default=None
        The drop-ins that not every version of scikit-learn can have, and the version that brought each.
    """
    twin = module.replace("sklearn_normlock", "sklearn")

    def absent(name: str) -> Any:
        if since is not None and name in since:
            import sklearn

            raise ImportError(
                f"{module}.{name} stands for a class that scikit-learn has from {since[name]} on; "
                f"this is scikit-learn {sklearn.__version__}.",
                name=module,
            )
        if not name.startswith("_") and _has(twin, name):
            raise ImportError(
                f"{module} has no drop-in for {name}: import it from {twin}. "
                "A locked pipeline, or whatever else holds it, binds it as it is.",
                name=module,
            )
        raise AttributeError(f"module {module!r} has no attribute {name!r}")

    return absent


def _has(twin: str, name: str) -> bool:
    try:
        return name in import_module(twin).__all__
    except (ImportError, AttributeError):
        return False
