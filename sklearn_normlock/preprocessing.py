"""Drop-ins for :mod:`sklearn.preprocessing`; its functions keep no state and are passed on as they are."""

from sklearn import preprocessing as stock
from sklearn.preprocessing import (
    add_dummy_feature,
    binarize,
    label_binarize,
    maxabs_scale,
    minmax_scale,
    normalize,
    power_transform,
    quantile_transform,
    robust_scale,
    scale,
)

from .seals.mixin import Locked

__all__ = [
    "Binarizer",
    "FunctionTransformer",
    "KBinsDiscretizer",
    "KernelCenterer",
    "LabelBinarizer",
    "LabelEncoder",
    "MaxAbsScaler",
    "MinMaxScaler",
    "MultiLabelBinarizer",
    "Normalizer",
    "OneHotEncoder",
    "OrdinalEncoder",
    "PolynomialFeatures",
    "PowerTransformer",
    "QuantileTransformer",
    "RobustScaler",
    "SplineTransformer",
    "StandardScaler",
    "TargetEncoder",
    "add_dummy_feature",
    "binarize",
    "label_binarize",
    "maxabs_scale",
    "minmax_scale",
    "normalize",
    "power_transform",
    "quantile_transform",
    "robust_scale",
    "scale",
]


class Binarizer(Locked, stock.Binarizer):
    pass


class FunctionTransformer(Locked, stock.FunctionTransformer):
    pass


class KBinsDiscretizer(Locked, stock.KBinsDiscretizer):
    pass


class KernelCenterer(Locked, stock.KernelCenterer):
    pass


class LabelBinarizer(Locked, stock.LabelBinarizer):
    pass


class LabelEncoder(Locked, stock.LabelEncoder):
    pass


class MaxAbsScaler(Locked, stock.MaxAbsScaler):
    pass


class MinMaxScaler(Locked, stock.MinMaxScaler):
    pass


class MultiLabelBinarizer(Locked, stock.MultiLabelBinarizer):
    pass


class Normalizer(Locked, stock.Normalizer):
    pass


class OneHotEncoder(Locked, stock.OneHotEncoder):
    pass


class OrdinalEncoder(Locked, stock.OrdinalEncoder):
    pass


class PolynomialFeatures(Locked, stock.PolynomialFeatures):
    pass


class PowerTransformer(Locked, stock.PowerTransformer):
    pass


class QuantileTransformer(Locked, stock.QuantileTransformer):
    pass


class RobustScaler(Locked, stock.RobustScaler):
    pass


class SplineTransformer(Locked, stock.SplineTransformer):
    pass


class StandardScaler(Locked, stock.StandardScaler):
    pass


class TargetEncoder(Locked, stock.TargetEncoder):
    pass
