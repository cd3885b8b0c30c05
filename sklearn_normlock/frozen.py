"""Drop-in for :mod:`sklearn.frozen`, which scikit-learn has from 1.6 on.

scikit-learn's ``FrozenEstimator`` ignores ``fit``; this one is also sealed, and notices a change of what it holds.
"""

import functools
from importlib.util import find_spec
from typing import Any

from .seals.missing import missing
from .seals.mixin import Locked
from .seals.seal import check, fitted_attribute, seal
from .seals.shape import CHECKED

__all__ = []

if find_spec("sklearn.frozen") is not None:
    from sklearn import frozen as stock

    class FrozenEstimator(Locked, stock.FrozenEstimator):
        __fingerprint_class__ = stock.FrozenEstimator
        _normlock_thin = True  # what it computes is its parent's

        def __getattr__(self, name: str) -> Any:
            # The parent has no method of its own to predict or transform: it hands out those of what it holds.
            value = super().__getattr__(name)
            return value if name not in CHECKED else _checked(self, value)

    __all__ += ["FrozenEstimator"]


def _checked(frozen: Any, method: Any) -> Any:
    @functools.wraps(method)
    def call(*args: Any, **kwargs: Any) -> Any:
        if not check(frozen) and fitted_attribute(vars(frozen)["estimator"]) is not None:
            seal(frozen)  # its fit may be left out, as it does nothing
        return method(*args, **kwargs)

    return call


__getattr__ = missing(__name__, {"FrozenEstimator": "1.6"})
