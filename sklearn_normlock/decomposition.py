"""Drop-ins for :mod:`sklearn.decomposition`; its functions keep no state and are passed on as they are."""

from sklearn import decomposition as stock
from sklearn.decomposition import (
    dict_learning,
    dict_learning_online,
    fastica,
    non_negative_factorization,
    randomized_svd,
    sparse_encode,
)

from .seals.mixin import Locked

__all__ = [
    "DictionaryLearning",
    "FactorAnalysis",
    "FastICA",
    "IncrementalPCA",
    "KernelPCA",
    "LatentDirichletAllocation",
    "MiniBatchDictionaryLearning",
    "MiniBatchNMF",
    "MiniBatchSparsePCA",
    "NMF",
    "PCA",
    "SparseCoder",
    "SparsePCA",
    "TruncatedSVD",
    "dict_learning",
    "dict_learning_online",
    "fastica",
    "non_negative_factorization",
    "randomized_svd",
    "sparse_encode",
]


class DictionaryLearning(Locked, stock.DictionaryLearning):
    pass


class FactorAnalysis(Locked, stock.FactorAnalysis):
    pass


class FastICA(Locked, stock.FastICA):
    pass


class IncrementalPCA(Locked, stock.IncrementalPCA):
    pass


class KernelPCA(Locked, stock.KernelPCA):
    pass


class LatentDirichletAllocation(Locked, stock.LatentDirichletAllocation):
    pass


class MiniBatchDictionaryLearning(Locked, stock.MiniBatchDictionaryLearning):
    pass


class MiniBatchNMF(Locked, stock.MiniBatchNMF):
    pass


class MiniBatchSparsePCA(Locked, stock.MiniBatchSparsePCA):
    pass


class NMF(Locked, stock.NMF):
    pass


class PCA(Locked, stock.PCA):
    pass


class SparseCoder(Locked, stock.SparseCoder):
    pass


class SparsePCA(Locked, stock.SparsePCA):
    pass


class TruncatedSVD(Locked, stock.TruncatedSVD):
    pass
