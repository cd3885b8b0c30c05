"""The zoo's variants: a class once more, with parameters or data that leave another kind of fitted state.

Trees and their call counters, cyclic structures, generators that advance, object and string arrays, sparse matrices,
functions by name, data frames: what a default fit on a matrix of floats doesn't show.
"""

# ruff: noqa: E501  (tables: one case a line)

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import zoo_case as data
from sklearn import cluster, compose, ensemble, impute, kernel_approximation, neighbors
from sklearn import linear_model as lm
from sklearn import model_selection as ms
from sklearn import preprocessing as pp
from sklearn.calibration import CalibratedClassifierCV
from sklearn.decomposition import PCA, IncrementalPCA, LatentDirichletAllocation
from sklearn.dummy import DummyClassifier
from sklearn.experimental import (  # noqa: F401  (the import is what makes them available)
    enable_halving_search_cv,
    enable_iterative_imputer,
)
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.gaussian_process import GaussianProcessClassifier, GaussianProcessRegressor, kernels
from sklearn.manifold import Isomap
from sklearn.mixture import GaussianMixture
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.semi_supervised import LabelPropagation
from sklearn.svm import SVC, SVR, LinearSVC
from zoo_case import ROWS, Case
from zoo_meta import bin_options, cases, columns, halve, linear_gram, mixed_columns, taxicab, tree, votes


def _strings(seed: int = 0) -> data.Data:
    table, _ = data.frame(seed)
    towns = np.array(table["town"].tolist(), dtype=object)
    return (np.column_stack([towns, np.roll(towns, 1 + seed)]),)


def _strings_with_gaps(seed: int = 0) -> data.Data:
    (X,) = _strings(seed)
    X = X.copy()
    X[::5, 0] = None
    X[1::7, 1] = np.nan
    return (X,)


def _strings_or_none(seed: int = 0) -> data.Data:
    (X,) = _strings(seed)
    X = X.copy()
    X[::5, 0] = None
    return (X,)


