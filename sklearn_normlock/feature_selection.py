"""Drop-ins for :mod:`sklearn.feature_selection`; what keeps no state is passed on as it is."""

from sklearn import feature_selection as stock
from sklearn.feature_selection import (
    SelectorMixin,
    chi2,
    f_classif,
    f_oneway,
    f_regression,
    mutual_info_classif,
    mutual_info_regression,
    r_regression,
)

from .seals.missing import missing
from .seals.mixin import Locked

__all__ = [
    "GenericUnivariateSelect",
    "RFE",
    "RFECV",
    "SelectFdr",
    "SelectFpr",
    "SelectFromModel",
    "SelectFwe",
    "SelectKBest",
    "SelectPercentile",
    "SelectorMixin",
    "SequentialFeatureSelector",
    "VarianceThreshold",
    "chi2",
    "f_classif",
    "f_oneway",
    "f_regression",
    "mutual_info_classif",
    "mutual_info_regression",
    "r_regression",
]


class GenericUnivariateSelect(Locked, stock.GenericUnivariateSelect):
    pass


class RFE(Locked, stock.RFE):
    pass


class RFECV(Locked, stock.RFECV):
    pass


class SelectFdr(Locked, stock.SelectFdr):
    pass


class SelectFpr(Locked, stock.SelectFpr):
    pass


class SelectFromModel(Locked, stock.SelectFromModel):
    pass


class SelectFwe(Locked, stock.SelectFwe):
    pass


class SelectKBest(Locked, stock.SelectKBest):
    pass


class SelectPercentile(Locked, stock.SelectPercentile):
    pass


class SequentialFeatureSelector(Locked, stock.SequentialFeatureSelector):
    pass


class VarianceThreshold(Locked, stock.VarianceThreshold):
    pass


__getattr__ = missing(__name__)
