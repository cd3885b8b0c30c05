"""Drop-ins for :mod:`sklearn.pipeline`: a composite binds every step to every other.

A sealed pipeline's fingerprint covers its steps and the final estimator, locked or not. A step that is refitted,
swapped, re-ordered or loaded from elsewhere is therefore a mismatch of the pipeline, found at its next call or load.
"""

from typing import Any

from sklearn import pipeline as stock

from .seals.mixin import Locked
from .seals.opened import Opening
from .seals.rebuilt import rebuilt
from .seals.seal import check, open_copy, seal, watch_over
from .seals.watch import FINGERPRINT, Watch

__all__ = ["FeatureUnion", "Pipeline", "make_pipeline", "make_union"]


class FeatureUnion(Locked, stock.FeatureUnion):
    pass


class SealedSlices:
    """For a pipeline: a slice of one that is what was fitted is sealed like the whole."""

    def __getitem__(self, ind: Any) -> Any:
        part = super().__getitem__(ind)  # type: ignore[misc]
        if not isinstance(ind, slice):
            return part
        opening = watch_over(self)
        if isinstance(opening, Opening) and opening.admits():
            open_copy(part, opening)  # a pipeline that is being fitted transforms metadata by the steps before
        elif FINGERPRINT in vars(self):
            # A part of a pipeline that is what was fitted is what was fitted, and is bound as the whole is.
            check(self)
            watch = watch_over(self)
            if isinstance(watch, Watch) and watch.intact(self):  # else the policy let a mismatch pass
                seal(part)
        return part


class Pipeline(SealedSlices, Locked, stock.Pipeline):
    __fingerprint_class__ = stock.Pipeline
    _normlock_thin = True  # what it computes is its parent's


make_pipeline = rebuilt(stock.make_pipeline, Pipeline)
make_union = rebuilt(stock.make_union, FeatureUnion)
