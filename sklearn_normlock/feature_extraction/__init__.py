"""Drop-ins for :mod:`sklearn.feature_extraction`; its functions keep no state and are passed on as they are."""

from sklearn import feature_extraction as stock
from sklearn.feature_extraction import (
    grid_to_graph,
    img_to_graph,
)

from ..seals.mixin import Locked

__all__ = [
    "DictVectorizer",
    "FeatureHasher",
    "grid_to_graph",
    "img_to_graph",
]


class DictVectorizer(Locked, stock.DictVectorizer):
    pass


class FeatureHasher(Locked, stock.FeatureHasher):
    pass
