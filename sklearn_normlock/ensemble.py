"""Drop-ins for :mod:`sklearn.ensemble`: those ensembles whose members the user chooses, and that may be pipelines."""

from sklearn import ensemble as stock

from .seals.missing import missing
from .seals.mixin import Locked

__all__ = [
    "BaggingClassifier",
    "BaggingRegressor",
    "StackingClassifier",
    "StackingRegressor",
    "VotingClassifier",
    "VotingRegressor",
]


class BaggingClassifier(Locked, stock.BaggingClassifier):
    pass


class BaggingRegressor(Locked, stock.BaggingRegressor):
    pass


class StackingClassifier(Locked, stock.StackingClassifier):
    pass


class StackingRegressor(Locked, stock.StackingRegressor):
    pass


class VotingClassifier(Locked, stock.VotingClassifier):
    pass


class VotingRegressor(Locked, stock.VotingRegressor):
    pass


__getattr__ = missing(__name__)