def _coded(seed: int = 0) -> data.Data:
    """Four numbers and a column of category codes."""
    X, y = data.blobs(seed)
    return np.column_stack([X, np.arange(ROWS) // 4 % 3]), y


def _categories(seed: int = 0) -> data.Data:
    table, y = data.frame(seed)
    return table.assign(town=table["town"].astype("category")), y


def _town_only(seed: int = 0) -> data.Data:
    table, _ = data.frame(seed)
    return (table[["town"]],)


def _counts(seed: int = 0) -> data.Data:
    X, y = data.ordinals(seed)
    return X.astype(np.int32), y


def _float32(seed: int = 0) -> data.Data:
    return (data.features(seed)[0].astype(np.float32),)


def _sparse_features(seed: int = 0) -> data.Data:
    return data.csr(seed)[:1]


def _numeric_frame_only(seed: int = 0) -> data.Data:
    return data.numeric_frame(seed)[:1]


def _town_target(seed: int = 0) -> data.Data:
    table, _ = data.frame(seed)
    return data.features(seed)[0], table["town"]


def _in_pandas(make: Callable[[], Any]) -> Any:
    return make().set_output(transform="pandas")


def _seeded(cls: Callable[..., Any], **kwargs: Any) -> Any:
    # the generator is part of the estimator and advances while it is fitted and, for some, used
    return cls(random_state=np.random.RandomState(5), **kwargs)


def _grid(**kwargs: Any) -> ms.GridSearchCV:
    pipe = Pipeline([("scale", pp.StandardScaler()), ("clf", SVC())])
    return ms.GridSearchCV(pipe, {"clf__C": [0.5, 2.0], "scale": [pp.StandardScaler(), "passthrough"]}, cv=3, **kwargs)


def _search_over_distribution() -> Any:
    from scipy.stats import loguniform

    return ms.RandomizedSearchCV(lm.Ridge(), {"alpha": loguniform(0.1, 10.0)}, n_iter=2, cv=ms.KFold(3))


_STOP_WORDS = ["drift", "seal", "model"]
_KERNEL = kernels.ConstantKernel(2.0) * kernels.RBF([1.0, 2.0, 3.0, 4.0]) + kernels.WhiteKernel(0.5)

VARIANTS: dict[str, Case] = cases(
    ("AgglomerativeClustering[distances]", lambda: cluster.AgglomerativeClustering(compute_distances=True), data.features),
    ("Birch[nested]", lambda: cluster.Birch(n_clusters=cluster.KMeans(3, n_init=1), threshold=0.1, branching_factor=3), data.features),
    ("CalibratedClassifierCV[isotonic]", lambda: CalibratedClassifierCV(LinearSVC(), method="isotonic", cv=3, ensemble=False), data.binary),
    ("ColumnTransformer[frame]", mixed_columns, data.frame),
    ("ColumnTransformer[pandas out]", lambda: _in_pandas(lambda: columns(encode="ordinal", **bin_options())), _numeric_frame_only),
    ("CountVectorizer[char]", lambda: CountVectorizer(analyzer="char_wb", ngram_range=(1, 2)), data.texts),
    ("CountVectorizer[stop words]", lambda: CountVectorizer(stop_words=_STOP_WORDS), data.texts),
    ("CountVectorizer[vocabulary set]", lambda: CountVectorizer(vocabulary={"lock", "seal", "guard", "drift"}), data.texts, {"learns": False}),
    ("DecisionTreeClassifier[many outputs]", tree, data.two_labels),
    ("DummyClassifier[uniform]", lambda: DummyClassifier(strategy="uniform"), data.unbalanced_classes),
    ("FunctionTransformer[own]", lambda: pp.FunctionTransformer(halve, kw_args={"by": 3.0}), data.features, {"learns": False}),
    ("GaussianMixture[generator]", lambda: _seeded(GaussianMixture, n_components=2), data.features),
    ("GaussianProcessClassifier[kernel]", lambda: GaussianProcessClassifier(1.0 * kernels.RBF(2.0)), data.binary),
    ("GaussianProcessRegressor[kernel]", lambda: GaussianProcessRegressor(_KERNEL, normalize_y=True, n_restarts_optimizer=1), data.continuous),
    ("GradientBoostingClassifier[early stop]", lambda: ensemble.GradientBoostingClassifier(n_estimators=6, n_iter_no_change=2, init=tree()), data.named_classes),
    ("GridSearchCV[pipeline]", _grid, data.blobs),
    ("GridSearchCV[metrics]", lambda: _grid(scoring=["accuracy", "f1_macro"], refit="f1_macro", return_train_score=True), data.blobs),
    ("HDBSCAN[centers]", lambda: cluster.HDBSCAN(min_cluster_size=4, store_centers="both"), data.features),
    ("HistGradientBoostingClassifier[categories]", lambda: ensemble.HistGradientBoostingClassifier(max_iter=3, min_samples_leaf=4, categorical_features=[4]), _coded),
    ("HistGradientBoostingClassifier[early stop]", lambda: ensemble.HistGradientBoostingClassifier(max_iter=4, early_stopping=True, min_samples_leaf=4), data.named_classes),
    ("HistGradientBoostingRegressor[gaps]", lambda: ensemble.HistGradientBoostingRegressor(max_iter=3, min_samples_leaf=4, monotonic_cst=[1, 0, -1, 0]), lambda seed=0: (*data.gaps(seed), data.continuous(seed)[1])),
    ("IncrementalPCA[whiten]", lambda: IncrementalPCA(2, whiten=True, batch_size=12), _float32),
    ("IsolationForest[warm]", lambda: ensemble.IsolationForest(n_estimators=3, warm_start=True, max_samples=20), data.features),
    ("Isomap[radius]", lambda: Isomap(n_neighbors=None, radius=40.0), data.features),
    ("IterativeImputer[posterior]", lambda: impute.IterativeImputer(sample_posterior=True, max_iter=2), data.gaps),
    ("IterativeImputer[forest]", lambda: impute.IterativeImputer(ensemble.RandomForestRegressor(2), max_iter=1, add_indicator=True), data.gaps),
    ("KMeans[generator]", lambda: _seeded(cluster.KMeans, n_clusters=3, n_init=1), data.features),
    ("KMeans[init]", lambda: cluster.KMeans(3, init=data.features(9)[0][:3], n_init=1), data.features),
    ("KNeighborsClassifier[ball tree]", lambda: neighbors.KNeighborsClassifier(algorithm="ball_tree", leaf_size=5), data.named_classes),
    ("KNeighborsClassifier[brute]", lambda: neighbors.KNeighborsClassifier(algorithm="brute"), data.csr),
    ("KNeighborsClassifier[own metric]", lambda: neighbors.KNeighborsClassifier(metric=taxicab), data.blobs),
    ("KNeighborsRegressor[kd tree]", lambda: neighbors.KNeighborsRegressor(algorithm="kd_tree", weights="distance", leaf_size=5), data.continuous),
    ("KernelDensity[ball tree]", lambda: neighbors.KernelDensity(bandwidth=2.0, algorithm="ball_tree", leaf_size=5), data.features),
    ("LabelBinarizer[sparse]", lambda: pp.LabelBinarizer(sparse_output=True), data.labels),
    ("LabelEncoder[pandas]", pp.LabelEncoder, lambda seed=0: _town_target(seed)[1:]),
    ("LabelPropagation[knn]", lambda: LabelPropagation(kernel="knn", n_neighbors=5), data.partly_labelled),
    ("LatentDirichletAllocation[online]", lambda: LatentDirichletAllocation(3, learning_method="online", max_iter=2), data.positive_features),
    ("LocalOutlierFactor[novelty]", lambda: neighbors.LocalOutlierFactor(10, novelty=True), data.features),
    ("LogisticRegression[frame]", lambda: lm.LogisticRegression(class_weight={0: 1.0, 1: 2.0, 2: 1.5}), data.numeric_frame),
    ("LogisticRegression[pandas target]", lm.LogisticRegression, _town_target),
    ("LogisticRegression[sparse]", lambda: lm.LogisticRegression(solver="liblinear", class_weight="balanced"), lambda seed=0: (data.csr(seed)[0], data.binary(seed)[1])),
    ("MLPClassifier[early stop]", lambda: MLPClassifier((5,), solver="sgd", early_stopping=True, max_iter=5), data.blobs),
    ("MiniBatchKMeans[generator]", lambda: _seeded(cluster.MiniBatchKMeans, n_clusters=3, n_init=1), data.features),
    ("MinMaxScaler[frame]", lambda: pp.MinMaxScaler(clip=True), _numeric_frame_only),
    ("MultiLabelBinarizer[sparse]", lambda: pp.MultiLabelBinarizer(sparse_output=True), data.tag_sets),
    ("NearestNeighbors[cosine]", lambda: neighbors.NearestNeighbors(metric="cosine"), _sparse_features, {"not_used": ("radius_neighbors", "radius_neighbors_graph")}),
    ("NearestNeighbors[mahalanobis]", lambda: neighbors.NearestNeighbors(metric="mahalanobis", metric_params={"VI": np.diag([1.0, 0.5, 2.0, 1.0])}, algorithm="ball_tree", radius=99.0), data.features),
    ("Nystroem[generator]", lambda: _seeded(kernel_approximation.Nystroem, n_components=5), data.features),
    ("OneHotEncoder[categories]", lambda: pp.OneHotEncoder(categories=[["Bonn", "Graz", "Ulm", "Wien"]], drop="first"), _town_only, {"learns": False}),
    ("OneHotEncoder[gaps]", lambda: pp.OneHotEncoder(handle_unknown="ignore"), _strings_with_gaps),
    ("OneHotEncoder[infrequent]", lambda: pp.OneHotEncoder(min_frequency=14, handle_unknown="infrequent_if_exist"), _strings),
    ("OneHotEncoder[frame]", lambda: pp.OneHotEncoder(sparse_output=False), lambda seed=0: (_categories(seed)[0][["town"]],)),
    ("OneHotEncoder[integers]", pp.OneHotEncoder, lambda seed=0: _counts(seed)[:1]),
    ("OneHotEncoder[strings]", pp.OneHotEncoder, _strings),
    ("OneVsRestClassifier[constant]", lambda: OneVsRestClassifier(GaussianNB()), lambda seed=0: (data.features(seed)[0], np.column_stack([data.two_labels(seed)[1], np.ones(ROWS, int)]))),
    ("OrdinalEncoder[gaps]", lambda: pp.OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2), _strings_with_gaps),
    ("PCA[mle]", lambda: PCA("mle", svd_solver="full"), _numeric_frame_only),
    ("Pipeline[passthrough]", lambda: Pipeline([("none", "passthrough"), ("own", pp.FunctionTransformer(halve)), ("pca", PCA(2)), ("clf", ensemble.RandomForestClassifier(3))]), data.named_classes, {"not_used": ("get_feature_names_out",)}),
    ("Pipeline[text]", lambda: make_pipeline(TfidfVectorizer(sublinear_tf=True), lm.SGDClassifier(average=True)), data.texts, {"not_used": ("get_feature_names_out",)}),
    ("PowerTransformer[box-cox]", lambda: pp.PowerTransformer("box-cox"), data.positive_features),
    ("RandomForestClassifier[generator]", lambda: _seeded(ensemble.RandomForestClassifier, n_estimators=3), data.blobs),
    ("RandomForestClassifier[oob]", lambda: ensemble.RandomForestClassifier(12, oob_score=True, class_weight="balanced"), data.named_classes),
    ("RandomizedSearchCV[distribution]", _search_over_distribution, data.continuous),
    ("RidgeCV[loo]", lambda: lm.RidgeCV(alphas=[0.1, 1.0]), data.continuous),
    ("SGDClassifier[early stop]", lambda: lm.SGDClassifier(early_stopping=True, n_iter_no_change=2, loss="log_loss"), data.named_classes),
    ("SVC[named]", lambda: SVC(kernel="poly", class_weight="balanced", decision_function_shape="ovo"), data.named_classes),
    ("SVC[own kernel]", lambda: SVC(kernel=linear_gram), data.blobs),
    ("SVC[precomputed]", lambda: SVC(kernel="precomputed"), data.gram),
    ("SVC[sparse]", SVC, data.csr),
    ("SVR[sparse]", lambda: SVR(kernel="linear"), lambda seed=0: (data.csr(seed)[0], data.continuous(seed)[1])),
    ("SimpleImputer[constant]", lambda: impute.SimpleImputer(strategy="constant", fill_value=-1, add_indicator=True), data.gaps),
    ("SimpleImputer[strings]", lambda: impute.SimpleImputer(strategy="most_frequent", missing_values=None), _strings_or_none, {"not_used": ("inverse_transform",)}),
    ("SplineTransformer[sparse]", lambda: pp.SplineTransformer(n_knots=4, sparse_output=True), data.features),
    ("StandardScaler[float32]", pp.StandardScaler, _float32),
    ("StandardScaler[frame]", pp.StandardScaler, _numeric_frame_only),
    ("StandardScaler[gaps]", pp.StandardScaler, data.gaps),
    ("StandardScaler[sparse]", lambda: pp.StandardScaler(with_mean=False), _sparse_features),
    ("TargetEncoder[frame]", pp.TargetEncoder, lambda seed=0: (_town_only(seed)[0], data.continuous(seed)[1])),
    ("TfidfVectorizer[stop words]", lambda: TfidfVectorizer(stop_words="english", ngram_range=(1, 2), norm="l1"), data.texts),
    ("TransformedTargetRegressor[functions]", lambda: compose.TransformedTargetRegressor(lm.Ridge(), func=np.log, inverse_func=np.exp), data.positive_target),
    ("VotingClassifier[drop]", lambda: ensemble.VotingClassifier([*votes(), ("none", "drop")]), data.named_classes),
)  # fmt: skip
