"""Drop-ins for :mod:`sklearn.multiclass`."""

from sklearn import multiclass as stock

from .seals.missing import missing
from .seals.mixin import Locked

__all__ = [
    "OneVsOneClassifier",
    "OneVsRestClassifier",
    "OutputCodeClassifier",
]


class OneVsOneClassifier(Locked, stock.OneVsOneClassifier):
    pass


class OneVsRestClassifier(Locked, stock.OneVsRestClassifier):
    pass


class OutputCodeClassifier(Locked, stock.OutputCodeClassifier):
    pass


__getattr__ = missing(__name__)
