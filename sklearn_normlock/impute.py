"""Drop-ins for :mod:`sklearn.impute`."""

# scikit-learn hides IterativeImputer until this module is imported.
import sklearn.experimental.enable_iterative_imputer  # noqa: F401
from sklearn import impute as stock

from .seals.mixin import Locked

__all__ = [
    "IterativeImputer",
    "KNNImputer",
    "MissingIndicator",
    "SimpleImputer",
]


class IterativeImputer(Locked, stock.IterativeImputer):
    pass


class KNNImputer(Locked, stock.KNNImputer):
    pass


class MissingIndicator(Locked, stock.MissingIndicator):
    pass


class SimpleImputer(Locked, stock.SimpleImputer):
    pass
