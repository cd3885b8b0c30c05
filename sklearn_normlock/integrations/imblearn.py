"""imbalanced-learn: its pipeline, locked. Samplers are bound like every other step.

imbalanced-learn's samplers and models work in a locked pipeline as they are; a pipeline with a sampler has to be
imbalanced-learn's own. Import this one in its place::

    from sklearn_normlock.integrations.imblearn import Pipeline, make_pipeline
"""

from __future__ import annotations

from importlib import import_module

from ..errors import MissingDependencyError

try:
    from imblearn import pipeline as stock
except ImportError as error:
    raise MissingDependencyError(
        f"There is no imbalanced-learn to be locked ({error}).",
        remedy="Install it: pip install imbalanced-learn.",
    ) from None

from ..pipeline import SealedSlices
from ..seals.mixin import Locked
from ..seals.rebuilt import rebuilt
from ..trust import trusted_types as _ours

__all__ = ["Pipeline", "make_pipeline", "trusted_types"]

_ROOMS = ("over_sampling", "under_sampling", "combine", "ensemble")


class Pipeline(SealedSlices, Locked, stock.Pipeline):
    """:class:`imblearn.pipeline.Pipeline`, locked: it binds every step, samplers included, to every other."""

    __fingerprint_class__ = stock.Pipeline
    _normlock_thin = True


make_pipeline = rebuilt(stock.make_pipeline, Pipeline)


def trusted_types() -> tuple[str, ...]:
    """Return what :func:`skops.io.load` has to trust: this package's classes, and imbalanced-learn's.

    Returns
    -------
    names : tuple of str
        Sorted. As for :func:`sklearn_normlock.trusted_types`, nothing of it is read from an artifact.

    Examples
    --------
    >>> from sklearn_normlock.integrations import imblearn  # doctest: +SKIP
    >>> nl.load("model.skops", trusted=imblearn.trusted_types())  # doctest: +SKIP
    """
    names = {f"{Pipeline.__module__}.{Pipeline.__qualname__}"}
    for room in _ROOMS:
        module = import_module(f"imblearn.{room}")
        for name in module.__all__:
            cls = getattr(module, name)
            names.add(f"{cls.__module__}.{cls.__qualname__}")
    return tuple(sorted({*names, *_ours()}))
