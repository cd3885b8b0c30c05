"""Drop-ins for :mod:`sklearn.multioutput`."""

from sklearn import multioutput as stock

from .seals.missing import missing
from .seals.mixin import Locked

__all__ = [
    "ClassifierChain",
    "MultiOutputClassifier",
    "MultiOutputRegressor",
    "RegressorChain",
]


class ClassifierChain(Locked, stock.ClassifierChain):
    pass


class MultiOutputClassifier(Locked, stock.MultiOutputClassifier):
    pass


class MultiOutputRegressor(Locked, stock.MultiOutputRegressor):
    pass


class RegressorChain(Locked, stock.RegressorChain):
    pass


__getattr__ = missing(__name__)
