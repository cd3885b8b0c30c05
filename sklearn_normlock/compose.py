"""Drop-ins for :mod:`sklearn.compose`: each binds the transformers or regressors in it to one another."""

from sklearn import compose as stock
from sklearn.compose import make_column_selector

from .seals.mixin import Locked
from .seals.rebuilt import rebuilt

__all__ = ["ColumnTransformer", "TransformedTargetRegressor", "make_column_selector", "make_column_transformer"]


class ColumnTransformer(Locked, stock.ColumnTransformer):
    pass


class TransformedTargetRegressor(Locked, stock.TransformedTargetRegressor):
    pass


make_column_transformer = rebuilt(stock.make_column_transformer, ColumnTransformer)
