"""The drop-ins, in one table: which modules have them, and which stock class each stands for."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from importlib import import_module

from .seals.mixin import Locked

#: The modules that users import drop-ins from: each has the name of scikit-learn's.
MODULES = (
    "calibration",
    "compose",
    "decomposition",
    "ensemble",
    "feature_extraction",
    "feature_extraction.text",
    "feature_selection",
    "frozen",
    "impute",
    "model_selection",
    "multiclass",
    "multioutput",
    "pipeline",
    "preprocessing",
)


@lru_cache(maxsize=1)
def drop_ins() -> dict[type, type[Locked]]:
    """Return the drop-in of each stock class that has one, in the installed version of scikit-learn.

    Examples
    --------
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sklearn_normlock.drop_ins import drop_ins
    >>> drop_ins()[StandardScaler].__module__
    'sklearn_normlock.preprocessing'
    """
    found = {}
    for name in MODULES:
        module = import_module(f"{__package__}.{name}")
        for value in vars(module).values():
            if isinstance(value, type) and issubclass(value, Locked) and value.__module__ == module.__name__:
                found[value.__fingerprint_class__] = value
    return found


def sealing_classes() -> dict[type, type[Locked]]:
    """Return the drop-ins, and those of the integrations that were imported, such as imbalanced-learn's pipeline.

    Examples
    --------
    >>> from sklearn_normlock.drop_ins import drop_ins, sealing_classes
    >>> drop_ins().items() <= sealing_classes().items()
    True
    """
    prefix = f"{__package__}.integrations."
    imported = (cls for cls in locked_classes() if cls.__module__.startswith(prefix))
    return {**{cls.__fingerprint_class__: cls for cls in imported}, **drop_ins()}


def locked_classes() -> Iterator[type[Locked]]:
    """Yield every class made with ``Locked`` so far, drop-ins and classes of users alike.

    Examples
    --------
    >>> from sklearn_normlock.drop_ins import locked_classes
    >>> from sklearn_normlock.pipeline import Pipeline
    >>> Pipeline in locked_classes()
    True
    """
    drop_ins()  # imports them all
    waiting = Locked.__subclasses__()
    seen = set()
    while waiting:
        cls = waiting.pop()
        if cls not in seen:
            seen.add(cls)
            waiting += cls.__subclasses__()
            yield cls
