"""Every estimator of scikit-learn, fitted on small data, for tests whose claim is "for any estimator".

`ZOO` maps a name to a `Case`: a factory for fresh unfitted estimators, the data they are fitted on, and what using
them means. The plain cases are made here, from `all_estimators()` and the tables below; `zoo_meta` adds what needs
arguments, `zoo_variants` the variants (``"OneHotEncoder[strings]"``) whose fitted state differs in kind. A class that
the installed scikit-learn lacks is absent; one that it has is in `ZOO` or, with a reason, in `LEFT_OUT`: a test keeps
that so. `THIRD_PARTY` has the same for other packages, as far as they are installed.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import zoo_case as data
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.experimental import (  # noqa: F401  (the import is what makes them available)
    enable_halving_search_cv,
    enable_iterative_imputer,
)
from sklearn.utils.discovery import all_estimators
from zoo_case import Case
from zoo_meta import META
from zoo_third_party import THIRD_PARTY
from zoo_variants import VARIANTS

__all__ = ["CLASSES", "LEFT_OUT", "THIRD_PARTY", "ZOO", "Case", "iter_zoo"]

#: name -> class, of the installed scikit-learn.
CLASSES: dict[str, type] = dict(all_estimators())

#: Classes that have no case, with the reason.
LEFT_OUT: dict[str, str] = {}

#: Parameters that keep a fit small, or that the toy data need; else the defaults hold.
_PARAMS: dict[str, dict[str, Any]] = {
    "SpectralEmbedding": {"n_neighbors": 5},  # with the default all rows are neighbours, and any basis is a solution
    "AdaBoostClassifier": {"n_estimators": 4},
    "AdaBoostRegressor": {"n_estimators": 4},
    "BaggingClassifier": {"n_estimators": 3},
    "BaggingRegressor": {"n_estimators": 3},
    "BayesianGaussianMixture": {"n_components": 2},
    "BernoulliRBM": {"n_components": 4, "n_iter": 3},
    "Birch": {"n_clusters": 3, "threshold": 0.3, "branching_factor": 5},
    "BisectingKMeans": {"n_clusters": 3},
    "CountVectorizer": {"max_df": 0.9},
    "DBSCAN": {"eps": 4.0, "min_samples": 3},
    "DictionaryLearning": {"n_components": 3, "max_iter": 5},
    "ElasticNetCV": {"cv": 3},
    "ExtraTreesClassifier": {"n_estimators": 4},
    "ExtraTreesRegressor": {"n_estimators": 4},
    "FactorAnalysis": {"n_components": 2},
    "FastICA": {"n_components": 2, "whiten": "unit-variance"},
    "FeatureAgglomeration": {"compute_distances": True},
    "FeatureHasher": {"n_features": 16},
    "GaussianMixture": {"n_components": 2},
    "GaussianRandomProjection": {"n_components": 2},
    "GraphicalLasso": {"alpha": 0.5},
    "GraphicalLassoCV": {"cv": 3, "alphas": 3},
    "GradientBoostingClassifier": {"n_estimators": 4},
    "GradientBoostingRegressor": {"n_estimators": 4},
    "HDBSCAN": {"min_cluster_size": 4},
    "HashingVectorizer": {"n_features": 16},
    "HistGradientBoostingClassifier": {"max_iter": 4, "min_samples_leaf": 4},
    "HistGradientBoostingRegressor": {"max_iter": 4, "min_samples_leaf": 4},
    "HuberRegressor": {"max_iter": 200},
    "IncrementalPCA": {"n_components": 2, "batch_size": 12},
    "IsolationForest": {"n_estimators": 4},
    "IterativeImputer": {"max_iter": 3},
    "KMeans": {"n_clusters": 3, "n_init": 2},
    "KernelPCA": {"n_components": 3, "kernel": "rbf", "fit_inverse_transform": True},
    "LarsCV": {"cv": 3},
    "LassoCV": {"cv": 3},
    "LassoLarsCV": {"cv": 3},
    "LatentDirichletAllocation": {"n_components": 3, "max_iter": 3},
    "LogisticRegressionCV": {"Cs": 3, "cv": 3},
    "MDS": {"n_init": 1, "max_iter": 20},
    "MLPClassifier": {"hidden_layer_sizes": (6,), "max_iter": 10},
    "MLPRegressor": {"hidden_layer_sizes": (6,), "max_iter": 10},
    "MeanShift": {"bandwidth": 8.0},
    "MiniBatchDictionaryLearning": {"n_components": 3, "max_iter": 5},
    "MiniBatchKMeans": {"n_clusters": 3, "n_init": 2},
    "MiniBatchNMF": {"n_components": 2, "max_iter": 10},
    "MiniBatchSparsePCA": {"n_components": 2, "max_iter": 5},
    "MultiTaskElasticNetCV": {"cv": 3},
    "MultiTaskLassoCV": {"cv": 3},
    "NMF": {"n_components": 2, "max_iter": 50},
    "NeighborhoodComponentsAnalysis": {"max_iter": 10},
    "NuSVC": {"nu": 0.3},
    "Nystroem": {"n_components": 10},
    "OPTICS": {"min_samples": 4},
    "OrthogonalMatchingPursuitCV": {"cv": 3},
    "PatchExtractor": {"patch_size": (3, 3)},
    "PolynomialCountSketch": {"n_components": 8},
    "QuantileTransformer": {"n_quantiles": 10},
    "RANSACRegressor": {"min_samples": 10},
    "RBFSampler": {"n_components": 8},
    "RadiusNeighborsClassifier": {"radius": 50.0},
    "RadiusNeighborsRegressor": {"radius": 50.0},
    "RadiusNeighborsTransformer": {"radius": 50.0},
    "RandomForestClassifier": {"n_estimators": 4},
    "RandomForestRegressor": {"n_estimators": 4},
    "RandomTreesEmbedding": {"n_estimators": 4, "max_depth": 3},
    "RidgeClassifierCV": {"cv": 3},
    "SkewedChi2Sampler": {"n_components": 8},
    "SparsePCA": {"n_components": 2, "max_iter": 5},
    "SparseRandomProjection": {"n_components": 2},
    "SpectralBiclustering": {"n_clusters": (2, 2)},
    "SpectralClustering": {"n_clusters": 3, "n_init": 2},
    "SpectralCoclustering": {"n_clusters": 2},
    "SelectKBest": {"k": 2},
    "TSNE": {"perplexity": 5.0, "init": "random"},
    "TheilSenRegressor": {"max_subpopulation": 100, "max_iter": 20},
}

#: Data other than what a class's kind suggests (classifier: three classes; regressor: one target; else no target).
_DATA = {
    data.blobs: "GenericUnivariateSelect NeighborhoodComponentsAnalysis SelectFdr SelectFpr SelectFwe SelectKBest "
    "SelectPercentile TargetEncoder",
    data.two_targets: "CCA PLSCanonical PLSSVD MultiTaskElasticNet MultiTaskElasticNetCV MultiTaskLasso "
    "MultiTaskLassoCV",
    data.unbalanced_classes: "DummyClassifier",
    data.positive: "ComplementNB MultinomialNB",
    data.positive_features: "AdditiveChi2Sampler LatentDirichletAllocation MiniBatchNMF NMF SkewedChi2Sampler "
    "SpectralBiclustering SpectralCoclustering",
    data.positive_target: "GammaRegressor PoissonRegressor TweedieRegressor",
    data.partly_labelled: "LabelPropagation LabelSpreading SelfTrainingClassifier",
    data.ordinals: "CategoricalNB",
    data.gaps: "IterativeImputer KNNImputer MissingIndicator SimpleImputer",
    data.csr: "TfidfTransformer",
    data.one_column: "IsotonicRegression",
    data.gram: "KernelCenterer",
    data.labels: "LabelBinarizer LabelEncoder",
    data.tag_sets: "MultiLabelBinarizer",
    data.records: "DictVectorizer FeatureHasher",
    data.texts: "CountVectorizer HashingVectorizer TfidfVectorizer",
    data.images: "PatchExtractor",
}
_DATA_OF = {name: maker for maker, names in _DATA.items() for name in names.split()}

#: Fitting keeps nothing of the values (what is drawn depends on the seed only): other data give the same state.
_LEARNS_NOTHING = frozenset(
    "AdditiveChi2Sampler Binarizer FeatureHasher GaussianRandomProjection HashingVectorizer Normalizer PatchExtractor "
    "PolynomialCountSketch PolynomialFeatures RBFSampler SkewedChi2Sampler SparseRandomProjection".split()
)

#: Methods that a class has and that its data don't suit.
_NOT_USED: dict[str, tuple[str, ...]] = {
    "EllipticEnvelope": ("score",),  # it wants labels of outliers
    "GaussianProcessClassifier": ("latent_mean_and_variance",),  # for two classes only
    "SimpleImputer": ("inverse_transform",),  # needs add_indicator
}


def _plain(name: str, cls: type) -> Case:
    make = partial(cls, **_PARAMS.get(name, {}))
    by_kind = data.features
    if issubclass(cls, ClassifierMixin):
        by_kind = data.blobs
    elif issubclass(cls, RegressorMixin):
        by_kind = data.continuous
    return Case(
        name=name,
        make=make,
        data=_DATA_OF.get(name, by_kind),
        not_used=_NOT_USED.get(name, ()),
        learns=name not in _LEARNS_NOTHING,
    )


def _assemble() -> dict[str, Case]:
    cases = {name: _plain(name, cls) for name, cls in CLASSES.items() if name not in META and name not in LEFT_OUT}
    cases |= {name: case for name, case in META.items() if name in CLASSES}
    return dict(sorted((cases | VARIANTS).items()))


ZOO: dict[str, Case] = _assemble()


def iter_zoo() -> Iterator[Case]:
    """Yield every case, of scikit-learn first."""
    yield from ZOO.values()
    yield from THIRD_PARTY.values()
